"""What is left undecided whichever rule asks: code past a bound, and gradients that nobody was seen to apply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.flow import undecided
from backproplint.graph.machine import Event
from backproplint.graph.networks import linear
from backproplint.rule import Undecided

if TYPE_CHECKING:
    from backproplint.graph.project import Project


def unseen(project: Project) -> Iterator[Undecided]:
    """What no rule could judge."""
    yield from project.machine.bounds
    for event in unapplied(project):
        if any(linear(node) is not None for node in project.flow(event.args["loss"]).nodes):
            yield from undecided(event.site, "the optimizer is not in sight")


def unapplied(project: Project) -> list[Event]:
    """The backward passes of which, whoever runs them, no training was seen to use the gradients."""
    used = {id(loss) for training in project.trainings for loss in training.losses}
    passes = [event for event in project.events if event.kind == "backward" and "loss" in event.args]
    sites = {event.site for event in passes if id(event.args["loss"]) in used}
    return [event for event in passes if event.site not in sites]
