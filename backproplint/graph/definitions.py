"""Imports, functions and classes: the statements that define names."""

from __future__ import annotations

from backproplint import frameworks
from backproplint.graph.machine import STEPS, Frame, Machine, operands, registers, value_site
from backproplint.graph.nodes import Class, Const, Env, Func, Instance, Lib, Module, Node, Phi, Seq
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
    if module is not None:
        found = m.get(module, name, value_site(frame, index))
        if found.op != "missing":
            return found
    submodule = m.import_module(frame, f"{path}.{name}" if path else name, level)
    return submodule or Lib(f"{path}.{name}" if path else name)


@registers(STEPS, "star_import")
def _star_import(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    path, level = value.parts
    module = m.import_module(frame, path, level)
    if isinstance(module, Module):
        for name, node in m.names(module).items():
            if not name.startswith("_"):
                m.write(frame.env.names, name, node)
    else:
        before = frame.env.names.get("*")
        libraries = before.items if isinstance(before, Seq) else ()
        m.write(frame.env.names, "*", Seq("tuple", (*libraries, Lib(path))))
    return Const(None)


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


@registers(STEPS, "function")
def _function(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    number = value.number
    scope = m.graphs[frame.file].scopes[number]
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
        result = m.call(decorator, [node], {}, site)
        return result if isinstance(result, (Func, Instance)) else node
    if isinstance(decorator, Lib) and _transforms(decorator):
        result = m.call(decorator, [node], {}, site)
        return result if not isinstance(result, Phi) and result.op != "unknown" else node
    return node


_MEANING = frozenset({"grad_function", "custom_gradient", "transformed", "transformed_with_state", "without_rng"})


def _transforms(decorator: Lib) -> bool:
    """Whether a library decorator gives a function another meaning than its own."""
    row = frameworks.row(decorator.name)
    return row is not None and row.op in _MEANING


@registers(STEPS, "class")
def _class(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    number = value.number
    scope = m.graphs[frame.file].scopes[number]
    env = Env(frame.env if frame.scope.kind != "class" else frame.env.parent)
    cls = Class(frame.file, number, scope.name, env, value_site(frame, index))
    count = len(value.operands) - len(scope.keywords) - scope.decorators
    cls.bases = [frame.results[operand] for operand in value.operands[:count]]
    m.classes[id(env)] = cls
    inner = Frame(frame.file, number, scope, env)
    m.frames.append(inner)
    m.run(inner, 0, len(scope.values))
    m.frames.pop()
    m.defined.append(cls)
    return cls
