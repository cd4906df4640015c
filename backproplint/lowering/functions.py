"""Functions, lambdas and classes: each opens a scope of its own and leaves a value that names it."""

from __future__ import annotations

import libcst as cst

from backproplint.graph.values import Param
from backproplint.lowering.builder import Builder, lowers
from backproplint.lowering.statements import assign, block


@lowers(cst.FunctionDef)
def _function(b: Builder, node: cst.FunctionDef) -> int:
    operands = _defaults(b, node.params)
    decorators = [b.value(decorator.decorator) for decorator in node.decorators]
    number = b.enter("function", node.name.value)
    b.scope.decorators = len(decorators)
    b.scope.params = _params(node.params)
    renames, b.renames = b.renames, []
    block(b, node.body)
    b.renames = renames
    b.leave()
    assign(b, node.name, b.emit("function", operands + decorators, number, node.name))
    return 0


@lowers(cst.Lambda)
def _lambda(b: Builder, node: cst.Lambda) -> int:
    operands = _defaults(b, node.params)
    number = b.enter("function", "<lambda>")
    b.scope.params = _params(node.params)
    shadowed = {param.name: param.name for param in b.scope.params}
    b.renames.append(shadowed)
    b.emit("return", [b.value(node.body)], None, node)
    b.renames.pop()
    b.leave()
    return b.emit("function", operands, number, node)


@lowers(cst.ClassDef)
def _class(b: Builder, node: cst.ClassDef) -> int:
    operands = [b.value(base.value) for base in node.bases if not base.star]
    operands += [b.value(keyword.value) for keyword in node.keywords if keyword.keyword]
    decorators = [b.value(decorator.decorator) for decorator in node.decorators]
    number = b.enter("class", node.name.value)
    b.scope.keywords = [keyword.keyword.value for keyword in node.keywords if keyword.keyword]
    b.scope.decorators = len(decorators)
    block(b, node.body)
    b.leave()
    assign(b, node.name, b.emit("class", operands + decorators, number, node.name))
    return 0


def _params(node: cst.Parameters) -> list[Param]:
    params = [Param(p.name.value, "pos", p.default is not None) for p in (*node.posonly_params, *node.params)]
    if isinstance(node.star_arg, cst.Param):
        params.append(Param(node.star_arg.name.value, "*", False))
    params += [Param(p.name.value, "kw", p.default is not None) for p in node.kwonly_params]
    if node.star_kwarg is not None:
        params.append(Param(node.star_kwarg.name.value, "**", False))
    return params


def _defaults(b: Builder, node: cst.Parameters) -> list[int]:
    params = (*node.posonly_params, *node.params, *node.kwonly_params)
    return [b.value(param.default) for param in params if param.default is not None]
