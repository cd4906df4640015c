"""A vanilla RNN without gradient clipping: one batch on a cliff of the loss, and one step throws the weights away."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]

WIDEST, LONGEST = 32, 100  # more hidden units or steps are measured at this size
NETS, EXAMPLES = 16, 4
GROWN = {"tanh": 2.0, "relu": 1.2}  # how far training took the spectral radius, relative to its start, see README.md
LIMIT = 1.0  # the norm that the cure clips to


def weights(size: int, gain: float, nonlinearity: str = "tanh", seed: int = 0) -> Array:
    """Recurrent weights (size, size) with normal entries: spectral radius `gain`; sqrt(2) more for ReLU, as He's."""
    scale = gain * np.sqrt((2.0 if nonlinearity == "relu" else 1.0) / size)
    return np.random.default_rng(seed).normal(0.0, scale, (size, size))


POINTS = [np.random.default_rng(seed).standard_normal((6, 2, 8)) for seed in (1, 2)]


def forward(xp: Any, x: Any, gain: float = 1.5, nonlinearity: str = "tanh") -> Any:
    """Sum of the last states of 8 units: inputs (steps, examples, 8) in, a scalar out; h <- f(x_t + h W)."""
    w = xp.asarray(weights(8, gain, nonlinearity))
    h = 0.0 * x[0]
    for t in range(x.shape[0]):
        z = x[t] + h @ w
        h = xp.tanh(z) if nonlinearity == "tanh" else xp.where(z > 0.0, z, 0.0 * z)
    return xp.sum(h)


def backward(x: Array, upstream: float, gain: float = 1.5, nonlinearity: str = "tanh") -> Array:
    """Back through time: at each step times the slope, then times W again, so norms grow or shrink as powers."""
    w = weights(8, gain, nonlinearity)
    return np.stack(through_time(states(x, w, nonlinearity), w, nonlinearity, upstream * np.ones_like(x[0])))


def states(drive: Array, w: Array, nonlinearity: str) -> list[Array]:
    """States h_0 = 0 to h_T (each (examples, units)) for input drives (steps, examples, units)."""
    hidden = [np.zeros_like(drive[0] @ w)]
    for x in drive:
        z = x + hidden[-1] @ w
        hidden.append(np.tanh(z) if nonlinearity == "tanh" else np.maximum(z, 0.0))
    return hidden


def through_time(hidden: list[Array], w: Array, nonlinearity: str, gradient: Array) -> list[Array]:
    """Gradients by each step's pre-activation, first step first, for `gradient` by the last state."""
    transposed, passes = w.swapaxes(-1, -2), []
    for h in reversed(hidden[1:]):
        passes.append(gradient * (1.0 - h * h if nonlinearity == "tanh" else np.where(h > 0.0, 1.0, 0.0)))
        gradient = passes[-1] @ transposed
    return passes[::-1]


def loss_and_gradient(w: Array, drive: Array, readout: Array, y: Array, nonlinearity: str) -> tuple[Array, Array]:
    """Mean squared error of h_T @ readout and its gradient by W, for W of shape (..., units, units)."""
    hidden = states(drive, w, nonlinearity)
    error = hidden[-1] @ readout - y
    push = 2.0 * error / len(y) * readout[:, 0]
    passes = through_time(hidden, w, nonlinearity, push)
    gradient = np.concatenate(hidden[:-1], axis=-2).swapaxes(-1, -2) @ np.concatenate(passes, axis=-2)
    return (error**2).mean(axis=(-1, -2)), gradient


def clip(gradient: Array) -> Array:
    """Each gradient (..., units, units) scaled down to norm 1 where its norm is larger."""
    scales: Array = np.minimum(1.0, LIMIT / np.maximum(_norms(gradient), 1e-30))
    return gradient * scales[..., None, None]


def task(steps: int, size: int, examples: int = EXAMPLES, seed: int = 3) -> tuple[Array, Array, Array]:
    """Input drives (steps, examples, size), a readout (size, 1) and targets: the first input, to be remembered."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((steps, examples, 1))
    return 0.5 * x @ rng.standard_normal((1, size)), rng.standard_normal((size, 1)) / np.sqrt(size), x[0]


def measure(
    *,
    steps: int = 50,
    hidden: int = 128,
    nonlinearity: str = "tanh",
    recurrent_gain: float = 1.0,
    lr: float = 0.01,
) -> Evidence:
    """Gradient norms by the recurrent matrix over 16 nets, and what one SGD step does to the worst.

    The nets remember the first of `steps` inputs. Their recurrent gain is twice the start (ReLU: 1.2 times), as far as
    training took it (README.md). More than 32 units are measured at 32, which by the circular law have the same
    spectral radius, and more than 100 steps at 100: gradients of wider nets are larger still, by the root of the width
    or more. Every number stops at 1e30.
    """
    if nonlinearity not in GROWN:
        raise ValueError(f"nonlinearity must be 'tanh' or 'relu', not {nonlinearity!r}")
    size, span = min(hidden, WIDEST), min(steps, LONGEST)
    w = np.stack([weights(size, GROWN[nonlinearity] * recurrent_gain, nonlinearity, seed) for seed in range(NETS)])
    rows, series = [], []
    with np.errstate(over="ignore", invalid="ignore"):
        _, gradients = loss_and_gradient(w, *task(span, size), nonlinearity)
        worst = int(np.nan_to_num(_norms(gradients), nan=np.inf).argmax())
        back = _by_state(w[worst], *task(span, size), nonlinearity)
        for label, used in (("this code", gradients), (f"clipped to norm {LIMIT:g}", clip(gradients))):
            norms, after = _capped(_norms(used)), w[worst] - lr * used[worst]
            step = lr * norms[worst] / max(float(_norms(w[worst])), 1e-30)
            numbers = [np.median(norms), norms[worst], step, spectral_radius(w[worst]), spectral_radius(after)]
            rows.append((label, _capped(np.array(numbers)).tolist()))
            scale = 1.0 if used is gradients else min(1.0, LIMIT / max(float(_norms(gradients[worst])), 1e-30))
            heights = np.log10(_capped(np.maximum(scale * back, 1e-30)))
            series.append((label, [float(step) for step in range(span)], heights.tolist()))
    return Evidence(
        columns=["median gradient", "largest gradient", "its step / weights", "spectral radius before", "and after"],
        rows=rows,
        curves=Curves(
            title="Back through time an RNN's gradient grows; a clip scales it down",
            x="steps back in time",
            y="|dL/dh| as it enters the update",
            series=series,
            log=True,
        ),
    )


def _by_state(w: Array, drive: Array, readout: Array, y: Array, nonlinearity: str) -> Array:
    """Norms of the loss's gradients by the states h_T, h_(T-1), ... h_1."""
    hidden = states(drive, w, nonlinearity)
    push = 2.0 * (hidden[-1] @ readout - y) / len(y) @ readout.T
    passes = through_time(hidden, w, nonlinearity, push)
    return _norms(np.stack([push, *(gradient @ w.T for gradient in passes[:0:-1])]))


def _norms(matrices: Array) -> Array:
    return np.asarray(np.linalg.norm(matrices, axis=(-1, -2)), dtype=np.float64)


def _capped(values: Array) -> Array:
    return np.asarray(np.minimum(np.nan_to_num(values, nan=1e30), 1e30), dtype=np.float64)


def spectral_radius(w: Array) -> float:
    """Largest absolute eigenvalue: what each step back in time multiplies a gradient by, slopes apart."""
    return float(np.abs(np.linalg.eigvals(w)).max()) if np.isfinite(w).all() else np.inf


def train(lr: float, clipped: bool, nonlinearity: str, steps: int, gain: float, updates: int) -> list[float]:
    """Losses of a 32-unit RNN that learns to remember its first input; it stops where a loss passes 1e30."""
    w, (_, readout, _) = weights(32, gain, nonlinearity), task(steps, 32)
    rng, losses = np.random.default_rng(5), []
    taps = np.random.default_rng(7).standard_normal((1, 32))
    for _ in range(updates):
        x = rng.standard_normal((steps, 16, 1))
        loss, gradient = loss_and_gradient(w, 0.5 * x @ taps, readout, x[0], nonlinearity)
        losses.append(float(loss))
        if not loss < 1e30:
            break
        w = w - lr * (clip(gradient) if clipped else gradient)
    return losses


def claim() -> None:
    """An unclipped step moves the weights by more than a third and training fails; clipped, the same runs learn."""
    (_, (_, largest, step, _, _)), (_, (_, _, clipped_step, _, _)) = measure().rows
    assert largest > 100.0 and step > 0.3 > 0.01 > clipped_step
    with np.errstate(over="ignore", invalid="ignore"):
        wrecked, cured = (train(0.1, clipped, "tanh", 30, GROWN["tanh"], 300) for clipped in (False, True))
        assert np.mean(wrecked[-10:]) > np.mean(wrecked[:10]), wrecked
        assert np.mean(cured[-10:]) < 0.5 * np.mean(cured[:10]), cured
        blown, cured = (train(0.1, clipped, "relu", 20, 1.0, 300) for clipped in (False, True))
        assert not blown[-1] < 1e30, blown
        assert np.mean(cured[-10:]) < np.mean(cured[:10]), cured


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
