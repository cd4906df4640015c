"""Operators: constants are folded, and what is written out by hand is recognised as the op it computes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from backproplint.graph.machine import Machine, truth
from backproplint.graph.nodes import Class, Const, Dict, Func, Instance, Lib, Node, Phi, Seq, Thing, options, same
from backproplint.rule import Site

_OPS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "**": "power", "@": "matmul"}
_FOLD: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "&": operator.and_, "|": operator.or_,
}  # fmt: skip
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "is": operator.eq, "is not": operator.ne,
}  # fmt: skip
_LARGEST = 1e300


def fold(function: Callable[..., Any], *parts: Node) -> Const | None:
    """A constant computed from constants; None when one is not, or when Python refuses."""
    values = [part.value for part in parts if isinstance(part, Const)]
    if len(values) != len(parts):
        return None
    if any(isinstance(value, str) and len(value) > 200 for value in values):
        return None
    if function is operator.pow and (abs(number(parts[1]) or 0) > 64 or abs(number(parts[0]) or 0) > 1e6):
        return None
    if any(isinstance(value, str) for value in values) and function in (operator.mul, operator.mod):
        return None  # repetition and formatting can build texts of any size, and no gradient hangs on them
    try:
        result = function(*values)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if isinstance(result, complex) or (isinstance(result, (int, float)) and _LARGEST < abs(result) < math.inf):
        return None
    known = [part for part in parts if isinstance(part, Const)]
    folded = Const(result, next((part.assumed for part in known if part.assumed), ""))
    folded.varies = any(part.varies for part in known)
    return folded


def number(node: Node | None) -> float | None:
    """The number a node is known to be, else None. Alternatives must agree."""
    if isinstance(node, Const):
        known = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
        return float(node.value) if known else None  # type: ignore[arg-type]
    if isinstance(node, Phi) and not node.loop:
        values = {number(option) for option in node.options}
        return values.pop() if len(values) == 1 else None
    return None


def assumption(node: Node | None) -> str:
    """Where a known number comes from when it is only a default."""
    return node.assumed if isinstance(node, Const) else ""


def binary(m: Machine, sign: str, a: Node, b: Node, site: Site) -> Node:
    """What `a sign b` is."""
    folded = fold(_FOLD[sign], a, b) if sign in _FOLD else None
    if folded is not None:
        return folded
    if isinstance(a, Seq) or isinstance(b, Seq):
        joined = _sequences(sign, a, b, site)
        if joined is not None:
            return joined
    if sign not in _OPS:
        return m.node("compare" if sign in "&|^" else "unknown", {"a": a, "b": b}, site, a.framework or b.framework)
    op = _OPS[sign]
    args = {"x": a, "exponent": b} if op == "power" else {"a": a, "b": b}
    node = named(m, m.node(op, args, site, a.framework or b.framework))
    note_descent(m, node)
    return node


def note_descent(m: Machine, node: Node) -> None:
    """`w - lr * gradient`: weights moved by a gradient that a framework computed, wherever the result is put."""
    if node.op in ("subtract", "add") and node.site is not None and "b" in node.args:
        moved, by = node.args["a"], node.args["b"]
        if not isinstance(moved, Const) and is_gradient(by) and not is_gradient(moved):
            m.emit("update", {"target": moved, "delta": by, "new": node}, node.site, node.framework)


def is_gradient(node: Node, depth: int = 6) -> bool:
    """Whether a value is a gradient up to scale: read off one, or a few operations away."""
    if node.op in ("gradient", "clip_gradients"):
        return True
    if node.op == "attribute":
        name = node.args["name"]
        return isinstance(name, Const) and name.value in ("grad", "_grad")
    if depth == 0 or node.op not in _ELEMENTWISE:
        return False
    if node.op in ("add", "subtract"):  # gradient + decay * w is one, w - rate * gradient is a weight
        return is_gradient(node.args["a"], depth - 1)
    return any(is_gradient(part, depth - 1) for part in node.operands())


_ELEMENTWISE = frozenset(
    ["multiply", "divide", "negate", "add", "subtract", "clip", "clip_norm", "stop_gradient", "index", "next", "shape", "cast", "phi", "seq", "where"]
)


def _sequences(sign: str, a: Node, b: Node, site: Site) -> Seq | None:
    if sign == "+" and isinstance(a, Seq) and isinstance(b, Seq):
        joined = Seq(a.kind, a.items + b.items, site)
        joined.state["open"] = a.state["open"] or b.state["open"]
        return joined
    many, times = (a, b) if isinstance(a, Seq) else (b, a)
    if sign == "*" and isinstance(many, Seq) and many.kind != "set":
        count = number(times)
        repeated = Seq(many.kind, many.items * int(min(max(count or 1, 0), 64)), site)
        repeated.state["open"] = count is None
        return repeated
    return None


def unary(m: Machine, sign: str, x: Node, site: Site) -> Node:
    """What `-x` and `not x` are."""
    if sign == "not":
        holds, soft = truth(x)
        if holds is not None:
            return Const(not holds, (assumption(x) or "a default") if soft else "")
        return m.node("compare", {"x": x}, site)
    if sign == "-":
        return fold(operator.neg, x) or m.node("negate", {"x": x}, site, x.framework)
    return x if sign == "+" else m.node("compare", {"x": x}, site)


def compare(m: Machine, sign: str, a: Node, b: Node, site: Site) -> Node:
    """A test, decided where both sides are known."""
    decided = _decide(sign, a, b)
    if decided is not None:
        soft = assumption(a) or assumption(b)
        return Const(decided, soft)
    return m.node("compare", {"a": a, "b": b, "sign": Const(sign)}, site)


def _decide(sign: str, a: Node, b: Node) -> bool | None:
    if isinstance(a, Const) and isinstance(b, Const):
        return _in(sign, a.value, [b.value]) if "in" in sign else _ordered(sign, a, b)
    if sign in ("in", "not in"):
        return _member(sign, a, b)
    if sign in ("is", "is not", "==", "!="):
        ways = {_equal(x, y) for x in options(a) for y in options(b)}
        if len(ways) == 1 and None not in ways:
            return ways.pop() == (sign in ("is", "=="))
    return None


def _ordered(sign: str, a: Const, b: Const) -> bool | None:
    if sign in ("is", "is not") and type(a.value) is not type(b.value):
        return sign == "is not"
    try:
        return bool(_COMPARE[sign](a.value, b.value)) if sign in _COMPARE else None
    except TypeError:
        return None


def _in(sign: str, value: Any, texts: list[Any]) -> bool | None:
    text = texts[0]
    return (value in text) == (sign == "in") if isinstance(text, str) and isinstance(value, str) else None


def _member(sign: str, a: Node, b: Node) -> bool | None:
    if not isinstance(a, Const):
        return None
    if isinstance(b, Dict) and Dict.ANY not in b.entries:
        return (a.value in b.entries) == (sign == "in")
    if isinstance(b, Seq) and not b.state["open"] and all(isinstance(item, Const) for item in b.items):
        return (a.value in [item.value for item in b.items if isinstance(item, Const)]) == (sign == "in")
    return None


def _equal(a: Node, b: Node) -> bool | None:
    """Whether two nodes are one object; None when that cannot be told."""
    if isinstance(a, Const) and isinstance(b, Const):
        return same(a, b)
    solid = (Const, Lib, Func, Class, Instance, Thing, Seq, Dict)
    if isinstance(a, solid) and isinstance(b, solid):
        return same(a, b)
    return None


def named(m: Machine, node: Node) -> Node:
    """The canonical op that a formula spells out, or the node itself."""
    idiom = _IDIOMS.get(node.op)
    found = idiom(node) if idiom else None
    if found is None:
        return node
    made = m.node(found.op, found.args, node.site or found.site, node.framework)  # type: ignore[arg-type]
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
