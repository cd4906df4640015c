"""TensorFlow 1 and 2: tf.* functions, tf.nn, random, variables, losses, gradients, control flow.

Layers of TensorFlow 1 (tf.layers, tf.contrib, rnn cells) and its optimizers stand in `tf1.py`, Keras in `keras.py`.
`tf.math`, `tf.linalg`, `tf.compat.v1` are aliases of `tf`.
"""

from __future__ import annotations

from backproplint.frameworks import tf1
from backproplint.frameworks.numpy import ARRAY
from backproplint.frameworks.rows import Row, alike, effect, in_place, op, rows, thing

_AXIS = "axis/reduction_indices:None"
_REDUCE = f"x=input_tensor axis={_AXIS}"

_MATH: dict[str, Row] = {
    **alike("abs exp log sqrt square sign tanh sigmoid round softplus softsign"),
    **alike("add subtract multiply divide maximum minimum", "a=x b=y"),
    "log_sigmoid": op("log_sigmoid"),
    "log1p expm1 sin cos erf atan": op("smooth"),
    "reduce_logsumexp": op("smooth", _REDUCE),
    "reduce_std": op("smooth", _REDUCE),
    "rsqrt": op("power", "x", exponent=-0.5),
    "reciprocal": op("power", "x", exponent=-1),
    "negative neg": op("negate"),
    "floor ceil rint": op("round"),
    "sub": op("subtract", "a=x b=y"),
    "mul": op("multiply", "a=x b=y"),
    "scalar_mul": op("multiply", "a=scalar b=x"),
    "div truediv realdiv": op("divide", "a=x b=y"),
    "divide_no_nan div_no_nan": op("divide", "a=x b=y", safe=True),
    "multiply_no_nan": op("multiply", "a=x b=y"),
    "squared_difference": op("squared_difference", "a=x b=y"),
    "add_n accumulate_n": op("sum", "x=inputs", axis=0),
    "pow": op("power", "x exponent=y"),
    "matmul batch_matmul sparse_tensor_dense_matmul matvec": op("matmul", "a b"),
    "tensordot": op("matmul", "a b _axes"),
    "einsum": op("einsum", "equation a b:None"),
    "reduce_mean": op("mean", _REDUCE),
    "reduce_sum": op("sum", _REDUCE),
    "reduce_prod": op("product", _REDUCE),
    "reduce_max": op("max", _REDUCE),
    "reduce_min": op("min", _REDUCE),
    "reduce_variance": op("variance", _REDUCE),
    "cumsum": op("cumsum", "x axis:0"),
    "norm": op("norm", "x=tensor order=ord:'euclidean' axis:None", safe=False),
    "clip_by_value": op("clip", "x=t/clip_value low=clip_value_min high=clip_value_max"),
    "clip_by_norm": op("clip_norm", "x=t norm=clip_norm"),
    "clip_by_average_norm": op("clip_norm", "x=t norm=clip_norm"),
    "clip_by_global_norm": effect("clip_gradients", "gradients=t_list norm=clip_norm"),
    "global_norm": op("norm", "x=t_list", safe=False),
    "argmax argmin arg_max": op("argmax", "x=input axis=axis/dimension:None"),
    "argsort": op("argsort", "x=values"),
    "equal not_equal greater greater_equal less less_equal is_nan is_inf logical_not logical_and logical_or": op(
        "compare", "x _other=y"
    ),
    "where where_v2": op("where", "condition a=x:None b=y:None"),
    "select": op("where", "condition a=t b=e"),
    "gather gather_nd": op("index", "x=params index=indices"),
    "boolean_mask": op("index", "x=tensor index=mask"),
    "slice strided_slice": op("index", "x=input_ index=begin"),
    "dynamic_partition": op("shape", "x=data"),
    "one_hot": op("one_hot", "x=indices"),
    "cast": op("cast", "x dtype"),
    "to_float": op("cast", "x", dtype="float32"),
    "to_int32 to_int64": op("cast_int"),
    "concat concat_v2": op("concat", "xs=values axis"),
    "stack pack": op("stack", "xs=values axis:0"),
    "top_k math.top_k nn.top_k": op("max", "x=input"),
    "random_shuffle random.shuffle": op("shape", "x=value"),
    "reshape squeeze expand_dims transpose tile reverse broadcast_to": op("shape", "x=tensor/input/a *_sizes"),
    "unstack unpack": op("shape", "x=value *_sizes"),
    "split": op("shape", "x=value *_sizes"),
    "pad": op("pad", "x=tensor"),
    "identity identity_n convert_to_tensor constant ensure_shape": op("identity", "x=input/value/x"),
    "Print": op("identity", "x=input_"),
    "check_numerics": op("identity", "x=tensor"),
    "stop_gradient": op("stop_gradient", "x=input"),
    "py_func py_function numpy_function": op("stop_gradient", "_func x=inp"),
    "eye": op("identity_matrix", "*shape"),
    "shape": op("sizes", "x=input"),
    "rank": op("rank", "x=input"),
    "zeros": op("zeros", "shape"),
    "zeros_like": op("zeros", "like=tensor/input"),
    "ones": op("ones", "shape"),
    "ones_like": op("ones", "like=tensor/input"),
    "fill": op("full", "shape=dims value"),
}

_RANDOM: dict[str, Row] = {
    "random_normal random.normal": op("normal", "shape mean:0.0 std=stddev:1.0"),
    "truncated_normal random.truncated_normal": op("truncated_normal", "shape mean:0.0 std=stddev:1.0"),
    "random.stateless_normal": op("normal", "shape _seed mean:0.0 std=stddev:1.0"),
    "random_uniform random.uniform": op("uniform", "shape low=minval:0.0 high=maxval:1.0"),
    "random.stateless_uniform": op("uniform", "shape _seed low=minval:0.0 high=maxval:1.0"),
}

_NN: dict[str, Row] = {
    **alike("relu relu6 elu selu gelu", "x=features"),
    **alike("sigmoid tanh", "x"),
    **alike("softplus softsign", "x=features"),
    "leaky_relu": op("leaky_relu", "x=features slope=alpha:0.2"),
    "swish silu": op("silu", "x=features"),
    "crelu": op("relu", "x=features"),
    "relu_layer": op("dense", "x weight=weights bias=biases", activation="relu"),
    "softmax": op("softmax", "x=logits axis=axis/dim:-1"),
    "log_softmax": op("log_softmax", "x=logits axis=axis/dim:-1"),
    "bias_add": op("add", "a=value b=bias"),
    "xw_plus_b": op("dense", "x weight=weights bias=biases"),
    "conv2d conv1d conv3d atrous_conv2d depthwise_conv2d convolution": op(
        "conv", "x=input/value weight=filters/filter strides:None"
    ),
    "conv2d_transpose conv3d_transpose": op("conv", "x=input/value weight=filters/filter"),
    "max_pool max_pool2d avg_pool avg_pool2d max_pool3d": op("pool", "x=input/value"),
    "dropout": op("dropout", "x _keep=keep_prob/rate:None"),
    "batch_normalization fused_batch_norm lrn local_response_normalization": op("batch_norm", "x=x/input"),
    "l2_normalize": op("smooth", "x axis=axis/dim:None"),
    "l2_loss": op("l2_loss", "x=t"),
    "moments": op("moments", "x axis=axes"),
    "embedding_lookup": op("embedding", "weight=params x=ids"),
    "softmax_cross_entropy_with_logits softmax_cross_entropy_with_logits_v2": op(
        "cross_entropy", "target=labels prediction=logits", from_logits=True, reduction="none"
    ),
    "sparse_softmax_cross_entropy_with_logits": op(
        "cross_entropy", "target=labels prediction=logits", from_logits=True, reduction="none"
    ),
    "sigmoid_cross_entropy_with_logits": op(
        "bce", "target=labels prediction=logits", from_logits=True, reduction="none"
    ),
    "weighted_cross_entropy_with_logits": op(
        "bce", "target=labels/targets prediction=logits", from_logits=True, reduction="none"
    ),
    "ctc_loss": op("other_loss", "target=labels prediction=logits/inputs"),
    "nce_loss sampled_softmax_loss": op("sampled_loss", "weight=weights _biases=biases target=labels x=inputs"),
    "dynamic_rnn raw_rnn": op("unroll", "cell x=inputs _lengths=sequence_length:None state=initial_state:None"),
    "static_rnn rnn": op("unroll", "cell x=inputs state=initial_state:None", static=True),
    "bidirectional_dynamic_rnn static_bidirectional_rnn bidirectional_rnn": op(
        "unroll", "cell=cell_fw backward_cell=cell_bw x=inputs", bidirectional=True
    ),
}

_LABELS = "target=labels/y_true prediction=predictions/y_pred"
# Each is put into the graph's collection of losses, which get_total_loss sums.
_COLLECTED: dict[str, Row] = {
    "mean_squared_error": op("mse", _LABELS),
    "absolute_difference": op("mae", _LABELS),
    "huber_loss": op("huber", f"{_LABELS} _weights=weights:1.0 delta:1.0"),
    "log_loss": op("bce", _LABELS, from_logits=False),
    "softmax_cross_entropy": op("cross_entropy", "target=onehot_labels prediction=logits", from_logits=True),
    "sparse_softmax_cross_entropy": op("cross_entropy", "target=labels prediction=logits", from_logits=True),
    "sigmoid_cross_entropy": op("bce", "target=multi_class_labels prediction=logits", from_logits=True),
    "hinge_loss": op("hinge", "target=labels prediction=logits"),
    "cosine_distance": op("cosine_loss", _LABELS),
}
_LOSSES: dict[str, Row] = {
    **{name: row._replace(constants={**row.constants, "collected": True}) for name, row in _COLLECTED.items()},
    "get_total_loss": op("losses_so_far", ""),
    "get_regularization_loss": op("regularization", ""),
    "add_loss": effect("add_loss", "loss", collected=True),
}

_CORE: dict[str, Row] = {
    "Variable": op("variable", "initial=initial_value trainable:True"),
    "get_variable": op(
        "variable",
        "name shape:None _dtype:None initializer:'glorot_uniform' _regularizer=regularizer:None trainable:True",
    ),
    "placeholder": op("placeholder", "dtype shape:None"),
    "placeholder_with_default": op("identity", "x=input"),
    "Session InteractiveSession Session.as_default train.MonitoredTrainingSession": thing("session"),
    "distribute.MirroredStrategy distribute.experimental.MultiWorkerMirroredStrategy distribute.TPUStrategy "
    "distribute.MultiWorkerMirroredStrategy distribute.OneDeviceStrategy distribute.get_strategy": thing("strategy"),
    "GradientTape": thing("tape", "persistent:False"),
    "trainable_variables": op("parameters", "scope:None module:None"),
    "get_collection": op("parameters", "_key=key scope:None module:None"),
    "gradients": effect("gradient", "loss=ys parameters=xs"),
    "no_gradient NoGradient": thing("no_grad"),
    "custom_gradient": op("custom_gradient", "function=f"),
    "recompute_grad": op("wrap", "function=f"),
    "function contrib.eager.defun autograph.experimental.do_not_convert": op("wrap", "function=func"),
    "assign": in_place(effect("assign", "target=ref value")),
    "assign_add": effect("assign", "target=ref value", how="add"),
    "assign_sub": effect("assign", "target=ref value", how="subtract"),
    "group tuple": op("group", "*xs=inputs"),
    "scan": op("scan", "step=fn xs=elems initial=initializer:None", returns="states"),
    "foldl": op("scan", "step=fn xs=elems initial=initializer:None", returns="last"),
    "while_loop": op("while_loop", "condition=cond step=body initial=loop_vars"),
    "cond": op("cond", "condition=pred yes=true_fn/fn1 no=false_fn/fn2"),
    "map_fn vectorized_map": op("map", "step=fn xs=elems"),
}

NAMES: dict[str, Row] = {
    **rows("tensorflow.experimental.numpy.", ARRAY),
    **rows("tensorflow.", _MATH | _RANDOM | _CORE),
    **rows("tensorflow.nn.", _NN),
    **rows("tensorflow.losses.", _LOSSES),
    **tf1.NAMES,
    # What has other defaults in TensorFlow 2.
    "tensorflow.random_normal_initializer@tf2": thing("normal", "mean:0.0 std=stddev:0.05"),
    "tensorflow.random_uniform_initializer@tf2": thing("uniform", "low=minval:-0.05 high=maxval:0.05"),
}

METHODS: dict[str, Row] = {
    **tf1.METHODS,
    "tape.gradient": effect("gradient", "tape loss=target parameters=sources"),
    "tape.jacobian": effect("gradient", "tape loss=target parameters=sources"),
    **rows("strategy.", {"run experimental_run_v2": op("calls_back", "_strategy function=fn args:None")}),
    "tape.watch": effect("watch", "tape x=tensor"),
    "tape.stop_recording": thing("no_grad"),
    "tensor.assign": effect("assign", "target value", inplace=True),
    "tensor.assign_add": effect("assign", "target value=delta", how="add", inplace=True),
    "tensor.assign_sub": effect("assign", "target value=delta", how="subtract", inplace=True),
    "tensor.get_shape": op("sizes"),
    "tensor.eval": op("stop_gradient"),
    "tensor.read_value": op("identity"),
    "tensor.initialized_value": op("identity"),
    "tensor.set_shape": effect("set_shape", "x shape"),
    "dataset.batch": op("loader", "dataset batch_size"),
    "dataset.map": op("map_dataset", "dataset function=map_func"),
}

_PYTHON_OPS = (
    "math_ops array_ops clip_ops random_ops variables variable_scope control_flow_ops functional_ops init_ops "
    "gradients linalg_ops state_ops"
)
ALIASES: dict[str, str] = {
    **tf1.ALIASES,
    "tensorflow.compat.v1": "tensorflow",
    "tensorflow.compat.v2": "tensorflow",
    "tensorflow.math": "tensorflow",
    **{f"tensorflow.math.{name}": f"tensorflow.nn.{name}" for name in ("softmax", "log_softmax", "l2_normalize")},
    "tensorflow.linalg": "tensorflow",
    "tensorflow.dtypes": "tensorflow",
    "tensorflow.random": "tensorflow",
    "tensorflow.autodiff": "tensorflow",
    "tensorflow.Tensor": "tensor",
    "tensorflow.raw_ops": "tensorflow",
    **{f"tensorflow.python.ops.{file}": "tensorflow" for file in _PYTHON_OPS.split()},
    "tensorflow.python.framework.ops": "tensorflow",
    "tensorflow.python.ops.nn": "tensorflow.nn",
    "tensorflow.python.ops.nn_ops": "tensorflow.nn",
    "tensorflow.python.ops.rnn": "tensorflow.nn",
    "tensorflow.keras": "keras",
    "tensorflow.python.keras": "keras",
    "tensorflow.contrib.keras": "keras",
    "tensorflow.optimizers": "keras.optimizers",
    "tensorflow.losses": "keras.losses",  # what TensorFlow 1 did not have
    "tensorflow.initializers": "keras.initializers",
}

BASES: dict[str, str] = {"tensorflow.Module": "tf_module", **tf1.BASES}
