"""An error clipped before its loss: beyond the bounds the gradient is exactly 0, however wrong the prediction.

`x` holds errors, prediction minus target, so the gradient by `x` is the gradient that reaches the prediction.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]

POINTS = [np.array([[-3.0, -0.7, 0.2], [0.9, 1.4, 25.0]]), np.array([[0.5]]), np.array([[-8.0, 8.0]])]
HUGE = 1e30  # a larger bound is as good as none
MULTIPLES = np.array([0.5, 0.9, 1.1, 2.0, 5.0, 20.0])  # errors in the table, in units of the bound


def forward(xp: Any, x: Any, low: float = -1.0, high: float = 1.0, loss: str = "square") -> Any:
    """Sum of the squared (or absolute) clipped errors: errors of any shape in, a scalar out."""
    clipped = xp.where(x < low, 0.0 * x + low, xp.where(x > high, 0.0 * x + high, x))
    return xp.sum(clipped * clipped if loss == "square" else xp.abs(clipped))


def backward(x: Array, upstream: float, low: float = -1.0, high: float = 1.0, loss: str = "square") -> Array:
    """The clip's slope is 1 between the bounds and 0 outside; there the loss's own slope is multiplied away."""
    inside = (low < x) & (x < high)
    slope = 2.0 * x if loss == "square" else np.sign(x)
    return upstream * np.where(inside, slope, 0.0)


def huber_backward(x: Array, upstream: float, delta: float = 1.0) -> Array:
    """The cure: Huber's loss clips its *gradient*; a large error still pulls, with the force `delta`."""
    return upstream * np.minimum(np.maximum(x, -delta), delta)


def measure(*, low: float = -1.0, high: float = 1.0, loss: str = "square") -> Evidence:
    """Gradient that reaches the prediction, for errors of 0.5 to 20 times the bound (either bound may be infinite)."""
    if loss not in ("square", "abs"):
        raise ValueError(f"loss must be 'square' or 'abs', not {loss!r}")
    bound = next((float(b) for b in (high, low) if b != 0 and abs(b) < HUGE), -1.0 if low == 0 else 1.0)
    errors = bound * MULTIPLES
    labels = f"this code, clip to [{low:g}, {high:g}]", f"Huber loss, delta {abs(bound):g}"
    x = _span(low, high, abs(bound))
    drawn = backward(x, 1.0, low, high, loss), huber_backward(x, 1.0, abs(bound))
    return Evidence(
        columns=[f"error {error:.3g}" for error in errors],
        rows=[
            (labels[0], backward(errors, 1.0, low, high, loss).tolist()),
            (labels[1], huber_backward(errors, 1.0, abs(bound)).tolist()),
        ],
        curves=Curves(
            title="Beyond the bounds of a clip, an error gets no gradient",
            x="error: prediction - target",
            y="gradient that reaches the prediction",
            series=[(label, x.tolist(), y.tolist()) for label, y in zip(labels, drawn, strict=True)],
            told=True,
        ),
    )


def _span(low: float, high: float, bound: float) -> Array:
    """Errors from well below the bounds to well above, with two to both sides of each step of the gradient."""
    edges = [max(low, -HUGE), min(high, HUGE)]
    ends = [edge if abs(edge) < HUGE else np.sign(edge) * bound for edge in edges]
    margin = max(ends[1] - ends[0], bound)
    steps = [np.nextafter(edge, way) for edge in (*ends, 0.0) for way in (-np.inf, np.inf)]
    return np.sort(np.concatenate([np.linspace(ends[0] - margin, ends[1] + margin, 61), steps]))


def claim() -> None:
    """Outside the bounds nothing comes back and training stands still; Huber's loss reaches the target."""
    outside = np.array([[-20.0, -1.1, 1.1, 5.0]])
    for loss in ("square", "abs"):
        assert not backward(outside, 1.0, loss=loss).any()
    assert (np.abs(huber_backward(outside, 1.0)) == 1.0).all()
    stuck = cured = np.array([[5.0]])
    for _ in range(100):
        stuck = stuck - 0.1 * backward(stuck, 1.0)
        cured = cured - 0.1 * huber_backward(cured, 1.0)
    assert stuck[0, 0] == 5.0
    assert abs(cured[0, 0]) < 0.01


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
