"""NumPy, and the libraries that spell the same: cupy, autograd, jax.numpy, tensorflow.experimental.numpy, keras.ops.

`ARRAY` is the common part; the other tables put their own prefix before it.
"""

from __future__ import annotations

import math

from backproplint.frameworks.rows import Param, Row, alike, effect, in_place, op, rows, thing

_OUT = "x out:None"
_PAIR = "a=x1/a b=x2/b out:None"
_REDUCE = "x=a/x axis:None _dtype:None out:None"

ARRAY: dict[str, Row] = {
    **alike("exp log sqrt square sign", _OUT),
    **alike("add subtract multiply divide maximum minimum", _PAIR),
    **alike("mean sum cumsum", _REDUCE),
    "abs absolute fabs": op("abs", _OUT),
    "log2 log10": op("log", _OUT),
    "log1p expm1 sin cos arctan arctan2 arccos tan cumprod": op("smooth", _OUT),
    "average nanmean": op("mean", "x=a axis:None"),
    "nan_to_num": op("identity"),
    "std": op("smooth", "x=a/x axis:None"),
    "tanh": op("tanh", _OUT),
    "negative": op("negate", _OUT),
    "reciprocal": op("power", _OUT, exponent=-1),
    "true_divide": op("divide", _PAIR),
    "fmax": op("maximum", _PAIR),
    "fmin": op("minimum", _PAIR),
    "power float_power": op("power", "x=x1 exponent=x2 out:None"),
    "round rint around round_ floor ceil trunc fix": op("round", "x=a/x"),
    "clip": op("clip", "x=a/x low=a_min/min/x_min:None high=a_max/max/x_max:None out:None"),
    "dot matmul inner outer vdot": op("matmul", _PAIR),
    "tensordot": op("matmul", "a=a/x1 b=b/x2"),
    "einsum": op("einsum", "equation=subscripts a b:None"),
    "prod": op("product", _REDUCE),
    "var": op("variance", _REDUCE),
    "max amax": op("max", "x=a/x axis:None out:None"),
    "min amin": op("min", "x=a/x axis:None out:None"),
    "argmax argmin": op("argmax", "x=a/x axis:None"),
    "argsort": op("argsort", "x=a/x axis:-1"),
    "linalg.norm": op("norm", "x order=ord:None axis:None", safe=False),
    "where": op("where", "condition a=x/x1:None b=y/x2:None"),
    "take": op("index", "x=a/x index=indices"),
    "take_along_axis": op("index", "x=arr/x index=indices"),
    "choose": op("index", "index=a x=choices"),
    "concatenate": op("concat", "xs=arrays/xs axis:0"),
    "append": op("concat", "*xs axis:None"),
    "hstack": op("concat", "xs=tup", axis=1),
    "column_stack dstack": op("concat", "xs=tup", axis=-1),
    "vstack": op("concat", "xs=tup", axis=0),
    "stack": op("stack", "xs=arrays/x axis:0"),
    "greater less greater_equal less_equal equal not_equal logical_and logical_or": op("compare", "x=x1 _other=x2"),
    "isnan isfinite isinf isclose logical_not all any": op("compare", "x=a/x"),
    "reshape ravel transpose squeeze expand_dims swapaxes moveaxis tile repeat broadcast_to": op(
        "shape", "x=a/x/array *_sizes"
    ),
    "atleast_2d flip split array_split roll tril triu diag": op("shape", "x=a/x/ary *_sizes"),
    "pad": op("pad", "x=array/x"),
    "array asarray asanyarray ascontiguousarray copy float32 float64 convert_to_tensor": op("identity", "x=object/a"),
    "float16 bfloat16": op("cast"),
    "int32 int64 uint8": op("cast_int"),
    "zeros": op("zeros", "shape dtype:None"),
    "shape": op("sizes", "x=a/x"),
    "ndim": op("rank", "x=a/x"),
    "zeros_like": op("zeros", "like=a/x"),
    "ones": op("ones", "shape"),
    "ones_like": op("ones", "like=a/x"),
    "full": op("full", "shape value=fill_value"),
    "full_like": op("full", "like=a/x value=fill_value"),
    "empty": op("empty", "shape"),
    "empty_like": op("empty", "like=a/x"),
    "eye identity": op("identity_matrix", "*shape"),
}

_NORMAL = "mean=loc:0.0 std=scale:1.0 shape=size:None"
# The same draws as functions of numpy.random and as methods of a generator.
_DRAWS: dict[str, Row] = {
    "randn": op("normal", "*shape", mean=0.0, std=1.0),
    "standard_normal": op("normal", "shape=size:None", mean=0.0, std=1.0),
    "normal": op("normal", _NORMAL),
    "rand": op("uniform", "*shape", low=0.0, high=1.0),
    "random random_sample ranf sample": op("uniform", "shape=size:None", low=0.0, high=1.0),
    "uniform": op("uniform", "low:0.0 high:1.0 shape=size:None"),
    "truncnorm": op("truncated_normal", "shape=size:None", mean=0.0, std=1.0),
}

_NUMBERS = {
    **dict.fromkeys(["numpy.inf", "numpy.Inf", "numpy.infty", "math.inf", "jax.numpy.inf", "torch.inf"], math.inf),
    **dict.fromkeys(["numpy.pi", "math.pi", "jax.numpy.pi", "torch.pi"], math.pi),
    **dict.fromkeys(["numpy.e", "math.e"], math.e),
}

NAMES: dict[str, Row] = {
    **{name: op("constant", "", value=value) for name, value in _NUMBERS.items()},
    **rows("math.", alike("sqrt exp log tanh") | {"fabs": op("abs"), "pow": op("power", "x exponent")}),
    **rows("", {"numpy.finfo jax.numpy.finfo torch.finfo": thing("finfo")}),
    **rows("numpy.", ARRAY),
    **rows("numpy.random.", _DRAWS),
    "numpy.random.RandomState": thing("rng", "seed:None"),
    "numpy.random.default_rng": thing("rng", "seed:None"),
    "numpy.copyto": effect("assign", "target=dst value=src", inplace=True),
    "numpy.fill_diagonal": effect("assign", "_target=a _value=val"),
    "numpy.fromfile": op("file_data", "_file dtype:None"),
    "numpy.frombuffer": op("file_data", "_buffer dtype:None"),
    "scipy.special.expit": op("sigmoid", _OUT),
    "scipy.special.softmax": op("softmax", "x axis:None"),
    "scipy.special.log_softmax": op("log_softmax", "x axis:None"),
    "scipy.special.logsumexp": op("smooth", "x=a axis:None"),
    "autograd.grad": op("grad_function", "function=fun argnums=argnum:0"),
    "autograd.elementwise_grad": op("grad_function", "function=fun argnums=argnum:0"),
    "autograd.value_and_grad": op("grad_function", "function=fun argnums=argnum:0", value=True),
}

_FLOAT32 = {"eps": 2.0**-23, "tiny": 2.0**-126, "max": (2 - 2.0**-23) * 2.0**127, "min": -(2 - 2.0**-23) * 2.0**127}

METHODS: dict[str, Row] = {
    **{f"finfo.@{name}": op("constant", "", value=value) for name, value in _FLOAT32.items()},
    **{name: row._replace(params=(Param("_rng", "self"), *row.params)) for name, row in rows("rng.", _DRAWS).items()},
    "tensor.astype": op("cast", "x dtype"),
    **rows("tensor.", {"ravel swapaxes": op("shape", "x *_sizes"), "copy": op("identity")}),
    "tensor.std": op("smooth", "x axis:None"),
    "tensor.argmin": op("argmax", "x axis:None"),
    "tensor.fill": in_place(effect("initialize", "target value", init="full")),
    "tensor.@flat": op("shape"),
}

ALIASES: dict[str, str] = {
    "numpy.core": "numpy",
    "numpy.random.mtrand": "numpy.random",
    "numpy.ndarray": "tensor",
    "cupy": "numpy",
    "autograd.numpy": "numpy",
    "autograd.scipy": "scipy",
}

BASES: dict[str, str] = {}
