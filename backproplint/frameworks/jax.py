"""JAX: jax.numpy, jax.nn, lax, random, transformations, and the small layer and optimizer libraries it ships."""

from __future__ import annotations

from backproplint.frameworks.numpy import ARRAY
from backproplint.frameworks.rows import Row, alike, effect, layer, op, optimizer, rows, thing

_GRAD = "function=fun/f/func argnums:0 has_aux:False"

_NN: dict[str, Row] = {
    **alike("sigmoid tanh relu relu6 selu softplus gelu silu"),
    "leaky_relu": op("leaky_relu", "x slope=negative_slope:0.01"),
    "elu celu": op("elu", "x slope=alpha:1.0"),
    "soft_sign": op("softsign"),
    "log_sigmoid": op("log_sigmoid"),
    "hard_sigmoid": op("hard_sigmoid"),
    "hard_tanh": op("clip", "x", low=-1.0, high=1.0),
    "swish mish hard_silu hard_swish squareplus": op("silu"),
    "softmax": op("softmax", "x axis:-1"),
    "log_softmax": op("log_softmax", "x axis:-1"),
    "logsumexp standardize": op("smooth", "x=a/x axis:None"),
    "one_hot": op("one_hot"),
}

INITIALIZERS: dict[str, Row] = {
    "normal": thing("normal", "std=stddev:0.01", mean=0.0),
    "truncated_normal": thing("truncated_normal", "std=stddev:0.01", mean=0.0),
    "uniform": thing("uniform", "high=scale:0.01", low=0.0),
    "constant": thing("full", "value"),
    "zeros": op("zeros", "_key shape"),  # these two are initializers themselves, the rest make one
    "ones": op("ones", "_key shape"),
    "zeros_init": thing("zeros"),
    "ones_init": thing("ones"),
    "orthogonal": thing("orthogonal", "gain=scale:1.0"),
    "glorot_normal xavier_normal": thing("xavier_normal"),
    "glorot_uniform xavier_uniform": thing("xavier_uniform"),
    "he_normal kaiming_normal": thing("he_normal"),
    "he_uniform kaiming_uniform": thing("he_uniform"),
    "lecun_normal": thing("lecun_normal"),
    "lecun_uniform": thing("lecun_uniform"),
    "variance_scaling": thing("variance_scaling", "scale mode distribution"),
}

_RANDOM: dict[str, Row] = {
    "normal": op("normal", "key shape:()", mean=0.0, std=1.0),
    "truncated_normal": op("truncated_normal", "key _lower _upper shape:None", mean=0.0, std=1.0),
    "uniform": op("uniform", "key shape:() _dtype:None low=minval:0.0 high=maxval:1.0"),
    "orthogonal": op("orthogonal", "key shape=n"),
}

_LAX: dict[str, Row] = {
    **alike("exp log sqrt square abs sign tanh round"),
    **alike("cumsum", "x=operand axis:0"),
    "logistic": op("sigmoid"),
    "neg": op("negate"),
    "rsqrt": op("power", "x", exponent=-0.5),
    "add": op("add", "a=x b=y"),
    "sub": op("subtract", "a=x b=y"),
    "mul": op("multiply", "a=x b=y"),
    "div": op("divide", "a=x b=y"),
    "max": op("maximum", "a=x b=y"),
    "min": op("minimum", "a=x b=y"),
    "pow integer_pow": op("power", "x exponent=y"),
    "clamp": op("clip", "low=min x high=max"),
    "dot dot_general batch_matmul": op("matmul", "a=lhs b=rhs"),
    "select": op("where", "condition=pred a=on_true b=on_false"),
    "stop_gradient": op("stop_gradient"),
    "argmax": op("argmax", "x=operand"),
    "reshape broadcast_in_dim transpose dynamic_slice": op("shape", "x=operand *_sizes"),
    "concatenate": op("concat", "xs=operands axis=dimension"),
    "conv conv_general_dilated conv_with_general_padding": op("conv", "x=lhs weight=rhs"),
    "scan": op("scan", "step=f initial=init xs:None _length:None _reverse:False", returns="carry_and_outputs"),
    "fori_loop": op("fori_loop", "start=lower stop=upper step=body_fun initial=init_val"),
    "while_loop": op("while_loop", "condition=cond_fun step=body_fun initial=init_val"),
    "cond": op("cond", "condition=pred yes=true_fun no=false_fun *operands"),
    "switch": op("cond", "condition=index yes=branches *operands"),
    "map": op("map", "step=f xs"),
}

_TRANSFORMS: dict[str, Row] = {
    "grad": op("grad_function", _GRAD, value=False),
    "value_and_grad": op("grad_function", _GRAD, value=True),
    "jit vmap pmap checkpoint remat named_call linear_util.wrap_init": op("wrap", "function=fun *args"),
    "custom_jvp custom_vjp custom_gradient": op("custom_gradient", "function=fun"),
    "vjp": op("vjp", "function=fun *inputs=primals"),
    "device_put device_get block_until_ready": op("identity"),
    "lax.pmean lax.psum lax.with_sharding_constraint": op("identity"),
    "tree_map tree_util.tree_map tree.map tree_multimap tree_util.tree_multimap": op(
        "tree_map", "function=f tree *rest"
    ),
}

# Layers without settings are no constructors in stax: `Sigmoid` itself is the layer.
_STAX: dict[str, Row] = {
    "serial": layer("sequential", "*layers", api="stax"),
    **{name.title(): op(name) for name in ("relu", "tanh", "sigmoid", "softmax", "elu", "selu", "softplus")},
    "LeakyRelu": op("leaky_relu", "x", slope=0.01),
    "Gelu": op("gelu"),
    "LogSoftmax": op("log_softmax"),
    "Flatten": op("shape"),
    "Identity": op("identity"),
    "elementwise": layer("lambda", "function=fun"),
    "Dense": layer("dense", "units=out_dim initializer=W_init:'glorot_normal' bias_initializer=b_init:'normal'"),
    "Conv": layer("conv", "units=out_chan size=filter_shape", initializer="glorot_normal"),
    "Dropout": layer("dropout", "rate"),
    "BatchNorm": layer("batch_norm"),
    "MaxPool AvgPool": layer("pool"),
}
_PARTS = "init_fn update_fn params_fn"  # an optimizer is a tuple of three functions, called by position or by name
_OPTIMIZERS: dict[str, Row] = {
    "sgd": optimizer("sgd", "lr=step_size", api="jax", parts=_PARTS),
    "momentum nesterov": optimizer("sgd", "lr=step_size momentum=mass", api="jax", parts=_PARTS),
    "adam": optimizer("adam", "lr=step_size", api="jax", parts=_PARTS),
    "adamax": optimizer("adamax", "lr=step_size", api="jax", parts=_PARTS),
    "rmsprop rmsprop_momentum": optimizer("rmsprop", "lr=step_size", api="jax", parts=_PARTS),
    "adagrad": optimizer("adagrad", "lr=step_size", api="jax", parts=_PARTS),
    "clip_grads": op("clip_norm", "x=grad_tree norm=max_norm"),
}

NAMES: dict[str, Row] = {
    **rows("jax.numpy.", ARRAY),
    **rows("jax.nn.", _NN),
    **rows("jax.nn.initializers.", INITIALIZERS),
    **rows("jax.random.", _RANDOM),
    **rows("jax.lax.", _LAX),
    **rows("jax.", _TRANSFORMS),
    **rows("jax.example_libraries.stax.", _STAX),
    **rows("jax.example_libraries.optimizers.", _OPTIMIZERS),
    "jax.scipy.special.expit": op("sigmoid"),
    "jax.scipy.special.logsumexp": op("smooth", "x=a axis:None"),
    "jax.debug.print": effect("print", "*_args"),
    "jax.flatten_util.ravel_pytree": op("shape", "x=pytree"),
    # Equinox: modules are called on one example.
    "equinox.nn.Linear": layer(
        "dense", "fan_in=in_features units=out_features bias=use_bias:True", initializer="torch_default"
    ),
    "equinox.nn.Conv2d": layer(
        "conv", "fan_in=in_channels units=out_channels size=kernel_size", initializer="torch_default"
    ),
    "equinox.nn.MLP": layer(
        "mlp",
        "fan_in=in_size units=out_size hidden=width_size layers=depth activation:'relu' final_activation:None",
        initializer="torch_default",
    ),
    "equinox.nn.Sequential": layer("sequential", "layers", api="equinox"),
    "equinox.nn.Lambda": layer("lambda", "function=fn"),
    "equinox.nn.LSTMCell": layer(
        "rnn_cell", "fan_in=input_size hidden=hidden_size", "x=input state=hidden", kind="lstm"
    ),
    "equinox.nn.GRUCell": layer("rnn_cell", "fan_in=input_size hidden=hidden_size", "x=input state=hidden", kind="gru"),
    "equinox.nn.Dropout": layer("dropout", "rate=p:0.5"),
    "equinox.nn.LayerNorm": layer("layer_norm"),
    "equinox.filter_jit": op("wrap", "function=fun *args"),
    "equinox.filter_vmap": op("wrap", "function=fun *args"),
    "equinox.filter_grad": op("grad_function", "function=fun", argnums=0, value=False),
    "equinox.filter_value_and_grad": op("grad_function", "function=fun * has_aux:False", argnums=0, value=True),
    "equinox.apply_updates": effect("apply_updates", "parameters=model updates"),
    "equinox.filter": op("identity", "x=pytree"),
    "equinox.tree_at": op("tree_at", "where tree=pytree replace:None function=replace_fn"),
    "equinox.partition": op("split_module", "module=pytree *_filters", same=True),
    "equinox.combine": op("identity", "x=pytree"),
}

METHODS: dict[str, Row] = {
    "tensor.block_until_ready": op("identity"),
    "flax.stax_init": op("init_module", "module key=rng *inputs", returns="shape_and_parameters"),
    "flax.stax_apply": op("apply_module", "module parameters=params *inputs"),
    "optimizer.init_fn": effect("init_optimizer", "optimizer parameters=x0"),
    "optimizer.update_fn": effect("apply_gradients", "optimizer _step=i gradients=g state"),
    "optimizer.params_fn": op("optimizer_parameters", "optimizer state"),
}

ALIASES: dict[str, str] = {
    "jax.experimental.stax": "jax.example_libraries.stax",
    "jax.experimental.optimizers": "jax.example_libraries.optimizers",
    "jax.lax.lax": "jax.lax",
    "jax.ad_checkpoint": "jax",
    "jax.nn.functions": "jax.nn",
    "jax.Array": "tensor",
    "jax.numpy.ndarray": "tensor",
}

BASES: dict[str, str] = {"equinox.Module": "equinox"}
