"""deep-sigmoid-stack: three or more hidden sigmoid layers in a row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from backproplint.graph.flow import marks, undecided
from backproplint.graph.layerwise import Unit, trained_units
from backproplint.graph.networks import NORMS, SIGMOIDS, width_of
from backproplint.graph.nodes import Node
from backproplint.rule import Constant, Finding, Rule, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project

DEEPEST = 3  # hidden sigmoid layers; the first layer gets 5 % of the last one's gradient (README.md, Thresholds)
STRONG = 2.5  # weights of this gain (std x sqrt(fan-in)) make up for most of the slope of 1/4 ...
SATURATED = 7.0  # ... but from here on they saturate the sigmoids, and the slope falls faster than the gain grows
_ENDS = NORMS | {"relu", "leaky_relu", "elu", "selu", "gelu", "silu", "relu6", "tanh", "softplus", "unknown"}


class DeepSigmoidStack(Rule):
    """Counts sigmoids with a linear map before each; tanh (slope 1) and normalised stacks are another matter."""

    name = "deep-sigmoid-stack"
    family = "saturation"
    severity = "warning"
    summary = "Sigmoid layers are stacked so deep that the gradient all but vanishes before the first one."

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding at the third hidden sigmoid of each stack."""
        units = {id(unit.node): unit for unit in trained_units(project, SIGMOIDS)}
        hidden = [unit for unit in units.values() if unit.terms and _passes_on(unit) and _weak(unit)]
        sure = _deep(hidden, _ENDS)
        for chain in sure:
            if not _layer_by_layer(project, [units[id(node)] for node in chain]):
                yield _finding(chain, units[id(chain[-1])])
        starts = {id(node) for chain in sure for node in chain}
        for chain in _deep(hidden, _ENDS - {"unknown"}):
            if not starts & {id(node) for node in chain}:
                yield from undecided(chain[DEEPEST - 1], "a call on the way is not known")


def _passes_on(unit: Unit) -> bool:
    """Whether the next map takes the whole of it: no output, no gate."""
    return unit.hidden() and unit.applied and not unit.gate()


def _weak(unit: Unit) -> bool:
    gains = [t.start.size * math.sqrt(t.fan_in) for t in unit.terms if t.start is not None and t.fan_in is not None]
    return not any(STRONG <= gain < SATURATED for gain in gains)


def _layer_by_layer(project: Project, stack: list[Unit]) -> bool:
    """Whether each layer but the last has a loss of its own that the next is no part of: greedy pre-training is the
    old cure (Hinton, Osindero and Teh 2006)."""
    weights = [frozenset().union(*(term.identity for term in unit.terms)) for unit in stack]
    losses = [loss for training in project.trainings for loss in training.losses]
    reached = [{id(node) for node in project.flow(loss).nodes} for loss in losses]
    return all(any(ids & own and not ids & above for ids in reached) for own, above in pairwise(weights))


def _deep(hidden: list[Unit], ends: frozenset[str]) -> list[list[Node]]:
    """The stacks that are deep enough, one for each first sigmoid; what `ends` names interrupts them."""
    nodes = {id(unit.node) for unit in hidden}
    below = {id(unit.node): _below(unit, nodes, ends) for unit in hidden}
    return _longest([chain for unit in hidden if len(chain := _chain(unit, below)) >= DEEPEST])


def _below(unit: Unit, hidden: set[int], ends: frozenset[str]) -> Node | None:
    """The sigmoid that feeds this one, if nothing but linear maps stands between."""
    at = unit.terms[0].x
    for _ in range(40):
        if at.op in SIGMOIDS:
            return at if id(at) in hidden else None
        name = "0" if at.op == "unknown" else "x"
        if at.op in ends or name not in at.args:
            return None
        at = at.args[name]
    return None


def _chain(unit: Unit, below: dict[int, Node | None]) -> list[Node]:
    """The stack that ends in this sigmoid, in the order data meets it."""
    chain: list[Node] = []
    at: Node | None = unit.node
    while at is not None and len(chain) < 200 and all(at is not node for node in chain):
        chain.insert(0, at)
        at = below.get(id(at))
    return chain


def _longest(chains: list[list[Node]]) -> list[list[Node]]:
    """One chain for each first sigmoid: the deepest."""
    best: dict[int, list[Node]] = {}
    for chain in chains:
        if len(chain) > len(best.get(id(chain[0]), [])):
            best[id(chain[0])] = chain
    return list(best.values())


def _finding(chain: list[Node], last: Unit) -> Finding:
    third = chain[DEEPEST - 1]
    width = width_of(third)
    parameters: dict[str, Constant] = {"depth": len(chain), "squash": "sigmoid"}
    if width is not None:
        parameters["width"] = width
    assert third.site is not None
    return Finding(
        message=f"{len(chain)} hidden sigmoid layers in a row pass on at most 1/4 of the gradient each, so the first "
        "one hardly learns; use relu, or tanh with Xavier, or normalise between the layers",
        site=third.site,
        flow=marks(
            *[(node, f"sigmoid {k + 1}: at most a quarter of the gradient passes") for k, node in enumerate(chain[:6])],
            (last.training.site, "trained here"),
        ),
        framework=third.framework or last.training.framework,
        confidence="high" if last.sure else "medium",
        parameters=parameters,
        unseen=[] if last.sure else ["the way from the last sigmoid to the loss"],
    )
