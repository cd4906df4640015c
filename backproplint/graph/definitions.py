"""Imports, functions and classes: the statements that define names."""

from __future__ import annotations

from backproplint import frameworks
from backproplint.graph.choices import merge, options
from backproplint.graph.machine import STEPS, Frame, Machine, operands, registers, value_site
from backproplint.graph.nodes import Class, Const, Env, Func, Import, Instance, Lib, Module, Node, Phi, Seq
from backproplint.graph.records import record_class
from backproplint.graph.values import Value
from backproplint.rule import Site


@registers(STEPS, "module")
def _module(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    path = value.text
    return m.import_module(frame, path, 0) or Lib(path)


@registers(STEPS, "from")
def _from(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    path, name, level = value.parts
    module = m.import_module(frame, path, level)
    whole = f"{path}.{name}" if path else name
    otherwise = m.import_module(frame, whole, level) or Lib(whole)
    if not isinstance(module, Module):
        return otherwise
    found = Import(module, name, otherwise)
    waits = frame.scope.kind == "module" and (_begun(m, frame, module) or not m.followed(module))
    return found if waits else resolved(m, found, value_site(frame, index))


def _begun(m: Machine, frame: Frame, module: Module) -> bool:
    """Whether another file is being followed, and came to import this one: it may yet bind the name."""
    return module.file != frame.file and any(outer.file == module.file and not outer.number for outer in m.frames)


def resolved(m: Machine, node: Node, site: Site) -> Node:
    """What an import stands for, the file followed at last; alternatives are settled one by one."""
    if isinstance(node, Import):
        key = (id(node), node.name)
        if key in m.asked:  # two files that import one name from each other
            return node.otherwise
        m.asked.add(key)
        try:
            found = m.get(node.module, node.name, site)
        finally:
            m.asked.discard(key)
        return node.otherwise if found.op == "missing" else found
    if isinstance(node, Phi) and any(isinstance(option, Import) for option in node.options):
        return merge([resolved(m, option, site) for option in node.options])
    return node


@registers(STEPS, "star_import")
def _star_import(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    path, level = value.parts
    module = m.import_module(frame, path, level)
    before = frame.env.names.get("*")
    sources = before.items if isinstance(before, Seq) else ()
    m.write(frame.env.names, "*", Seq("tuple", (module or Lib(path), *sources)))  # the last one wins
    return Const(None)


def starred(m: Machine, env: Env, name: str, site: Site) -> Node | None:
    """A name that a star import brought: from a file that binds it, or from a library whose tables know it."""
    sources = env.names.get("*")
    if (id(env), name) in m.asked:  # two files that star each other
        return None
    m.asked.add((id(env), name))
    try:
        return _brought(m, sources, name, site)
    finally:
        m.asked.discard((id(env), name))


def _brought(m: Machine, sources: Node | None, name: str, site: Site) -> Node | None:
    for source in sources.operands() if isinstance(sources, Seq) else ():
        if isinstance(source, Module):
            if m.offers(source, name):
                return m.get(source, name, site)
        elif isinstance(source, Lib):
            qualified = f"{source.name}.{name}"
            if frameworks.row(qualified) or frameworks.base(qualified) or frameworks.is_module(qualified):
                return Lib(qualified)
    return None


@registers(STEPS, "global")
def _global(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    names: list[str] = value.parts
    for name in names:
        env, top = frame.env.parent, frame.env
        while env is not None:  # nonlocal finds the scope that binds it, global the outermost
            top = env
            if name in env.names:
                break
            env = env.parent
        frame.globals[name] = top
    return Const(None)


@registers(STEPS, "field")
def _field(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    return Const(None)


@registers(STEPS, "function")
def _function(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    number = value.number
    scope = m.files[frame.file].graph.scopes[number]
    in_class = frame.scope.kind == "class"
    env = frame.env.parent if in_class and frame.env.parent else frame.env
    func = Func(frame.file, number, scope, env, value_site(frame, index))
    nodes = operands(frame, value)
    named = [param.name for param in scope.params if param.default]
    func.defaults = dict(zip(named, nodes, strict=False))
    func.decorators = nodes[len(named) :]
    func.owner = m.classes.get(id(frame.env)) if in_class else frame.func.owner if frame.func else None
    result: Node = func
    for decorator in reversed(func.decorators):
        result = decorated(m, decorator, result, func, value_site(frame, index))
    return result


def decorated(m: Machine, decorator: Node, node: Node, func: Func, site: Site) -> Node:
    """What a decorator makes of a function: project decorators are followed, library ones keep the function."""
    if isinstance(decorator, Func):
        return _by_project(m, decorator, node, site)
    if isinstance(decorator, Lib) and _transforms(decorator):
        result = m.call(decorator, [node], {}, site)
        return result if not isinstance(result, Phi) and result.op != "unknown" else node
    return node


def _by_project(m: Machine, decorator: Func, node: Node, site: Site) -> Node:
    """What a decorator makes; one that told nothing and only wrote documentation is not followed again: some are on
    thousands of functions."""
    place = (decorator.file, decorator.number)
    if place in m.idle:
        return node
    made, changes = m.watched(lambda: m.call(decorator, [node], {}, site))
    whole = decorator.receiver is None and decorator.env.parent is None  # it holds nothing that may differ
    told = made.op == "unknown" or (made is not node and isinstance(made, (Func, Instance)))
    if whole and not told and all(key in _DOCUMENTING for _, key in changes):
        m.idle.add(place)
    return made if isinstance(made, (Func, Instance)) else node


_DOCUMENTING = frozenset("__doc__ __name__ __qualname__ __module__ __signature__ __annotations__".split())
_MEANING = frozenset({"grad_function", "custom_gradient", "transformed", "transformed_with_state", "without_rng"})


def _transforms(decorator: Lib) -> bool:
    """Whether a library decorator gives a function another meaning than its own."""
    row = frameworks.row(decorator.name)
    return row is not None and row.op in _MEANING


@registers(STEPS, "class")
def _class(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    number = value.number
    scope = m.files[frame.file].graph.scopes[number]
    env = Env(frame.env if frame.scope.kind != "class" else frame.env.parent)
    cls = Class(frame.file, number, scope.name, env, value_site(frame, index))
    count = len(value.operands) - len(scope.keywords) - scope.decorators
    cls.bases = [base for operand in value.operands[:count] for base in _bases(frame.results[operand])]
    m.classes[id(env)] = cls
    inner = Frame(frame.file, number, scope, env)
    m.frames.append(inner)
    m.run(inner, 0, len(scope.values))
    m.frames.pop()
    record = record_class(m, cls)
    if record is not None:
        return record
    m.defined.append(cls)
    for operand in value.operands[len(value.operands) - scope.decorators :]:
        decorator = frame.results[operand]
        if isinstance(decorator, Func) and _registers(m, decorator):  # decorators of classes hardly ever replace them
            m.call(decorator, [cls], {}, value_site(frame, index))
    return cls


def _registers(m: Machine, func: Func) -> bool:
    return func.receiver is not None or (func.file, func.number) in m.changers


def _bases(node: Node) -> list[Node]:
    """What an expression among a class's bases stands for: `Base[T]` is Base, of alternatives each may be it."""
    if isinstance(node, Seq):
        return list(node.items)
    if node.op == "index" and "x" in node.args:
        return [node.args["x"]]
    return options(node)
