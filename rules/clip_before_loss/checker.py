"""clip-before-loss: an error is clipped, then squared (or taken absolutely), then minimised."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.flow import PLAIN, Flow, marks, plain, undecided
from backproplint.graph.nodes import Const, Node, Phi
from backproplint.graph.numbers import assumption, number
from backproplint.ops import LOSSES, REDUCTIONS
from backproplint.rule import Constant, Finding, Rule, Undecided, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project
    from backproplint.graph.trainings import Training

_MEASURES = frozenset({"square", "abs", "power", "norm", "mse", "mae", "huber"})
_BETWEEN = PLAIN | REDUCTIONS | _MEASURES | LOSSES | {"multiply", "divide", "add", "where", "unknown", "negate", "sqrt"}
_SCALED = _BETWEEN - {"add", "unknown"}  # what is measured is still the error: a call may be a whole network
_KEPT = frozenset({"shape", "index", "where", "multiply", "abs", "cast", "negate"})


class ClipBeforeLoss(Rule):
    """Fires where the clipped error alone reaches the loss: with a Huber's linear part beside it, nothing is lost."""

    name = "clip-before-loss"
    family = "clipping"
    severity = "error"
    summary = "An error is clipped before the loss, so errors beyond the bounds get no gradient."

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding for each clipped error on the way to something minimised."""
        for training in project.trainings:
            for loss in training.losses:
                flow = project.flow(loss)
                for node in flow.nodes:
                    if node.op == "clip" and node.site is not None:
                        yield from _judge(node, flow, loss, training)


def _judge(clip: Node, flow: Flow, loss: Node, training: Training) -> Iterator[Verdict]:
    error = _error(clip.args["x"])
    way = flow.way(clip)
    measure = next((node for node in way[1:] if node.op in _MEASURES), None)
    if error is None or measure is None or not _stays_error(way, measure):
        yield from _unsettled(clip, error, way, measure)
        return
    either = [node for node in way if isinstance(node, Phi) and not node.loop]
    if _harmless(clip) or _reaches_otherwise(clip, error, loss, either):
        return
    unseen = ["what a call between the clip and the loss does"] if id(clip) in flow.unsure else []
    unseen += ["whether the clip runs: it is under a test"] if either else []
    unseen += ["the bounds, which are infinite by default"] if _endless(clip.args.get("high")) else []
    assert clip.site is not None
    yield Finding(
        message=f"errors beyond {_said(clip)} are clipped before they are {_VERBS.get(measure.op, 'measured')}, so "
        "they get no gradient; use a Huber loss, or clip the gradients",
        site=clip.site,
        flow=marks(
            (error, "the error is computed here"),
            (clip, f"clipped to {_said(clip)}{_unknown(clip)}: flat outside"),
            (measure, f"{_VERBS.get(measure.op, 'measured')}: zero times anything stays zero"),
            (training.site, "minimised"),
        ),
        framework=clip.framework or training.framework,
        confidence="medium" if unseen else "high",
        parameters=_parameters(clip, measure),
        unseen=unseen,
    )


def _unsettled(clip: Node, error: Node | None, way: list[Node], measure: Node | None) -> Iterator[Undecided]:
    """Where one thing only is missing: what is clipped, or a call that may measure it."""
    nameless = plain(clip.args["x"]).op in ("unknown", "param", "attribute")
    if nameless and measure is not None and _stays_error(way, measure):
        yield from undecided(clip, "what is clipped is not known")
    between = {node.op for node in way[1:]}
    if error is not None and measure is None and "unknown" in between and between <= _BETWEEN:
        yield from undecided(clip, "a call on the way is not known")


def _stays_error(way: list[Node], measure: Node) -> bool:
    """Whether what is measured is the clipped error itself: nothing is added before, as PPO adds the old value."""
    at = way.index(measure)
    before, after = way[1:at], way[at + 1 :]
    target = measure.args.get("target")
    alone = target is None or target is way[at - 1] or isinstance(target, Const) or target.op == "zeros"
    return alone and all(n.op in _SCALED for n in before) and all(n.op in _BETWEEN for n in after)


_VERBS = {"square": "squared", "abs": "taken absolutely", "mse": "squared", "mae": "taken absolutely", "norm": "normed"}


def _error(node: Node) -> Node | None:
    """The difference behind a clip's operand: of two values, neither of which is a constant."""
    for _ in range(8):
        if node.op == "subtract":
            sides = list(node.args.values())
            return None if any(isinstance(side, Const) for side in sides) else node
        if node.op == "add" and any(side.op == "negate" for side in node.args.values()):
            return node
        if node.op not in _KEPT:
            return None
        parts = [node.args[name] for name in ("x", "a", "b") if name in node.args]
        parts = [part for part in parts if not isinstance(part, Const)]
        node = next((part for part in parts if part.op in ("subtract", *_KEPT)), parts[0] if parts else node)
    return None


def _harmless(clip: Node) -> bool:
    """Bounds that nothing exceeds, and that are more than a default."""
    return any(_endless(clip.args.get(name)) and not assumption(clip.args.get(name)) for name in ("low", "high"))


def _endless(bound: Node | None) -> bool:
    value = number(bound)
    return value is not None and (math.isinf(value) or abs(value) >= 1e6)


def _reaches_otherwise(clip: Node, error: Node, loss: Node, either: list[Phi]) -> bool:
    """Whether the unclipped error, or what it was computed from, also reaches the loss: then gradient still flows.

    Alternatives that the clip is one of (`either`) do not count: where the clip runs, the others do not.
    """
    others = Flow(loss, without=frozenset({id(clip), *map(id, either)}))
    sides = [side for side in error.args.values() if side.op not in ("variable", "param", "placeholder", "const")]
    return (
        error in others
        or clip.args["x"] in others
        or any(_is_error(node, error) for node in others.nodes)
        or any(side in others for side in sides)
    )


def _is_error(node: Node, error: Node) -> bool:
    return node.op == "subtract" and {id(n) for n in node.args.values()} == {id(n) for n in error.args.values()}


def _said(clip: Node) -> str:
    low, high = number(clip.args.get("low")), number(clip.args.get("high"))
    if (low is None and high is None) or _endless(clip.args.get("high")):
        return "the bounds"
    return f"[{'?' if low is None else f'{low:g}'}, {'?' if high is None else f'{high:g}'}]"


def _unknown(clip: Node) -> str:
    bounds = [number(clip.args.get(name)) for name in ("low", "high")]
    return " (their values were not seen)" if bounds == [None, None] else ""


def _parameters(clip: Node, measure: Node) -> dict[str, Constant]:
    found: dict[str, Constant] = {"loss": "abs" if measure.op in ("abs", "mae") else "square"}
    low, high = number(clip.args.get("low")), number(clip.args.get("high"))
    if low is not None and high is not None and low < high and not _endless(clip.args.get("high")):
        found |= {"low": low, "high": high}
    return found
