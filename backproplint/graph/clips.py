"""Gradient clipping: by an optimizer itself, and on the way from a loss to the step that applies its gradients."""

from __future__ import annotations

import math
from typing import NamedTuple

from backproplint.graph.algebra import is_gradient, over_norm
from backproplint.graph.choices import options
from backproplint.graph.machine import Event
from backproplint.graph.nodes import Const, Dict, Instance, Lib, Node, Seq, Thing
from backproplint.graph.numbers import number
from backproplint.graph.ownership import disjoint, owners
from backproplint.rule import Site

_CLIP_OPTIONS = ("clipnorm", "clipvalue", "global_clipnorm", "clip")
_CLIP_OPS = frozenset({"clip_gradients", "clip", "clip_norm", "minimum", "maximum"})


class Clip(NamedTuple):
    """A clip of gradients that was found near a training: where, and whether it counts ('' when it does)."""

    site: Site | None
    fault: str


def optimizer_clips(optimizer: Thing | None, depth: int = 6) -> list[Clip]:
    """Clipping that an optimizer does by itself: `clipnorm=`, or a clip in an optax chain."""
    if optimizer is None or depth == 0:
        return []
    if optimizer.row.op == "clip":
        return [Clip(optimizer.site, "")]
    found = []
    for name in _CLIP_OPTIONS:
        if not is_off(optimizer.setting(name)):
            found.append(Clip(optimizer.site, ""))
    for inner in (optimizer.args.get("transforms"), optimizer.args.get("optimizer")):
        parts = list(inner.operands()) if isinstance(inner, (Seq, Dict)) else [inner] if inner is not None else []
        for part in parts:
            for option in options(part):
                found += optimizer_clips(option if isinstance(option, Thing) else None, depth - 1)
    return found


def is_off(setting: Node | None) -> bool:
    """Whether an option that asks for clipping is not given, or given as None, False or 0."""
    return setting is None or (isinstance(setting, Const) and not setting.value)


class Gradients(NamedTuple):
    """What stands behind applied gradients.

    The losses, the weights that they were derived by, the clips on the way, and whether an unknown call is too.
    """

    losses: list[Node]
    by: list[Node]
    clips: list[Clip]
    unknown: bool


def gradients_behind(node: Node | None) -> Gradients:
    """What applied gradients were computed from: their losses, and the clips on the way.

    Only operations that keep a gradient a gradient are passed; in a backward pass by hand the walk ends at its
    products.
    """
    losses: list[Node] = []
    by: list[Node] = []
    clips: list[Clip] = []
    seen: set[int] = set()
    waiting = [node] if node is not None else []
    unknown = False
    while waiting and len(seen) < 2000:
        at = waiting.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        if at.op == "gradient":
            losses.append(at.args["loss"])
            by += [at.args["by"]] if "by" in at.args else []
        elif at.op in _CLIP_OPS:
            clips.append(Clip(at.site, ""))
            waiting += list(at.operands())
        elif at.op == "unknown":
            unknown = True
            waiting += [arg for name, arg in at.args.items() if name != "callee"]
        elif at.op == "updates":  # gradients that a transformation made something of
            for option in options(at.args["optimizer"]) if "optimizer" in at.args else []:
                clips += optimizer_clips(option if isinstance(option, Thing) else None)
            waiting += [at.args["gradients"]] if "gradients" in at.args else []
        elif at.op in SCALING:
            clips += [Clip(at.site, "")] if over_norm(at) else []
            waiting += list(at.operands())
    return Gradients(_distinct(losses), _distinct(by), clips, unknown)


SCALING = frozenset(
    "multiply divide negate add subtract sqrt square stop_gradient index next shape cast phi seq dict where "
    "mean concat stack".split()
)


def _distinct(nodes: list[Node]) -> list[Node]:
    return list({id(node): node for node in nodes}.values())


# -- clips in the order of events -----------------------------------------------------------------------------------


def clips_between(events: list[Event], owned: Node | None) -> list[Clip]:
    """The clips among the events from the last step to the next, and whether each counts."""
    calls = [_judged(event, owned, events) for event in events if event.kind == "clip_gradients"]
    return calls + _written(events, owned)


def _judged(clip: Event, owned: Node | None, between: list[Event]) -> Clip:
    """Whether a clip between backward and step counts."""
    at = between.index(clip)
    if not any(event.kind in ("backward", "gradient", "trainer backward") for event in between[:at]):
        follows = any(event.kind == "backward" for event in between[at:])
        if follows:
            return Clip(clip.site, "it runs before the backward pass, on gradients that do not exist yet")
    if any(math.isinf(number(clip.args.get(name)) or 0) for name in ("norm", "value")):
        return Clip(clip.site, "its bound is infinite")
    if _switched_off(clip):
        return Clip(clip.site, "it is switched off by default")
    theirs = clip.args.get("gradients") or clip.args.get("optimizer")
    if owned is not None and theirs is not None and disjoint(owned, theirs):
        return Clip(clip.site, "it clips other parameters")
    return Clip(clip.site, "")


def _switched_off(event: Event) -> bool:
    by_guard = any(guard.default is not None and guard.default != guard.polarity for guard in event.guards)
    bounds = [event.args[name] for name in ("norm", "value") if name in event.args]
    unset = [isinstance(bound, Const) and bound.value is None for bound in bounds]
    return by_guard or (bool(unset) and all(unset))


def _written(events: list[Event], owned: Node | None) -> list[Clip]:
    """Gradients clipped by hand: `p.grad.data.clamp_(-1, 1)`, `p.grad = ...`, a loop that scales them."""
    found = []
    for event in events:
        if event.kind in ("set_grad", "in place") and is_gradient(event.args["target"]) and _may_bound(event):
            theirs = _holder(event.args["target"])
            other = owned is not None and theirs is not None and disjoint(owned, theirs)
            off = "it is switched off by default" if _switched_off(event) else ""
            found.append(Clip(event.site, "it clips other parameters" if other else off))
    return found


def _may_bound(event: Event) -> bool:
    """Whether what is written over a gradient may be a bounded one: not where it is cleared, or scaled by a number."""
    target, value = event.args["target"], event.args["value"]
    if value is target or isinstance(value, Const) or value.op in _NO_BOUND:
        return False
    factors = [value.args[name] for name in ("a", "b") if name in value.args and value.args[name] is not target]
    return value.op not in ("multiply", "divide") or any(number(factor) is None for factor in factors)


_NO_BOUND = frozenset({"add", "subtract", "stop_gradient", "zeros", "full", "gradient"})


def _holder(gradient: Node, depth: int = 6) -> Node | None:
    """The parameter that a gradient was read off."""
    if gradient.op == "attribute":
        return gradient.args["of"]
    inner = gradient.args.get("x")
    return _holder(inner, depth - 1) if inner is not None and depth else None


def concerns(hook: Event, parameters: Node | None, root: tuple[int, int]) -> bool:
    """Whether a hook sees gradients of these parameters; of a tensor that nobody owns, those of its own entry."""
    theirs = owners(hook.args["target"])
    mine = owners(parameters) if parameters is not None else None
    if theirs is None or mine is None:
        return hook.root == root
    return bool(theirs & mine)


# -- clips that a trainer was asked for -----------------------------------------------------------------------------


def trainer_clips(event: Event) -> tuple[list[Clip], str]:
    """The clips that the settings and callbacks of a training loop ask for, and why they cannot be told, if so."""
    trainer = event.args.get("trainer")
    clips, undecided = _callbacks(event.args.get("callbacks"))
    if trainer is None:
        return clips, undecided
    if not isinstance(trainer, (Thing, Instance)):
        return clips, "a trainer from elsewhere may clip"
    setting = event.args.get("clip")
    return clips + ([] if is_off(setting) else [Clip(trainer.site, "")]), undecided


def _callbacks(node: Node | None) -> tuple[list[Clip], str]:
    """Callbacks that are there to clip. Others of a library do not; those of the project were followed."""
    clips: list[Clip] = []
    undecided = ""
    for part in _parts(node):
        if isinstance(part, Thing) and part.row.op == "clip_callback":
            clips.append(Clip(part.site, ""))
        elif not isinstance(part, (Thing, Instance, Const, Lib)) and not isinstance(part.args.get("callee"), Lib):
            undecided = "a callback may clip"
    return clips, undecided


def _parts(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return [part for option in options(node) for part in (option.operands() if isinstance(option, Seq) else [option])]
