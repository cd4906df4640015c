"""ReLU units whose starting weights leave them dead, or make the first updates kill them or blow them up."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]
Layers = list[tuple[Array, Array]]  # (weights (in, out), bias (out,)) from the first layer to the last

WIDEST, DEEPEST = 64, 5  # larger nets are measured at this size, see `measure`
EXAMPLES, CLASSES, STEPS = 64, 10, 10
LARGEST, BLOWN = 1e6, 1e30  # larger starts are measured at this size; a loss that ends the run
KINDS = ("normal", "uniform", "zeros", "constant", "negative_bias")


def weights(kind: str, std: float, value: float, shape: tuple[int, int], seed: int = 0) -> Array:
    """Starting weights of a layer: `value` is the mean of the random ones, or the constant; He's for negative_bias."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind!r}")
    rng = np.random.default_rng(seed)
    if kind == "normal":
        return rng.normal(value, std, shape)
    if kind == "uniform":
        reach = np.sqrt(3.0) * std
        return rng.uniform(value - reach, value + reach, shape)
    if kind == "negative_bias":
        return rng.normal(0.0, np.sqrt(2.0 / shape[0]), shape)
    return np.full(shape, value if kind == "constant" else 0.0)


POINTS = [np.random.default_rng(seed).standard_normal((3, 8)) for seed in (1, 2)]


def forward(xp: Any, x: Any, std: float = 1.0, bias: float = -1.0) -> Any:
    """Sum of the activations of two ReLU layers of 8 units: inputs (examples, 8) in, a scalar out."""
    for seed in (0, 1):
        z = x @ xp.asarray(weights("normal", std, 0.0, (8, 8), seed)) + bias
        x = xp.where(z > 0.0, z, 0.0 * z)
    return xp.sum(x)


def backward(x: Array, upstream: float, std: float = 1.0, bias: float = -1.0) -> Array:
    """Through each layer: 1 where the unit is on, 0 where it is off, times the weights."""
    w1, w2 = (weights("normal", std, 0.0, (8, 8), seed) for seed in (0, 1))
    z1 = x @ w1 + bias
    z2 = np.maximum(z1, 0.0) @ w2 + bias
    gradient = upstream * np.where(z2 > 0.0, 1.0, 0.0) @ w2.T
    return np.where(z1 > 0.0, gradient, 0.0) @ w1.T


def measure(
    *,
    kind: str = "normal",
    std: float = 1.0,
    value: float = 0.0,
    fan_in: int = 784,
    depth: int = 3,
    optimizer: str = "sgd",
    lr: float = 0.01,
) -> Evidence:
    """Growth, dead units and loss of a ReLU classifier at the start and after 10 full-batch steps; then with He's.

    `depth` ReLU layers of `fan_in` units and a linear head of 10 classes (He's weights) see 64 normal examples.
    Nets wider than 64 or deeper than 5 are measured at that size: the weights' std (mean) grows by sqrt(fan_in / 64)
    (fan_in / 64; in the first layer, whose inputs average out to 0, its root) so that growth per layer is kept, and the
    learning rate (SGD's by sqrt(fan_in / 64), Adam's by fan_in / 64) so that a step moves the units as far. The loss is
    reported as its log10; where it passes 1e30, it stops there. After the steps it is that of the narrow net: a wide
    one has soon learned 64 examples by heart.
    """
    width, layers = min(fan_in, WIDEST), min(depth, DEEPEST)
    wider, std, value = fan_in / width, min(std, LARGEST), min(max(value, -LARGEST), LARGEST)
    means = (value, value) if kind == "negative_bias" else (value * wider, value * wider**0.5)
    start = (kind, std * wider**0.5, *means)
    faster = wider if optimizer == "adam" else wider**0.5
    rows, series, updates = [], [], [float(step) for step in range(STEPS + 1)]
    for label, how in ((f"this code, {kind}", start), ("He's start", ("normal", (2.0 / width) ** 0.5, 0.0, 0.0))):
        with np.errstate(over="ignore", invalid="ignore"):
            growth, shares, losses = _experiment(network(width, layers, *how), optimizer, lr * faster)
        rows.append((label, [growth, shares[0], shares[-1], losses[0], losses[-1]]))
        series.append((label, updates, [100.0 * share for share in shares]))
    return Evidence(
        columns=["growth per layer", "dead at the start", "dead after 10 steps", "log10 loss at start",
                 "log10 loss, 10 steps"],
        rows=rows,
        curves=Curves(
            title="ReLU units that start dead, or that the first updates kill",
            x="update",
            y="dead units, %",
            series=series,
        ),
    )  # fmt: skip


def network(width: int, depth: int, kind: str, std: float, value: float, first: float) -> Layers:
    """`depth` ReLU layers that start this way and a head that starts as He's; `first` is the first layer's `value`."""
    bias = value if kind == "negative_bias" else 0.0
    means = np.zeros(depth) if kind == "negative_bias" else [first, *[value] * (depth - 1)]
    hidden = [(weights(kind, std, means[k], (width, width), k), np.full(width, bias)) for k in range(depth)]
    return [*hidden, (weights("negative_bias", 1.0, 0.0, (width, CLASSES), depth), np.zeros(CLASSES))]


def _experiment(layers: Layers, optimizer: str, lr: float) -> tuple[float, list[float], list[float]]:
    """Growth of the signal per layer at the start; share of dead units and log10 loss before and after each step."""
    rng = np.random.default_rng(99)
    x, labels = rng.standard_normal((EXAMPLES, layers[0][0].shape[0])), rng.integers(0, CLASSES, EXAMPLES)
    run = train(layers, x, labels, optimizer, lr)
    growth = float(np.sqrt((run[0][0][-1] ** 2).mean() / (x**2).mean())) ** (1.0 / (len(layers) - 1))
    return growth, [dead(hidden) for hidden, _ in run], [_log10(loss) for _, loss in run]


def dead(hidden: list[Array]) -> float:
    """Share of the ReLU units that are 0 for every example."""
    off = [np.isnan(h).any(axis=0) | ~(h > 0.0).any(axis=0) for h in hidden[1:]]
    return float(np.concatenate(off).mean())


def _log10(loss: float) -> float:
    return float(np.log10(min(max(loss, 1e-30), BLOWN))) if np.isfinite(loss) else 30.0


def gradients(layers: Layers, x: Array, labels: NDArray[np.int64]) -> tuple[list[Array], float, Layers]:
    """Inputs of all layers, mean cross-entropy, and its gradients by weights and biases."""
    hidden = [x]
    for w, b in layers[:-1]:
        hidden.append(np.maximum(hidden[-1] @ w + b, 0.0))
    logits = hidden[-1] @ layers[-1][0] + layers[-1][1]
    shifted = logits - logits.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    total, rows = exps.sum(axis=1, keepdims=True), np.arange(len(x))
    push = exps / total
    push[rows, labels] -= 1.0
    loss = float((np.log(total[:, 0]) - shifted[rows, labels]).mean())
    push, back = push / len(x), []
    for (w, _), h in zip(reversed(layers), reversed(hidden), strict=True):
        back.append((h.T @ push, push.sum(axis=0)))
        if h is not x:
            push = np.where(h > 0.0, push @ w.T, 0.0)
    return hidden, loss, back[::-1]


def train(
    layers: Layers, x: Array, labels: NDArray[np.int64], optimizer: str, lr: float, steps: int = STEPS
) -> list[tuple[list[Array], float]]:
    """Inputs of all layers and loss, before each full-batch step of SGD or Adam and after the last.

    Once the loss has passed 1e30 the network stays as it is.
    """
    if optimizer not in ("sgd", "adam"):
        raise ValueError(f"optimizer must be 'sgd' or 'adam', not {optimizer!r}")
    params = [p for layer in layers for p in layer]
    first, second, run = [0.0 * p for p in params], [0.0 * p for p in params], []
    for step in range(1, steps + 2):
        hidden, loss, grads = gradients(list(zip(params[::2], params[1::2], strict=True)), x, labels)
        run.append((hidden, loss))
        if not loss < BLOWN:
            break
        flat = [g for layer in grads for g in layer]
        if optimizer == "adam":
            first = [0.9 * m + 0.1 * g for m, g in zip(first, flat, strict=True)]
            second = [0.999 * v + 0.001 * g * g for v, g in zip(second, flat, strict=True)]
            flat = [_adam(m, v, step) for m, v in zip(first, second, strict=True)]
        params = [p - lr * g for p, g in zip(params, flat, strict=True)]
    return [*run, *run[-1:] * (steps + 1 - len(run))]


def _adam(first: Array, second: Array, step: int) -> Array:
    unbiased: Array = first / (1.0 - 0.9**step)
    return unbiased / (np.sqrt(second / (1.0 - 0.999**step)) + 1e-8)


def claim() -> None:
    """Zeros and a low bias are dead for good; three layers of std 1 at fan-in 784, or a mean of that growth, kill."""
    for kind, value in (("zeros", 0.0), ("constant", 0.0), ("negative_bias", -10.0)):
        (_, (_, start, end, _, _)), _ = measure(kind=kind, value=value).rows
        assert start == end == 1.0, kind
    (_, hazard), (_, cure) = measure().rows
    assert hazard[0] > 15.0 and hazard[3] > 2.0, hazard
    assert hazard[2] > 0.3 > 0.1 > cure[2] and cure[4] < cure[3], (hazard, cure)
    (_, positive), _ = measure(kind="uniform", std=0.15 / 12.0**0.5, value=0.075).rows  # from 0 to 0.15
    assert 14.0 < positive[0] < 18.0 and positive[2] > 0.3, positive
    (_, deeper), _ = measure(depth=5).rows
    assert deeper[4] == 30.0 > deeper[3], deeper


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
