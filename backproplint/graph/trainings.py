"""The view of trainings: for each place that changes weights, the loss, the optimizer and how gradients are clipped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import NamedTuple

from backproplint import frameworks
from backproplint.graph.choices import options
from backproplint.graph.clips import (
    SCALING,
    Clip,
    clips_between,
    concerns,
    gradients_behind,
    optimizer_clips,
    trainer_clips,
)
from backproplint.graph.machine import Event
from backproplint.graph.nodes import Const, Instance, Lib, Node, Phi, Seq, Thing
from backproplint.graph.numbers import number
from backproplint.graph.special import constant
from backproplint.rule import Site


class Training(NamedTuple):
    """A place that changes weights.

    `losses` are the values minimised; empty for an update written by hand, whose `targets` are the arrays moved.
    `parameters` is what the optimizer owns (None: everything the loss reaches). `undecided` says why clipping cannot
    be told, when it cannot.
    """

    site: Site
    kind: str
    framework: str
    losses: list[Node]
    optimizer: Thing | None
    parameters: Node | None
    clips: list[Clip]
    targets: list[Node]
    undecided: str
    event: Event

    def clipped(self) -> bool:
        """Whether gradients are clipped before they are applied."""
        return any(not clip.fault for clip in self.clips)


def trainings(events: list[Event]) -> list[Training]:
    """Read the trainings off a program's events."""
    found = []
    hooks = [event for event in events if event.kind == "hook"]
    kept = _optimizer_state(events)
    for index, event in enumerate(events):
        reader = _READERS.get(event.kind)
        if reader is not None and id(event.args.get("new")) not in kept:
            found.append(_hooked(reader(events, index, event), hooks))
    return found


def _optimizer_state(events: list[Event]) -> set[int]:
    """What updates by hand leave in sums that the next update divides or multiplies by: Adagrad's, a momentum's."""
    updates = [event for event in events if event.kind == "update"]
    made = {id(event.args["new"]) for event in updates}
    return {id(part) for event in updates for part in _factors(event.args["delta"]) if id(part) in made}


def _factors(node: Node, depth: int = 6) -> Iterator[Node]:
    """The nodes that a step's size is worked out from, within the pass of the loop that it stands in."""
    yield node
    looping = isinstance(node, Phi) and node.loop is not None
    if depth and not looping and node.op in SCALING | {"power"}:
        for part in node.operands():
            yield from _factors(part, depth - 1)


def _hooked(training: Training, hooks: list[Event]) -> Training:
    """A training with the clips that hooks make on the gradients of what it moves, wherever they were registered."""
    mine = [hook for hook in hooks if concerns(hook, training.parameters, training.event.root)]
    clips = [Clip(hook.site, "") for hook in mine if constant(hook.args["clips"])]
    undecided = "a hook on the gradients may clip" if len(mine) > len(clips) else ""
    return training._replace(clips=training.clips + clips, undecided=training.undecided or undecided)


def _optimizer(node: Node | None) -> Thing | None:
    things = _optimizers(node)
    return things[0] if len(things) == 1 else None


def _optimizers(node: Node | None) -> list[Thing]:
    return [option for option in options(node) if isinstance(option, Thing)] if node is not None else []


_MAY_CLIP = frozenset({"keras", "tf2", "jax"})  # optimizers of torch and TensorFlow 1 have no setting that clips
_ELSEWHERE = frozenset({"param", "unknown", "attribute", "index", "next"})


def _own_clips(node: Node | None, framework: str) -> tuple[list[Clip], str]:
    """Clips that an optimizer makes by itself, whichever of several it is, and why they cannot be told, if so."""
    each = [optimizer_clips(thing) for thing in _optimizers(node)]
    if any(each) and not all(each):
        return [], "one of the optimizers clips, another does not"
    for option in options(node) if node is not None else []:
        if isinstance(option, Instance):
            return [], "an optimizer of the project's own may clip"
        if framework in _MAY_CLIP and option.op in _ELSEWHERE:
            return [], "an optimizer from elsewhere may clip"
        callee = option.args.get("callee")
        if option.op == "unknown" and isinstance(callee, Lib) and not frameworks.framework(callee.name):
            return [], "an optimizer from elsewhere may clip"
        if option.op == "unknown" and any(isinstance(a, Thing) and a.makes == "optimizer" for a in option.operands()):
            return [], "a wrapper of the optimizer may clip"
    return [clip for clips in each for clip in clips], ""


def _made(
    event: Event,
    losses: Iterable[Node],
    optimizer: Node | None,
    clips: list[Clip],
    targets: Iterable[Node] = (),
    undecided: str = "",
) -> Training:
    thing = _optimizer(optimizer)
    parameters = event.args.get("parameters")
    if isinstance(parameters, Const):
        parameters = None
    if parameters is None and thing is not None:
        parameters = thing.args.get("parameters")
    kept = list(losses)
    framework = event.framework or next((loss.framework for loss in kept if loss.framework), "")
    own, unsure = _own_clips(optimizer, framework)
    clips, undecided = clips + own, undecided or unsure
    return Training(
        event.site, event.kind, event.framework, kept, thing, parameters, clips, list(targets), undecided, event
    )


# -- torch: backward, then step ------------------------------------------------------------------------------------


def _stepped(events: list[Event], index: int, event: Event) -> Training:
    optimizer = event.args.get("optimizer")
    start = _previous(events, index, optimizer)
    between = [earlier for earlier in events[start:index] if not _exclusive(earlier, event)]
    losses = [earlier.args["loss"] for earlier in between if earlier.kind == "backward" and "loss" in earlier.args]
    losses += [earlier.args["loss"] for earlier in between if earlier.kind == "gradient"]
    if not losses:
        backward = [e for e in events[index:] if e.kind == "backward" and "loss" in e.args]
        later = [e for e in backward if e.root == event.root and e.loops]
        losses = [e.args["loss"] for e in later[:1]]
    owned = optimizer.args.get("parameters") if isinstance(optimizer, Thing) else None
    clips = clips_between(between, owned)
    clips += [Clip(clip.site, "it runs after the step") for clip in _after(events, index, event)]
    return _made(event, losses, optimizer, clips)


def _previous(events: list[Event], index: int, optimizer: Node | None) -> int:
    """Where this step's own stretch of events begins, in the same entry.

    That is after the last step of the same optimizer, or after another's when a backward pass follows it: then that
    one took the gradients of an earlier pass.
    """
    mine, passed = events[index], False
    for k in range(index - 1, -1, -1):
        earlier = events[k]
        if earlier.root != mine.root:
            return k + 1
        passed = passed or earlier.kind in ("backward", "gradient")
        if earlier.kind == "step":
            again = passed or earlier.site == mine.site or earlier.args.get("optimizer") is optimizer
            if again and not _exclusive(earlier, mine):
                return k + 1
    return 0


def _exclusive(a: Event, b: Event) -> bool:
    return any(x.test is y.test and x.polarity != y.polarity for x in a.guards for y in b.guards)


def _after(events: list[Event], index: int, event: Event) -> Iterator[Event]:
    for later in events[index + 1 :]:
        if later.root != event.root or later.kind in ("backward", "zero_grad", "step"):
            return
        if later.kind == "clip_gradients":
            yield later


# -- one call that does it all ---------------------------------------------------------------------------------------


def _minimized(events: list[Event], index: int, event: Event) -> Training:
    loss = event.args.get("loss")
    return _made(event, [loss] if loss is not None else [], event.args.get("optimizer"), _own_clip(event))


def _own_clip(event: Event) -> list[Clip]:
    setting = event.args.get("clip")
    off = setting is None or number(setting) == 0 or constant(setting) is None
    return [] if off else [Clip(event.site, "")]


def _fitted(events: list[Event], index: int, event: Event) -> Training:
    clips, undecided = trainer_clips(event)
    done = [k for k in range(index) if events[k].kind == "trainer backward" and events[k].site == event.site]
    clips += clips_between(events[done[-1] : index], None) if done else []
    return _made(event, [event.args["loss"]], event.args.get("optimizer"), clips, undecided=undecided)


# -- gradients in hand -------------------------------------------------------------------------------------------------


def _applied(events: list[Event], index: int, event: Event) -> Training:
    """apply_gradients(pairs), optax.apply_updates(params, updates)."""
    given = event.args.get("gradients") or event.args.get("updates")
    behind = gradients_behind(given)
    optimizer = event.args.get("optimizer")
    for option in options(event.args.get("state") or Const(None)):
        if isinstance(option, Thing):
            optimizer = option.args.get("tx") or option.args.get("optimizer")
    for updates in _updates(given):
        optimizer = updates.args.get("optimizer") or optimizer
        event = _at(event, updates.site)
    undecided = "the gradients pass through a call that is not known" if behind.unknown and not behind.clips else ""
    training = _made(event, behind.losses, optimizer, behind.clips, undecided=undecided)
    return training._replace(parameters=training.parameters or (Seq("list", tuple(behind.by)) if behind.by else None))


def _at(event: Event, site: Site | None) -> Event:
    """The same event, placed where the optimizer is asked for its step: there a clip belongs."""
    placed = copy(event)
    placed.site = site or event.site
    return placed


def _updates(node: Node | None) -> list[Node]:
    parts = options(node) if node is not None else []
    return [part for part in parts if part.op == "updates"]


def _updated(events: list[Event], index: int, event: Event) -> Training:
    """Weights moved by hand: by a gradient that a framework computed, or by one that was worked out in NumPy."""
    delta, target = event.args["delta"], event.args["target"]
    behind = gradients_behind(delta)
    by_attribute = _reads_grad(delta)
    if by_attribute:
        before = [e for e in events[:index] if e.root == event.root]
        losses = [e.args["loss"] for e in before if e.kind == "backward" and "loss" in e.args][-1:]
        return _made(event, losses, None, behind.clips + clips_between(before, None), [target])
    undecided = "the gradient comes from a call that is not known" if behind.unknown and not behind.losses else ""
    if not behind.losses:
        near = [e for e in events[:index] if e.root == event.root and e.kind in ("clip_gradients", "clip out")]
        return _made(event, [], None, behind.clips + [Clip(e.site, "") for e in near], [target], undecided)
    return _made(event, behind.losses, None, behind.clips, [target])


def _reads_grad(node: Node, depth: int = 8) -> bool:
    if node.op == "attribute":
        return constant(node.args.get("name")) in ("grad", "_grad")
    return depth > 0 and node.op in SCALING and any(_reads_grad(part, depth - 1) for part in node.operands())


_READERS = {
    "step": _stepped, "minimize": _minimized, "compile": _minimized, "fit": _fitted, "apply_gradients": _applied,
    "apply_updates": _applied, "update": _updated,
}  # fmt: skip
