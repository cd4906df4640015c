"""Statements to values: assignment, control, imports."""

from __future__ import annotations

import libcst as cst

from backproplint.lowering.builder import Builder, lowers
from backproplint.lowering.expressions import augment_operator, dotted, subscript_index


def block(b: Builder, body: cst.BaseSuite) -> None:
    """Lower the statements of a suite in order."""
    for statement in body.body:
        b.value(statement)


@lowers(cst.SimpleStatementLine)
def _line(b: Builder, node: cst.SimpleStatementLine) -> int:
    for statement in node.body:
        b.value(statement)
    return 0


@lowers(cst.Expr)
def _expression(b: Builder, node: cst.Expr) -> int:
    if not isinstance(node.value, (cst.SimpleString, cst.Ellipsis)):
        b.value(node.value)
    return 0


def assign(b: Builder, target: cst.BaseExpression, operand: int) -> None:
    """Store an operand into a name, attribute, item, or a tuple of targets."""
    if isinstance(target, (cst.Name, cst.Attribute)):
        path = dotted(b, target)
        if path is not None:
            b.emit("store", [operand], path, target)
        elif isinstance(target, cst.Attribute):
            b.emit("setattr", [b.value(target.value), operand], target.attr.value, target)
    elif isinstance(target, cst.Subscript):
        base = b.value(target.value)
        b.emit("setitem", [base, subscript_index(b, target), operand], None, target)
    elif isinstance(target, (cst.Tuple, cst.List)):
        _unpack(b, target, operand)


def _unpack(b: Builder, target: cst.Tuple | cst.List, operand: int) -> None:
    count = len(target.elements)
    starred = [isinstance(element, cst.StarredElement) for element in target.elements]
    star = starred.index(True) if True in starred else -1
    for k, element in enumerate(target.elements):
        assign(b, element.value, b.emit("element", [operand], [k, count, star], element.value))


@lowers(cst.Assign)
def _assign(b: Builder, node: cst.Assign) -> int:
    operand = b.value(node.value)
    for target in node.targets:
        assign(b, target.target, operand)
    return 0


@lowers(cst.AnnAssign)
def _annotated(b: Builder, node: cst.AnnAssign) -> int:
    if b.scope.kind == "class" and isinstance(node.target, cst.Name):
        b.emit("field", [], node.target.value, node)
    if node.value is not None:
        assign(b, node.target, b.value(node.value))
    return 0


@lowers(cst.AugAssign)
def _augmented(b: Builder, node: cst.AugAssign) -> int:
    target = node.target
    if isinstance(target, cst.Subscript):
        base = b.value(target.value)
        index = subscript_index(b, target)
        old = b.emit("item", [base, index], None, target)
        new = b.emit("augment", [old, b.value(node.value)], augment_operator(node), node)
        b.emit("setitem", [base, index, new], None, target)
    else:
        new = b.emit("augment", [b.value(target), b.value(node.value)], augment_operator(node), node)
        assign(b, target, new)
    return 0


@lowers(cst.If)
def _if(b: Builder, node: cst.If) -> int:
    chain, part = [], node
    while True:  # a chain of elif is a list here, not a nest
        chain.append(b.emit("if", [b.value(part.test)], [0, 0], part.test))
        block(b, part.body)
        b.values[chain[-1]].data = [b.here(), 0]
        if not isinstance(part.orelse, cst.If):
            break
        part = part.orelse
    if part.orelse is not None:
        block(b, part.orelse.body)
    for index in chain:
        b.values[index].data = [b.values[index].parts[0], b.here()]
    return 0


@lowers(cst.For)
def _for(b: Builder, node: cst.For) -> int:
    loop = b.emit("loop", [b.value(node.iter)], 0, node)
    assign(b, node.target, b.emit("next", [loop], None, node.target))
    block(b, node.body)
    b.values[loop].data = b.here()
    _orelse(b, node, loop)
    return 0


def _orelse(b: Builder, node: cst.For | cst.While, loop: int) -> None:
    """The else of a loop that can be left by a break may or may not run."""
    if node.orelse is None:
        return
    leaves = any(value.op == "break" for value in b.values[loop:])
    test = b.emit("if", [b.emit("unknown", [], None, None)], [0, 0], None) if leaves else None
    block(b, node.orelse.body)
    if test is not None:
        b.values[test].data = [b.here(), b.here()]


@lowers(cst.While)
def _while(b: Builder, node: cst.While) -> int:
    loop = b.emit("loop", [], 0, node)
    b.emit("while_test", [b.value(node.test)], None, node)
    block(b, node.body)
    b.values[loop].data = b.here()
    _orelse(b, node, loop)
    return 0


@lowers(cst.With)
def _with(b: Builder, node: cst.With) -> int:
    opened = []
    for item in node.items:
        entered = b.emit("with", [b.value(item.item)], 0, item.item)
        opened.append(entered)
        if item.asname is not None:
            assign(b, item.asname.name, entered)
    block(b, node.body)
    for entered in opened:
        b.values[entered].data = b.here()
    return 0


@lowers(cst.Try, cst.TryStar)
def _try(b: Builder, node: cst.Try | cst.TryStar) -> int:
    block(b, node.body)
    if node.orelse is not None:
        block(b, node.orelse.body)
    for handler in node.handlers:
        start = b.emit("handler", [], 0, None)
        block(b, handler.body)
        b.values[start].data = b.here()
    if node.finalbody is not None:
        block(b, node.finalbody.body)
    return 0


@lowers(cst.Match)
def _match(b: Builder, node: cst.Match) -> int:
    b.value(node.subject)
    for case in node.cases:
        test = b.emit("if", [b.emit("unknown", [], None, case)], [0, 0], None)
        block(b, case.body)
        b.values[test].data = [b.here(), b.here()]
    return 0


@lowers(cst.Return)
def _return(b: Builder, node: cst.Return) -> int:
    operand = b.constant(None) if node.value is None else b.value(node.value)
    return b.emit("return", [operand], None, node)


@lowers(cst.Raise)
def _raise(b: Builder, node: cst.Raise) -> int:
    return b.emit("raise", [], None, node)


@lowers(cst.Break)
def _break(b: Builder, node: cst.Break) -> int:
    return b.emit("break", [], None, node)


@lowers(cst.Continue)
def _continue(b: Builder, node: cst.Continue) -> int:
    return b.emit("continue", [], None, node)


@lowers(cst.Assert)
def _assert(b: Builder, node: cst.Assert) -> int:
    return b.value(node.test)


@lowers(cst.Del, cst.Pass)
def _nothing(b: Builder, node: cst.BaseSmallStatement) -> int:
    return 0


@lowers(cst.Global, cst.Nonlocal)
def _global(b: Builder, node: cst.Global | cst.Nonlocal) -> int:
    return b.emit("global", [], [item.name.value for item in node.names], node)


@lowers(cst.Import)
def _import(b: Builder, node: cst.Import) -> int:
    for alias in node.names:
        path = dotted(b, alias.name) or ""
        if alias.asname is not None:
            assign(b, alias.asname.name, b.emit("module", [], path, alias))
        else:
            b.emit("module", [], path, alias)
            top = path.split(".")[0]
            b.emit("store", [b.emit("module", [], top, alias)], top, alias)
    return 0


@lowers(cst.ImportFrom)
def _import_from(b: Builder, node: cst.ImportFrom) -> int:
    module = "" if node.module is None else dotted(b, node.module) or ""
    level = len(node.relative)
    if isinstance(node.names, cst.ImportStar):
        return b.emit("star_import", [], [module, level], node)
    for alias in node.names:
        name = alias.name.value
        assert isinstance(name, str)
        imported = b.emit("from", [], [module, name, level], alias)
        assign(b, alias.asname.name if alias.asname else alias.name, imported)
    return 0
