"""Updates written by hand: weights stored back into their own place, moved by something that is no constant."""

from __future__ import annotations

from backproplint.graph import algebra
from backproplint.graph.initial import origins
from backproplint.graph.machine import Machine
from backproplint.graph.nodes import Const, Node, Seq
from backproplint.rule import Site


def note_update(m: Machine, old: Node | None, new: Node, site: Site, depth: int = 3) -> None:
    """`w = w - step`: a value stored back into its own place, moved by something that is no constant."""
    if isinstance(old, Seq) and isinstance(new, Seq) and depth:  # self.weights = [w - rate * g for w, g in zip(...)]
        for before, after in zip(old.items, new.items, strict=False):
            note_update(m, before, after, after.site or site, depth - 1)
        return
    if old is not None and _scaled_down(old, new):  # g *= limit / norm, in the array that g is
        m.emit("clip out", {"target": old, "value": new}, site, new.framework)
    if old is None or old is new or new.op not in ("subtract", "add") or isinstance(old, Const):
        return
    moved, by = new.args.get("a"), new.args.get("b")
    if moved is not old or by is None or isinstance(by, Const) or algebra.is_gradient(by):
        return
    if origins(old):  # not a sum of losses, a counter, a running mean
        m.emit("update", {"target": old, "delta": by, "new": new}, site, new.framework)


def _scaled_down(old: Node, new: Node) -> bool:
    """Whether an array is multiplied by something over a norm, or divided by one, in its own place."""
    if new.op not in ("multiply", "divide") or new.args.get("a") is not old:
        return False
    return algebra.over_norm(new) or algebra.over_norm(new.args["b"])
