"""Comprehensions are loops that append: `[f(x) for x in xs if c]` lowers to the loop a reader would write."""

from __future__ import annotations

import libcst as cst

from backproplint.lowering.builder import Builder, lowers
from backproplint.lowering.statements import assign


@lowers(cst.ListComp, cst.GeneratorExp, cst.SetComp)
def _list(b: Builder, node: cst.ListComp | cst.GeneratorExp | cst.SetComp) -> int:
    result = b.emit("list", [], None, node)
    _loop(b, node.for_in, node, result)
    return result


@lowers(cst.DictComp)
def _dict(b: Builder, node: cst.DictComp) -> int:
    result = b.emit("dict", [], None, node)
    _loop(b, node.for_in, node, result)
    return result


def _loop(b: Builder, clause: cst.CompFor, node: cst.BaseComp, result: int) -> None:
    loop = b.emit("loop", [b.value(clause.iter)], 0, clause)
    b.renames.append({name: f"{name}@{loop}" for name in _names(clause.target)})
    assign(b, clause.target, b.emit("next", [loop], None, clause.target))
    tests = [b.emit("if", [b.value(test.test)], [0, 0], test) for test in clause.ifs]
    if clause.inner_for_in is not None:
        _loop(b, clause.inner_for_in, node, result)
    else:
        _collect(b, node, result)
    b.renames.pop()
    for test in tests:
        b.values[test].data = [b.here(), b.here()]
    b.values[loop].data = b.here()


def _collect(b: Builder, node: cst.BaseComp, result: int) -> None:
    if isinstance(node, cst.DictComp):
        b.emit("setitem", [result, b.value(node.key), b.value(node.value)], None, node)
    else:
        assert isinstance(node, (cst.ListComp, cst.GeneratorExp, cst.SetComp))
        b.emit("append", [result, b.value(node.elt)], None, node)


def _names(target: cst.BaseExpression) -> list[str]:
    if isinstance(target, cst.Name):
        return [target.value]
    if isinstance(target, (cst.Tuple, cst.List)):
        return [name for element in target.elements for name in _names(element.value)]
    return []
