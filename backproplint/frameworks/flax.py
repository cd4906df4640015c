"""Flax (linen and nnx) and Haiku: layers, modules and the training state."""

from __future__ import annotations

from backproplint.frameworks.rows import Row, effect, layer, op, optimizer, rows, thing

_DENSE = "units=features bias=use_bias:True * initializer=kernel_init:'lecun_normal' bias_initializer=bias_init:'zeros'"
_CONV = (
    "units=features size=kernel_size:None * bias=use_bias:True "
    "initializer=kernel_init:'lecun_normal' bias_initializer=bias_init:'zeros'"
)
_CELL = (
    "hidden=features * activation=activation_fn:'tanh' initializer=kernel_init:'lecun_normal' "
    "recurrent_initializer=recurrent_kernel_init:'orthogonal' bias_initializer=bias_init:'zeros'"
)
_CALL = "state=carry x=inputs"

_LINEN: dict[str, Row] = {
    "Dense DenseGeneral": layer("dense", _DENSE),
    "Conv ConvTranspose": layer("conv", _CONV),
    "Embed": layer("embedding", "_rows=num_embeddings units=features"),
    "BatchNorm GroupNorm": layer("batch_norm"),
    "LayerNorm RMSNorm": layer("layer_norm"),
    "Dropout": layer("dropout", "rate"),
    "MultiHeadDotProductAttention SelfAttention MultiHeadAttention": layer("attention"),
    "Sequential": layer("sequential", "layers", api="flax"),
    "SimpleCell": layer("rnn_cell", _CELL, _CALL, kind="tanh"),
    "LSTMCell OptimizedLSTMCell ConvLSTMCell": layer("rnn_cell", _CELL, _CALL, kind="lstm"),
    "GRUCell MGUCell": layer("rnn_cell", _CELL, _CALL, kind="gru"),
    "RNN": layer("wrapped_cell", "cell", unroll=True),
    "max_pool avg_pool": op("pool"),
    "compact nowrap jit remat checkpoint": op("wrap", "function=fun *args"),
    "scan": op("wrap_scan", "cell=target"),
}

_NNX_CELL = _CELL.replace("hidden=features", "hidden=hidden_features")
_NNX: dict[str, Row] = {
    "Linear": layer(
        "dense",
        "fan_in=in_features units=out_features * bias=use_bias:True "
        "initializer=kernel_init:'lecun_normal' bias_initializer=bias_init:'zeros'",
    ),
    "Conv": layer(
        "conv", "fan_in=in_features units=out_features size=kernel_size * initializer=kernel_init:'lecun_normal'"
    ),
    "Embed": layer("embedding", "_rows=num_embeddings units=features"),
    "BatchNorm": layer("batch_norm"),
    "LayerNorm": layer("layer_norm"),
    "Dropout": layer("dropout", "rate"),
    "Sequential": layer("sequential", "*layers", api="flax"),
    "Param": op("variable", "initial=value"),
    "jit": op("wrap", "function=fun *args"),
    "grad": op("grad_function", "function=f * argnums:0 has_aux:False", value=False),
    "value_and_grad": op("grad_function", "function=f * argnums:0 has_aux:False", value=True),
    "split": op("split_module", "module=node *_filters"),
    "merge": op("identity", "x=graphdef"),
    "state": op("parameters", "module=node"),
    "List": layer("container", "items"),
    "Dict": layer("container", "items", keyed=True),
    "SimpleCell": layer("rnn_cell", f"fan_in=in_features {_NNX_CELL}", _CALL, kind="tanh"),
    "LSTMCell OptimizedLSTMCell": layer("rnn_cell", f"fan_in=in_features {_NNX_CELL}", _CALL, kind="lstm"),
    "GRUCell": layer("rnn_cell", f"fan_in=in_features {_NNX_CELL}", _CALL, kind="gru"),
    "RNN": layer("wrapped_cell", "cell", unroll=True),
    "max_pool avg_pool": op("pool"),
    "Optimizer ModelAndOptimizer": thing("nnx_optimizer", "model optimizer=tx"),
}

# Haiku draws weights from a truncated normal of deviation 1 / sqrt(fan-in), which is lecun_normal.
_LINEAR = "units=output_size bias=with_bias:True initializer=w_init:'lecun_normal' bias_initializer=b_init:'zeros'"
_HAIKU: dict[str, Row] = {
    "Linear": layer("dense", _LINEAR),
    "Conv1D Conv2D Conv3D": layer(
        "conv",
        "units=output_channels size=kernel_shape * initializer=w_init:'lecun_normal' bias_initializer=b_init:'zeros'",
    ),
    "Embed": layer("embedding", "_rows=vocab_size units=embed_dim"),
    "BatchNorm": layer("batch_norm"),
    "LayerNorm": layer("layer_norm"),
    "Flatten Reshape": layer("shape"),
    "MultiHeadAttention": layer("attention"),
    "Sequential": layer("sequential", "layers", api="haiku"),
    "nets.MLP": layer(
        "mlp",
        "output_sizes initializer=w_init:'lecun_normal' bias_initializer=b_init:'zeros' "
        "bias=with_bias:True activation:'relu' _rate=dropout_rate:None final_activation=activate_final:False",
    ),
    "VanillaRNN": layer("rnn_cell", "hidden=hidden_size", "x=inputs state=prev_state", kind="tanh"),
    "LSTM": layer("rnn_cell", "hidden=hidden_size", "x=inputs state=prev_state", kind="lstm"),
    "GRU": layer("rnn_cell", "hidden=hidden_size", "x=inputs state=prev_state", kind="gru"),
    "dynamic_unroll static_unroll": op("unroll", "cell=core x=input_sequence state=initial_state"),
    "get_parameter": op("variable", "name shape _dtype:None initializer=init:None"),
    "DeepRNN": layer("multi_cell", "cells=layers", "x=inputs state=prev_state"),
    "ResetCore": layer("wrapped_cell", "cell=core", "x=inputs state"),
    "BatchApply": layer("wrapped", "layer=f"),
    "transform": thing("transformed", "function=f"),
    "transform_with_state": thing("transformed_with_state", "function=f"),
    "without_apply_rng": thing("without_rng", "function=f"),
    "without_state": op("identity", "x=f"),
    "initializers.RandomNormal": thing("normal", "std=stddev:1.0 mean:0.0"),
    "initializers.TruncatedNormal": thing("truncated_normal", "std=stddev:1.0 mean:0.0"),
    "initializers.RandomUniform": thing("uniform", "low=minval:0.0 high=maxval:1.0"),
    "initializers.VarianceScaling": thing(
        "variance_scaling", "scale:1.0 mode:'fan_in' distribution:'truncated_normal'"
    ),
    "initializers.Constant": thing("full", "value=constant"),
    "initializers.Orthogonal": thing("orthogonal", "gain=scale:1.0"),
    "avg_pool max_pool": op("pool", "x=value"),
    "dropout": op("dropout", "_rng rate x"),
    "scan": op("scan", "step=f initial=init xs:None", returns="carry_and_outputs"),
    "jit": op("wrap", "function=fun *args"),
}

NAMES: dict[str, Row] = {
    **rows("flax.linen.", _LINEN),
    **rows("flax.nnx.", _NNX),
    **rows("haiku.", _HAIKU),
    "flax.training.train_state.TrainState.create": thing("train_state", "* apply_fn params tx"),
    "flax.training.train_state.TrainState": thing("train_state", "step apply_fn params tx"),
    "flax.nnx.ModelAndOptimizer": thing("nnx_optimizer", "model optimizer=tx"),
    **rows(
        "flax.optim.",
        {
            "Adam AdamW LAMB Adafactor": optimizer("adam", "lr=learning_rate:None", api="flax"),
            "Momentum": optimizer("sgd", "lr=learning_rate:None momentum=beta:0.9", api="flax"),
            "GradientDescent": optimizer("sgd", "lr=learning_rate:None", api="flax"),
            "RMSProp": optimizer("rmsprop", "lr=learning_rate:None", api="flax"),
        },
    ),
    "flax.core.freeze": op("identity", "x=xs"),
    "flax.core.unfreeze": op("identity"),
}

_CELLS = ("rnn_cell", "multi_cell", "wrapped_cell")
METHODS: dict[str, Row] = {
    "optimizer.create": effect("init_optimizer", "optimizer parameters=target", returns="optimizer"),
    "optimizer.apply_gradient": effect("apply_gradients", "optimizer gradients=grads", returns="optimizer"),
    "optimizer.@target": op("optimizer_parameters", "optimizer"),
    "flax.param": op("variable", "module name initializer=init_fn shape"),
    "flax.variable": op("variable", "module _collection name initializer=init_fn shape:None", trainable=False),
    "flax.init": op("init_module", "module key=rngs *inputs"),
    "flax.apply": op("apply_module", "module parameters=variables *inputs"),
    "flax.bind": op("identity", "x *_variables"),
    "transformed.init": op("init_module", "module key=rng *inputs"),
    "transformed.apply": op("apply_module", "module parameters=params _key=rng *inputs"),
    "train_state.apply_gradients": effect("apply_gradients", "state * gradients=grads"),
    "train_state.apply_fn": op("apply_module", "module parameters=variables *inputs"),
    "transformed_with_state.init": op("init_module", "module key=rng *inputs", returns="with_state"),
    "transformed_with_state.apply": op(
        "apply_module", "module parameters=params _state=state _key=rng *inputs", returns="with_state"
    ),
    "without_rng.init": op("init_module", "module key=rng *inputs"),
    "without_rng.apply": op("apply_module", "module parameters=params *inputs"),
    "stateful_without_rng.init": op("init_module", "module key=rng *inputs", returns="with_state"),
    "stateful_without_rng.apply": op(
        "apply_module", "module parameters=params _state=state *inputs", returns="with_state"
    ),
    **rows("", {f"{cell}.initial_state {cell}.initialize_carry": op("zeros", "_cell") for cell in _CELLS}),
    "nnx_optimizer.update": effect("update_module", "state *given gradients=grads"),
}

ALIASES: dict[str, str] = {
    "flax.linen": "jax.nn",  # activations and initializers are re-exports
    "flax.linen.initializers": "jax.nn.initializers",
    "flax.nnx": "jax.nn",
    "flax.nnx.initializers": "jax.nn.initializers",
    "flax.nn": "flax.linen",
    "flax.nn.Module": "flax.linen.Module",
    "flax.linen.linear": "flax.linen",
    "flax.linen.recurrent": "flax.linen",
    "flax.linen.activation": "jax.nn",
    "flax.core.frozen_dict": "flax.core",
}

BASES: dict[str, str] = {
    "flax.linen.Module": "flax",
    "flax.nnx.Module": "flax",
    "haiku.Module": "haiku",
    "haiku.RNNCore": "haiku",
}
