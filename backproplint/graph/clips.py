"""Gradient clipping: by an optimizer itself, and on the way from a loss to the step that applies its gradients."""

from __future__ import annotations

from typing import NamedTuple

from backproplint.graph.choices import options
from backproplint.graph.nodes import Const, Node, Seq, Thing
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
        parts = list(inner.operands()) if isinstance(inner, Seq) else [inner] if inner is not None else []
        for part in parts:
            for option in options(part):
                found += optimizer_clips(option if isinstance(option, Thing) else None, depth - 1)
    return found


def is_off(setting: Node | None) -> bool:
    """Whether an option that asks for clipping is not given, or given as None, False or 0."""
    return setting is None or (isinstance(setting, Const) and not setting.value)


class Gradients(NamedTuple):
    """What stands behind applied gradients: the losses, the clips on the way, and whether an unknown call is too."""

    losses: list[Node]
    clips: list[Clip]
    unknown: bool


def gradients_behind(node: Node | None) -> Gradients:
    """What applied gradients were computed from: their losses, and the clips on the way.

    Only operations that keep a gradient a gradient are passed; in a backward pass by hand the walk ends at its
    products.
    """
    losses: list[Node] = []
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
        elif at.op in _CLIP_OPS:
            clips.append(Clip(at.site, ""))
            waiting += list(at.operands())
        elif at.op == "unknown":
            unknown = True
            waiting += [arg for name, arg in at.args.items() if name != "callee"]
        elif at.op == "updates":
            waiting += [at.args["gradients"]] if "gradients" in at.args else []
        elif at.op in SCALING:
            waiting += list(at.operands())
    return Gradients(_distinct(losses), clips, unknown)


SCALING = frozenset(
    "multiply divide negate add subtract sqrt square stop_gradient index next shape cast phi seq dict where".split()
)


def _distinct(nodes: list[Node]) -> list[Node]:
    return list({id(node): node for node in nodes}.values())
