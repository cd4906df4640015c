"""keras.backend (Keras 1 and 2) and keras.ops (Keras 3): the functions below the layers."""

from __future__ import annotations

from backproplint.frameworks.numpy import ARRAY
from backproplint.frameworks.rows import Row, alike, effect, op, rows

_K_REDUCE = "x axis:None"
_BACKEND: dict[str, Row] = {
    **alike("abs exp log sqrt square sign round sigmoid tanh softplus softsign elu hard_sigmoid stop_gradient"),
    **alike("mean sum max min cumsum", _K_REDUCE),
    **alike("maximum minimum", "a=x b=y"),
    "relu": op("relu", "x slope=alpha:0.0"),
    "softmax": op("softmax", "x axis:-1"),
    "prod": op("product", _K_REDUCE),
    "var": op("variance", _K_REDUCE),
    "std logsumexp": op("smooth", _K_REDUCE),
    "argmax argmin": op("argmax", "x axis:-1"),
    "pow": op("power", "x exponent=a"),
    "clip": op("clip", "x low=min_value high=max_value"),
    "dot": op("matmul", "a=x b=y"),
    "batch_dot": op("matmul", "a=x b=y"),
    "bias_add": op("add", "a=x b=bias"),
    "l2_normalize": op("smooth", _K_REDUCE),
    "cast": op("cast", "x dtype"),
    "cast_to_floatx": op("cast"),
    "switch": op("where", "condition a=then_expression b=else_expression"),
    "equal not_equal greater greater_equal less less_equal": op("compare", "x _other=y"),
    "one_hot": op("one_hot", "x=indices"),
    "gather": op("index", "x=reference index=indices"),
    "concatenate": op("concat", "xs=tensors axis:-1"),
    "stack": op("stack", "xs=x axis:0"),
    "reshape flatten batch_flatten squeeze expand_dims permute_dimensions transpose": op("shape", "x *_sizes"),
    "repeat repeat_elements tile reverse": op("shape", "x *_sizes"),
    "constant identity": op("identity", "x=value/x"),
    "variable": op("variable", "initial=value"),
    "shape int_shape": op("sizes"),
    "ndim": op("rank"),
    "placeholder": op("placeholder", "shape:None"),
    "zeros": op("zeros", "shape"),
    "zeros_like": op("zeros", "like=x"),
    "ones": op("ones", "shape"),
    "ones_like": op("ones", "like=x"),
    "random_normal random_normal_variable": op("normal", "shape mean:0.0 std=stddev/scale:1.0"),
    "random_uniform": op("uniform", "shape low=minval:0.0 high=maxval:1.0"),
    "truncated_normal": op("truncated_normal", "shape mean:0.0 std=stddev:1.0"),
    "categorical_crossentropy": op("cross_entropy", "target prediction=output from_logits:False"),
    "sparse_categorical_crossentropy": op("cross_entropy", "target prediction=output from_logits:False"),
    "binary_crossentropy": op("bce", "target prediction=output from_logits:False"),
    "gradients": effect("gradient", "loss parameters=variables"),
    "epsilon": op("constant", "", value=1e-7),
    "function": op("wrap_graph", "inputs outputs updates:None"),
    "update": effect("assign", "target=x value=new_x"),
    "set_value": effect("assign", "target=x value"),
    "dropout": op("dropout", "x rate=level"),
    "conv2d": op("conv", "x weight=kernel"),
    "rnn": op("scan", "step=step_function xs=inputs initial=initial_states", returns="keras"),
    "in_train_phase": op("where", "a=x b=alt _training=training:None", condition=None),
}

_OPS: dict[str, Row] = {
    "cast": op("cast", "x dtype"),
    "stop_gradient": op("stop_gradient", "x=variable"),
    "one_hot": op("one_hot"),
    "rsqrt": op("power", "x", exponent=-0.5),
    "logsumexp": op("smooth", "x axis:None"),
    "norm": op("norm", "x order=ord:None axis:None", safe=False),
}

NAMES: dict[str, Row] = {
    **rows("keras.backend.", _BACKEND),
    **rows("keras.ops.", ARRAY | _OPS),
}
