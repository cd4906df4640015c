"""Sigmoid and tanh layers whose weights start too large: the pre-activations land where the squash is flat."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]

WIDEST = 512  # a wider layer is measured at this fan-in, with the pre-activation std it would have
EXAMPLES, UNITS = 64, 128  # sample of (example, unit) pairs behind each number
LARGEST = 1e30  # larger weights or inputs saturate no more than these
BINS = 25  # of the picture's slopes


def weights(fan_in: int, units: int, std: float) -> Array:
    """Normal weights (fan_in, units) of mean 0, always the same ones."""
    return std * np.random.default_rng(0).standard_normal((fan_in, units))


STEEPEST = {"sigmoid": 0.25, "tanh": 1.0}  # the slope at 0, the largest there is

POINTS = [scale * np.random.default_rng(1).standard_normal((2, 16)) for scale in (0.1, 1.0)]


def forward(xp: Any, x: Any, std: float = 1.0, squash: str = "sigmoid") -> Any:
    """Sum of the activations of one layer of 8 units: inputs (examples, 16) in, a scalar out."""
    z = x @ xp.asarray(weights(16, 8, std))
    return xp.sum(1.0 / (1.0 + xp.exp(-z)) if squash == "sigmoid" else xp.tanh(z))


def backward(x: Array, upstream: float, std: float = 1.0, squash: str = "sigmoid") -> Array:
    """Every unit hands back its slope, s(1 - s) or 1 - t**2, times its weights; a saturated one hands back nothing."""
    w = weights(16, 8, std)
    return upstream * slopes(x @ w, squash) @ w.T


def slopes(z: Array, squash: str) -> Array:
    """Derivative of the squash, sigmoid or tanh, at pre-activations `z`."""
    t: Array = np.tanh(0.5 * z if squash == "sigmoid" else z)  # the sigmoid is (1 + tanh(z / 2)) / 2
    return STEEPEST[squash] * (1.0 - t**2)


def measure(*, fan_in: int = 784, std: float = 1.0, squash: str = "sigmoid", input_std: float = 1.0) -> Evidence:
    """Slopes at the start of training, for inputs of root mean square `input_std`: these weights, then Xavier's.

    Fan-ins above 512 are measured at 512, at the pre-activation std that the full layer would have.
    """
    if squash not in STEEPEST:
        raise ValueError(f"squash must be 'sigmoid' or 'tanh', not {squash!r}")
    size, std, input_std = min(fan_in, WIDEST), min(std, LARGEST), min(input_std, LARGEST)
    inputs = np.random.default_rng(1).standard_normal((EXAMPLES, size))
    inputs *= input_std * np.sqrt(fan_in) / np.linalg.norm(inputs, axis=1, keepdims=True)
    z = inputs @ weights(size, UNITS, 1.0)
    xavier = fan_in**-0.5  # sqrt(2 / (fan_in + fan_out)) of a square layer
    starts = [(f"this code, std {std:.3g}", std), (f"Xavier, std {xavier:.3g}", xavier)]
    found = [(label, scale * float(z.std()), slopes(scale * z, squash)) for label, scale in starts]
    return Evidence(
        columns=["pre-activation std", "mean slope", "share of slopes < 0.01"],
        rows=[(label, [spread, float(s.mean()), float((s < 0.01).mean())]) for label, spread, s in found],
        curves=Curves(
            title=f"Weights that start too large leave the {squash} no slope",
            x=f"slope of the {squash}: what it passes on of a gradient",
            y="share of units, %",
            series=[(label, *_histogram(s, STEEPEST[squash])) for label, _, s in found],
            bars=True,
        ),
    )


def _histogram(slope: Array, steepest: float) -> tuple[list[float], list[float]]:
    """Middles of the bins from 0 to the steepest slope, and the percentage of slopes in each."""
    counts, edges = np.histogram(slope, BINS, (0.0, steepest))
    return (0.5 * (edges[1:] + edges[:-1])).tolist(), (100.0 * counts / slope.size).tolist()


def train(std: float, steps: int = 100, rate: float = 0.1) -> list[float]:
    """Mean squared errors of a 784-32-1 sigmoid network while gradient descent moves its first layer."""
    rng = np.random.default_rng(2)
    x, y = rng.standard_normal((64, 784)), rng.choice([-1.0, 1.0], (64, 1))
    w, readout = weights(784, 32, std), rng.standard_normal((32, 1)) / np.sqrt(32)
    losses = []
    for _ in range(steps):
        z = x @ w
        error = 0.5 * (1.0 + np.tanh(0.5 * z)) @ readout - y
        losses.append(float((error**2).mean()))
        w = w - rate * x.T @ (2.0 * error / len(x) @ readout.T * slopes(z, "sigmoid"))
    return losses


def claim() -> None:
    """At std 1 most units pass nothing and training crawls; from Xavier's start it fits the data."""
    (_, (_, slope, flat)), (_, (_, cured_slope, cured_flat)) = measure().rows
    assert slope < 0.02 < 0.2 < cured_slope
    assert cured_flat < 0.01 < 0.8 < flat
    stuck, cured = train(1.0), train(784**-0.5)
    assert stuck[-1] > 0.5 * stuck[0], stuck
    assert cured[-1] < 0.1 * cured[0], cured


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
