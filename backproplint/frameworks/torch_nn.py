"""torch.nn, torch.nn.functional, torch.nn.init and torch.optim: modules, losses, initialisation, optimizers."""

from __future__ import annotations

from backproplint.frameworks.rows import Row, alike, effect, in_place, layer, loss, op, optimizer, rows, thing

_INPUT = "x=input"

# torch.nn.functional, whose activations and layers have module twins below.
_FUNCTIONAL: dict[str, Row] = {
    **alike("sigmoid tanh relu selu softplus softsign gelu silu relu6", _INPUT),
    **alike("leaky_relu elu", "x=input slope=negative_slope/alpha:None"),
    **alike("softmax log_softmax", "x=input axis=dim:None"),
    "relu_ elu_ leaky_relu_": in_place(op("relu", _INPUT)),
    "logsigmoid": op("log_sigmoid", _INPUT),
    "hardsigmoid": op("hard_sigmoid", _INPUT),
    "hardtanh": op("clip", "x=input low=min_val:-1.0 high=max_val:1.0"),
    "mish celu hardswish": op("silu", _INPUT),
    "normalize": op("smooth", _INPUT),
    "gumbel_softmax": op("softmax", "x=logits _tau:1 _hard:False"),
    "one_hot": op("one_hot", _INPUT),
    "linear": op("dense", "x=input weight bias:None"),
    "conv1d conv2d conv3d conv_transpose2d": op("conv", "x=input weight bias:None"),
    "embedding": op("embedding", "x=input weight"),
    "dropout dropout2d": op("dropout", "x=input rate=p:0.5"),
    "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d": op("pool", "x=input"),
    "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d": op("pool", "x=input"),
    "batch_norm instance_norm group_norm": op("batch_norm", _INPUT),
    "layer_norm": op("layer_norm", _INPUT),
    "pad": op("pad", _INPUT),
    "pixel_shuffle unfold fold": op("shape", _INPUT),
    "interpolate upsample": op("upsample", _INPUT),
    "scaled_dot_product_attention": op("attention", "x=query"),
    "cosine_similarity": op("cosine", "a=x1 b=x2"),
    "pairwise_distance": op("norm", "x=x1 _other=x2", safe=True),
}

_PAIR = "prediction=input target"
_TAIL = "_average=size_average:None _reduce=reduce:None reduction:'mean'"
_WEIGHTED = "_weight=weight:None _average=size_average:None"
# name of the function, name of the module, op, parameters between the pair and the end, constants
_LOSSES: tuple[tuple[str, str, str, str, dict[str, object]], ...] = (
    ("mse_loss", "MSELoss", "mse", _TAIL, {}),
    ("l1_loss", "L1Loss", "mae", _TAIL, {}),
    ("smooth_l1_loss", "SmoothL1Loss", "huber", f"{_TAIL} delta=beta:1.0", {}),
    ("huber_loss", "HuberLoss", "huber", "reduction:'mean' delta:1.0", {}),
    (
        "cross_entropy",
        "CrossEntropyLoss",
        "cross_entropy",
        f"{_WEIGHTED} _ignore_index:-100 _reduce:None reduction:'mean'",
        {"from_logits": True},
    ),
    ("nll_loss", "NLLLoss", "nll", f"{_WEIGHTED} _ignore_index:-100 _reduce:None reduction:'mean'", {}),
    ("binary_cross_entropy", "BCELoss", "bce", f"{_WEIGHTED} _reduce:None reduction:'mean'", {"from_logits": False}),
    (
        "binary_cross_entropy_with_logits",
        "BCEWithLogitsLoss",
        "bce",
        f"{_WEIGHTED} _reduce:None reduction:'mean'",
        {"from_logits": True},
    ),
    ("kl_div", "KLDivLoss", "kl", _TAIL, {}),
    ("hinge_embedding_loss", "HingeEmbeddingLoss", "hinge", "", {}),
    ("multi_margin_loss", "MultiMarginLoss", "hinge", "", {}),
    ("soft_margin_loss", "SoftMarginLoss", "bce", "", {"from_logits": True}),
    ("multilabel_soft_margin_loss", "MultiLabelSoftMarginLoss", "bce", "", {"from_logits": True}),
    ("poisson_nll_loss", "PoissonNLLLoss", "other_loss", "", {}),
    ("gaussian_nll_loss", "GaussianNLLLoss", "other_loss", "", {}),
)

_MODULES: dict[str, Row] = {
    "Identity": layer("identity"),
    "Flatten Unflatten PixelShuffle": layer("shape", "*_sizes"),
    "Sigmoid": layer("sigmoid"),
    "Tanh": layer("tanh"),
    "Softmax Softmax2d": layer("softmax", "axis=dim:None"),
    "LogSoftmax": layer("log_softmax", "axis=dim:None"),
    "LogSigmoid": layer("log_sigmoid"),
    "ReLU": layer("relu", "inplace:False"),
    "ReLU6": layer("relu6", "inplace:False"),
    "LeakyReLU": layer("leaky_relu", "slope=negative_slope:0.01 inplace:False"),
    "PReLU RReLU": layer("leaky_relu", slope=0.25),
    "ELU": layer("elu", "slope=alpha:1.0 inplace:False"),
    "SELU": layer("selu"),
    "GELU": layer("gelu"),
    "SiLU Mish CELU Hardswish": layer("silu"),
    "Softplus": layer("softplus"),
    "Softsign": layer("softsign"),
    "Hardsigmoid": layer("hard_sigmoid"),
    "Hardtanh": layer("clip", "low=min_val:-1.0 high=max_val:1.0"),
    "Linear LazyLinear Bilinear": layer(
        "dense", "fan_in=in_features units=out_features bias:True", initializer="torch_default"
    ),
    "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d": layer(
        "conv",
        "fan_in=in_channels units=out_channels size=kernel_size _stride:1 _padding:0 * bias:True",
        initializer="torch_default",
    ),
    "Embedding EmbeddingBag": layer("embedding", "_rows=num_embeddings units=embedding_dim", initializer="normal"),
    "BatchNorm1d BatchNorm2d BatchNorm3d SyncBatchNorm InstanceNorm1d InstanceNorm2d GroupNorm": layer("batch_norm"),
    "LayerNorm RMSNorm": layer("layer_norm"),
    "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout": layer("dropout", "rate=p:0.5 inplace:False"),
    "MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d": layer("pool"),
    "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d": layer("pool"),
    "Upsample UpsamplingNearest2d UpsamplingBilinear2d": layer("upsample"),
    "ZeroPad2d ReflectionPad2d ReplicationPad2d ConstantPad2d": layer("pad"),
    "MultiheadAttention Transformer TransformerEncoderLayer TransformerDecoderLayer": layer(
        "attention", call="x=query/src"
    ),
    "TransformerEncoder TransformerDecoder": layer("attention", call="x=src/tgt"),
}

_RNN = "fan_in=input_size hidden=hidden_size layers=num_layers:1"
_STATE = "x=input state=hx:None"
_RNN_INIT = {"initializer": "torch_default", "recurrent_initializer": "torch_default"}
_RECURRENT: dict[str, Row] = {
    "RNN": layer("rnn", f"{_RNN} kind=nonlinearity:'tanh' bias:True batch_first:False", _STATE, **_RNN_INIT),
    "LSTM": layer("rnn", f"{_RNN} bias:True", _STATE, kind="lstm", **_RNN_INIT),
    "GRU": layer("rnn", f"{_RNN} bias:True", _STATE, kind="gru", **_RNN_INIT),
    "RNNCell": layer(
        "rnn_cell", "fan_in=input_size hidden=hidden_size bias:True kind=nonlinearity:'tanh'", _STATE, **_RNN_INIT
    ),
    "LSTMCell": layer("rnn_cell", "fan_in=input_size hidden=hidden_size bias:True", _STATE, kind="lstm", **_RNN_INIT),
    "GRUCell": layer("rnn_cell", "fan_in=input_size hidden=hidden_size bias:True", _STATE, kind="gru", **_RNN_INIT),
}

_INIT: dict[str, Row] = {
    "normal normal_": effect("initialize", "target=tensor mean:0.0 std:1.0", init="normal"),
    "trunc_normal_": effect(
        "initialize", "target=tensor mean:0.0 std:1.0 low=a:-2.0 high=b:2.0", init="truncated_normal"
    ),
    "uniform uniform_": effect("initialize", "target=tensor low=a:0.0 high=b:1.0", init="uniform"),
    "constant constant_": effect("initialize", "target=tensor value=val", init="full"),
    "zeros_": effect("initialize", "target=tensor", init="zeros"),
    "ones_": effect("initialize", "target=tensor", init="ones"),
    "eye eye_": effect("initialize", "target=tensor", init="identity_matrix"),
    "orthogonal orthogonal_": effect("initialize", "target=tensor gain:1", init="orthogonal"),
    "xavier_normal xavier_normal_": effect("initialize", "target=tensor gain:1.0", init="xavier_normal"),
    "xavier_uniform xavier_uniform_": effect("initialize", "target=tensor gain:1.0", init="xavier_uniform"),
    "kaiming_normal kaiming_normal_": effect("initialize", "target=tensor slope=a:0", init="he_normal"),
    "kaiming_uniform kaiming_uniform_": effect("initialize", "target=tensor slope=a:0", init="he_uniform"),
}

_OPTIM: dict[str, Row] = {
    "SGD": optimizer("sgd", "parameters=params lr:0.001 momentum:0", api="torch"),
    "RMSprop": optimizer("rmsprop", "parameters=params lr:0.01", api="torch"),
    "Adagrad": optimizer("adagrad", "parameters=params lr:0.01", api="torch"),
    "Adadelta": optimizer("adadelta", "parameters=params lr:1.0", api="torch"),
    "Adamax": optimizer("adamax", "parameters=params lr:0.002", api="torch"),
    "NAdam": optimizer("nadam", "parameters=params lr:0.002", api="torch"),
    "Adam AdamW RAdam SparseAdam": optimizer("adam", "parameters=params lr:0.001", api="torch"),
    "LBFGS": optimizer("lbfgs", "parameters=params lr:1", api="torch"),
    "ASGD Rprop": optimizer("sgd", "parameters=params lr:0.01", api="torch"),
}

_SCHEDULERS = (
    "StepLR MultiStepLR ExponentialLR CosineAnnealingLR CosineAnnealingWarmRestarts ReduceLROnPlateau LambdaLR "
    "OneCycleLR CyclicLR LinearLR"
)

NAMES: dict[str, Row] = {
    **rows("torch.optim.lr_scheduler.", {_SCHEDULERS: thing("lr_scheduler", "optimizer")}),
    **rows("torch.nn.functional.", _FUNCTIONAL),
    **rows("torch.nn.", _MODULES | _RECURRENT),
    **rows("torch.nn.init.", _INIT),
    **rows("torch.optim.", _OPTIM),
    **{
        f"torch.nn.functional.{name}": op(kind, f"{_PAIR} {more}", **constants)
        for name, _, kind, more, constants in _LOSSES
    },
    **{f"torch.nn.{name}": loss(kind, more, _PAIR, **constants) for _, name, kind, more, constants in _LOSSES},
}

OPTIMIZER_NAMES = tuple(name for names in _OPTIM for name in names.split())
