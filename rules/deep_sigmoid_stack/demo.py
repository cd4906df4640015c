"""A chain of sigmoid layers: each multiplies the gradient by at most 1/4 on its way back to the first one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]

DEEPEST, WIDEST = 50, 64  # deeper or wider stacks are measured at this size
EXAMPLES = 32


def weights(depth: int, width: int, gain: float) -> list[Array]:
    """Square layers of std gain / sqrt(width) (gain 1: Xavier, sqrt(2): He), always the same ones."""
    rng = np.random.default_rng(0)
    return list(gain / np.sqrt(width) * rng.standard_normal((depth, width, width)))


POINTS = [np.random.default_rng(1).standard_normal((2, 8)), np.random.default_rng(2).standard_normal((1, 8))]


def forward(xp: Any, x: Any, depth: int = 4, squash: str = "sigmoid") -> Any:
    """Sum of the last activations of `depth` layers of 8 units: inputs (examples, 8) in, a scalar out."""
    for w in weights(depth, 8, 1.0):
        z = x @ xp.asarray(w)
        x = 1.0 / (1.0 + xp.exp(-z)) if squash == "sigmoid" else xp.tanh(z)
    return xp.sum(x)


def backward(x: Array, upstream: float, depth: int = 4, squash: str = "sigmoid") -> Array:
    """Layer by layer from the last to the first: times the slope, times the weights."""
    ws = weights(depth, 8, 1.0)
    passes = backprop(x, ws, squash, upstream * np.ones((len(x), 8)))
    return passes[0] @ ws[0].T


def activate(z: Array, squash: str) -> tuple[Array, Array]:
    """Activation and slope at pre-activations `z`."""
    if squash == "sigmoid":
        s = 0.5 * (1.0 + np.tanh(0.5 * z))
        return s, s * (1.0 - s)
    if squash == "tanh":
        t = np.tanh(z)
        return t, 1.0 - t**2
    if squash == "relu":
        return np.maximum(z, 0.0), np.where(z > 0.0, 1.0, 0.0)
    raise ValueError(f"squash must be 'sigmoid', 'tanh' or 'relu', not {squash!r}")


def backprop(x: Array, ws: list[Array], squash: str, gradient: Array) -> list[Array]:
    """Gradients by each layer's pre-activation, first layer first, for `gradient` by the last activation."""
    layer_slopes: list[Array] = []
    for w in ws:
        x, slope = activate(x @ w, squash)
        layer_slopes.append(slope)
    passes = []
    for w, slope in zip(reversed(ws), reversed(layer_slopes), strict=True):
        passes.append(gradient * slope)
        gradient = passes[-1] @ w.T
    return passes[::-1]


def measure(*, depth: int = 4, width: int = 64, squash: str = "sigmoid") -> Evidence:
    """Gradient norm at the first layer's pre-activations, relative to the last layer's, at the start of training.

    Stacks deeper than 50 or wider than 64 are measured at 50 and 64: the ratio hardly depends on the width.
    """
    depth, width = min(depth, DEEPEST), min(width, WIDEST)
    rows = [(f"this code, {depth} x {squash}", squash, 1.0), (f"{depth} x ReLU, He", "relu", 2.0**0.5)]
    if squash != "tanh":
        rows.append((f"{depth} x tanh, Xavier", "tanh", 1.0))
    unit = weights(depth, width, 1.0)
    logs = [(label, _log_norms([gain * w for w in unit], kind)) for label, kind, gain in rows]
    return Evidence(
        columns=["first layer / last layer", "per layer"],
        rows=[(label, [10.0 ** log[0], 10.0 ** (log[0] / max(depth - 1, 1))]) for label, log in logs],
        curves=Curves(
            title="On its way back through sigmoid layers the gradient vanishes",
            x="layers back from the last one",
            y="gradient norm, relative to the last layer",
            series=[(label, list(range(depth)), log[::-1]) for label, log in logs],
            log=True,
        ),
    )


def _log_norms(ws: list[Array], squash: str) -> list[float]:
    """log10 of each layer's gradient norm, relative to the last layer's."""
    rng, size = np.random.default_rng(1), (EXAMPLES, len(ws[0]))
    passes = backprop(rng.standard_normal(size), ws, squash, rng.standard_normal(size))
    logs = [float(np.log10(max(float(np.linalg.norm(gradient)), 1e-300))) for gradient in passes]
    return [log - logs[-1] for log in logs]


def train(squash: str, gain: float, depth: int = 4, steps: int = 300, rate: float = 0.2) -> list[float]:
    """Mean squared errors of a stack of 16 units a layer that learns y = sign(x1 x2) by gradient descent."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((64, 16))
    y, ws, v = np.sign(x[:, :1] * x[:, 1:2]), weights(depth, 16, gain), rng.standard_normal((16, 1)) / 4.0
    losses = []
    for _ in range(steps):
        hidden = [x]
        for w in ws:
            hidden.append(activate(hidden[-1] @ w, squash)[0])
        error = hidden[-1] @ v - y
        losses.append(float((error**2).mean()))
        push = 2.0 * error / len(x)
        passes = backprop(x, ws, squash, push @ v.T)
        v = v - rate * hidden[-1].T @ push
        ws = [w - rate * h.T @ p for w, h, p in zip(ws, hidden, passes, strict=False)]
    return losses


def claim() -> None:
    """Four sigmoids lose 98 % of the gradient or more and training stands still; ReLU and tanh stacks learn."""
    sigmoid, relu, tanh = (values[0] for _, values in measure().rows)
    assert sigmoid < 0.02 and 0.3 < relu < 3.0 and 0.1 < tanh < 3.0
    stuck, cured = train("sigmoid", 1.0), train("relu", 2.0**0.5)
    assert stuck[-1] > 0.9, stuck
    assert cured[-1] < 0.2, cured


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
