"""What each library's names mean: tables from qualified names to canonical ops, one file a library.

row("tensorflow.compat.v1.clip_by_value").op    "clip"
method("tensor", "clamp_").constants            {"inplace": True}
string("initializer", "normal").params          mean 0, std 0.05
"""

from __future__ import annotations

from functools import lru_cache

from backproplint.frameworks import datasets, flax, jax, keras, numpy, optax, tensorflow, torch, trainers
from backproplint.frameworks.rows import Row, thing
from backproplint.ops import INITIALIZERS

_TABLES = (datasets, flax, jax, keras, numpy, optax, tensorflow, trainers, torch)  # of two that clash the last counts

NAMES: dict[str, Row] = {name: row for table in _TABLES for name, row in table.NAMES.items()}
METHODS: dict[str, Row] = {name: row for table in _TABLES for name, row in table.METHODS.items()}
ALIASES: dict[str, str] = {name: prefix for table in _TABLES for name, prefix in table.ALIASES.items()}
BASES: dict[str, str] = {name: kind for table in _TABLES for name, kind in table.BASES.items()}

_TORCH = "torch torchvision torchaudio lightning pytorch_lightning transformers accelerate fastai"
_JAX = "jax flax optax haiku equinox chex rlax"
_FRAMEWORKS: dict[str, str] = {
    **dict.fromkeys(_TORCH.split(), "torch"),
    **dict.fromkeys(_JAX.split(), "jax"),
    **dict.fromkeys(("keras", "tf_keras"), "keras"),
    **dict.fromkeys(("numpy", "cupy", "autograd"), "numpy"),
    "tf_slim": "tf1",
    "tensorflow": "tf2",
}
deep_learning_modules: frozenset[str] = frozenset(_FRAMEWORKS)

# Names below `tensorflow.` that TensorFlow 2 dropped: a name or a prefix of it.
_TF1_ONLY = (
    "compat.v1 contrib layers app flags placeholder placeholder_with_default Session InteractiveSession get_variable "
    "variable_scope get_default_graph reset_default_graph global_variables_initializer initialize_all_variables "
    "trainable_variables get_collection random_normal random_uniform truncated_normal truncated_normal_initializer "
    "log mul sub neg div pack unpack arg_max to_float to_int32 assign assign_add assign_sub nn.rnn_cell nn.dynamic_rnn "
    "nn.static_rnn nn.bidirectional_dynamic_rnn nn.xw_plus_b nn.softmax_cross_entropy_with_logits_v2 examples models "
    "ConfigProto gfile py_func Print losses.softmax_cross_entropy losses.sigmoid_cross_entropy "
    "losses.sparse_softmax_cross_entropy losses.absolute_difference losses.huber_loss losses.get_total_loss "
    "train.Saver train.MonitoredTrainingSession train.exponential_decay train.get_or_create_global_step"
)
_TF1 = frozenset(_TF1_ONLY.split())
_KERAS = ("keras", "python.keras", "contrib.keras", "compat.v1.keras", "compat.v2.keras")


def _prefixes(dotted: str) -> list[str]:
    """Every prefix of a dotted name, the longest first."""
    parts = dotted.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _renamed(qualified: str) -> str:
    prefix = next((prefix for prefix in _prefixes(qualified) if prefix in ALIASES), None)
    return qualified if prefix is None else ALIASES[prefix] + qualified[len(prefix) :]


@lru_cache(maxsize=4096)
def canonical(qualified: str) -> str:
    """The name a table knows `qualified` by: aliases are followed, the longest prefix first, until a table has it."""
    name = qualified
    for _ in range(6):
        if name in NAMES or name in BASES:
            return name
        name = _renamed(name)
    return name


def row(qualified: str) -> Row | None:
    """What a qualified name means; None when no table knows it (`torch.Tensor.clamp` is the method of a tensor)."""
    name = canonical(qualified)
    return NAMES.get(name) or METHODS.get(name)


_MODULES = frozenset(prefix for name in (*NAMES, *BASES) for prefix in _prefixes(name)[1:])


@lru_cache(maxsize=4096)
def is_module(qualified: str) -> bool:
    """Whether tables know names below this one: what `from fastai.text.all import *` brings as `nn` is torch.nn."""
    name = canonical(qualified)
    return name != qualified and name in _MODULES


def method(kind: str, name: str) -> Row | None:
    """What a method of a kind of object means, an attribute as `@name`; its first parameter is the object itself."""
    return METHODS.get(f"{kind}.{name}")


def base(qualified: str) -> str | None:
    """What a class is that derives from `qualified`: module, model, layer, flax, lightning, autograd_function, ...

    A class derived from a ready layer (`class Net(nn.LSTM)`) is a module, in Keras a layer.
    """
    kind = BASES.get(canonical(qualified))
    known = row(qualified) if kind is None else None
    if known is not None and known.makes in ("layer", "loss"):
        return "module" if framework(qualified) == "torch" else "layer"
    return kind


def string(category: str, text: str) -> Row | None:
    """What a string argument means. `category`: activation, initializer, optimizer or loss; `text` e.g. "relu"."""
    if category == "initializer" and text in INITIALIZERS and f"keras.initializers.{text}" not in NAMES:
        return thing(text)
    prefix = keras.STRINGS[category]
    return NAMES.get(f"{prefix}.{text}") or NAMES.get(f"{prefix}.{text.lower()}")


@lru_cache(maxsize=4096)
def framework(qualified: str) -> str:
    """The framework of a name: tf1, tf2, keras, torch, jax, numpy, or "" for any other.

    TensorFlow's names are tf2 unless only TensorFlow 1 had them.
    """
    top, _, rest = qualified.partition(".")
    if top != "tensorflow":
        return _FRAMEWORKS.get(top, "")
    if rest.startswith(_KERAS):
        return "keras"
    tf1 = rest.startswith("train.") and rest.endswith("Optimizer")
    return "tf1" if tf1 or not _TF1.isdisjoint(_prefixes(rest)) else "tf2"
