"""Alternatives: one node for several, and several from one."""

from __future__ import annotations

from backproplint.graph.nodes import Const, Lib, Node, Phi

MOST_OPTIONS = 16  # alternatives of one value that are told apart; no rule looks at more


def merge(nodes: list[Node]) -> Node:
    """One node for alternatives: the node itself when they agree, else a flat Phi of those that differ."""
    found: dict[object, Node] = {}
    for node in nodes:
        for part in node.options if isinstance(node, Phi) and not node.loop else (node,):
            found.setdefault(_identity(part), part)
        if len(found) >= MOST_OPTIONS:
            break
    distinct = list(found.values())
    return distinct[0] if len(distinct) == 1 else Phi(distinct[:MOST_OPTIONS])


def same(a: Node, b: Node) -> bool:
    """Whether two nodes are one value: the same node, or equal constants, or the same library name."""
    return a is b or _identity(a) == _identity(b)


def _identity(node: Node) -> object:
    if isinstance(node, Const):
        return type(node.value), node.value
    return node.name if isinstance(node, Lib) else id(node)


def options(node: Node, depth: int = 3) -> list[Node]:
    """The alternatives of a node, itself if there is only one."""
    if isinstance(node, Phi) and depth and not node.loop:
        return [option for part in node.options for option in options(part, depth - 1)]
    return [node]


def key_node(key: object) -> Node:
    """The node for a key of a Dict: a node as it is, a constant for a plain value."""
    if isinstance(key, Node):
        return key
    return Const(key) if isinstance(key, (str, int, float)) else Node("key", {})


def leaves(phi: Phi) -> list[Node]:
    """Every alternative of a Phi, through the Phis and loops among them."""
    found: list[Node] = []
    seen: set[int] = set()
    waiting: list[Node] = [phi]
    while waiting and len(seen) < 64:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Phi):
            waiting += reversed(node.options)
        else:
            found.append(node)
    return found
