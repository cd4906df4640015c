"""relu-dead-init: ReLU units that never fire at the start, or that unscaled weights kill or blow up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backproplint.graph.flow import marks, undecided
from backproplint.graph.initial import Initial
from backproplint.graph.layerwise import Unit, trained_units
from backproplint.graph.networks import Linear, alone, biases
from backproplint.graph.nodes import Node, Thing
from backproplint.graph.rates import rate_of
from backproplint.rule import Constant, Finding, Rule, Site, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project

GROWTH = 100.0  # product over the ReLU layers of what `_gain` says; from here on units die (README.md, Thresholds)
# What each layer must grow it by at least, on average: an adaptive optimizer's steps do not grow with the gradient, and
# one that is not known may be adaptive.
PLAIN_GAIN, ADAPTIVE_GAIN = 1.6, 3.0
SHALLOWEST = 2  # hidden ReLU layers; a single one survives even std 1
# Inputs of a layer whose number is not known: a stack that explodes with the least does so with any, one that does not
# explode with the widest needs no number.
LEAST, WIDEST = 1, 10_000
RISING = 0.56  # mean over root mean square of what a ReLU layer passes on: half of a normal has 1 / sqrt(pi), most more
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

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding for each start that is dead, and one for the first layer of each stack that explodes."""
        units = {id(unit.node): unit for unit in trained_units(project, frozenset({"relu"})) if unit.terms}
        for unit in units.values():
            if unit.hidden():
                yield from _dead(unit)
        for stack in _stacks(units):
            yield from _exploding(stack)


def _dead(unit: Unit) -> Iterator[Verdict]:
    for term in unit.terms if alone(unit.node.args["x"]) else []:
        start = term.start
        if term.unknown:
            yield from undecided(term.home, "how the weights start is not known")
        if start is not None and start.std == 0 and start.mean <= 0 and _weights(start):
            kind = "zeros" if start.mean == 0 else "constant"
            why = "are all 0" if kind == "zeros" else f"are all {start.mean:g}"
            if not any(bias.mean > 0 or bias.std > 0 for bias in biases(unit.node.args["x"])) or kind == "constant":
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


def _exploding(stack: list[tuple[Unit, Linear]]) -> Iterator[Verdict]:
    gains = _gains(stack, LEAST)
    offenders = [layer for layer, gain in zip(stack, gains, strict=True) if gain > 2]
    growth = math.prod(gains)
    if len(stack) < SHALLOWEST:
        return
    if growth < GROWTH or growth ** (1 / len(stack)) < _least_gain(stack[0][0]) or not offenders:
        blind = next((term for _, term in stack if term.fan_in is None), None)
        if blind is not None and math.prod(_gains(stack, WIDEST)) >= GROWTH:
            yield from undecided(blind.home, "the number of inputs is not known")
        return
    unit, term = offenders[0]
    start = term.start
    assert start is not None
    message = (
        f"weights of size {start.size:.3g} under {len(stack)} relu layers grow the signal {growth:.0f} times, so the "
        f"first steps knock units dead or blow the loss up; {_cure(start)} them by sqrt(2/fan-in) (He)"
    )
    kind = "uniform" if start.kind == "uniform" else "normal"
    parameters: dict[str, Constant] = {"kind": kind, "std": start.std, "value": start.mean, "depth": len(stack)}
    parameters |= _known(unit.training.optimizer)
    unseen = ["the loss: the backward pass is written by hand"] if unit.flow is None else []
    rest = [other.home for _, other in offenders[1:6]]
    effect = "knocked dead, or the loss blown up, in the first steps"
    yield _finding(unit, term, start, message, parameters, effect, unseen, rest)


def _least_gain(unit: Unit) -> float:
    optimizer = unit.training.optimizer
    plain = unit.training.kind == "update" if optimizer is None else optimizer.row.op == "sgd"
    return PLAIN_GAIN if plain else ADAPTIVE_GAIN


def _gains(stack: list[tuple[Unit, Linear]], unknown: int) -> list[float]:
    return [_gain(term, unknown, behind_relu=place > 0) for place, (_, term) in enumerate(stack)]


def _gain(term: Linear, unknown: int, behind_relu: bool) -> float:
    """What a layer multiplies the signal by, with `unknown` for a fan-in that is not known; 0 if the start is not.

    Independent signs average out, so a sum grows with the root of the number of inputs. Behind a ReLU nothing is
    negative, and there a positive mean of the weights adds up in proportion to that number.
    """
    if term.start is None or term.start.std == 0:
        return 0.0
    inputs = term.fan_in or unknown
    adding_up = RISING * term.start.mean * inputs if behind_relu else 0.0
    return max(term.start.size * math.sqrt(inputs / 2), adding_up)


def _cure(start: Initial) -> str:
    return "centre them on 0 and scale" if start.mean > start.std else "scale"


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
    unseen: Sequence[str] = (),
    also: Sequence[Site | None] = (),
) -> Finding:
    site: Site | None = start.node.site or term.home
    assert site is not None
    if term.fan_in is not None:
        parameters = {**parameters, "fan_in": term.fan_in}
    missing = [*unseen, *([] if unit.sure else ["the way from the relu to the loss"])]
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
        confidence="medium" if missing else "high",
        parameters=parameters,
        unseen=missing,
    )
