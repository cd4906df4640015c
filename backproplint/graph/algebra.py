"""Operators: constants are folded, and what is written out by hand is recognised as the op it computes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from backproplint.graph.choices import options, same
from backproplint.graph.idioms import named
from backproplint.graph.machine import Machine, known_library, truth
from backproplint.graph.nodes import Class, Const, Dict, Func, Instance, Lib, Node, Seq, Thing
from backproplint.graph.numbers import assumption, number
from backproplint.graph.texts import percent
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
        return None  # repetition can build texts of any size; formatting is told apart before (texts.py)
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


def binary(m: Machine, sign: str, a: Node, b: Node, site: Site) -> Node:
    """What `a sign b` is."""
    folded = fold(_FOLD[sign], a, b) if sign in _FOLD else None
    if sign == "%" and isinstance(a, Const) and isinstance(a.value, str):
        folded = percent(a.value, b)
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
    "multiply divide negate add subtract clip clip_norm stop_gradient index next shape cast phi seq where".split()
)


def over_norm(node: Node) -> bool:
    """Whether a value is divided by a norm, as gradients are that are scaled down to one: `g * limit / norm`."""
    return node.op == "divide" and "b" in node.args and _is_norm(node.args["b"])


def _is_norm(node: Node, depth: int = 3) -> bool:
    if node.op in ("sqrt", "power"):
        return _sums_squares(node.args["x"])
    inner = list(node.operands()) if node.op in ("add", "cast", "maximum", "phi") and depth else []
    return node.op == "norm" or any(_is_norm(part, depth - 1) for part in inner)


def _sums_squares(node: Node, depth: int = 8) -> bool:
    """Whether a value is a sum over the items of squared arrays: elementwise sums, such as Adam's, are none."""
    if node.op == "sum" and "x" in node.args and node.args["x"].op in ("square", "multiply", "power"):
        return True
    inner = list(node.operands()) if node.op in ("add", "cast", "phi", "sum", "seq", "power", "square", "norm") else []
    return depth > 0 and (node.op == "norm" or any(_sums_squares(part, depth - 1) for part in inner))


def _sequences(sign: str, a: Node, b: Node, site: Site) -> Seq | None:
    if sign == "+" and isinstance(a, Seq) and isinstance(b, Seq):
        joined = Seq(a.kind, a.items + b.items, site)
        joined.state["open"] = a.state["open"] or b.state["open"]
        return joined
    many, times = (a, b) if isinstance(a, Seq) else (b, a)
    if sign == "*" and isinstance(many, Seq) and many.kind != "set":
        count = number(times)
        known = count is not None and math.isfinite(count)
        repeated = Seq(many.kind, many.items * (int(min(max(count or 0, 0), 64)) if known else 1), site)
        repeated.state["open"] = not known
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
    if isinstance(a, Const) and isinstance(b, Dict) and Dict.ANY not in b.entries:
        return (a.value in b.entries) == (sign == "in")
    ways = {_equal(a, item) for item in b.items} if isinstance(b, Seq) and not b.state["open"] else {None}
    if True in ways:
        return sign == "in"
    return None if None in ways else sign == "not in"


def _equal(a: Node, b: Node) -> bool | None:
    """Whether two nodes are one object; None when that cannot be told."""
    if isinstance(a, Const) and isinstance(b, Const):
        return same(a, b)
    if any(isinstance(node, Lib) and not known_library(node) for node in (a, b)):
        return True if same(a, b) else None
    solid = (Const, Lib, Func, Class, Instance, Thing, Seq, Dict)
    if isinstance(a, solid) and isinstance(b, solid):
        return same(a, b)
    return None
