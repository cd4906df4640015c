"""relu-dead-init: ReLU units that never fire at the start, or that unscaled weights kill or blow up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backproplint.graph.flow import marks
from backproplint.graph.initial import Initial
from backproplint.graph.layerwise import Unit, trained_units
from backproplint.graph.networks import Linear, alone, biases
from backproplint.graph.nodes import Node, Thing
from backproplint.graph.rates import rate_of
from backproplint.rule import Confidence, Constant, Finding, Rule, Site

if TYPE_CHECKING:
    from backproplint.graph.project import Project

GROWTH = 100.0  # product over the ReLU layers of std x sqrt(fan-in / 2); from here on units die (README.md, Thresholds)
SHALLOWEST = 2  # hidden ReLU layers; a single one survives even std 1
BURIED = -2.0  # a bias from which half of the units never fire at the start
_OPTIMIZERS = ("sgd", "adam")


class ReluDeadInit(Rule):
    """Zero, negative or constant starts are dead at once; unscaled ones die in the first steps."""

    name = "relu-dead-init"
    family = "dead-units"
    severity = "warning"
    summary = (
        "ReLU units start dead, or are knocked dead or blown up in the first steps, because of how their weights start."
    )

    def check(self, project: Project) -> Iterator[Finding]:
        """Yield a finding for each start that is dead, and one for the first layer of each stack that explodes."""
        units = {id(unit.node): unit for unit in trained_units(project, frozenset({"relu"})) if unit.terms}
        for unit in units.values():
            if unit.hidden():
                yield from _dead(unit)
        for stack in _stacks(units):
            yield from _exploding(stack)


def _dead(unit: Unit) -> Iterator[Finding]:
    for term in unit.terms if alone(unit.node.args["x"]) else []:
        start = term.start
        if start is not None and start.std == 0 and start.mean <= 0 and _weights(start):
            kind = "zeros" if start.mean == 0 else "constant"
            why = "are all 0" if kind == "zeros" else f"are all {start.mean:g}"
            if not any(bias.mean > 0 for bias in biases(unit.node.args["x"])) or kind == "constant":
                message = f"the weights before this relu {why}, so its units start dead and no gradient revives them"
                yield _finding(unit, term, start, message, {"kind": kind, "value": start.mean}, "dead from the start")
    for bias in biases(unit.node.args["x"]):
        if bias.std == 0 and bias.mean <= BURIED:
            message = (
                f"a bias of {bias.mean:g} keeps most of these relu units from ever firing, so they get no gradient"
            )
            found: dict[str, Constant] = {"kind": "negative_bias", "value": bias.mean}
            yield _finding(unit, unit.terms[0], bias, message, found, "dead from the start")


def _weights(start: Initial) -> bool:
    return start.shape is None or len(start.shape) >= 2


def _stacks(units: dict[int, Unit]) -> Iterator[list[tuple[Unit, Linear]]]:
    """Chains of ReLU layers, each fed by the one before, in the order data meets them."""
    fed = {id(below): unit for unit in units.values() if (below := _below(unit)) is not None}
    for unit in units.values():
        if _below(unit) is not None and id(_below(unit)) in units:
            continue
        stack: list[tuple[Unit, Linear]] = []
        at: Unit | None = unit
        while at is not None and len(stack) < 64:
            stack.append((at, at.terms[0]))
            at = fed.get(id(at.node))
        yield stack


def _below(unit: Unit) -> Node | None:
    at = unit.terms[0].x
    for _ in range(20):
        if at.op == "relu":
            return at
        if at.op not in ("shape", "dropout", "pool", "index", "cast") or "x" not in at.args:
            return None
        at = at.args["x"]
    return None


def _exploding(stack: list[tuple[Unit, Linear]]) -> Iterator[Finding]:
    growth, offenders = 1.0, []
    for unit, term in stack:
        if term.start is None or term.fan_in is None or term.start.std == 0:
            return
        gain = term.start.size * math.sqrt(term.fan_in / 2)
        growth *= gain
        if gain > 2:
            offenders.append((unit, term))
    if growth < GROWTH or len(stack) < SHALLOWEST or not offenders:
        return
    unit, term = offenders[0]
    start = term.start
    assert start is not None
    optimizer = unit.training.optimizer
    known = _known(optimizer)
    message = (
        f"weights of size {start.size:.3g} under {len(stack)} relu layers grow the signal {growth:.0f} times, so the "
        "first steps knock units dead or blow the loss up; scale them by sqrt(2/fan-in) (He)"
    )
    parameters: dict[str, Constant] = {"kind": "normal", "std": start.size, "depth": len(stack), **known}
    confidence: Confidence = "high" if unit.sure and unit.flow is not None else "medium"
    rest = [other.home for _, other in offenders[1:6]]
    yield _finding(unit, term, start, message, parameters, "knocked dead in the first steps", confidence, rest)


def _known(optimizer: Thing | None) -> dict[str, Constant]:
    """What the demo can be told of the optimizer."""
    if optimizer is None or optimizer.row.op not in _OPTIMIZERS:
        return {}
    rate = rate_of(optimizer)
    return {"optimizer": optimizer.row.op, **({"lr": rate.value} if rate is not None and rate.value > 0 else {})}


def _finding(
    unit: Unit,
    term: Linear,
    start: Initial,
    message: str,
    parameters: dict[str, Constant],
    what: str,
    confidence: Confidence = "high",
    also: Sequence[Site | None] = (),
) -> Finding:
    site: Site | None = start.node.site or term.home
    assert site is not None
    if term.fan_in is not None:
        parameters = {**parameters, "fan_in": term.fan_in}
    return Finding(
        message=message,
        site=site,
        flow=marks(
            (site, f"starts with mean {start.mean:g}, deviation {start.std:.3g}"),
            *[(other, "and so do these") for other in also],
            (unit.node, f"relu: {what}"),
            (unit.training.site, "trained here"),
        ),
        framework=unit.node.framework or unit.training.framework,
        confidence=confidence if unit.sure else "medium",
        parameters=parameters,
    )
