"""Expressions to values."""

from __future__ import annotations

import ast
from collections.abc import Sequence

import libcst as cst

from backproplint.lowering.builder import Builder, lowers

_BINARY = {
    cst.Add: "+", cst.Subtract: "-", cst.Multiply: "*", cst.Divide: "/", cst.FloorDivide: "//", cst.Modulo: "%",
    cst.Power: "**", cst.MatrixMultiply: "@", cst.BitAnd: "&", cst.BitOr: "|", cst.BitXor: "^", cst.LeftShift: "<<",
    cst.RightShift: ">>",
}  # fmt: skip
_COMPARE = {
    cst.Equal: "==", cst.NotEqual: "!=", cst.LessThan: "<", cst.LessThanEqual: "<=", cst.GreaterThan: ">",
    cst.GreaterThanEqual: ">=", cst.In: "in", cst.NotIn: "not in", cst.Is: "is", cst.IsNot: "is not",
}  # fmt: skip
_UNARY = {cst.Minus: "-", cst.Plus: "+", cst.Not: "not", cst.BitInvert: "~"}
_CONSTANTS = {"True": True, "False": False, "None": None}
_AUGMENT = {
    cst.AddAssign: "+", cst.SubtractAssign: "-", cst.MultiplyAssign: "*", cst.DivideAssign: "/",
    cst.FloorDivideAssign: "//", cst.ModuloAssign: "%", cst.PowerAssign: "**", cst.MatrixMultiplyAssign: "@",
    cst.BitAndAssign: "&", cst.BitOrAssign: "|", cst.BitXorAssign: "^", cst.LeftShiftAssign: "<<",
    cst.RightShiftAssign: ">>",
}  # fmt: skip


def augment_operator(node: cst.AugAssign) -> str:
    """The operator of an augmented assignment, without its '='."""
    return _AUGMENT.get(node.operator.__class__, "?")


def dotted(b: Builder, node: cst.BaseExpression) -> str | None:
    """`a.b.c` as a path, or None when the base is not a name."""
    parts: list[str] = []
    while node.__class__ is cst.Attribute:
        assert isinstance(node, cst.Attribute)
        parts.append(node.attr.value)
        node = node.value
    if not isinstance(node, cst.Name):
        return None
    if not parts:
        return b.renamed(node.value)
    parts.append(b.renamed(node.value))
    return ".".join(reversed(parts))


@lowers(cst.Name)
def _name(b: Builder, node: cst.Name) -> int:
    name = node.value
    if name in _CONSTANTS:
        return b.constant(_CONSTANTS[name])
    return b.emit("load", [], b.renamed(name) if b.renames else name, node)


@lowers(cst.Attribute)
def _attribute(b: Builder, node: cst.Attribute) -> int:
    path = dotted(b, node)
    if path is not None:
        return b.emit("load", [], path, node)
    return b.emit("attr", [b.value(node.value)], node.attr.value, node)


@lowers(cst.Integer, cst.Float)
def _number(b: Builder, node: cst.Integer | cst.Float) -> int:
    try:
        value = ast.literal_eval(node.value.replace("_", ""))
    except (ValueError, SyntaxError):  # more digits than the interpreter converts
        return b.emit("unknown", [], None, node)
    if isinstance(value, int) and abs(value) >= 2**1000:
        return b.emit("unknown", [], None, node)
    if isinstance(value, int) and abs(value) >= 2**63:
        value = float(value)
    return b.constant(value)


@lowers(cst.SimpleString)
def _string(b: Builder, node: cst.SimpleString) -> int:
    text = node.value
    if len(text) > 200 or text[0] in "bB":  # prose and bytes never decide how a gradient flows
        return b.emit("text", [], None, node)
    try:
        return b.constant(str(ast.literal_eval(text)))
    except (ValueError, SyntaxError):
        return b.emit("text", [], None, node)


@lowers(cst.ConcatenatedString)
def _concatenated(b: Builder, node: cst.ConcatenatedString) -> int:
    return b.emit("text", [b.value(node.left), b.value(node.right)], None, node)


_PIECES = 8  # of an f-string that may be a name; more make a message for people


@lowers(cst.FormattedString)
def _formatted(b: Builder, node: cst.FormattedString) -> int:
    """An f-string's pieces, when they are only put together: a name such as f"layer{k}"."""
    operands = []
    for part in node.parts if len(node.parts) <= _PIECES and all(map(_simple, node.parts)) else []:
        if isinstance(part, cst.FormattedStringExpression):
            operands.append(b.value(part.expression))
        elif isinstance(part, cst.FormattedStringText):
            operands.append(b.constant(part.value))
    return b.emit("text", operands, None, node)


def _simple(part: cst.BaseFormattedStringContent) -> bool:
    if isinstance(part, cst.FormattedStringExpression):
        return part.conversion is None and part.format_spec is None and part.equal is None
    return isinstance(part, cst.FormattedStringText) and len(part.value) < 80 and not set(part.value) & set("\\{}")


@lowers(cst.Imaginary, cst.Ellipsis)
def _opaque(b: Builder, node: cst.BaseExpression) -> int:
    return b.emit("unknown", [], None, node)


@lowers(cst.BinaryOperation)
def _binary(b: Builder, node: cst.BinaryOperation) -> int:
    chain = []  # a long sum nests to the left: walk down its spine, not the interpreter's stack
    left: cst.BaseExpression = node
    while isinstance(left, cst.BinaryOperation):
        chain.append(left)
        left = left.left
    result = b.value(left)
    for part in reversed(chain):
        operator = _BINARY.get(part.operator.__class__, "?")
        result = b.emit("binary", [result, b.value(part.right)], operator, part)
    return result


@lowers(cst.BooleanOperation)
def _boolean(b: Builder, node: cst.BooleanOperation) -> int:
    operator = "and" if isinstance(node.operator, cst.And) else "or"
    return b.emit(operator, [b.value(node.left), b.value(node.right)], None, node)


@lowers(cst.UnaryOperation)
def _unary(b: Builder, node: cst.UnaryOperation) -> int:
    operand = b.value(node.expression)
    operator = _UNARY.get(node.operator.__class__, "?")
    if operator == "-" and operand < 0:
        constant = b.scope.constants[-operand - 1]
        if isinstance(constant, (int, float)) and not isinstance(constant, bool):
            return b.constant(-constant)
    return b.emit("unary", [operand], operator, node)


@lowers(cst.Comparison)
def _comparison(b: Builder, node: cst.Comparison) -> int:
    left, result = b.value(node.left), None
    for target in node.comparisons:
        right = b.value(target.comparator)
        part = b.emit("compare", [left, right], _COMPARE.get(target.operator.__class__, "?"), node)
        result = part if result is None else b.emit("and", [result, part], None, node)
        left = right
    assert result is not None
    return result


@lowers(cst.IfExp)
def _ifexp(b: Builder, node: cst.IfExp) -> int:
    operands = [b.value(node.test), b.value(node.body), b.value(node.orelse)]
    return b.emit("ifexp", operands, None, node)


@lowers(cst.Call)
def _call(b: Builder, node: cst.Call) -> int:
    operands, names, plain = [b.value(node.func)], [], True
    for argument in node.args:
        operands.append(b.value(argument.value))
        name = argument.keyword.value if argument.keyword else argument.star
        names.append(name)
        plain = plain and not name
    return b.emit("call", operands, None if plain else names, node)


@lowers(cst.Subscript)
def _subscript(b: Builder, node: cst.Subscript) -> int:
    base = b.value(node.value)
    return b.emit("item", [base, subscript_index(b, node)], None, node)


def subscript_index(b: Builder, node: cst.Subscript) -> int:
    """The operand of what stands between the brackets: an index, a slice, or a tuple of them."""
    parts = [_index(b, element.slice) for element in node.slice]
    if len(parts) == 1 and not isinstance(node.slice[0].comma, cst.Comma):
        return parts[0]
    return b.emit("tuple", parts, None, node)


def _index(b: Builder, part: cst.BaseSlice) -> int:
    if isinstance(part, cst.Index):
        return b.value(part.value)
    assert isinstance(part, cst.Slice)
    bounds = [b.constant(None) if bound is None else b.value(bound) for bound in (part.lower, part.upper, part.step)]
    return b.emit("slice", bounds, None, part)


@lowers(cst.Tuple, cst.List, cst.Set)
def _display(b: Builder, node: cst.Tuple | cst.List | cst.Set) -> int:
    kind = {cst.Tuple: "tuple", cst.List: "list"}.get(node.__class__, "set")
    return b.emit(kind, elements(b, node.elements), None, node)


def elements(b: Builder, parts: Sequence[cst.BaseElement]) -> list[int]:
    """Operands of a display's elements; `*items` becomes a star value."""
    operands = []
    for part in parts:
        operand = b.value(part.value)
        operands.append(b.emit("star", [operand], None, part) if isinstance(part, cst.StarredElement) else operand)
    return operands


@lowers(cst.Dict)
def _dict(b: Builder, node: cst.Dict) -> int:
    operands = []
    for element in node.elements:
        if isinstance(element, cst.DictElement):
            operands += [b.value(element.key), b.value(element.value)]
        else:
            operands += [b.emit("star", [], None, element), b.value(element.value)]
    return b.emit("dict", operands, None, node)


@lowers(cst.Await)
def _await(b: Builder, node: cst.Await) -> int:
    return b.value(node.expression)


@lowers(cst.Yield)
def _yield(b: Builder, node: cst.Yield) -> int:
    b.scope.generator = True
    what = node.value
    if isinstance(what, cst.From):
        return b.emit("yield", [b.emit("star", [b.value(what.item)], None, node)], None, node)
    return b.emit("yield", [b.constant(None) if what is None else b.value(what)], None, node)


@lowers(cst.NamedExpr)
def _walrus(b: Builder, node: cst.NamedExpr) -> int:
    operand = b.value(node.value)
    assert isinstance(node.target, cst.Name)
    b.emit("store", [operand], node.target.value, node)
    return operand
