"""Calling: functions of the project with their arguments bound, classes, instances, and alternatives of these."""

from __future__ import annotations

from typing import Final

from backproplint import frameworks
from backproplint.graph.choices import merge
from backproplint.graph.derived import built, inherited
from backproplint.graph.machine import CALLS, MAX_DEPTH, MAX_RUNS, Frame, Machine, registers
from backproplint.graph.nodes import Class, Const, Dict, Env, Func, Instance, Lib, Method, Node, Phi, Seq, Super, Thing
from backproplint.graph.objects import LOOSE_METHODS, class_attribute, decorated_with, method_row
from backproplint.graph.records import fields
from backproplint.ops import SQUASH
from backproplint.rule import Reason, Site, Undecided

TOO_MUCH: Final = "there is too much code to be followed to its end"


def within(m: Machine, allowed: bool, reason: Reason) -> bool:
    """Whether a bound allows to go on; where it does not, that is noted for the file that is being followed."""
    if not allowed:
        m.bounds.add(Undecided(Site(m.root[0], 0, 0), reason))
    return allowed


def _may_call(m: Machine, runs: int = 0) -> bool:
    """Whether one more call, of what was followed `runs` times, is within the bounds."""
    return (
        within(m, len(m.frames) <= MAX_DEPTH, "calls nest too deeply to be followed")
        and within(m, m.steps <= m.limit, TOO_MUCH)
        and within(m, runs < MAX_RUNS, "a function is called too often to be followed each time")
    )


@registers(CALLS, Func)
def call_function(m: Machine, func: Func, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """Run a function's body with these arguments; unknown when it is already running, too deep, or too often run."""
    key = (func.file, func.number)
    runs = m.runs.get(key, 0)
    active = any(frame.file == func.file and frame.number == func.number for frame in m.frames)
    if active or not _may_call(m, runs):
        return m.unknown(func, args, kwargs, site)
    if func.receiver is not None:
        args = [func.receiver, *args]
    m.runs[key] = runs + 1
    m.executed.add(key)
    frame = Frame(func.file, func.number, func.scope, Env(func.env), func)
    frame.env.names.update(bind(m, func, args, kwargs, site))
    severing = decorated_with(func, "no_grad", "inference_mode") or any(_no_grad(d) for d in func.decorators)
    m.no_grad += severing
    m.frames.append(frame)
    try:
        alive = m.run(frame, 0, len(func.scope.values))
    finally:
        m.frames.pop()
        m.no_grad -= severing
    if func.scope.generator:
        produced = Seq("list", tuple(frame.returns), site)
        produced.state["open"] = True
        return produced
    returns = frame.returns + ([Const(None)] if alive and not frame.returns else [])
    return _placed(m, merge(returns), args, site) if returns else m.node("unknown", {}, site)


def _placed(m: Machine, result: Node, args: list[Node], site: Site) -> Node:
    """A helper that only spells out a squash of its argument: the squash stands where it is called."""
    if result.op not in SQUASH or not any(result.args.get("x") is arg for arg in args):
        return result
    moved = m.node(result.op, result.args, site, result.framework)
    if m.nodes and m.nodes[-1] is result:
        m.nodes.pop()
    m.nodes.append(moved)
    return moved


def _no_grad(node: Node) -> bool:
    return isinstance(node, Thing) and node.row.op == "no_grad"


def bind(m: Machine, func: Func, args: list[Node], kwargs: dict[str, Node], site: Site) -> dict[str, Node]:
    """Parameters to arguments: by position, by keyword, by default; what is left is a parameter nobody gave."""
    names: dict[str, Node] = {}
    left, kwargs = list(args), dict(kwargs)
    more = next((arg for arg in args if arg.op == "rest"), None)  # arguments that nobody knows
    for param in func.scope.params:
        if param.kind == "pos":
            if left and left[0].op != "rest":
                names[param.name] = left.pop(0)
                continue
        elif param.kind == "*":
            names[param.name] = Seq("tuple", tuple(left), site)
            left = []
            continue
        elif param.kind == "**":
            entries: dict[object, Node] = dict(kwargs.items())
            if more is not None:
                entries[Dict.ANY] = more
            names[param.name] = Dict(entries, site)
            continue
        if param.name in kwargs:
            names[param.name] = kwargs.pop(param.name)
        elif param.name in func.defaults and more is None:
            names[param.name] = func.defaults[param.name]
        else:
            names[param.name] = parameter(func, param.name)
    return names


def parameter(func: Func, name: str) -> Node:
    """A parameter whose argument nobody knows. A default is then only an assumption."""
    default = func.defaults.get(name)
    if default is not None:
        return _assumed(default, f"the default of {name}")
    return Node("param", {"name": Const(name)}, Site(func.file, func.number, 0))


def _assumed(default: Node, why: str) -> Node:
    if isinstance(default, Const):
        return Const(default.value, default.assumed or why)
    if isinstance(default, Seq) and default.items and all(isinstance(item, Const) for item in default.items):
        return Seq(default.kind, tuple(_assumed(item, why) for item in default.items), default.site)
    return default


@registers(CALLS, Class)
def instantiate(m: Machine, cls: Class, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """Make an instance and run its `__init__`. A data class without one gets its fields from the arguments."""
    instance = Instance(cls, base_kind(cls), site)
    if not _may_call(m):
        return m.unknown(cls, args, kwargs, site)
    cls.instances[:-3] = []  # the last few stand for all
    cls.instances.append(instance)
    init = class_attribute(cls, "__init__") or class_attribute(cls, "setup" if instance.kind == "flax" else "__init__")
    if isinstance(init, Func) and init.scope.name == "__init__":
        m.call(init.bind(instance), args, kwargs, site)
    else:
        _fields(m, cls, instance, args, kwargs)
        inherited(m, instance, "__init__", args, kwargs, site)
        if isinstance(init, Func):
            m.call(init.bind(instance), [], {}, site)
    return instance


def _fields(m: Machine, cls: Class, instance: Instance, args: list[Node], kwargs: dict[str, Node]) -> None:
    inherited = method_row(instance, "__init__")
    if inherited is not None:
        m.apply_row(inherited, [instance, *args], kwargs, instance.site or Site(cls.file, cls.number, 0), "")
    names = [name for part in reversed([c for c in cls.lineage() if isinstance(c, Class)]) for name in fields(m, part)]
    for name, node in [*zip(names, args, strict=False), *kwargs.items()]:
        m.write(instance.attrs, name, node)
    after = class_attribute(cls, "__post_init__")
    if isinstance(after, Func):
        m.call(after.bind(instance), [], {}, instance.site or Site(cls.file, cls.number, 0))


def base_kind(cls: Class) -> str:
    """What the nearest library base makes of a class: 'module', 'model', 'layer', 'flax', ... or ''."""
    for part in cls.lineage():
        if isinstance(part, Lib):
            kind = frameworks.base(part.name)
            if kind:
                return kind
        elif isinstance(part, Thing):
            return part.row.op
    return ""


_FORWARD = ("__call__", "forward", "call", "construct")


@registers(CALLS, Instance)
def call_instance(m: Machine, instance: Instance, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """Calling an object runs its `__call__`, `forward` or `call`."""
    built(m, instance, args, site)
    for name in _FORWARD:
        found = class_attribute(instance.cls, name)
        if isinstance(found, Func):
            return m.call(found.bind(instance), args, kwargs, site)
    return inherited(m, instance, "__call__", args, kwargs, site) or m.unknown(instance, args, kwargs, site)


@registers(CALLS, Phi)
def _call_phi(m: Machine, phi: Phi, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    callables = [option for option in phi.options[:4] if not isinstance(option, Const)]
    if phi.loop or not callables:
        return m.unknown(phi, args, kwargs, site)
    return merge([m.call(option, args, kwargs, site) for option in callables])


@registers(CALLS, Super)
def _call_super(m: Machine, node: Super, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    return m.call(m.get(node, "__call__", site), args, kwargs, site)


@registers(CALLS, Method)
def _call_method(m: Machine, method: Method, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """A method of a library object or of a Python container."""
    receiver, name = method.receiver, method.name
    known = m.container_method(receiver, name, args, kwargs, site) or inherited(m, receiver, name, args, kwargs, site)
    if known is not None:
        return known
    row = method_row(receiver, name)
    if row is None and receiver.op in ("param", "attribute", "unknown", "index", "next", "phi"):
        row = LOOSE_METHODS.get(name)
    if row is not None:
        result = m.apply_row(row, [receiver, *args], kwargs, site, receiver.framework)
        if row.constants.get("inplace"):
            m.inplace = result
            m.emit("in place", {"target": receiver, "value": result}, site, receiver.framework)
        return result
    return m.unknown(method, [receiver, *args], kwargs, site)
