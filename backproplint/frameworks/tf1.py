"""What only TensorFlow 1 has: tf.layers, tf.contrib, slim, recurrent cells, tf.train optimizers, initializers."""

from __future__ import annotations

from backproplint.frameworks.rows import Row, effect, layer, op, optimizer, rows, thing

_KERNEL = "activation:None bias=use_bias:True initializer=kernel_initializer:'glorot_uniform' bias_initializer:'zeros'"
_TF_LAYERS: dict[str, Row] = {
    "dense": op("dense", f"x=inputs units {_KERNEL}"),
    "conv1d conv2d conv3d conv2d_transpose separable_conv2d": op(
        "conv",
        f"x=inputs units=filters size=kernel_size _strides=strides:1 _padding=padding:'valid' * {_KERNEL}",
    ),
    "max_pooling1d max_pooling2d average_pooling1d average_pooling2d": op("pool", "x=inputs"),
    "batch_normalization": op("batch_norm", "x=inputs"),
    "dropout": op("dropout", "x=inputs rate:0.5"),
    "flatten": op("shape", "x=inputs"),
}

_WEIGHTS = "initializer=weights_initializer:'xavier_uniform' * bias_initializer=biases_initializer:'zeros'"
# contrib.layers and slim apply relu unless told otherwise.
_CONTRIB: dict[str, Row] = {
    "fully_connected": op(
        "dense",
        "x=inputs units=num_outputs activation=activation_fn:'relu' normalizer=normalizer_fn:None "
        f"_params=normalizer_params:None {_WEIGHTS}",
    ),
    "linear": op("dense", f"x=inputs units=num_outputs * {_WEIGHTS.replace('* ', '')}"),
    "relu": op("dense", f"x=inputs units=num_outputs * {_WEIGHTS.replace('* ', '')}", activation="relu"),
    "conv2d convolution2d convolution conv2d_transpose separable_conv2d": op(
        "conv",
        "x=inputs units=num_outputs size=kernel_size _stride=stride:1 _padding=padding:'SAME' * "
        f"activation=activation_fn:'relu' normalizer=normalizer_fn:None {_WEIGHTS.replace('* ', '')}",
    ),
    "max_pool2d avg_pool2d": op("pool", "x=inputs"),
    "batch_norm": op("batch_norm", "x=inputs"),
    "layer_norm": op("layer_norm", "x=inputs"),
    "dropout": op("dropout", "x=inputs"),
    "flatten": op("shape", "x=inputs"),
    "embed_sequence": op("embedding", "x=ids"),
    "xavier_initializer": thing("xavier_uniform", "uniform:True"),
    "xavier_initializer_conv2d": thing("xavier_uniform", "uniform:True"),
    "variance_scaling_initializer": thing(
        "variance_scaling", "scale=factor:2.0 mode:'FAN_IN' uniform:False", distribution="truncated_normal"
    ),
    "optimize_loss": effect(
        "minimize",
        "loss _step=global_step lr=learning_rate optimizer _noise:None _multipliers:None clip=clip_gradients:None",
    ),
}

_STD = "mean:0.0 std=stddev:1.0"
_INITIALIZERS: dict[str, Row] = {
    "random_normal": thing("normal", _STD),
    "truncated_normal": thing("truncated_normal", _STD),
    "random_uniform": thing("uniform", "low=minval:0.0 high=maxval:1.0"),
    "constant": thing("full", "value:0"),
    "zeros": thing("zeros"),
    "ones": thing("ones"),
    "orthogonal": thing("orthogonal", "gain:1.0"),
    "glorot_normal": thing("xavier_normal"),
    "glorot_uniform": thing("xavier_uniform"),
    "he_normal": thing("he_normal"),
    "he_uniform": thing("he_uniform"),
    "lecun_normal": thing("lecun_normal"),
    "variance_scaling": thing("variance_scaling", "scale:1.0 mode:'fan_in' distribution:'truncated_normal'"),
    "identity": thing("identity_matrix", "gain:1.0"),
}

_ACTIVATION = "activation:'tanh'"
_CELLS: dict[str, Row] = {
    "BasicRNNCell RNNCell": layer("rnn_cell", f"hidden=num_units * {_ACTIVATION}", "x=inputs state", kind="tanh"),
    "BasicLSTMCell": layer(
        "rnn_cell", f"hidden=num_units _forget=forget_bias:1.0 * {_ACTIVATION}", "x=inputs state", kind="lstm"
    ),
    "LSTMCell LSTMBlockCell LayerNormBasicLSTMCell CoupledInputForgetGateLSTMCell": layer(
        "rnn_cell", f"hidden=num_units * {_ACTIVATION} initializer:None", "x=inputs state", kind="lstm"
    ),
    "GRUCell GRUBlockCell GRUBlockCellV2": layer(
        "rnn_cell",
        f"hidden=num_units * {_ACTIVATION} initializer=kernel_initializer:None",
        "x=inputs state",
        kind="gru",
    ),
    "MultiRNNCell": layer("multi_cell", "cells", "x=inputs state"),
    "DropoutWrapper ResidualWrapper DeviceWrapper OutputProjectionWrapper InputProjectionWrapper EmbeddingWrapper "
    "AttentionCellWrapper": layer("wrapped_cell", "cell", "x=inputs state"),
    "LSTMStateTuple": op("group", "*xs"),
}

_LR = "lr=learning_rate"
_TRAIN: dict[str, Row] = {
    "GradientDescentOptimizer": optimizer("sgd", _LR, api="tf1"),
    "MomentumOptimizer": optimizer("sgd", f"{_LR} momentum", api="tf1"),
    "AdamOptimizer": optimizer("adam", f"{_LR}:0.001", api="tf1"),
    "RMSPropOptimizer": optimizer("rmsprop", f"{_LR} _decay=decay:0.9 momentum:0.0", api="tf1"),
    "AdagradOptimizer AdagradDAOptimizer FtrlOptimizer": optimizer("adagrad", _LR, api="tf1"),
    "AdadeltaOptimizer": optimizer("adadelta", f"{_LR}:0.001", api="tf1"),
    "ProximalGradientDescentOptimizer": optimizer("sgd", _LR, api="tf1"),
    "SyncReplicasOptimizer": optimizer("wrapped", "optimizer=opt", api="tf1"),
    "exponential_decay polynomial_decay inverse_time_decay natural_exp_decay": op("schedule", "lr=learning_rate"),
}

# sequence_loss(logits, targets, weights): the one TensorFlow 1 loss that takes the logits first.
_SEQ: dict[str, Row] = {
    "sequence_loss sequence_loss_by_example": op("cross_entropy", "prediction=logits target=targets", from_logits=True),
    "basic_rnn_seq2seq tied_rnn_seq2seq": op("unroll", "x=encoder_inputs _decoder=decoder_inputs cell"),
    "rnn_decoder": op("unroll", "x=decoder_inputs state=initial_state cell"),
}

_ESTIMATORS: dict[str, Row] = {
    "estimator.Estimator contrib.learn.Estimator": thing("estimator", "model_fn"),
    "estimator.inputs.numpy_input_fn contrib.learn.io.numpy_input_fn": op("tensor_dataset", "*xs x y:None"),
}

NAMES: dict[str, Row] = {
    **rows("tensorflow.", _ESTIMATORS),
    **rows("tensorflow.layers.", _TF_LAYERS),
    **rows("tensorflow.contrib.layers.", _CONTRIB),
    **rows("tensorflow.initializers.", _INITIALIZERS),
    **{f"tensorflow.{name}_initializer": row for name, row in _INITIALIZERS.items()},
    **rows("tensorflow.nn.rnn_cell.", _CELLS),
    **rows("tensorflow.train.", _TRAIN),
    **rows("tensorflow.contrib.seq2seq.", _SEQ),
    **rows(
        "tensorflow.contrib.",
        {"layers.arg_scope framework.arg_scope": thing("arg_scope", "functions=list_ops_or_scope **options")},
    ),
    "tensorflow.contrib.layers.stack": op("stack_layers", "x=inputs layer each=stack_args **options"),
    "tensorflow.contrib.layers.repeat": op("repeat_layers", "x=inputs count=repetitions layer *rest **options"),
    "tensorflow.uniform_unit_scaling_initializer": thing("lecun_uniform"),
    "tensorflow.contrib.opt.NadamOptimizer": optimizer("nadam", f"{_LR}:0.001", api="tf1"),
    "tensorflow.contrib.opt.AdamWOptimizer": optimizer("adam", "_decay=weight_decay lr=learning_rate:0.001", api="tf1"),
    "tensorflow.contrib.cudnn_rnn.CudnnLSTM": layer(
        "rnn", "layers=num_layers hidden=num_units", "x=inputs", kind="lstm"
    ),
    "tensorflow.contrib.cudnn_rnn.CudnnGRU": layer("rnn", "layers=num_layers hidden=num_units", "x=inputs", kind="gru"),
    "tensorflow.contrib.cudnn_rnn.CudnnRNNTanh": layer(
        "rnn", "layers=num_layers hidden=num_units", "x=inputs", kind="tanh"
    ),
    "tensorflow.contrib.estimator.clip_gradients_by_norm": optimizer("wrapped", "optimizer clip=clip_norm", api="tf1"),
    **{
        f"horovod.{library}.DistributedOptimizer": op("identity", "x=optimizer")
        for library in ("tensorflow", "tensorflow.keras", "keras", "torch")
    },
    "tensorflow.contrib.training.create_train_op": effect(
        "minimize", "loss=total_loss optimizer _global_step=global_step:None * clip=clip_gradient_norm:0"
    ),
}

METHODS: dict[str, Row] = {
    **rows("estimator.", {"train fit": effect("trainer_fit", "trainer input_fn=input_fn")}),
    "optimizer.minimize": effect("minimize", "optimizer loss _global_step=global_step:None parameters=var_list:None"),
    "optimizer.compute_gradients": effect("compute_gradients", "optimizer loss parameters=var_list:None"),
    "optimizer.apply_gradients": effect("apply_gradients", "optimizer gradients=grads_and_vars"),
    "session.run": effect("run", "session fetches feed_dict:None"),
    "tensor.run": effect("run", "fetches feed_dict:None"),
    "rnn_cell.zero_state": op("zeros", "_cell shape=batch_size"),
    "multi_cell.zero_state": op("zeros", "_cell shape=batch_size"),
    "wrapped_cell.zero_state": op("zeros", "_cell shape=batch_size"),
}

ALIASES: dict[str, str] = {
    "tf_slim": "tensorflow.contrib.layers",
    "tensorflow.contrib.slim": "tensorflow.contrib.layers",
    "tensorflow.contrib.slim.losses": "tensorflow.losses",
    "tensorflow.contrib.losses": "tensorflow.losses",
    "tensorflow.contrib.slim.learning": "tensorflow.contrib.training",
    "tf_slim.learning": "tensorflow.contrib.training",
    "tf_slim.losses": "tensorflow.losses",
    "tensorflow.contrib.rnn": "tensorflow.nn.rnn_cell",
    "tensorflow.contrib.rnn.static_rnn": "tensorflow.nn.static_rnn",
    "tensorflow.contrib.rnn.static_bidirectional_rnn": "tensorflow.nn.static_bidirectional_rnn",
    "tensorflow.python.ops.rnn_cell": "tensorflow.nn.rnn_cell",
    "tensorflow.python.ops.rnn_cell_impl": "tensorflow.nn.rnn_cell",
    "tensorflow.models.rnn.rnn_cell": "tensorflow.nn.rnn_cell",
    "tensorflow.models.rnn.rnn": "tensorflow.nn",
    "tensorflow.nn.seq2seq": "tensorflow.contrib.seq2seq",
    "tensorflow.contrib.legacy_seq2seq": "tensorflow.contrib.seq2seq",
    "tensorflow.initialize_all_variables": "tensorflow.global_variables_initializer",
    "tensorflow.layers.Dense": "keras.layers.Dense",
    "tensorflow.layers.Conv2D": "keras.layers.Conv2D",
}

BASES: dict[str, str] = {"tensorflow.nn.rnn_cell.RNNCell": "rnn_cell"}
