"""Numbers that the code says: what a node is known to be, and on which default that rests."""

from __future__ import annotations

import math

from backproplint.graph.nodes import Const, Node, Phi


def whole(node: Node | None) -> int | None:
    """The whole number a node is known to be; None for an unknown or infinite one."""
    value = number(node)
    return int(value) if value is not None and math.isfinite(value) else None


def number(node: Node | None) -> float | None:
    """The number a node is known to be, else None. Alternatives must agree."""
    if isinstance(node, Const):
        value = node.value
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    if isinstance(node, Phi) and not node.loop:
        values = {number(option) for option in node.options}
        return values.pop() if len(values) == 1 else None
    return None


def assumption(node: Node | None) -> str:
    """Where a known number comes from when it is only a default."""
    return node.assumed if isinstance(node, Const) else ""
