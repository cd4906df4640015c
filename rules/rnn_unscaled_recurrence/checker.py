"""rnn-unscaled-recurrence: the matrix of a recurrence starts as plain `randn(H, H)`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.flow import marks
from backproplint.graph.initial import Initial
from backproplint.graph.recurrence import Recurrence
from backproplint.rule import Constant, Finding, Rule, Site

if TYPE_CHECKING:
    from backproplint.graph.project import Project

RADIUS = 3.0  # spectral radius std x sqrt(H) from which gradients gain four orders in 30 steps (README.md, Thresholds)
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

    def check(self, project: Project) -> Iterator[Finding]:
        """Yield a finding at each initializer of a trained recurrent matrix whose spectral radius is too large."""
        for training in project.trainings:
            for loss in training.losses:
                for found in project.recurrences(loss):
                    yield from _judge(found, training.site)
        for found in project.hand_recurrences:
            mine = [t for t in project.trainings if not t.losses and found.weight and project.moves(t, found.weight)]
            if mine:
                yield from _judge(found, mine[0].site)


def _judge(found: Recurrence, trained: Site) -> Iterator[Finding]:
    start = found.start
    if start is None or start.size == 0 or start.node.site is None:
        return
    hidden = found.hidden
    radius = start.size * math.sqrt(hidden) if hidden else None
    if (radius is None and start.size < PLAIN) or (hidden is not None and hidden < SMALLEST):
        return
    if radius is not None and radius < RADIUS:
        return
    yield _finding(found, start, radius, trained)


def _finding(found: Recurrence, start: Initial, radius: float | None, trained: Site) -> Finding:
    site = start.node.site
    assert site is not None
    size = f"a spectral radius of about {radius:.1f}" if radius is not None else "a spectral radius far above 1"
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
        confidence="high" if radius is not None and found.sure else "medium",
        parameters=parameters,
        unseen=[] if radius is not None else ["the size of the state"],
    )
