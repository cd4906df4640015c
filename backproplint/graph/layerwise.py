"""The view of squashes in training: each with its weights, whether it is hidden, and the training that moves it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from backproplint.graph.flow import Flow
from backproplint.graph.initial import origins
from backproplint.graph.networks import BLANK, LINEAR, Linear, linear, terms
from backproplint.graph.nodes import Const, Node

if TYPE_CHECKING:
    from backproplint.graph.project import Project
    from backproplint.graph.trainings import Training


class Unit(NamedTuple):
    """A squash that is trained: its node, the linear maps before it, and the loss it leads to (None: by hand)."""

    node: Node
    terms: list[Linear]
    training: Training
    flow: Flow | None
    output: bool = False  # by hand: whether it is compared with a target
    applied: bool = True  # by hand: whether another linear map was seen to take it

    @property
    def sure(self) -> bool:
        """Whether the way to the loss was followed throughout."""
        return self.flow is None or id(self.node) not in self.flow.unsure

    def hidden(self) -> bool:
        """Whether another linear map stands between this squash and the loss."""
        if self.flow is None:
            return not self.output
        return self.flow.through(self.node, LINEAR)

    def gate(self) -> bool:
        """Whether the squash only multiplies something else, as in an LSTM or an attention."""
        consumers = self.flow.consumers.get(id(self.node), []) if self.flow is not None else []
        return bool(consumers) and all(_gates(consumer, self.node) for consumer in consumers)


def _gates(consumer: Node, squash: Node) -> bool:
    others = [arg for arg in consumer.args.values() if arg is not squash]
    return consumer.op == "multiply" and any(not isinstance(other, Const) for other in others)


def trained_units(project: Project, kinds: frozenset[str]) -> Iterator[Unit]:
    """Squashes of these kinds that some training trains, by autodiff first, then by hand."""
    seen: set[int] = set()
    moved = _moved(project)
    for training in project.trainings:
        for loss in training.losses:
            flow = project.flow(loss)
            for node in flow.nodes:
                if node.op in kinds and "x" in node.args and id(node) not in seen:
                    seen.add(id(node))
                    found = [term for term in terms(node.args["x"]) if not _state(term, moved)]
                    yield Unit(node, found, training, flow)
    for unit in _by_hand(project):
        if unit.node.op in kinds and id(unit.node) not in seen:
            yield unit


def _by_hand(project: Project) -> Iterator[Unit]:
    """Squashes whose backward pass is written by hand, with the maps that an update moves: the rest is no weight."""
    by_hand = [training for training in project.trainings if not training.losses and training.targets]
    for node in project.squashes if by_hand else []:
        if "x" in node.args:
            found = [term for term in terms(node.args["x"]) if any(project.moves(t, term) for t in by_hand)]
            mover = next((t for t in by_hand if any(project.moves(t, term) for term in found)), None)
            if mover is not None:
                flow = project.hand_flow
                yield Unit(node, found, mover, None, _compared(node, flow), _applied(node, flow))


def _moved(project: Project) -> frozenset[int]:
    """The arrays and variables that optimizers own, that gradients are taken by, or that are moved by hand."""
    given = [event.args["parameters"] for event in project.events if event.kind == "gradient"]
    for training in project.trainings:
        given += [training.parameters or Const(None), *training.targets]
    return frozenset(id(source) for node in given for source in origins(node))


def _state(term: Linear, moved: frozenset[int]) -> bool:
    """Whether what looks like a weight of zeros or ones is a state before its first step: nothing moves it."""
    drawn = origins(term.weight)
    return bool(drawn) and all(source.op in BLANK for source in drawn) and not moved & term.identity


def _compared(squash: Node, flow: Flow) -> bool:
    """Whether a squash is an output by hand: `p - y`, where y is no constant."""
    sides = [consumer.args for consumer in flow.consumers.get(id(squash), []) if consumer.op == "subtract"]
    others = [arg for args in sides for arg in args.values() if arg is not squash]
    return any(not isinstance(other, Const) for other in others)


def _applied(squash: Node, flow: Flow) -> bool:
    maps = [found for consumer in flow.consumers.get(id(squash), []) if (found := linear(consumer)) is not None]
    return any(found.x is squash for found in maps)
