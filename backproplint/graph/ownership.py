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
        module = node.args.get("module")
        held = isinstance(module, Thing) and module.makes == "optimizer"  # apex' master parameters of an optimizer
        parts = [owners(module, depth - 1) if held and depth and module is not None else _held(module)]
    elif isinstance(node, Thing) and node.makes == "optimizer":
        parts = [owners(node.args["parameters"], depth - 1)] if "parameters" in node.args and depth else [None]
    elif node.op in ("variable", "next") and "x" not in node.args:
        return {id(node)} | ({id(node.layer)} if node.layer is not None else set())
    elif node.op in ("next", "index") and "x" in node.args and depth:  # one of them stands for all
        parts = [owners(node.args["x"], depth - 1)]
    else:
        return None
    if any(part is None for part in parts) or not parts:
        return None
    return set().union(*[part for part in parts if part is not None])


def _held(module: Node | None) -> set[int] | None:
    """The layers and variables inside a module; settings that two modules share make neither own the other's."""
    if not isinstance(module, (Instance, Thing, *_CONTAINERS)):
        return None
    found: set[int] = set()
    seen: set[int] = set()
    waiting: list[Node] = [module]
    while waiting and len(seen) < 2000:
        at = waiting.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        if _hides_layers(at):
            return None
        if at.op == "variable" or (isinstance(at, Thing) and at.makes == "layer"):
            found.add(id(at))
        waiting += _inside(at)
    return found


_CONTAINERS = (Seq, Dict, Phi)


def _inside(node: Node) -> list[Node]:
    if isinstance(node, Instance):
        return [part for part in node.attrs.values() if not isinstance(part, (Const, Func, Class, Lib))]
    if isinstance(node, Thing):
        return [*node.args.values(), *node.attrs.values(), node.added]
    return list(node.operands()) if isinstance(node, _CONTAINERS) else []


def _hides_layers(node: Node) -> bool:
    """Whether nothing that a module holds tells its layers: they are made as it runs, or stand behind its outputs."""
    return made_when_called(node) or (isinstance(node, Thing) and node.row.op == "functional_model")


def disjoint(owned: Node, others: Node) -> bool:
    """Whether two collections of parameters surely have nothing in common."""
    a, b = owners(owned), owners(others)
    return a is not None and b is not None and not a & b


def selected(node: Node | None, depth: int = 5) -> bool:
    """Whether parameters are those of a variable scope: which these are is not followed."""
    if node is None or depth == 0:
        return False
    if node.op == "parameters":
        scope = node.args.get("scope")
        return scope is not None and not (isinstance(scope, Const) and scope.value is None)
    return node.op in _SOME and any(selected(part, depth - 1) for part in node.operands())


_SOME = frozenset({"seq", "phi", "next", "index"})


def owns(parameters: Node | None, layer: Node) -> bool | None:
    """Whether a layer (or variable) is among parameters; None when that is not known."""
    if parameters is None:
        return None
    held = owners(parameters)
    return None if held is None else id(layer) in held
