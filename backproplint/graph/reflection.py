"""What Python's built-in functions tell of an object: its type, its attributes, its super class; modules by name."""

from __future__ import annotations

from backproplint import frameworks
from backproplint.graph.builtins import builtin
from backproplint.graph.control import structural
from backproplint.graph.machine import Machine
from backproplint.graph.nodes import Class, Const, Dict, Func, Instance, Lib, Method, Node, Seq, Super, Thing
from backproplint.rule import Site


@builtin("builtins.isinstance", "builtins.issubclass")
def _isinstance(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if len(args) != 2:
        return None
    wanted = list(args[1].items) if isinstance(args[1], Seq) else [args[1]]
    ways = [_is_a(m, args[0], kind) for kind in wanted]
    if True in ways:
        return Const(True)
    return Const(False) if ways and None not in ways else None


_TYPES = {"str": str, "int": int, "float": float, "bool": bool}


def _is_a(m: Machine, node: Node, kind: Node) -> bool | None:
    if isinstance(node, Instance):
        lineage = list(node.cls.lineage())
        names = [frameworks.canonical(part.name) for part in lineage if isinstance(part, Lib)]
        if isinstance(kind, Lib):
            return True if frameworks.canonical(kind.name) in names else None if names else False
        return any(part is kind for part in lineage) if isinstance(kind, Class) else None
    if isinstance(node, Thing) and isinstance(kind, Lib):
        row = frameworks.row(kind.name)
        return None if row is None else row.op == node.row.op and row.makes == node.row.makes
    name = kind.name.removeprefix("builtins.") if isinstance(kind, Lib) else ""
    if isinstance(node, Const) and name in _TYPES:
        return isinstance(node.value, _TYPES[name])
    if isinstance(node, (Seq, Dict)) and name in ("list", "tuple", "dict", "str", "int", "float", "set"):
        return name == ("dict" if isinstance(node, Dict) else node.kind)
    return None


@builtin("builtins.callable")
def _callable(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if args and isinstance(args[0], Const):
        return Const(False)
    return Const(True) if args and isinstance(args[0], (Func, Class, Lib, Thing, Method)) else None


@builtin("builtins.hasattr")
def _hasattr(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if len(args) == 2 and isinstance(args[0], Instance) and isinstance(args[1], Const):
        return Const(True) if str(args[1].value) in args[0].attrs else None
    return None


@builtin("builtins.getattr")
def _getattr(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if len(args) < 2 or not isinstance(args[1], Const) or not isinstance(args[1].value, str):
        return None
    found = m.get(args[0], args[1].value, site)
    if args[1].varies and m.frames and structural(found):  # the layer of this pass of a loop
        m.frames[-1].structural = True
    return args[2] if len(args) > 2 and found.op in ("attribute", "missing") else found


@builtin("builtins.setattr")
def _setattr(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if len(args) == 3 and isinstance(args[0], (Instance, Thing)) and isinstance(args[1], Const):
        m.write(args[0].attrs, str(args[1].value), args[2])
        if m.frames and structural(args[2]):
            m.frames[-1].structural = True
    return Const(None)


@builtin("builtins.vars")
def _vars(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    return args[0] if args else None


@builtin("builtins.super")
def _super(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    func = next((frame.func for frame in reversed(m.frames) if frame.func and frame.func.receiver), None)
    if args and isinstance(args[0], Class) and len(args) > 1:
        return Super(args[1], args[0])
    if func is not None and func.owner is not None and func.receiver is not None:
        return Super(func.receiver, func.owner)
    return None


@builtin("builtins.type")
def _type(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if len(args) == 1 and isinstance(args[0], Thing):
        return args[0].attrs.get("__class__")
    return args[0].cls if len(args) == 1 and isinstance(args[0], Instance) else None


@builtin("importlib.import_module", "builtins.__import__")
def _import_module(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    name = args[0] if args else kwargs.get("name")
    if not isinstance(name, Const) or not isinstance(name.value, str):
        return None
    path = name.value.lstrip(".")
    level = len(name.value) - len(path)
    package = args[1] if len(args) > 1 else kwargs.get("package")
    if level == 1 and isinstance(package, Const) and package.value:
        path, level = f"{package.value}.{path}", 0
    return m.import_module(m.frames[-1], path, level) or m.lib(path)


@builtin("builtins.globals")
def _globals(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    env = m.frames[-1].env
    while env.parent is not None:
        env = env.parent
    return Dict(dict(env.names.items()), site)
