"""Calls into libraries: a row of the tables turns a call into a canonical op, an object, or an effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from backproplint import frameworks
from backproplint.frameworks.rows import Param, Row
from backproplint.graph import algebra, idioms
from backproplint.graph.builtins import BUILTINS, Partial
from backproplint.graph.machine import CALLS, Machine, registers
from backproplint.graph.nodes import Const, Dict, Lib, Node, Seq, Thing
from backproplint.graph.values import Graph, Value
from backproplint.ops import INITIALIZERS, LAYER, SQUASH
from backproplint.rule import Site

Bound = dict[str, Node]
VALUES: dict[str, Callable[[Machine, Row, Bound, Site, str], Node]] = {}
EFFECTS: dict[str, Callable[[Machine, Row, Bound, Site, str], Node]] = {}


@registers(CALLS, Lib)
def _call_library(m: Machine, lib: Lib, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    name = frameworks.canonical(lib.name)
    model = BUILTINS.get(name)
    if model is not None:
        result = model(m, args, kwargs, site)
        if result is not None:
            return result
    row = frameworks.row(lib.name)
    if row is not None:
        kwargs = _with_scope(m, name, row, args, kwargs) if m.scoped else kwargs
        spoken = dialect(m.files[site.file].graph, frameworks.framework(lib.name))
        row = (frameworks.row(f"{name}@tf2") if spoken == "tf2" else None) or row
        result = m.apply_row(row, args, kwargs, site, spoken)
        if isinstance(result, Thing) and result.site == site:
            result.attrs.setdefault("__class__", lib)
        return result
    if "flags.DEFINE_" in name or name.startswith("DEFINE_"):
        return _define_flag(m, args, kwargs, site)
    _handed_over(m, [*args, *kwargs.values()], site)
    return m.unknown(lib, args, kwargs, site)


def _with_scope(m: Machine, name: str, row: Row, args: list[Node], kwargs: dict[str, Node]) -> dict[str, Node]:
    """What an `arg_scope` around the call adds to its arguments."""
    scope = m.scoped[-1].entries.get(name)
    options = scope.entries if isinstance(scope, Dict) else {}
    given = {spelled for param in row.params[: len(args)] for spelled in (param.spelled, *param.also)}
    return {str(key): node for key, node in options.items() if key not in given} | kwargs


def _handed_over(m: Machine, given: list[Node], site: Site) -> None:
    """An optimizer that goes into a call nobody knows, such as that of a schedule, may have its rate set there."""
    for node in given:
        if isinstance(node, Thing) and node.makes == "optimizer":
            m.write(node.attrs, "schedule", Node("schedule", {}, site))


@lru_cache(maxsize=1024)
def _speaks_tf1(graph: Graph) -> bool:
    """Whether a file uses names that only TensorFlow 1 had: what both versions have is then TensorFlow 1, too."""
    values = [value for scope in graph.scopes for value in scope.values]
    heads = {"tf": "tensorflow"} | {name: path for scope in graph.scopes for name, path in _imported(scope.values)}
    paths = {value.text.partition(".") for value in values if value.op == "load"}
    named = {f"{heads[head]}.{tail}" for head, _, tail in paths if head in heads and tail}
    return any(frameworks.framework(name) == "tf1" for name in {*heads.values(), *named})


def _imported(values: list[Value]) -> Iterator[tuple[str, str]]:
    """The names that a scope gives to modules and their parts."""
    for value in values:
        source = values[value.operands[0]] if value.op == "store" and value.operands[0] >= 0 else None
        if source is not None and source.op == "module":
            yield value.text, source.text
        elif source is not None and source.op == "from":
            yield value.text, f"{source.parts[0]}.{source.parts[1]}"


def dialect(graph: Graph, framework: str) -> str:
    """The framework of a call, with TensorFlow's version decided by the file it stands in."""
    return "tf1" if framework == "tf2" and _speaks_tf1(graph) else framework


def _define_flag(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    name = args[0] if args else kwargs.get("name")
    default = args[1] if len(args) > 1 else kwargs.get("default", kwargs.get("default_value"))
    if isinstance(name, Const) and isinstance(default, Const):
        m.flags[site.file, str(name.value)] = Const(default.value, f"the default of --{name.value}", site)
    return m.node("side", {}, site)


@registers(CALLS, Partial)
def _call_partial(m: Machine, partial: Partial, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    return m.call(partial.function, [*partial.given, *args], {**partial.named, **kwargs}, site)


def bind_row(params: tuple[Param, ...], args: list[Node], kwargs: dict[str, Node], site: Site) -> Bound:
    """Arguments under their canonical names; defaults of the library where nothing was given."""
    bound: Bound = {}
    left, named = list(args), dict(kwargs)
    for param in params:
        if param.kind == "rest":
            bound[param.name] = Seq("tuple", tuple(left), site)
            left = []
        elif param.kind == "options":
            bound[param.name] = Dict(dict(named.items()), site)
        else:
            _bind_one(bound, param, left, named)
    return bound


def _bind_one(bound: Bound, param: Param, left: list[Node], named: dict[str, Node]) -> None:
    for spelled in (param.spelled, *param.also):
        if spelled in named:
            bound[param.name] = named.pop(spelled)
            return
    if left and param.kind == "plain":
        if left[0].op != "rest":
            bound[param.name] = left.pop(0)
        return
    if param.default is not ... and isinstance(param.default, (int, float, str, bool, type(None))):
        bound[param.name] = Const(param.default)


def apply_row(m: Machine, row: Row, args: list[Node], kwargs: dict[str, Node], site: Site, framework: str) -> Node:
    """What a call means whose callee a table knows."""
    bound = bind_row(row.params, args, kwargs, site)
    if row.makes in ("layer", "loss", "optimizer", "object"):
        bound = {**_constants(row), **bound}
        if row.makes in ("optimizer", "object"):
            bound |= _doubtful(row, bound, args, kwargs)
        maker = MAKERS.get(row.op)
        return maker(m, row, bound, site, framework) if maker else Thing(row, bound, site, framework)
    if row.makes == "effect":
        effect = EFFECTS.get(row.op)
        return effect(m, row, bound, site, framework) if effect else m.node("side", bound, site, framework)
    value = VALUES.get(row.op)
    if value is not None:
        return value(m, row, bound, site, framework)
    return make(m, row, bound, site, framework)


def _doubtful(row: Row, bound: Bound, args: list[Node], kwargs: dict[str, Node]) -> Bound:
    """Settings that arguments nobody knows, `**options`, may have set: they are not at the library's defaults."""
    rest = next((arg for arg in args if arg.op == "rest"), None)
    if rest is None:
        return {}
    said = [param for param in row.params if any(spelled in kwargs for spelled in (param.spelled, *param.also))]
    plain = [param for param in row.params if param.kind == "plain" and param.name in bound]
    return {param.name: rest for param in row.params if param not in said and param not in plain}


MAKERS: dict[str, Callable[[Machine, Row, Bound, Site, str], Node]] = {}


def _constants(row: Row) -> Bound:
    return {name: Const(value) for name, value in row.constants.items() if isinstance(value, (int, float, str, bool))}


def make(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A value of the row's op; a function that is a whole layer becomes that layer, called once."""
    bound = {**_constants(row), **bound}
    if row.op in LAYER and "units" in bound:
        layer = Thing(row, {name: node for name, node in bound.items() if name != "x"}, site, framework)
        return m.call_layer(layer, row, {"x": bound.get("x", Const(None))}, site)
    op = _overload(row, bound)
    _scale(m, bound, site, framework)
    node = m.node(op, bound, site, framework or framework_of(bound))
    named = idioms.named(m, node)
    if named.op in SQUASH and named is node:
        m.nodes.append(named)
    algebra.note_descent(m, named)
    if row.constants.get("collected"):
        m.emit("add_loss", {"loss": named}, site, framework)
    if "out" in bound and not isinstance(bound["out"], Const) and named.op == "clip":
        m.emit("clip out", {"target": bound["out"], "value": named}, site, framework)
    return named


def framework_of(bound: Bound) -> str:
    """The framework of the first argument that has one, for a call that any library's values may enter."""
    return next((node.framework for node in bound.values() if node.framework), "")


def _overload(row: Row, bound: Bound) -> str:
    """torch.max(a, b) with a tensor for b is the elementwise maximum."""
    other = bound.get("axis")
    overload: Any = row.constants.get("overload")
    axis = isinstance(other, Seq) or (isinstance(other, Const) and not isinstance(other.value, float))
    if overload and other is not None and not axis and other.op not in ("negate", "param"):
        bound["a"], bound["b"] = bound["x"], other
        return str(overload)
    return row.op


def _scale(m: Machine, bound: Bound, site: Site, framework: str) -> None:
    """torch's `add_(other, alpha=c)`, before that `add_(c, other)`: what is added is scaled first."""
    factor, late = bound.pop("alpha", None), bound.pop("scaled", None)
    if late is not None and not isinstance(late, Const):
        factor, bound["b"] = bound["b"], late
    if factor is not None and "b" in bound and not (isinstance(factor, Const) and factor.value is None):
        bound["b"] = m.node("multiply", {"a": factor, "b": bound["b"]}, site, framework)


def callable_setting(category: str, node: Node | None) -> Node | None:
    """An option that names a function, a layer or an initializer: as it is, or by its Keras name."""
    if isinstance(node, Const):
        if not isinstance(node.value, str):
            return None
        row = frameworks.string(category, node.value)
        if row is not None and category == "initializer":
            return _initializer(row, node.site)
        return None if row is None else Thing(row._replace(makes="layer", call=row.params), {}, node.site, "")
    row = frameworks.row(node.name) if category == "initializer" and isinstance(node, Lib) else None
    return _initializer(row, None) if row is not None and row.op in INITIALIZERS else node


def _initializer(row: Row, site: Site | None) -> Thing:
    """An initializer at its own defaults: named by a string, or handed over uncalled (`jnp.zeros`)."""
    settings = {**_constants(row), **bind_row(row.params, [], {}, Site(0, 0, 0))}
    settings.pop("shape", None)  # the layer decides it
    return Thing(row._replace(makes="object"), settings, site, "")


def row_for_string(category: str, node: Node | None) -> Row | None:
    """The row that a string option ('adam', 'mse', 'relu') stands for."""
    return frameworks.string(category, node.value) if isinstance(node, Const) and isinstance(node.value, str) else None
