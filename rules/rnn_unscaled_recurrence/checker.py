"""rnn-unscaled-recurrence: the matrix of a recurrence starts as plain `randn(H, H)`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.flow import marks, undecided
from backproplint.graph.initial import Initial, fitted_layer
from backproplint.graph.recurrence import Recurrence
from backproplint.rule import Constant, Finding, Rule, Site, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project

RADIUS = 3.0  # spectral radius std x sqrt(H) from which gradients gain four orders in 30 steps (README.md, Thresholds)
WIDEST = 1024  # units of a state; entries too small to reach that radius with as many need no known number of them
PLAIN = 0.5  # entries of this size make a radius of 3 from H = 36 on: what is said when H is not known
SMALLEST = 8  # toy states


class RnnUnscaledRecurrence(Rule):
    """Only trained recurrences: the same matrix in a forward demonstration or a gradient check hurts nobody."""

    name = "rnn-unscaled-recurrence"
    family = "recurrence"
    severity = "warning"
    summary = (
        "The recurrent matrix starts unscaled, so gradients explode or vanish exponentially with the number of steps."
    )

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding at each initializer of a trained recurrent matrix whose spectral radius is too large."""
        for training in project.trainings:
            for loss in training.losses:
                for found in project.recurrences(loss):
                    yield from _judge(found, training.site)
        for found in project.hand_recurrences:
            mine = [t for t in project.trainings if not t.losses and found.weight and project.moves(t, found.weight)]
            if mine:
                yield from _judge(found, mine[0].site)


def _judge(found: Recurrence, trained: Site) -> Iterator[Verdict]:
    start, hidden = found.start, found.hidden
    if hidden is not None and hidden < SMALLEST:
        return
    if start is None:
        if _unknown(found):
            yield from undecided(found.layer or found.node, "how the weights start is not known")
        return
    radius = start.size * math.sqrt(hidden) if hidden else None
    if start.node.site is None:
        return
    if radius is None and PLAIN > start.size >= RADIUS / math.sqrt(WIDEST):
        yield from undecided(start.node, "the size of the state is not known")
    elif start.size >= PLAIN if radius is None else radius >= RADIUS:
        yield _finding(found, start, radius, trained)


def _unknown(found: Recurrence) -> bool:
    if found.weight is not None:
        return found.weight.unknown
    return found.layer is not None and not fitted_layer(found.layer, "recurrent_initializer")


def _finding(found: Recurrence, start: Initial, radius: float | None, trained: Site) -> Finding:
    site = start.node.site
    assert site is not None
    size = f"a spectral radius of about {radius:.1f}" if radius is not None else "a spectral radius far above 1"
    unseen = [] if found.sure else ["the way from the recurrence to the loss"]
    unseen += [] if radius is not None else ["the size of the state"]
    parameters: dict[str, Constant] = {"std": start.size}
    if found.hidden is not None:
        parameters["hidden"] = found.hidden
    return Finding(
        message=f"the recurrent matrix starts with entries of size {start.size:.3g}, {size}, so gradients explode "
        "through time (or the state saturates and they vanish); start orthogonal, or divide by sqrt(H)",
        site=site,
        flow=marks(
            (site, f"entries of size {start.size:.3g}"),
            (found.node, "multiplied into the state at each step"),
            (trained, "trained here"),
        ),
        framework=found.node.framework or start.node.framework,
        confidence="medium" if unseen else "high",
        parameters=parameters,
        unseen=unseen,
    )
