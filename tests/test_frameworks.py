"""The tables of library names: every row speaks the canonical vocabulary, and defaults are those of the libraries."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backproplint import frameworks
from backproplint.frameworks import structural
from backproplint.frameworks.rows import Param, Row, layer, op
from backproplint.ops import OPS

ROWS = {**frameworks.NAMES, **frameworks.METHODS}
TABLES = {
    "value": structural.VALUES | structural.DATA,
    "layer": structural.LAYERS,
    "object": structural.OBJECTS | structural.DATA,
    "effect": structural.EFFECTS | structural.VALUES,
    "optimizer": structural.OPTIMIZERS,
    "loss": {},
}


def arguments(row: Row) -> set[str]:
    names = {param.name for param in row.params + row.call} | set(row.constants)
    return {name for name in names if not name.startswith("_")}


def known(row: Row) -> frozenset[str]:
    """Argument names that the row's op understands; KeyError for an op that nobody knows."""
    if row.makes == "optimizer" or row.op not in OPS:
        return TABLES[row.makes][row.op] | frozenset({"inplace"})
    canonical = OPS[row.op]
    extra = structural.EXTRA.get(row.op, frozenset())
    return frozenset(canonical.flows) | frozenset(canonical.settings) | extra | structural.EVERYWHERE


def test_every_row_speaks_the_canonical_vocabulary() -> None:
    wrong = {}
    for name, row in ROWS.items():
        unknown = arguments(row) - known(row) if row.op in OPS or row.op in TABLES[row.makes] else {row.op}
        if unknown:
            wrong[name] = unknown
    assert wrong == {}


def test_no_parameter_stands_twice() -> None:
    for name, row in ROWS.items():
        for params in (row.params, row.call):
            spelled = [word for param in params for word in (param.spelled, *param.also)]
            names = [param.name for param in params if not param.name.startswith("_")]
            assert len(set(spelled)) == len(spelled), name
            assert len(set(names)) == len(names), name


def test_every_structural_op_is_used() -> None:
    used = {row.op for row in ROWS.values()}
    documented = {name for table in TABLES.values() for name in table}
    assert documented - used == set()


def setting(row: Row, name: str) -> object:
    """What an option is when the caller does not give it."""
    defaults: Iterator[object] = (param.default for param in row.params if param.name == name)
    return row.constants.get(name, next(defaults, ...))


def get(name: str) -> Row:
    row = frameworks.row(name)
    assert row is not None, name
    return row


@pytest.mark.parametrize(
    ("name", "canonical", "expected"),
    [
        ("tensorflow.random_normal", "normal", {"mean": 0.0, "std": 1.0}),
        ("tensorflow.truncated_normal", "truncated_normal", {"std": 1.0}),
        ("tensorflow.random.normal", "normal", {"std": 1.0}),
        ("tensorflow.truncated_normal_initializer", "truncated_normal", {"std": 1.0}),
        ("tensorflow.random_normal_initializer", "normal", {"std": 1.0}),
        ("tensorflow.get_variable", "variable", {"initializer": "glorot_uniform"}),
        ("tensorflow.layers.dense", "dense", {"initializer": "glorot_uniform", "activation": None}),
        ("tensorflow.contrib.slim.fully_connected", "dense", {"initializer": "xavier_uniform", "activation": "relu"}),
        ("torch.randn", "normal", {"mean": 0.0, "std": 1.0}),
        ("torch.rand", "uniform", {"low": 0.0, "high": 1.0}),
        ("torch.nn.init.normal_", "initialize", {"init": "normal", "std": 1.0}),
        ("torch.nn.Linear", "dense", {"initializer": "torch_default", "bias": True}),
        ("torch.nn.RNN", "rnn", {"kind": "tanh", "recurrent_initializer": "torch_default"}),
        ("torch.nn.CrossEntropyLoss", "cross_entropy", {"from_logits": True}),
        ("torch.nn.BCELoss", "bce", {"from_logits": False}),
        ("keras.initializers.RandomNormal", "normal", {"std": 0.05}),
        ("keras.initializers.RandomUniform", "uniform", {"low": -0.05, "high": 0.05}),
        ("keras.layers.Dense", "dense", {"initializer": "glorot_uniform", "bias_initializer": "zeros"}),
        (
            "keras.layers.SimpleRNN",
            "rnn",
            {"kind": "tanh", "recurrent_initializer": "orthogonal"},
        ),
        ("keras.losses.BinaryCrossentropy", "bce", {"from_logits": False}),
        ("keras.optimizers.SGD", "sgd", {"lr": 0.01, "clipnorm": None}),
        ("numpy.random.randn", "normal", {"std": 1.0}),
        ("numpy.random.rand", "uniform", {"low": 0.0, "high": 1.0}),
        ("numpy.random.normal", "normal", {"mean": 0.0, "std": 1.0}),
        ("numpy.random.uniform", "uniform", {"low": 0.0, "high": 1.0}),
        ("jax.random.normal", "normal", {"std": 1.0}),
        ("jax.nn.initializers.normal", "normal", {"std": 0.01}),
        ("flax.linen.Dense", "dense", {"initializer": "lecun_normal", "bias_initializer": "zeros"}),
        ("transformers.TrainingArguments", "training_arguments", {"max_grad_norm": 1.0}),
        ("tensorflow.examples.tutorials.mnist.input_data.read_data_sets", "dataset", {"high": 1.0}),
        ("torchvision.datasets.MNIST", "dataset", {"high": 255.0, "transform": None}),
    ],
)
def test_defaults_are_the_library_s(name: str, canonical: str, expected: dict[str, object]) -> None:
    row = get(name)
    assert row.op == canonical
    assert {key: setting(row, key) for key in expected} == expected


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("torch.nn.functional.mse_loss", ["prediction", "target"]),
        ("keras.losses.mse", ["target", "prediction"]),
        ("tensorflow.losses.mean_squared_error", ["target", "prediction"]),
        ("tensorflow.nn.softmax_cross_entropy_with_logits", ["target", "prediction"]),
        ("optax.softmax_cross_entropy", ["prediction", "target"]),
        ("numpy.clip", ["x", "low", "high", "out"]),
        ("jax.lax.clamp", ["low", "x", "high"]),
        ("torch.where", ["condition", "a", "b"]),
        ("numpy.random.normal", ["mean", "std", "shape"]),
        ("numpy.random.uniform", ["low", "high", "shape"]),
    ],
)
def test_arguments_stand_in_the_library_s_order(name: str, order: list[str]) -> None:
    assert [param.name for param in get(name).params][: len(order)] == order


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("tensorflow.keras.layers.Dense", "keras.layers.Dense"),
        ("tensorflow.compat.v1.keras.layers.Dense", "keras.layers.Dense"),
        ("keras.layers.core.Dense", "keras.layers.Dense"),
        ("tensorflow.keras.Sequential", "keras.models.Sequential"),
        ("tensorflow.keras.Model", "keras.models.Model"),
        ("tensorflow.compat.v1.clip_by_value", "tensorflow.clip_by_value"),
        ("tensorflow.math.reduce_mean", "tensorflow.reduce_mean"),
        ("tensorflow.math.softmax", "tensorflow.nn.softmax"),
        ("tensorflow.contrib.slim.conv2d", "tensorflow.contrib.layers.conv2d"),
        ("tensorflow.contrib.rnn.BasicLSTMCell", "tensorflow.nn.rnn_cell.BasicLSTMCell"),
        ("tensorflow.losses.BinaryCrossentropy", "keras.losses.BinaryCrossentropy"),
        ("tensorflow.optimizers.Adam", "keras.optimizers.Adam"),
        ("torch.nn.modules.activation.ReLU", "torch.nn.ReLU"),
        ("torch.optim.sgd.SGD", "torch.optim.SGD"),
        ("torch.Tensor.clamp", "tensor.clamp"),
        ("flax.linen.relu", "jax.nn.relu"),
        ("flax.linen.initializers.he_normal", "jax.nn.initializers.he_normal"),
        ("pytorch_lightning.Trainer", "lightning.Trainer"),
        ("autograd.numpy.exp", "numpy.exp"),
    ],
)
def test_aliases_lead_to_one_row(name: str, same: str) -> None:
    assert frameworks.canonical(name) == same
    assert get(name) is ROWS[same]


def test_every_alias_ends() -> None:
    for name in frameworks.ALIASES:
        canonical = frameworks.canonical(name)
        assert frameworks.canonical(canonical) == canonical


def test_unknown_names_stay_unknown() -> None:
    assert frameworks.row("mylib.clip") is None
    assert frameworks.row("tensorflow.no_such_function") is None
    assert frameworks.method("tensor", "no_such_method") is None
    assert frameworks.base("mylib.Module") is None


@pytest.mark.parametrize(
    ("name", "framework"),
    [
        ("tensorflow.placeholder", "tf1"),
        ("tensorflow.Session", "tf1"),
        ("tensorflow.train.AdamOptimizer", "tf1"),
        ("tensorflow.contrib.slim.conv2d", "tf1"),
        ("tensorflow.compat.v1.clip_by_value", "tf1"),
        ("tensorflow.layers.dense", "tf1"),
        ("tensorflow.nn.rnn_cell.GRUCell", "tf1"),
        ("tensorflow.log", "tf1"),
        ("tensorflow.math.log", "tf2"),
        ("tensorflow.random.normal", "tf2"),
        ("tensorflow.GradientTape", "tf2"),
        ("tensorflow.keras.layers.Dense", "keras"),
        ("keras.layers.Dense", "keras"),
        ("torch.nn.Linear", "torch"),
        ("pytorch_lightning.Trainer", "torch"),
        ("optax.adam", "jax"),
        ("numpy.clip", "numpy"),
        ("sklearn.datasets.load_iris", ""),
    ],
)
def test_framework(name: str, framework: str) -> None:
    assert frameworks.framework(name) == framework


def test_strings() -> None:
    normal = frameworks.string("initializer", "normal")
    assert normal is not None
    assert setting(normal, "std") == 0.05
    cases = [
        ("activation", "relu", "relu"),
        ("loss", "mse", "mse"),
        ("optimizer", "Adam", "adam"),
        ("optimizer", "SGD", "sgd"),
        ("initializer", "torch_default", "torch_default"),
    ]
    for category, text, expected in cases:
        row = frameworks.string(category, text)
        assert row is not None and row.op == expected
    assert frameworks.string("activation", "no such activation") is None


def test_every_default_that_is_a_string_resolves() -> None:
    category = {
        "activation": "activation",
        "initializer": "initializer",
        "bias_initializer": "initializer",
        "recurrent_initializer": "initializer",
        "optimizer": "optimizer",
    }
    for name, row in ROWS.items():
        for key, kind in category.items():
            value = setting(row, key)
            if isinstance(value, str):
                assert frameworks.string(kind, value) is not None, (name, key, value)


def test_bases() -> None:
    assert frameworks.base("torch.nn.Module") == "module"
    assert frameworks.base("torch.nn.modules.module.Module") == "module"
    assert frameworks.base("torch.nn.LSTM") == "module"
    assert frameworks.base("tensorflow.keras.Model") == "model"
    assert frameworks.base("keras.layers.LSTM") == "layer"
    assert frameworks.base("pytorch_lightning.LightningModule") == "lightning"
    assert frameworks.base("flax.linen.Module") == "flax"
    assert frameworks.base("numpy.clip") is None


def test_in_place_methods() -> None:
    for name in ("clamp_", "add_", "mul_", "sub_", "copy_", "relu_"):
        row = frameworks.method("tensor", name)
        assert row is not None and row.constants["inplace"] is True
    assert "inplace" not in get("torch.clamp").constants


def test_signature_language() -> None:
    row = op("f", "x=input low=min:None lr=learning_rate/lr:0.1 axis/dim *rest flag:True **options")
    assert row.params == (
        Param("x", "input"),
        Param("low", "min", None),
        Param("lr", "learning_rate", 0.1, ("lr",)),
        Param("axis", "axis", ..., ("dim",)),
        Param("rest", "rest", ..., (), "rest"),
        Param("flag", "flag", True, (), "keyword"),
        Param("options", "options", ..., (), "options"),
    )
    assert [param.kind for param in op("f", "x * y").params] == ["plain", "keyword"]
    assert layer("dense", "units", "x=inputs").call == (Param("x", "inputs"),)
