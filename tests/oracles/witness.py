"""What gradients that a framework computed say about a hazard: one measure for each rule, on plain NumPy arrays.

A story is run in its framework; what is recorded there goes into these measures. Each gives True where the hazard is
seen in the numbers, False where they are healthy. The thresholds lie between the rules' own claims: what a rule calls
a hazard is far on one side, what it stays silent about on the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Gradients = Mapping[str, Array]  # by the weights' names, in the order of the layers

FLAT = 0.01  # a slope below this passes no gradient worth the name, as in the demo of saturating-init
SLOPES = {
    "sigmoid": lambda z: 0.25 / np.cosh(z / 2.0) ** 2,
    "tanh": lambda z: 1.0 / np.cosh(z) ** 2,
    "relu": lambda z: (z > 0.0) * 1.0,
}


def norm(gradients: Gradients) -> float:
    """The norm of all gradients together; infinite where one is not finite."""
    total = np.sqrt(sum(np.sum(np.square(np.asarray(g, np.float64))) for g in gradients.values()))
    return float(total) if np.isfinite(total) else np.inf


def blind(gradients: Gradients) -> bool:
    """clip-before-loss: with every error beyond the bounds, no weight gets any gradient: not a small one, none."""
    return norm(gradients) == 0.0


def saturated(squash: str, z: Array) -> bool:
    """saturating-init: before any training at least half of the units are so far out that their slope is flat."""
    slope = SLOPES[squash](np.clip(np.asarray(z, np.float64), -300.0, 300.0))
    return bool(np.mean(slope < FLAT) >= 0.5)


def starved(gradients: Gradients, share: float = 0.05) -> bool:
    """deep-sigmoid-stack: the first layer's weights get less than a twentieth of the gradient of the last one's.

    Norms are taken per weight (root mean square), so that widths do not matter. `share` is another bound.
    """
    sizes = [float(np.sqrt(np.mean(np.square(g)))) for g in gradients.values()]
    return sizes[0] < share * sizes[-1]


def dead(z: Array) -> bool:
    """relu-dead-init, relu-high-lr: at least half of the units fire for no example.

    `z` are their pre-activations (examples, units).
    """
    z = np.asarray(z)
    return bool(np.mean(~np.any(z.reshape(-1, z.shape[-1]) > 0.0, axis=0)) >= 0.5)


def grown(first: Array, last: Array) -> bool:
    """relu-dead-init, too large a start: the signal grows at least tenfold from the first layer to the last."""
    return bool(np.sqrt(np.mean(np.square(last))) >= 10.0 * np.sqrt(np.mean(np.square(first))))


def unclipped(applied: Gradients, as_is: Gradients, scale: float) -> bool:
    """rnn-no-clip: a loss `scale` times as steep moves the optimizer by a gradient `scale` times as large.

    `applied` is what reached the optimizer after the scaling, `as_is` what reached it without.
    """
    return norm(applied) > 0.1 * scale * norm(as_is) > 0.0


def unscaled(x: Array, gradient: Array, scaled: Array) -> bool:
    """unscaled-input: the gradient of the first weights is at least ten times that on the same inputs scaled to one.

    `gradient` is that on `x` as the story feeds it, `scaled` that on `x / max|x|`.
    """
    return bool(np.max(np.abs(x)) > 10.0 and np.linalg.norm(gradient) >= 10.0 * np.linalg.norm(scaled))


def wrecked(layers: Sequence[Array], losses: Sequence[float]) -> bool:
    """relu-high-lr: after training a ReLU layer (given by its pre-activations) is dead, or the loss has doubled."""
    return any(map(dead, layers)) or not losses[-1] < 2.0 * losses[0]


def erupting(steps: Sequence[Array]) -> bool:
    """rnn-unscaled-recurrence: the gradient by the first state is a hundred times that by the last, or more.

    The other way round it vanishes, which a small start does too, and is outgrown in a few updates (the rule's page).
    """
    first, last = (float(np.sqrt(np.mean(np.square(np.asarray(g, np.float64))))) for g in (steps[0], steps[-1]))
    return not np.isfinite(first) or first > 100.0 * last
