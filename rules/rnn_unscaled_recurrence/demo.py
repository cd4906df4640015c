"""A recurrent matrix that starts unscaled: its spectral radius, std * sqrt(hidden), goes to the power of the steps."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]

WIDEST, LONGEST = 128, 100  # more hidden units or steps are measured at this size, see `measure`
VECTORS = 4  # sequences run side by side
LARGEST = 1e30  # a larger std is measured at this size
SATURATED = 0.01  # a tanh unit whose slope is below this


def weights(size: int, std: float) -> Array:
    """Recurrent weights (size, size), normal with mean 0, always the same ones."""
    return std * np.random.default_rng(0).standard_normal((size, size))


POINTS = [0.5 * np.random.default_rng(seed).standard_normal((2, 8)) for seed in (1, 2)]


def forward(xp: Any, x: Any, steps: int = 6, std: float = 0.5, cell: str = "tanh") -> Any:
    """Sum of the last states of 8 units: starting states (examples, 8) in, a scalar out; h <- tanh(h W) or h W."""
    w = xp.asarray(weights(8, std))
    for _ in range(steps):
        x = xp.tanh(x @ w) if cell == "tanh" else x @ w
    return xp.sum(x)


def backward(x: Array, upstream: float, steps: int = 6, std: float = 0.5, cell: str = "tanh") -> Array:
    """The same matrix again and again: `steps` times W transposed, and each time the slope."""
    w = weights(8, std)
    hidden = [x]
    for _ in range(steps):
        hidden.append(np.tanh(hidden[-1] @ w) if cell == "tanh" else hidden[-1] @ w)
    gradient = upstream * np.ones_like(x)
    for h in reversed(hidden[1:]):
        gradient = (gradient * (1.0 - h * h) if cell == "tanh" else gradient) @ w.T
    return gradient


def measure(*, hidden: int = 128, std: float = 1.0, steps: int = 30) -> Evidence:
    """log10 of |gradient by h_0| / |gradient by h_T|, linear and tanh cell, and the share of saturated tanh units.

    First this code's matrix, then the same one scaled by 1 / sqrt(hidden). More than 128 units are measured at 128,
    with the std that keeps std * sqrt(hidden), the spectral radius by the circular law; for more than 100 steps the
    logarithm over 100 is extended in proportion.
    """
    size, span = min(hidden, WIDEST), min(steps, LONGEST)
    unit = weights(size, 1.0 / np.sqrt(size))
    rows, series = [], []
    ways = [("this code", "this code", min(std, LARGEST) * hidden**0.5), ("std 1 / sqrt(hidden)", "scaled", 1.0)]
    for label, short, radius in ways:
        slopes = [1.0 - h * h for h in _run(radius * unit, span)]
        flat = float((np.stack(slopes) < SATURATED).mean())
        linear, tanh = _growth(radius * unit, [np.ones(1)] * span), _growth(radius * unit, slopes)
        rows.append((label, [radius, linear[-1] * steps / span, tanh[-1] * steps / span, flat]))
        for cell, growth in (("linear", linear), ("tanh", tanh)):
            series.append((f"{short}, {cell}", [float(step) for step in range(span + 1)], growth))
    return Evidence(
        columns=["spectral radius", "log10 gradient, linear", "log10 gradient, tanh", "saturated units"],
        rows=rows,
        curves=Curves(
            title="An unscaled recurrent matrix multiplies the gradient at every step back",
            x="steps back in time",
            y="gradient norm, relative to the last state",
            series=series,
            log=True,
        ),
    )


def _run(w: Array, steps: int) -> list[Array]:
    """States h_1 to h_T of a tanh cell with small inputs from standard normal starting states."""
    rng, hidden = np.random.default_rng(1), []
    h = rng.standard_normal((VECTORS, len(w)))
    for noise in 0.1 * rng.standard_normal((steps, *h.shape)):
        h = np.tanh(h @ w + noise)
        hidden.append(h)
    return hidden


def _growth(w: Array, slopes: list[Array]) -> list[float]:
    """log10 of a random gradient's norm after 0, 1, 2, ... of these slopes back; renormalised, so no overflow."""
    gradient, logs = np.random.default_rng(2).standard_normal((VECTORS, len(w))), [0.0]
    gradient /= np.linalg.norm(gradient)
    for slope in reversed(slopes):
        gradient = (gradient * slope) @ w.T
        norm = max(float(np.linalg.norm(gradient)), 1e-300)
        gradient = gradient / norm
        logs.append(logs[-1] + float(np.log10(norm)))
    return logs


def claim() -> None:
    """Unscaled, 30 steps multiply the gradient by over 1e30 (tanh: 1e8); scaled, it keeps its order of magnitude."""
    (_, (radius, linear, tanh, flat)), (_, (_, cured_linear, cured_tanh, cured_flat)) = measure().rows
    assert radius > 11.0 and linear > 30.0 and tanh > 8.0 and flat > 0.5
    assert abs(cured_linear) < 1.5 and abs(cured_tanh) < 1.5 and cured_flat < 0.05
    (_, (_, vanished, _, _)), _ = measure(std=0.01).rows
    assert vanished < -20.0


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
