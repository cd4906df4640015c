"""Classes derived from a ready layer or model: `class Head(nn.Linear)`, `class Net(nn.Sequential)`."""

from __future__ import annotations

from backproplint import frameworks
from backproplint.frameworks.rows import Row
from backproplint.graph.machine import Machine
from backproplint.graph.nodes import Class, Const, Func, Instance, Lib, Method, Node, Thing
from backproplint.rule import Site

PART = "what the library makes of it"  # no name in Python, so that it meets no attribute of the class
_APPLIED = frozenset({"__call__", "forward", "call"})
_GROWN = frozenset({"add", "append", "add_module"})


def inherited(
    m: Machine, instance: Node, name: str, args: list[Node], kwargs: dict[str, Node], site: Site
) -> Node | None:
    """What a method does that a class has from a library's layer; None when it has none such."""
    if not isinstance(instance, Instance):
        return None
    if name == "__init__":
        return _initialise(m, instance, args, kwargs, site)
    part = instance.attrs.get(PART)
    if part is None:
        return None
    if name in _APPLIED:
        return m.call(part, args, kwargs, site)
    return m.call(m.get(part, name, site), args, kwargs, site) if name in _GROWN else None


def _initialise(m: Machine, instance: Instance, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    base = _base(instance.cls)
    if base is None:
        return None
    row, framework = base
    part = m.apply_row(row, args, kwargs, site, framework)
    if not isinstance(part, Thing) or (row.op == "functional_model" and "outputs" not in part.args):
        return None
    m.write(instance.attrs, PART, part)
    reset = next((c.names["reset_parameters"] for c in _classes(instance.cls) if "reset_parameters" in c.names), None)
    if isinstance(reset, Func):  # torch calls it at the end of the layer's own constructor
        m.call(reset.bind(instance), [], {}, site)
    return part


_BUILT = "what build made"


def built(m: Machine, instance: Instance, args: list[Node], site: Site) -> None:
    """Keras calls a layer's `build` with the shape of its first input."""
    build = next((cls.names["build"] for cls in _classes(instance.cls) if "build" in cls.names), None)
    if instance.kind not in ("layer", "model", "rnn_cell") or _BUILT in instance.attrs or not args:
        return
    if isinstance(build, Func) and len(build.scope.params) == 2:
        m.write(instance.attrs, _BUILT, Const(True))
        m.call(build.bind(instance), [m.get(args[0], "shape", site)], {}, site)


def _classes(cls: Class) -> list[Class]:
    return [part for part in cls.lineage() if isinstance(part, Class)]


def _base(cls: Class) -> tuple[Row, str] | None:
    """The row of the library's layer that a class derives from, and its framework."""
    for part in cls.lineage():
        row = frameworks.row(part.name) if isinstance(part, Lib) else None
        if row is not None and row.makes == "layer" and isinstance(part, Lib):
            return row, frameworks.framework(part.name)
    return None


def part_attribute(m: Machine, instance: Instance, name: str, site: Site) -> Node | None:
    """An attribute that the library's layer has: its weight, its size."""
    part = instance.attrs.get(PART)
    found = m.get(part, name, site) if part is not None else None
    return None if isinstance(found, Method) else found
