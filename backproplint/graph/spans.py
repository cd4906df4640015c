"""How often a loop over a range turns, where its ends move together: `range(t, max(0, t - 4), -1)` turns four times."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from backproplint.graph.nodes import Const, Node
from backproplint.graph.numbers import whole

_DEEPEST = 8  # additions in one end of a range
Form = tuple[Node | None, int]  # an unknown, and what is added to it


def turns_of(node: Node | None) -> int | None:
    """How many turns a range takes at most: None where its ends do not say."""
    while node is not None and (node.op == "index" or (node.op == "unknown" and _named(node) == "builtins.reversed")):
        if node.op == "index" and node.args["index"].op != "slice":
            return None
        node = node.args.get("x" if node.op == "index" else "0")  # turned round, or a part of it
    if node is None or node.op != "range":
        return None
    ends = [node.args[name] for name in "012" if name in node.args]
    start, stop = (Const(0), ends[0]) if len(ends) == 1 else ends[:2]
    step = whole(ends[2]) if len(ends) == 3 else 1
    if not step:
        return None
    low, high = (start, stop) if step > 0 else (stop, start)
    spans = [b[1] - a[1] for a in _forms(low, "maximum") for b in _forms(high, "minimum") if a[0] is b[0]]
    return max(ceil(min(spans) / abs(step)), 0) if spans else None


def _named(node: Node) -> str:
    return getattr(node.args.get("callee"), "name", "")


def _forms(node: Node, of: str) -> Iterator[Form]:
    """An end as an unknown and a distance; any argument of max() bounds a lower end, any of min() an upper one."""
    if node.op == of and "a" in node.args and "b" in node.args:
        yield from _forms(node.args["a"], of)
        yield from _forms(node.args["b"], of)
    elif node.op == "relu" and of == "maximum":  # max(0, x)
        yield (None, 0)
        yield from _forms(node.args["x"], of)
    else:
        yield _form(node)


def _form(node: Node, depth: int = _DEEPEST) -> Form:
    value = whole(node)
    if value is not None:
        return None, value
    if node.op in ("add", "subtract") and depth:
        added = whole(node.args["b"])
        if added is not None:
            base, distance = _form(node.args["a"], depth - 1)
            return base, distance + (added if node.op == "add" else -added)
    return node, 0
