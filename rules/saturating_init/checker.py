"""saturating-init: weights start so large that a sigmoid or tanh works in its flat ends."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.choices import options
from backproplint.graph.flow import marks, plain, undecided
from backproplint.graph.layerwise import Unit, trained_units
from backproplint.graph.networks import Linear
from backproplint.graph.nodes import Phi
from backproplint.rule import Constant, Finding, Rule, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project

# Standard deviation of the pre-activation at which the mean slope falls to about a quarter of Xavier's and more than
# half of the units pass less than 5 % of their largest slope (rules/saturating_init/README.md, Thresholds).
SATURATED = {"sigmoid": 7.0, "tanh": 5.0}
SMALLEST_FAN_IN = 16  # below, the sum is small even at std 1, and toys such as XOR train well
WIDEST = 10_000  # inputs of a layer; weights too small to saturate with as many need no known number of them


class SaturatingInit(Rule):
    """Judges fan-in, scale and squash together; hidden units only, since an output squash is the loss's business."""

    name = "saturating-init"
    family = "saturation"
    severity = "warning"
    summary = "Weights start so large that sigmoid or tanh units saturate and pass almost no gradient."

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding for each initializer that saturates a trained squash."""
        for unit in trained_units(project, frozenset(SATURATED)):
            if not unit.hidden() or unit.gate():
                continue
            if not unit.terms and plain(unit.node.args["x"]).op == "unknown":
                yield from undecided(unit.node, "a call on the way is not known")
            for term in unit.terms:
                if not _recurrent(term):
                    yield from _judge(unit, term)


def _judge(unit: Unit, term: Linear) -> Iterator[Verdict]:
    spread, limit = _spread(term), SATURATED[unit.node.op]
    if spread is not None and spread >= limit:
        yield _finding(unit, term, f"{term.fan_in} inputs", f"about +-{spread:.0f}")
    elif term.fan_in is None and _unscaled(term):
        yield _finding(unit, term, "however many inputs", "its flat ends from about 50 inputs on")
    elif term.unknown and (term.fan_in is None or term.fan_in >= SMALLEST_FAN_IN):
        yield from undecided(term.home, "how the weights start is not known")
    elif term.fan_in is None and term.start is not None and term.start.size * math.sqrt(WIDEST) >= limit:
        yield from undecided(term.home, "the number of inputs is not known")


def _recurrent(term: Linear) -> bool:
    """Whether the map takes the state of a loop: its scale is another rule's, which knows how often it is applied."""
    return any(isinstance(state, Phi) and state.loop is not None for state in options(plain(term.x)))


def _spread(term: Linear) -> float | None:
    """The standard deviation of the pre-activation for inputs of unit size; None when scale or fan-in are unknown."""
    if term.start is None or term.fan_in is None or term.fan_in < SMALLEST_FAN_IN:
        return None
    return term.start.size * math.sqrt(term.fan_in)


def _unscaled(term: Linear) -> bool:
    """Entries of size 1 in a matrix whose sizes are all parameters: written for any size, scaled for none."""
    start = term.start
    if start is None or start.shape is None:
        return False
    return len(start.shape) == 2 and set(start.shape) == {None} and start.std >= 0.9


def _finding(unit: Unit, term: Linear, many: str, reach: str) -> Finding:
    start, squash = term.start, unit.node.op
    assert start is not None
    site = term.home
    assert site is not None
    parameters: dict[str, Constant] = {"std": start.size, "squash": squash}
    unseen = [] if unit.sure else ["the way from the squash to the loss"]
    unseen += [f"whether the weights start so: it is {start.assumed}"] if start.assumed else []
    if term.fan_in is not None:
        parameters["fan_in"] = term.fan_in
    else:
        unseen.append("the number of inputs")
    return Finding(
        message=f"{many} times weights of size {start.size:.3g} drive the {squash} to {reach}, where its slope is "
        "almost 0; scale the weights by 1/sqrt(fan-in) (Xavier)",
        site=site,
        flow=marks(
            (site, f"weights start with size {start.size:.3g}"),
            (term.node, f"summed over {many}"),
            (unit.node, f"{squash}: flat at this distance from 0"),
            (unit.training.site, "trained here"),
        ),
        framework=unit.node.framework or term.node.framework or unit.training.framework,
        confidence="medium" if unseen else "high",
        parameters=parameters,
        unseen=unseen,
    )
