"""What the gradients of a JAX story say about a rule: one observation for each training that the story runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tests.oracles import witness
from tests.oracles.jax_recorder import Call
from tests.oracles.jax_trace import Site, Squash
from tests.oracles.witness import Array

SCALE = 1e6  # how much steeper the loss is made to see whether gradients are clipped
GAIN = 5.0  # weights grow so far in training: a radius of 1 to 8 is what rnn-unscaled-recurrence measured
SHARE = 0.1  # between what two sigmoids leave, 0.13 and more, and what three do, 0.07 and less
LONG = 10  # steps; a recurrence of fewer is short (rnn-no-clip's page)


@dataclass(frozen=True)
class Observation:
    """A training: the story's lines that took part in it, and whether the hazard was seen."""

    lines: frozenset[int]
    hazard: bool


def flat(squashes: Sequence[Squash], *kinds: str) -> list[Squash]:
    return [s for s in squashes if s.kind in kinds]


def blind(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    return witness.blind(calls[0].gradients)


def saturated(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    return any(witness.saturated(s.kind, s.z) for s in flat(calls[0].squashes(), "sigmoid", "tanh"))


def starved(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    """By the layers' pre-activations, whose gradients, other than the weights', no width and no input scales."""
    layers = flat(calls[0].squashes(), "sigmoid", "tanh", "relu")
    return witness.starved({str(i): by_pre_activation(s) for i, s in enumerate(layers)}, SHARE)


def by_pre_activation(squash: Squash) -> Array:
    return np.asarray(squash.gradient * witness.SLOPES[squash.kind](np.clip(squash.z, -300.0, 300.0)))


def dead_or_grown(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    layers = [s.z for s in flat(calls[0].squashes(), "relu")]
    return any(map(witness.dead, layers)) or witness.grown(layers[0], layers[-1])


def wrecked(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    layers = [s.z for s in flat(calls[-1].squashes(), "relu")]
    return witness.wrecked(layers, [call.loss for call in calls])


def unscaled(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    """The first weights' gradients blow up, or the first layer saturates."""
    batch, scaled = calls[0].scaled(1.0)
    first = next(name for name, g in calls[0].gradients.items() if g.ndim == 2 and len(g) == batch.shape[-1])
    large = witness.unscaled(batch, calls[0].gradients[first], scaled[first])
    return large or (float(np.max(batch)) > 10.0 and saturated(calls, steep))


def sequences(squashes: Sequence[Squash]) -> dict[tuple[str, Site], list[Array]]:
    """Gradients by the outputs of each squash that many steps repeat, in a scan or a loop of Python, step by step."""
    by_place: dict[tuple[str, Site], list[Array]] = {}
    for squash in squashes:
        by_place.setdefault((squash.kind, squash.site), []).extend(squash.gradient)
    return {place: steps for place, steps in by_place.items() if len(steps) >= LONG}


def erupting(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    return any(map(witness.erupting, sequences(calls[0].squashes()).values()))


def unclipped(calls: Sequence[Call], steep: Sequence[Call]) -> bool:
    """The optimizer takes a gradient of any size, and there is one: of a plain recurrence with weights that training
    has made larger, of a gated one (that is lstm-no-clip's) with those it starts with."""
    applied, as_is = steep[0].arrived, calls[0].arrived
    assert applied and as_is
    steps = sequences(calls[0].squashes())
    if not any(kind == "sigmoid" for kind, _ in steps):
        steps = sequences(calls[0].squashes(GAIN))
    return witness.unclipped(applied, as_is, SCALE) and any(map(witness.erupting, steps.values()))


HAZARDS: dict[str, Callable[[Sequence[Call], Sequence[Call]], bool]] = {
    "clip-before-loss": blind,
    "deep-sigmoid-stack": starved,
    "relu-dead-init": dead_or_grown,
    "relu-high-lr": wrecked,
    "rnn-no-clip": unclipped,
    "rnn-unscaled-recurrence": erupting,
    "saturating-init": saturated,
    "unscaled-input": unscaled,
}


def observe(rule: str, calls: Sequence[Call], steep: Sequence[Call]) -> list[Observation]:
    """Observe each training of a story: the gradients that were asked for at the same lines, of the same parameters.
    In `steep`, if the rule needs it, the same story's loss is SCALE times as steep."""
    trainings: dict[object, list[int]] = {}
    for number, call in enumerate(calls):
        trainings.setdefault((call.stack, tuple(leaf.shape for leaf in call.leaves)), []).append(number)
    return [
        Observation(
            frozenset().union(*(calls[i].lines for i in numbers)),
            HAZARDS[rule]([calls[i] for i in numbers], [steep[i] for i in numbers if i < len(steep)]),
        )
        for numbers in trainings.values()
    ]


def fitting(observations: Sequence[Observation], marks: set[int]) -> bool:
    """Whether a hazard was seen where the story has its marks, and no other training has one.

    Where no training passes a marked line (it may be that of an initializer), any training is meant.
    """
    passed = any(o.lines & marks for o in observations)
    seen = [any(o.hazard for o in observations if mark in o.lines or not passed) for mark in marks]
    others = [o for o in observations if not (o.lines & marks or (marks and not passed))]
    return all(seen) and not any(o.hazard for o in others)
