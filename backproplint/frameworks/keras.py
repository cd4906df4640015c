"""Keras 1, 2 and 3 (and tf.keras): layers, activations, initializers, optimizers, losses, models."""

from __future__ import annotations

from backproplint.frameworks import keras_backend
from backproplint.frameworks.rows import Row, alike, effect, layer, loss, op, optimizer, rows, thing

_SHAPE = "input_shape:None batch_input_shape:None"
_KERNEL = "initializer=kernel_initializer/init:'glorot_uniform' bias_initializer:'zeros'"
_DENSE = f"units=units/output_dim activation:None bias=use_bias/bias:True {_KERNEL} * fan_in=input_dim:None {_SHAPE}"
_CONV = (
    "units=filters/nb_filter size=kernel_size/filter_length _strides=strides:1 _padding=padding:'valid' * "
    f"activation:None bias=use_bias:True {_KERNEL} {_SHAPE}"
)
_RNN = (
    "hidden=units/output_dim activation:'tanh' * initializer=kernel_initializer/init:'glorot_uniform' "
    "recurrent_initializer=recurrent_initializer/inner_init:'orthogonal' bias_initializer:'zeros' "
    f"return_sequences:False return_state:False stateful:False fan_in=input_dim:None {_SHAPE}"
)
_CALL = "x=inputs state=initial_state:None"

_LAYERS: dict[str, Row] = {
    "Dense TimeDistributedDense": layer("dense", _DENSE),
    "Conv1D Conv2D Conv3D Conv2DTranspose SeparableConv2D Convolution1D": layer("conv", _CONV),
    "Convolution2D Deconvolution2D": layer(  # Keras 1 gives rows and columns one by one
        "conv",
        f"units=nb_filter/filters size=nb_row/kernel_size _cols=nb_col:None * activation:None {_KERNEL} {_SHAPE}",
    ),
    "DepthwiseConv2D": layer("conv", f"size=kernel_size * activation:None {_KERNEL} {_SHAPE}"),
    "Embedding": layer(
        "embedding",
        "_rows=input_dim units=output_dim initializer=embeddings_initializer:'uniform' * length=input_length:None",
    ),
    "SimpleRNN": layer("rnn", _RNN, _CALL, kind="tanh"),
    "LSTM CuDNNLSTM": layer("rnn", _RNN, _CALL, kind="lstm"),
    "GRU CuDNNGRU": layer("rnn", _RNN, _CALL, kind="gru"),
    "ConvLSTM2D": layer(
        "rnn", f"hidden=filters size=kernel_size * return_sequences:False {_SHAPE}", _CALL, kind="lstm"
    ),
    "SimpleRNNCell": layer("rnn_cell", _RNN, "x=inputs state=states", kind="tanh"),
    "LSTMCell": layer("rnn_cell", _RNN, "x=inputs state=states", kind="lstm"),
    "GRUCell": layer("rnn_cell", _RNN, "x=inputs state=states", kind="gru"),
    "StackedRNNCells": layer("multi_cell", "cells", "x=inputs state=states"),
    "RNN": layer("wrapped_cell", "cell return_sequences:False", _CALL, unroll=True),
    "Bidirectional TimeDistributed": layer("wrapped", f"layer * {_SHAPE}"),
    "BatchNormalization GroupNormalization": layer("batch_norm", f"* {_SHAPE}"),
    "LayerNormalization UnitNormalization": layer("layer_norm"),
    "Normalization": layer("batch_norm"),
    "Dropout SpatialDropout1D SpatialDropout2D AlphaDropout GaussianDropout": layer(
        "dropout", f"rate=rate/p * {_SHAPE}"
    ),
    "GaussianNoise ActivityRegularization": layer("identity", f"_amount * {_SHAPE}"),
    "MaxPooling1D MaxPooling2D MaxPooling3D MaxPool1D MaxPool2D AveragePooling1D AveragePooling2D AvgPool2D "
    "GlobalMaxPooling1D GlobalMaxPooling2D GlobalAveragePooling1D GlobalAveragePooling2D GlobalAvgPool2D": layer(
        "pool", f"_size=pool_size:2 * {_SHAPE}"
    ),
    "UpSampling1D UpSampling2D": layer("upsample"),
    "ZeroPadding1D ZeroPadding2D Cropping2D": layer("pad", f"_size * {_SHAPE}"),
    "Flatten Reshape Permute RepeatVector Masking": layer("shape", f"*_sizes {_SHAPE}"),
    "Rescaling experimental.preprocessing.Rescaling": layer("rescale", f"scale offset:0.0 * {_SHAPE}"),
    "RandomFlip RandomRotation RandomZoom RandomCrop Resizing": layer("identity", f"*_amount {_SHAPE}"),
    "Activation": layer("activation", f"function=activation * {_SHAPE}"),
    "ReLU": layer("relu"),
    "LeakyReLU": layer("leaky_relu", f"slope=alpha/negative_slope:0.3 * {_SHAPE}"),
    "PReLU ThresholdedReLU": layer("leaky_relu", slope=0.25),
    "ELU": layer("elu", "slope=alpha:1.0"),
    "Softmax": layer("softmax", "axis:-1"),
    "Lambda": layer("lambda", f"function * {_SHAPE}"),
    "Attention AdditiveAttention MultiHeadAttention": layer("attention"),
    "Add": layer("sum", "", "x=inputs", axis=0),
    "Average": layer("mean", "", "x=inputs", axis=0),
    "Multiply": layer("product", "", "x=inputs", axis=0),
    "Maximum": layer("max", "", "x=inputs", axis=0),
    "Subtract": layer("subtract_pair", "", "xs=inputs"),
    "Concatenate": layer("concat", "axis:-1", "xs=inputs"),
    "Dot": layer("dot_pair", "axes", "xs=inputs"),
    "add": op("sum", "x=inputs", axis=0),
    "average": op("mean", "x=inputs", axis=0),
    "multiply": op("product", "x=inputs", axis=0),
    "maximum": op("max", "x=inputs", axis=0),
    "concatenate merge": op("concat", "xs=inputs axis:-1"),
    "Input InputLayer": op("placeholder", "shape=shape/input_shape:None batch_shape:None dtype:None"),
}

_ACTIVATIONS: dict[str, Row] = {
    **alike("sigmoid tanh relu softplus softsign elu selu gelu silu relu6 leaky_relu hard_sigmoid log_softmax"),
    "softmax": op("softmax", "x axis:-1"),
    "linear": op("identity"),
    "swish mish hard_silu hard_swish celu": op("silu"),
    "exponential": op("exp"),
    "log_sigmoid": op("log_sigmoid"),
}

_INITIALIZERS: dict[str, Row] = {
    "RandomNormal random_normal normal": thing("normal", "mean:0.0 std=stddev:0.05"),
    "TruncatedNormal truncated_normal": thing("truncated_normal", "mean:0.0 std=stddev:0.05"),
    "RandomUniform random_uniform uniform": thing("uniform", "low=minval:-0.05 high=maxval:0.05"),
    "Zeros zeros zero": thing("zeros"),
    "Ones ones one": thing("ones"),
    "Constant constant": thing("full", "value:0.0"),
    "Orthogonal orthogonal": thing("orthogonal", "gain:1.0"),
    "Identity identity": thing("identity_matrix", "gain:1.0"),
    "GlorotNormal glorot_normal xavier_normal": thing("xavier_normal"),
    "GlorotUniform glorot_uniform xavier_uniform": thing("xavier_uniform"),
    "HeNormal he_normal": thing("he_normal"),
    "HeUniform he_uniform": thing("he_uniform"),
    "LecunNormal lecun_normal": thing("lecun_normal"),
    "LecunUniform lecun_uniform": thing("lecun_uniform"),
    "VarianceScaling variance_scaling": thing(
        "variance_scaling", "scale:1.0 mode:'fan_in' distribution:'truncated_normal'"
    ),
}

# Functions that transform gradients are there to clip them more often than not.
_CLIP = "* clipnorm:None clipvalue:None global_clipnorm:None clip=gradient_transformers:None"


def _optimizer(kind: str, lr: float, more: str = "") -> Row:
    return optimizer(kind, f"lr=learning_rate/lr:{lr} {more} {_CLIP}", api="keras")


_OPTIMIZERS: dict[str, Row] = {
    "SGD sgd": _optimizer("sgd", 0.01, "momentum:0.0"),
    "Adam adam AdamW adamw Lion Ftrl": _optimizer("adam", 0.001),
    "RMSprop rmsprop": _optimizer("rmsprop", 0.001),
    "Adagrad adagrad": _optimizer("adagrad", 0.001),
    "Adadelta adadelta": _optimizer("adadelta", 0.001),
    "Adamax adamax": _optimizer("adamax", 0.001),
    "Nadam nadam": _optimizer("nadam", 0.001),
}

_PAIR = "target=y_true prediction=y_pred"
_LOGITS = "from_logits:False"
# name of the function (with its short forms), name of the class, op, parameters after the pair
_LOSSES: tuple[tuple[str, str, str, str], ...] = (
    ("mean_squared_error mse MSE", "MeanSquaredError", "mse", ""),
    ("mean_absolute_error mae MAE", "MeanAbsoluteError", "mae", ""),
    (
        "mean_absolute_percentage_error mape MAPE mean_squared_logarithmic_error msle MSLE",
        "MeanSquaredLogarithmicError",
        "other_loss",
        "",
    ),
    ("huber huber_loss", "Huber", "huber", "delta:1.0"),
    ("logcosh log_cosh", "LogCosh", "huber", ""),
    ("categorical_crossentropy", "CategoricalCrossentropy", "cross_entropy", _LOGITS),
    ("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", "cross_entropy", _LOGITS),
    ("binary_crossentropy", "BinaryCrossentropy", "bce", _LOGITS),
    ("binary_focal_crossentropy", "BinaryFocalCrossentropy", "bce", f"* {_LOGITS}"),
    ("kl_divergence kullback_leibler_divergence kld KLD", "KLDivergence", "kl", ""),
    ("hinge", "Hinge", "hinge", ""),
    ("squared_hinge", "SquaredHinge", "hinge", ""),
    ("categorical_hinge", "CategoricalHinge", "hinge", ""),
    ("cosine_similarity cosine_proximity", "CosineSimilarity", "cosine_loss", ""),
    ("poisson", "Poisson", "other_loss", ""),
)

_FIT = "x:None y:None batch_size:None epochs=epochs/nb_epoch:1 _verbose=verbose:1 callbacks:None * validation_data:None"
_MODELS: dict[str, Row] = {
    "models.Sequential": layer("sequential", "layers:None", api="keras"),
    "models.Model": layer("functional_model", "inputs=inputs/input outputs=outputs/output", api="keras"),
    "models.load_model": thing("loaded_model", "_path"),
    "optimizers.get": op("named_optimizer", "identifier"),
    "wrappers.scikit_learn.KerasClassifier wrappers.scikit_learn.KerasRegressor": thing(
        "scikit_wrapper", "build=build_fn/model:None **options"
    ),
    "callbacks.LearningRateScheduler": thing("lr_callback", "schedule"),
    "utils.to_categorical": op("one_hot"),
    "utils.np_utils.to_categorical": op("one_hot"),
}

# What scikit-learn makes of a wrapped model: it is fitted, more than once.
_SCIKIT: dict[str, Row] = {
    "model_selection.GridSearchCV model_selection.RandomizedSearchCV": thing(
        "scikit_wrapper", "models=estimator", search=True
    ),
    "ensemble.VotingClassifier ensemble.VotingRegressor": thing("scikit_wrapper", "models=estimators"),
    "model_selection.cross_val_score model_selection.cross_validate": effect("fit", "model=estimator x=X y:None"),
}

NAMES: dict[str, Row] = {
    **rows("keras.layers.", _LAYERS),
    **rows("keras.activations.", _ACTIVATIONS),
    **rows("keras.initializers.", _INITIALIZERS),
    **rows("keras.optimizers.", _OPTIMIZERS),
    **rows("keras.", _MODELS),
    **rows("sklearn.", _SCIKIT),
    **keras_backend.NAMES,
    **rows("keras.ops.", _ACTIVATIONS),
    **{
        f"keras.losses.{name}": op(kind, f"{_PAIR} {more}")
        for names, _, kind, more in _LOSSES
        for name in names.split()
    },
    **{f"keras.losses.{name}": loss(kind, more, _PAIR) for _, name, kind, more in _LOSSES},
}

METHODS: dict[str, Row] = {
    "model.compile": effect("compile", "model optimizer:'rmsprop' loss:None metrics:None"),
    "model.fit": effect("fit", f"model {_FIT}"),
    "scikit_wrapper.fit": effect("fit", "model x=X y:None"),
    "model.fit_generator": effect("fit", "model x=generator _steps=steps_per_epoch:None epochs=epochs/nb_epoch:1"),
    "model.train_on_batch": effect("fit", "model x y:None", batch=True),
    "model.compute_loss": op("compiled_loss", "model _x=x:None target=y:None prediction=y_pred:None"),
    "model.compiled_loss": op("compiled_loss", "model target=y_true:None prediction=y_pred:None"),
    "model.evaluate": effect("predict", "model x y:None"),
    "model.predict": effect("predict", "model x"),
    "model.predict_classes": effect("predict", "model x"),
    "model.predict_on_batch": effect("predict", "model x"),
    "model.add": effect("append", "container=model item=layer"),
    "model.add_loss": effect("add_loss", "_model loss"),
    "model.@layers": op("modules", "module", direct=True),
    "model.@trainable_variables": op("parameters", "module"),
    "model.@trainable_weights": op("parameters", "module"),
    "model.@variables": op("parameters", "module"),
    "layer.add_weight": op(
        "variable", "_layer name:None shape:None _dtype:None initializer:'glorot_uniform' * trainable:True"
    ),
    "layer.add_loss": effect("add_loss", "_layer loss"),
    "optimizer.apply": effect("apply_gradients", "optimizer gradients=grads"),
    "optimizer.get_updates": effect("minimize", "optimizer loss parameters=params"),
    "optimizer.get_gradients": effect("gradient", "_optimizer loss parameters=params"),
}

_MOVED = "core convolutional recurrent embeddings normalization pooling wrappers noise advanced_activations merge local"
ALIASES: dict[str, str] = {
    "tf_keras": "keras",
    "keras.src": "keras",
    "keras.api": "keras",
    "keras._tf_keras.keras": "keras",
    "keras.Sequential": "keras.models.Sequential",
    "keras.Model": "keras.models.Model",
    "keras.models.Input": "keras.layers.Input",
    "keras.Input": "keras.layers.Input",
    "keras.engine.Input": "keras.layers.Input",
    "keras.engine": "keras.layers",
    "keras.engine.topology": "keras.layers",
    "keras.engine.base_layer": "keras.layers",
    "keras.engine.training": "keras.models",
    "keras.engine.Model": "keras.models.Model",
    "keras.engine.sequential": "keras.models",
    "keras.initializations": "keras.initializers",
    "keras.objectives": "keras.losses",
    "keras.optimizers.legacy": "keras.optimizers",
    "keras.optimizers.experimental": "keras.optimizers",
    "keras.layers.experimental.preprocessing": "keras.layers",
    "scikeras.wrappers": "keras.wrappers.scikit_learn",
    "keras.random.normal": "keras.backend.random_normal",
    "keras.random.uniform": "keras.backend.random_uniform",
    "keras.ops.nn": "keras.ops",
    "keras.ops.numpy": "keras.ops",
    "keras.utils.np_utils": "keras.utils",
    "keras.backend.tensorflow_backend": "keras.backend",
    **{f"keras.layers.{module}": "keras.layers" for module in _MOVED.split()},
    **{f"keras.optimizers.{module}": "keras.optimizers" for module in ("adam_v2", "gradient_descent_v2", "rmsprop_v2")},
}

BASES: dict[str, str] = {
    "keras.models.Model": "model",
    "keras.models.Sequential": "model",
    "keras.layers.Layer": "layer",
    "keras.layers.AbstractRNNCell": "rnn_cell",
    "keras.losses.Loss": "loss",
    "keras.callbacks.Callback": "callback",
    "keras.utils.Sequence": "dataset",
}

# Where a string argument such as activation="relu" is looked up.
STRINGS: dict[str, str] = {
    "activation": "keras.activations",
    "initializer": "keras.initializers",
    "optimizer": "keras.optimizers",
    "loss": "keras.losses",
}
