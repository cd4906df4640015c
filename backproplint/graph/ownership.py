"""Whose parameters a collection of them holds: the modules, layers and variables behind an optimizer."""

from __future__ import annotations

from backproplint.graph.functional import made_when_called
from backproplint.graph.nodes import Class, Const, Dict, Func, Instance, Lib, Node, Phi, Seq, Thing


def owners(node: Node, depth: int = 5) -> set[int] | None:
    """The modules, layers and variables that a collection of parameters belongs to; None when that is not known."""
    if isinstance(node, Phi):
        parts = [owners(option, depth - 1) for option in node.options] if depth else [None]
    elif isinstance(node, (Seq, Dict)):
        items = [item for item in node.operands() if not isinstance(item, Const)]
        parts = [owners(item, depth - 1) for item in items] if depth else [None]
    elif node.op in ("parameters", "init_module"):
        parts = [_held(node.args.get("module"))]
    elif node.op in ("variable", "next") and "x" not in node.args:
        return {id(node)} | ({id(node.layer)} if node.layer is not None else set())
    else:
        return None
    if any(part is None for part in parts) or not parts:
        return None
    return set().union(*[part for part in parts if part is not None])


def _held(module: Node | None) -> set[int] | None:
    if module is None or isinstance(module, Const):
        return None
    found: set[int] = set()
    waiting = [module]
    while waiting and len(found) < 2000:
        at = waiting.pop()
        if id(at) in found:
            continue
        found.add(id(at))
        if made_when_called(at):
            return None
        if isinstance(at, Instance):
            waiting += [part for part in at.attrs.values() if not isinstance(part, (Const, Func, Class, Lib))]
        elif isinstance(at, Thing):
            waiting += [*at.args.values(), *at.attrs.values(), at.added]
        elif isinstance(at, (Seq, Dict, Phi)):
            waiting += list(at.operands())
        elif not isinstance(module, (Instance, Thing)):
            return None
    return found


def disjoint(owned: Node, others: Node) -> bool:
    """Whether two collections of parameters surely have nothing in common."""
    a, b = owners(owned), owners(others)
    return a is not None and b is not None and not a & b


def owns(parameters: Node | None, layer: Node) -> bool | None:
    """Whether a layer (or variable) is among parameters; None when that is not known."""
    if parameters is None:
        return None
    held = owners(parameters)
    return None if held is None else id(layer) in held
