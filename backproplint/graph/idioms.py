"""Formulas written out by hand, recognised as the op they compute: sigmoid, relu, square, clip."""

from __future__ import annotations

import math
from collections.abc import Callable

from backproplint.graph.machine import Machine
from backproplint.graph.nodes import Const, Node
from backproplint.graph.numbers import number


def named(m: Machine, node: Node) -> Node:
    """The canonical op that a formula spells out, or the node itself."""
    idiom = _IDIOMS.get(node.op)
    found = idiom(node) if idiom else None
    if found is None:
        return node
    made = m.node(found.op, found.args, node.site or found.site, node.framework)
    if found.op in ("sigmoid", "tanh", "relu"):
        m.nodes.append(made)
    return made


def _bare(node: Node) -> Node:
    while node.op in ("cast", "shape") and "x" in node.args:
        node = node.args["x"]
    return node


def _sigmoid(node: Node) -> Node | None:
    """1 / (1 + exp(-z)), exp(z) / (1 + exp(z)), and tanh as a quotient of exponentials."""
    top, bottom = node.args["a"], _bare(node.args["b"])
    if bottom.op != "add":
        return None
    parts = [_bare(part) for part in bottom.args.values()]
    power = next((part for part in parts if part.op == "exp"), None)
    if power is None or "x" not in power.args:
        return None
    if number(top) == 1 and any(number(part) == 1 for part in parts):
        inner = power.args["x"]
        negated = negation(inner)
        return Node("sigmoid", {"x": negated}, node.site) if negated is not None else None
    if top is power and any(number(part) == 1 for part in parts):
        return Node("sigmoid", {"x": power.args["x"]}, node.site)
    if top.op == "subtract" and [part.op for part in parts] == ["exp", "exp"]:
        return Node("tanh", {"x": power.args["x"]}, node.site)
    return None


def negation(node: Node) -> Node | None:
    """z for a node that is -z."""
    if node.op == "negate":
        return node.args["x"]
    if node.op == "multiply":
        for one, other in (("a", "b"), ("b", "a")):
            if number(node.args[one]) == -1:
                return node.args[other]
    if node.op == "multiply" and node.args["a"].op == "negate":  # -W * x
        return node
    return None


def _power(node: Node) -> Node | None:
    exponent = number(node.args.get("exponent"))
    if exponent == 2:
        return Node("square", {"x": node.args["x"]}, node.site)
    if exponent == 0.5:
        return Node("sqrt", {"x": node.args["x"]}, node.site)
    if exponent == -1:
        return _sigmoid(Node("divide", {"a": Const(1), "b": node.args["x"]}, node.site))
    return None


def _multiply(node: Node) -> Node | None:
    a, b = node.args["a"], node.args["b"]
    if a is b:
        return Node("square", {"x": a}, node.site)
    for value, mask in ((a, b), (b, a)):
        mask = _bare(mask)
        if mask.op == "compare" and mask.args.get("a") is value and number(mask.args.get("b")) == 0:
            return Node("relu", {"x": value}, node.site)
    return None


def _maximum(node: Node) -> Node | None:
    """max(0, z) is relu; max(min(z, high), low) is a clip; max(z, slope * z) is a leaky relu."""
    a, b = node.args.get("a"), node.args.get("b")
    if a is None or b is None:
        return None
    for bound, value in ((a, b), (b, a)):
        if number(bound) == 0:
            return Node("relu", {"x": value}, node.site)
        if value.op == "minimum" and number(bound) is not None:
            return _clip(node, value, low=bound, inner="high")
    return None


def _minimum(node: Node) -> Node | None:
    a, b = node.args.get("a"), node.args.get("b")
    if a is None or b is None:
        return None
    for bound, value in ((a, b), (b, a)):
        if value.op == "maximum" and number(bound) is not None:
            return _clip(node, value, high=bound, inner="low")
    return None


def _clip(node: Node, within: Node, inner: str, **bounds: Node) -> Node | None:
    a, b = within.args["a"], within.args["b"]
    for bound, value in ((a, b), (b, a)):
        if number(bound) is not None:
            return Node("clip", {"x": value, inner: bound, **bounds}, node.site)
    return None


def _where(node: Node) -> Node | None:
    """where(z > 0, z, 0)."""
    condition, a, b = (node.args.get(name) for name in ("condition", "a", "b"))
    if condition is not None and condition.op == "compare" and condition.args.get("a") is a and number(b) == 0:
        return Node("relu", {"x": a}, node.site) if a is not None and number(condition.args.get("b")) == 0 else None
    return None


def _bound(node: Node) -> Node | None:
    """A clip from below at 0 without an upper bound is a relu."""
    low, high = node.args.get("low"), node.args.get("high")
    unbounded = high is None or (isinstance(high, Const) and high.value is None) or number(high) == math.inf
    if number(low) == 0 and unbounded and "x" in node.args:
        return Node("relu", {"x": node.args["x"]}, node.site)
    return None


_IDIOMS: dict[str, Callable[[Node], Node | None]] = {
    "divide": _sigmoid, "power": _power, "multiply": _multiply, "maximum": _maximum, "minimum": _minimum,
    "where": _where, "clip": _bound,
}  # fmt: skip
