"""Evidence agrees with a direct Monte-Carlo computation: the same constants, other draws, no code of the demos.

Each function below does what a row of a demo's table says in words, at the full size of the network, where the demo may
measure at a smaller one; gradients are autograd's, or difference quotients. It returns one sample of the table's
columns. Over independent samples these have a mean and a deviation, and the demo's numbers, one sample more, must lie
within four deviations of the mean. A narrower net scatters more, by the root of the ratio of widths. What spans orders
of magnitude is compared by its logarithm.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from numpy.typing import NDArray

from backproplint import demos
from backproplint.rule import Constant

Array = NDArray[np.float64]
Sample = Callable[..., list[float]]
BLOWN = 1e30


class Case(NamedTuple):
    """Constants of a demo, and how each of its rows is computed directly.

    `log` holds the columns compared by logarithm, `narrow` those that the demo's page calls numbers of the narrow net.
    """

    rule: str
    constants: dict[str, Constant]
    rows: list[tuple[Sample, dict[str, Any]]]
    samples: int = 12
    log: tuple[int, ...] = ()
    narrow: tuple[int, ...] = ()
    wider: float = 1.0  # than the net that the demo measures
    slack: float = 0.01  # of the mean: for columns that hardly vary

    def __str__(self) -> str:
        return "-".join([self.rule, *(f"{key}={value}" for key, value in self.constants.items())])


SQUASHES: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda z: 0.5 * (1.0 + anp.tanh(0.5 * z)),
    "tanh": anp.tanh,
    "relu": lambda z: anp.where(z > 0.0, z, 0.0),  # with slope 0 at 0, as in every framework
}


def slopes(z: Array, squash: str) -> Array:
    """Difference quotients: what the slope is, without its formula."""
    return np.asarray((SQUASHES[squash](z + 1e-5) - SQUASHES[squash](z - 1e-5)) / 2e-5)


# clip-before-loss: the gradient of the loss by the prediction, for errors of so many bounds


def clipped(rng: np.random.Generator, low: float, high: float, power: int) -> list[float]:
    def loss(error: float) -> float:
        return float(abs(min(max(error, low), high)) ** power)

    return [(loss(e + 1e-6) - loss(e - 1e-6)) / 2e-6 for e in high * np.array([0.5, 0.9, 1.1, 2.0, 5.0, 20.0])]


def huber(rng: np.random.Generator, bound: float) -> list[float]:
    def loss(error: float) -> float:
        return 0.5 * error**2 if abs(error) <= bound else bound * (abs(error) - 0.5 * bound)

    return [(loss(e + 1e-6) - loss(e - 1e-6)) / 2e-6 for e in bound * np.array([0.5, 0.9, 1.1, 2.0, 5.0, 20.0])]


# saturating-init and unscaled-input: slopes of one layer


def saturation(rng: np.random.Generator, fan_in: int, std: float, squash: str, size: float) -> list[float]:
    z = size * rng.standard_normal((64, fan_in)) @ (std * rng.standard_normal((fan_in, 128)))
    slope = slopes(z, squash)
    return [z.std(), slope.mean(), np.mean(slope < 0.01)]


def first_layer(rng: np.random.Generator, fan_in: int, low: float, high: float, squash: str) -> list[float]:
    """As above, the mean gradient of a weight, and the rate at which a step of gradient descent gains no more.

    On a linear unit's squared error a step multiplies the error along an eigenvector of 2 E[x x^T] by 1 - rate * value.
    """
    x, w = rng.uniform(low, high, (64, fan_in)), rng.normal(0.0, fan_in**-0.5, (fan_in, 128))
    slope = slopes(x @ w, squash)
    by_weight = np.mean([np.outer(np.abs(example), row).mean() for example, row in zip(x, slope, strict=True)])
    many = rng.uniform(low, high, (400 * min(fan_in, 100), min(fan_in, 100)))
    steepest = np.linalg.eigvalsh(2.0 * many.T @ many / len(many))[-1]
    widened = steepest / 2.0 if fan_in <= 100 else np.nan  # a wider one takes too many examples to be estimated
    return [(x @ w).std(), slope.mean(), np.mean(slope < 0.01), by_weight, 1.0 / widened]


# deep-sigmoid-stack: gradients by what is added to the pre-activations of the layers


def stack(rng: np.random.Generator, depth: int, width: int, squash: str, gain: float) -> list[float]:
    ws = [rng.normal(0.0, gain / np.sqrt(width), (width, width)) for _ in range(depth)]
    x, upstream = rng.standard_normal((32, width)), rng.standard_normal((32, width))

    def loss(added: list[Array]) -> Any:
        h = x
        for w, extra in zip(ws, added, strict=True):
            h = SQUASHES[squash](anp.dot(h, w) + extra)
        return anp.sum(h * upstream)

    norms = [float(np.linalg.norm(g)) for g in autograd.grad(loss)([np.zeros_like(x) for _ in ws])]
    return [norms[0] / norms[-1], (norms[0] / norms[-1]) ** (1.0 / max(depth - 1, 1))]


# relu-dead-init and relu-high-lr: networks that train


def forward(params: list[Array], x: Array) -> tuple[list[Any], Any]:
    hidden = []
    for w, b in zip(params[:-2:2], params[1:-2:2], strict=True):
        x = SQUASHES["relu"](anp.dot(x, w) + b)
        hidden.append(x)
    return hidden, anp.dot(x, params[-2]) + params[-1]


def cross_entropy(output: Any, labels: Any) -> Any:
    shifted = output - anp.max(output, axis=1, keepdims=True)
    return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - shifted[np.arange(len(labels)), labels])


def log10(loss: float) -> float:
    return float(np.log10(min(max(loss, 1e-30), BLOWN))) if np.isfinite(loss) else 30.0


def dead(layer: Array) -> float:
    return float(np.mean([not (unit > 0.0).any() for unit in layer.T]))


class Optimizer:
    """Textbook updates, by element."""

    def __init__(self, kind: str, lr: float) -> None:
        self.kind, self.lr, self.steps = kind, lr, 0
        self.first: list[Any] = []

    def __call__(self, params: list[Array], grads: list[Array]) -> list[Array]:
        self.first = self.first or [(0.0 * p, 0.0 * p) for p in params]
        self.steps += 1
        moved = []
        for k, (p, g) in enumerate(zip(params, grads, strict=True)):
            m, v = self.first[k]
            if self.kind == "sgd":
                change = g
            elif self.kind == "momentum":
                m = change = 0.9 * m + g
            else:
                m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
                change = m / (1 - 0.9**self.steps) / (np.sqrt(v / (1 - 0.999**self.steps)) + 1e-8)
            self.first[k] = m, v
            moved.append(p - self.lr * change)
        return moved


def descend(
    params: list[Array], batches: list[tuple[Array, Any]], loss: Callable[..., Any], optimizer: Optimizer
) -> list[Array]:
    for x, y in batches:
        value, grads = autograd.value_and_grad(lambda p, x=x, y=y: loss(forward(p, x)[1], y))(params)
        if not value < BLOWN:
            break
        params = optimizer(params, grads)
    return params


def starts(
    rng: np.random.Generator, width: int, depth: int, draw: Callable[..., Array], bias: float, optimizer: str, lr: float
) -> list[float]:
    params = [p for _ in range(depth) for p in (draw(rng, (width, width)), np.full(width, bias))]
    params += [rng.normal(0.0, np.sqrt(2.0 / width), (width, 10)), np.zeros(10)]
    x, labels = rng.standard_normal((64, width)), rng.integers(0, 10, 64)
    before, output = forward(params, x)
    trained = descend(params, 10 * [(x, labels)], cross_entropy, Optimizer(optimizer, lr))
    after, trained_output = forward(trained, x)
    growth = (np.sqrt(np.mean(before[-1] ** 2)) / np.sqrt(np.mean(x**2))) ** (1.0 / depth)
    shares = [np.mean([dead(layer) for layer in layers]) for layers in (before, after)]
    losses = [cross_entropy(out, labels) for out in (output, trained_output)]
    return [growth, *shares, *map(log10, losses)]


def drawn(kind: str, *sizes: float) -> Callable[..., Array]:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        if kind == "He":
            return rng.normal(0.0, np.sqrt(2.0 / shape[0]), shape)
        return np.full(shape, sizes[0]) if kind == "constant" else np.asarray(getattr(rng, kind)(*sizes, shape))

    return draw


def rates(rng: np.random.Generator, lr: float, optimizer: str, loss: str) -> list[float]:
    shapes = [(100, 64), (64, 64), (64, 1 if loss == "mse" else 10)]
    params = [p for i, o in shapes for p in (rng.normal(0.0, np.sqrt(2.0 / i), (i, o)), np.zeros(o))]
    x = rng.standard_normal((256, 100))
    teacher = x @ rng.standard_normal((100, 10)) / 10.0
    y = teacher[:, :1] if loss == "mse" else teacher.argmax(axis=1)
    judged = cross_entropy if loss != "mse" else (lambda output, y: anp.mean((output - y) ** 2))
    batches = [(x[k * 32 % 256 :][:32], y[k * 32 % 256 :][:32]) for k in range(24)]
    trained = descend(params, batches, judged, Optimizer(optimizer, lr))
    hidden, output = forward(trained, x)
    return [*map(dead, hidden), log10(judged(forward(params, x)[1], y)), log10(judged(output, y))]


# rnn-no-clip: 16 nets that are to remember their first input


def unclipped(
    rng: np.random.Generator, steps: int, size: int, squash: str, gain: float, lr: float, clip: bool
) -> list[float]:
    grown = gain * (2.0 if squash == "tanh" else 1.2 * np.sqrt(2.0))
    x, taps = rng.standard_normal((steps, 4, 1)), rng.standard_normal((1, size))
    readout = rng.standard_normal((size, 1)) / np.sqrt(size)

    def loss(w: Array) -> Any:
        h = np.zeros((4, size))
        for drive in 0.5 * x @ taps:
            h = SQUASHES[squash](drive + anp.dot(h, w))
        return anp.mean((anp.dot(h, readout) - x[0]) ** 2)

    ws = [rng.normal(0.0, grown / np.sqrt(size), (size, size)) for _ in range(16)]
    grads = [autograd.grad(loss)(w) for w in ws]
    norms = [float(np.linalg.norm(g)) for g in grads]
    w, g = ws[int(np.argmax(norms))], grads[int(np.argmax(norms))]
    if clip:
        g, norms = g / max(1.0, np.linalg.norm(g)), [min(1.0, size_of) for size_of in norms]
    radii = [np.abs(np.linalg.eigvals(matrix)).max() for matrix in (w, w - lr * g)]
    return [np.median(norms), max(norms), lr * np.linalg.norm(g) / np.linalg.norm(w), *radii]


# rnn-unscaled-recurrence: gradients by the first state


def recurrence(rng: np.random.Generator, hidden: int, std: float, steps: int) -> list[float]:
    w, upstream = std * rng.standard_normal((hidden, hidden)), rng.standard_normal((4, hidden))
    noise = 0.1 * rng.standard_normal((steps, 4, hidden))
    states: list[Any] = []

    def last(h: Array, squash: Callable[..., Any]) -> Any:
        for extra in noise:
            h = squash(anp.dot(h, w) + extra)
            states.append(h)
        return anp.sum(h * upstream)

    tanh = autograd.grad(last)(rng.standard_normal((4, hidden)), anp.tanh)
    flat = np.mean([np.abs(h._value) > 0.99**0.5 for h in states])  # slope 1 - h**2 below 0.01
    linear = autograd.grad(last)(rng.standard_normal((4, hidden)), lambda z: z)
    growth = [np.log10(np.linalg.norm(g) / np.linalg.norm(upstream)) for g in (linear, tanh)]
    return [std * np.sqrt(hidden), *growth, float(flat)]


def layer(rule: str, squash: str, fan_in: int, std: float, size: float = 1.0) -> Case:
    constants: dict[str, Constant] = {"fan_in": fan_in, "std": std, "squash": squash, "input_std": size}
    how = {"fan_in": fan_in, "squash": squash, "size": size}
    return Case(rule, constants, [(saturation, {**how, "std": s}) for s in (std, fan_in**-0.5)])


def entering(low: float, high: float, fan_in: int, squash: str) -> Case:
    constants: dict[str, Constant] = {"low": low, "high": high, "fan_in": fan_in, "squash": squash}
    ranges = [(low, high), (0.0, 1.0), (-(3.0**0.5), 3.0**0.5)]
    rows = [(first_layer, {"fan_in": fan_in, "low": a, "high": b, "squash": squash}) for a, b in ranges]
    return Case("unscaled-input", constants, rows, slack=0.11)  # 400 samples a variable: 10 %


def deep(depth: int, width: int, squash: str = "sigmoid") -> Case:
    ways = [(squash, 1.0), ("relu", 2.0**0.5), ("tanh", 1.0)][: 2 if squash == "tanh" else 3]
    rows = [(stack, {"depth": depth, "width": width, "squash": kind, "gain": gain}) for kind, gain in ways]
    constants: dict[str, Constant] = {"depth": depth, "width": width, "squash": squash}
    return Case("deep-sigmoid-stack", constants, rows, log=(0, 1), wider=max(width / 64, 1.0))


def starting(draw: Callable[..., Array], bias: float = 0.0, **constants: Any) -> Case:
    how = {"width": constants["fan_in"], **{key: constants[key] for key in ("depth", "optimizer", "lr")}}
    rows = [(starts, {**how, "draw": draw, "bias": bias}), (starts, {**how, "draw": drawn("He"), "bias": 0.0})]
    wider = max(constants["fan_in"] / 64, 1.0)
    return Case("relu-dead-init", constants, rows, samples=8, narrow=(4,) if wider > 1 else (), wider=wider, slack=0.05)


def rated(lr: float, optimizer: str, usual: float, loss: str = "mse") -> Case:
    rows = [(rates, {"lr": rate, "optimizer": optimizer, "loss": loss}) for rate in (lr, usual)]
    return Case("relu-high-lr", {"lr": lr, "optimizer": optimizer, "loss": loss}, rows)


def remembering(steps: int, hidden: int, nonlinearity: str = "tanh", gain: float = 1.0, lr: float = 0.01) -> Case:
    how = {"steps": steps, "size": hidden, "squash": nonlinearity, "gain": gain, "lr": lr}
    constants: dict[str, Constant] = {
        "steps": steps, "hidden": hidden, "nonlinearity": nonlinearity, "recurrent_gain": gain, "lr": lr,
    }  # fmt: skip
    rows = [(unclipped, {**how, "clip": clip}) for clip in (False, True)]
    wider = max(hidden / 32, 1.0)
    return Case("rnn-no-clip", constants, rows, log=(0, 1, 2, 3, 4), narrow=(0, 1, 2) if wider > 1 else (), wider=wider)


def recurring(hidden: int, std: float, steps: int) -> Case:
    rows = [(recurrence, {"hidden": hidden, "std": s, "steps": steps}) for s in (std, hidden**-0.5)]
    return Case("rnn-unscaled-recurrence", {"hidden": hidden, "std": std, "steps": steps}, rows)


SGD: dict[str, Any] = {"optimizer": "sgd", "lr": 0.01}
CASES = [
    Case("clip-before-loss", {}, [(clipped, {"low": -1, "high": 1, "power": 2}), (huber, {"bound": 1})]),
    Case("clip-before-loss", {"low": -2.5, "high": 2.5, "loss": "abs"},
         [(clipped, {"low": -2.5, "high": 2.5, "power": 1}), (huber, {"bound": 2.5})]),
    layer("saturating-init", "sigmoid", 784, 1.0),
    layer("saturating-init", "tanh", 40, 0.5),
    layer("saturating-init", "sigmoid", 5000, 0.05, 2.0),
    entering(0.0, 255.0, 784, "sigmoid"),
    entering(-10.0, 30.0, 20, "tanh"),
    entering(0.0, 255.0, 100, "relu"),
    entering(0.0, 255.0, 3000, "tanh"),
    deep(4, 64), deep(3, 512), deep(12, 16), deep(30, 64, "tanh"),
    starting(drawn("normal", 0.0, 1.0), kind="normal", std=1.0, value=0.0, fan_in=784, depth=2, **SGD),
    starting(drawn("normal", 0.0, 0.2), kind="normal", std=0.2, value=0.0, fan_in=256, depth=3, **SGD),
    starting(drawn("uniform", 0.0, 0.15), kind="uniform", std=0.15 / 12**0.5, value=0.075, fan_in=784, depth=2, **SGD),
    starting(drawn("normal", 0.0, 0.4), kind="normal", std=0.4, value=0.0, fan_in=256, depth=2, optimizer="adam",
             lr=0.001),
    starting(drawn("normal", 0.0, 0.3), kind="normal", std=0.3, value=0.0, fan_in=64, depth=3, **SGD),
    starting(drawn("normal", 0.0, 0.5), kind="normal", std=0.5, value=0.0, fan_in=48, depth=2, optimizer="adam",
             lr=0.01),
    starting(drawn("normal", 0.0, 0.5), kind="normal", std=0.5, value=0.0, fan_in=784, depth=3, **SGD),
    starting(drawn("constant", 0.0), kind="zeros", std=0.0, value=0.0, fan_in=128, depth=2, **SGD),
    starting(drawn("He"), -2.0, kind="negative_bias", std=0.0, value=-2.0, fan_in=256, depth=1, **SGD),
    rated(1.0, "sgd", 0.01), rated(0.3, "adam", 0.001), rated(0.3, "momentum", 0.001, "cross_entropy"),
    remembering(10, 32), remembering(50, 128), remembering(20, 24, "relu"), remembering(8, 64, gain=2.0, lr=1.0),
    recurring(128, 1.0, 30), recurring(16, 1.0, 12), recurring(256, 0.01, 20), recurring(100, 0.2, 150),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_evidence_agrees_with_a_direct_computation(case: Case) -> None:
    measured = demos.evidence(case.rule, case.constants).rows
    assert len(measured) == len(case.rows)
    for (label, values), (sample, how) in zip(measured, case.rows, strict=True):
        rng = np.random.default_rng([2024, len(label)])
        with np.errstate(all="ignore"):
            samples = np.array([sample(rng, **how) for _ in range(case.samples)])
        columns = zip(values, samples.T, demos.evidence(case.rule, case.constants).columns, strict=True)
        for number, (value, direct, column) in enumerate(columns):
            if np.isnan(direct).all() or number in case.narrow:
                continue
            if number in case.log:
                value, direct = np.log10(value), np.log10(direct)
            error = 4.0 * case.wider**0.5 * direct.std() + case.slack * abs(direct.mean()) + 1e-4
            assert abs(value - direct.mean()) <= error, (label, column, value, direct.mean(), direct.std())


def test_each_rule_is_compared() -> None:
    assert {case.rule for case in CASES} == set(demos_of_all_rules())


def demos_of_all_rules() -> list[str]:
    from backproplint import registry

    return [rule.name for rule in registry.rules()]
