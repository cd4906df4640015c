"""Raw inputs such as pixels of 0 to 255: the first layer saturates, or only a tiny learning rate is stable."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]

WIDEST = 512  # a wider layer is measured at this fan-in
EXAMPLES, UNITS = 64, 128  # sample of (example, unit) pairs behind each number
LARGEST = 1e30  # larger inputs are measured at this size
SAMPLE, FAINTEST = 64, 1e-12  # inputs whose weights are in the picture; smaller gradients are drawn at this size


def weights(fan_in: int, units: int) -> Array:
    """Xavier's normal weights (fan_in, units) of a square layer, always the same ones."""
    return np.random.default_rng(0).normal(0.0, fan_in**-0.5, (fan_in, units))


POINTS = [np.random.default_rng(1).uniform(0.0, high, (2, 16)) for high in (1.0, 8.0)]


def forward(xp: Any, x: Any, squash: str = "sigmoid") -> Any:
    """Sum of the activations of one layer of 8 units with Xavier's weights: inputs (examples, 16), a scalar out."""
    z = x @ xp.asarray(weights(16, 8))
    if squash == "relu":
        return xp.sum(xp.where(z > 0.0, z, 0.0 * z))
    return xp.sum(1.0 / (1.0 + xp.exp(-z)) if squash == "sigmoid" else xp.tanh(z))


def backward(x: Array, upstream: float, squash: str = "sigmoid") -> Array:
    """The slope of every unit times its weights; the larger the inputs, the flatter a sigmoid or tanh unit."""
    w = weights(16, 8)
    return upstream * slopes(x @ w, squash) @ w.T


def slopes(z: Array, squash: str) -> Array:
    """Derivative of the squash at pre-activations `z`."""
    if squash == "sigmoid":
        s = 0.5 * (1.0 + np.tanh(0.5 * z))  # the sigmoid, in the form that cannot overflow
        return s * (1.0 - s)
    if squash == "tanh":
        return 1.0 - np.tanh(z) ** 2
    if squash == "relu":
        return np.where(z > 0.0, 1.0, 0.0)
    raise ValueError(f"squash must be 'sigmoid', 'tanh' or 'relu', not {squash!r}")


def stable_rate(low: float, high: float, fan_in: int) -> float:
    """Largest learning rate at which gradient descent on a linear unit's mean squared error does not diverge.

    It is 2 / (largest eigenvalue of the Hessian 2 E[x x^T]); for independent inputs, uniform on [low, high],
    that eigenvalue is 2 (variance + fan_in * mean**2).
    """
    mean, variance = 0.5 * (low + high), (high - low) ** 2 / 12.0
    return 1.0 / max(variance + fan_in * mean**2, 1e-30)


def measure(*, low: float = 0.0, high: float = 255.0, fan_in: int = 784, squash: str = "sigmoid") -> Evidence:
    """First layer with Xavier's weights on inputs uniform on [low, high]: raw, scaled to [0, 1], standardised.

    The gradient of a weight is its mean size over the examples, for the sum of all activations as the loss. Fan-ins
    above 512 are measured at 512, except for the learning rate, which is exact.
    """
    size, low, high, root3 = min(fan_in, WIDEST), max(low, -LARGEST), min(high, LARGEST), 3.0**0.5
    unit = np.random.default_rng(1).random((EXAMPLES, size))
    w, rows, series = weights(size, UNITS), [], []
    ranges = [("this code, raw", low, high), ("scaled to [0, 1]", 0.0, 1.0), ("standardised", -root3, root3)]
    for label, least, most in ranges:
        x = least + (most - least) * unit
        z = x @ w
        slope = slopes(z, squash)
        gradient = np.abs(x).T @ slope / EXAMPLES
        spread, flat, rate = float(z.std()), float((slope < 0.01).mean()), stable_rate(least, most, fan_in)
        rows.append((label, [spread, float(slope.mean()), flat, float(gradient.mean()), rate]))
        series.append((label, *_sorted(gradient)))
    return Evidence(
        columns=["pre-activation std", "mean slope", "share of slopes < 0.01", "gradient of a weight",
                 "largest stable lr"],
        rows=rows,
        curves=Curves(
            title=f"Raw inputs leave a {squash} layer gradients of the wrong size",
            x="weights of the first layer, sorted by gradient, %",
            y="gradient of the weight",
            series=series,
            log=True,
        ),
    )  # fmt: skip


def _sorted(gradient: Array) -> tuple[list[float], list[float]]:
    """Percentages of the weights, and log10 of the gradient that so many of them do not exceed."""
    shares = np.linspace(0.0, 100.0, 41)
    sample = np.log10(np.maximum(gradient[:SAMPLE], FAINTEST))
    return shares.tolist(), np.percentile(sample, shares).tolist()


def train(low: float, high: float, squash: str, rate: float, steps: int = 100) -> list[float]:
    """Mean squared errors of a 64-16-1 network on inputs of that range, all layers trained at one rate."""
    rng = np.random.default_rng(2)
    unit = rng.random((128, 64))
    y = np.sign(unit[:, :1] - 0.5)
    x, w, v = low + (high - low) * unit, weights(64, 16), rng.standard_normal((16, 1)) / 4.0
    losses = []
    for _ in range(steps):
        z = x @ w
        h = np.maximum(z, 0.0) if squash == "relu" else np.tanh(z)
        error = h @ v - y
        losses.append(float((error**2).mean()))
        if losses[-1] > 1e6:
            break
        push = 2.0 * error / len(x)
        w, v = w - rate * x.T @ (push @ v.T * slopes(z, squash)), v - rate * h.T @ push
    return losses


def claim() -> None:
    """Raw pixels flatten nearly all sigmoid units and blow up a ReLU net at a rate that suits standardised ones."""
    raw, scaled, standard = (values for _, values in measure().rows)
    assert raw[2] > 0.9 and scaled[2] < 0.05 and standard[2] < 0.05
    assert raw[4] < 1e-6 < 1e-3 < scaled[4] < standard[4]
    root3 = 3.0**0.5
    blown, cured = train(0.0, 255.0, "relu", 0.05), train(-root3, root3, "relu", 0.05)
    assert blown[-1] > 1e6, blown
    assert cured[-1] < 0.5 * cured[0], cured
    stuck, cured = train(0.0, 255.0, "tanh", 0.05), train(-root3, root3, "tanh", 0.05)
    assert stuck[-1] > 0.8, stuck
    assert cured[-1] < 0.5 * cured[0], cured


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
