"""Attributes: what a name after a dot stands for, and what storing to it does."""

from __future__ import annotations

from typing import Any

from backproplint import frameworks
from backproplint.frameworks.rows import Row
from backproplint.graph.algebra import is_gradient
from backproplint.graph.choices import leaves, merge, options
from backproplint.graph.definitions import resolved, starred
from backproplint.graph.derived import part_attribute
from backproplint.graph.machine import GETTERS, Machine, registers
from backproplint.graph.nodes import (
    Class,
    Const,
    Dict,
    Func,
    Instance,
    Lib,
    Method,
    Module,
    Node,
    Phi,
    Seq,
    Super,
    Thing,
)
from backproplint.graph.shapes import shape_node
from backproplint.graph.updates import note_update
from backproplint.rule import Site


@registers(GETTERS, Lib)
def _of_library(m: Machine, base: Lib, name: str, site: Site) -> Node:
    if m.flags or m.hung:
        flag = _flag(m, name, site) if base.name.endswith("FLAGS") else m.hung.get(f"{base.name}.{name}")
        if flag is not None:
            return flag
    known = base.memo.get(name) if base.memo else None
    return known or _named(m, base, name)


def _flag(m: Machine, name: str, site: Site) -> Node | None:
    """An option's default, as this file defines it, or the script that is run, or else files that it runs with."""
    for file in (site.file, m.root[0]):
        if (file, name) in m.flags:
            return m.flags[file, name]
    known = [node for (file, flag), node in m.flags.items() if flag == name and m.paths.meet(file, site.file)]
    return merge(known) if known else None


def _named(m: Machine, base: Lib, name: str) -> Node:
    qualified = f"{base.name}.{name}"
    row = frameworks.row(qualified)
    if row is not None and row.op == "constant":  # np.inf, np.pi
        value: Any = row.constants.get("value")
        return Const(value)
    if name == "__name__":
        return Const(base.name.rpartition(".")[2])
    base.memo = base.memo or {}
    base.memo[name] = m.lib(qualified)
    return base.memo[name]


@registers(GETTERS, Module)
def _of_module(m: Machine, base: Module, name: str, site: Site) -> Node:
    found = m.module_env(base.file).names.get(name)
    if found is not None:
        return resolved(m, found, site)
    brought = starred(m, m.module_env(base.file), name, site)  # `from .loss import *` may bring a function `loss`
    return brought or m.submodule(base, name) or Node("missing", {}, site)


@registers(GETTERS, Phi)
def _of_phi(m: Machine, base: Phi, name: str, site: Site) -> Node:
    parts = leaves(base)
    if not any(isinstance(part, _OBJECTS) for part in parts):  # tensors all: the alternatives are one tensor
        return _of_node(m, base, name, site)
    return merge([m.get(part, name, site) for part in parts[:6] if not isinstance(part, Const)] or [base])


_OBJECTS = (Instance, Thing, Class, Module, Lib, Seq, Dict, Super)


@registers(GETTERS, Class)
def _of_class(m: Machine, base: Class, name: str, site: Site) -> Node:
    found = class_attribute(base, name)
    if name in ("__name__", "__qualname__"):
        return Const(base.name)
    if found is None:
        return _inherited(m, base, name) or m.node("unknown", {}, site)
    if isinstance(found, Func) and decorated_with(found, "classmethod"):
        return found.bind(base)
    return found


def _inherited(m: Machine, cls: Class, name: str) -> Lib | None:
    """A constructor that the library's class has, called on a subclass: `State.create(...)`."""
    names = [f"{part.name}.{name}" for part in cls.lineage() if isinstance(part, Lib)]
    known = next((qualified for qualified in names if frameworks.row(qualified) is not None), None)
    return None if known is None else m.lib(known)


def class_attribute(cls: Class, name: str, after: Class | None = None) -> Node | None:
    """An attribute of a class, looked up along its lineage (behind `after`, for super)."""
    lineage = list(cls.lineage())
    if after is not None:
        at = [k for k, part in enumerate(lineage) if part is after]
        lineage = lineage[at[0] + 1 :] if at else []
    for part in lineage:
        if isinstance(part, Class) and name in part.names:
            return part.names[name]
    return None


def decorated_with(func: Func, *names: str) -> bool:
    """Whether a function has a library decorator whose last name is one of these."""
    return any(isinstance(d, Lib) and d.name.rpartition(".")[2] in names for d in func.decorators)


@registers(GETTERS, Instance)
def _of_instance(m: Machine, base: Instance, name: str, site: Site) -> Node:
    own = base.attrs.get(name)
    if own is not None:
        return own
    found = class_attribute(base.cls, name)
    if found is None and name not in base.attrs and m.prepare(base, name):
        found = base.attrs.get(name)
        if found is not None:
            return found
    if found is not None:
        return _bound(m, base, found, site)
    if name == "__class__":
        return base.cls
    row = method_row(base, "@" + name)
    if row is not None:
        return m.apply_row(row, [base], {}, site, base.framework)
    if base.kind and method_row(base, name) is not None:
        return Method(base, name, site)
    return part_attribute(m, base, name, site) or remembered(m, base, name, site)


def _bound(m: Machine, base: Instance, found: Node, site: Site) -> Node:
    if not isinstance(found, Func):
        return merge([_bound(m, base, option, site) for option in options(found)]) if _functions(found) else found
    if decorated_with(found, "staticmethod"):
        return found
    if found.owner is None and found.scope.name == "<lambda>":
        return found.bind(base)
    if decorated_with(found, "property", "cached_property", "lazy_property", "define_scope"):
        return m.call(found.bind(base), [], {}, site)
    return found.bind(base)


def _functions(node: Node) -> bool:
    return isinstance(node, Phi) and any(isinstance(option, Func) for option in node.options)


@registers(GETTERS, Super)
def _of_super(m: Machine, base: Super, name: str, site: Site) -> Node:
    instance = base.instance
    if isinstance(instance, Instance):
        found = class_attribute(instance.cls, name, base.after)
        return _bound(m, instance, found, site) if found is not None else Method(instance, name, site)
    return m.node("unknown", {}, site)


@registers(GETTERS, Thing)
def _of_thing(m: Machine, base: Thing, name: str, site: Site) -> Node:
    found = base.attrs.get(name)
    if found is not None:
        return found
    row = method_row(base, "@" + name)
    if row is not None:
        return m.apply_row(row, [base], {}, site, base.framework)
    if "lr" in base.args and setting_name(base, name) == "lr" and base.row.constants.get("api") == "keras":
        return m.node("setting", {"of": base}, site, base.framework)  # a variable, that may be assigned to
    if base.makes == "layer" and (name in ("weight", "bias", "kernel") or name.startswith(("weight_", "bias_"))):
        return _parameter(m, base, name, site)
    if name in base.args and base.row.op not in ("rnn", "rnn_cell"):
        return base.args[name]
    return Method(base, name, site)


def setting_name(thing: Thing, name: str) -> str:
    """What the tables call a setting of an optimizer: `optimizer.learning_rate` is its `lr`."""
    if thing.makes != "optimizer":
        return name
    return next((param.name for param in thing.row.params if name in (param.spelled, *param.also)), name)


def _parameter(m: Machine, layer: Thing, name: str, site: Site) -> Node:
    """A layer's own weight: a variable that knows its layer, the same at every read."""
    made = m.node("variable", {"name": Const(name)}, layer.site or site, layer.framework)
    made.layer = layer
    layer.attrs[name] = made
    return made


@registers(GETTERS, Node, Seq, Dict, Func, Const, Method)
def _of_node(m: Machine, base: Node, name: str, site: Site) -> Node:
    known = base.memo.get(name) if base.memo and name != "shape" else None
    if known is not None:
        return known
    if isinstance(base, Dict) and isinstance(base.entries.get(name), Node) and name not in _DICT:
        return base.entries[name]
    if isinstance(base, Func) and name == "__name__":
        return Const(base.scope.name)
    if name == "value" and isinstance(base, Const):  # a dimension of TensorFlow 1
        return base
    if name == "shape":
        return shape_node(base, remembered(m, base, name, site))
    row = frameworks.method("tensor", "@" + name)
    if row is not None:
        return m.apply_row(row, [base], {}, site, base.framework)
    if base.op in ("param", "unknown", "next", "index") and (name in _SIZES or not _is_method(name)):
        return remembered(m, base, name, site)
    if name in ("grad", "_grad"):
        return remembered(m, base, name, site)
    return Method(base, name, site)


# What an object does to the training even when nobody knows where it came from.
LOOSE_METHODS = {
    name: row
    for kind, name in (
        *[("optimizer", name) for name in ("step", "zero_grad", "minimize", "compute_gradients", "apply_gradients")],
        ("model", "compile"),
    )
    if (row := frameworks.method(kind, name)) is not None
}


_SIZES = frozenset({"size", "dim", "ndim"})  # methods of tensors, but options of everything else
_DICT = frozenset("get items keys values update pop setdefault copy".split())


def _is_method(name: str) -> bool:
    return frameworks.method("tensor", name) is not None or name in LOOSE_METHODS


def remembered(m: Machine, base: Node, name: str, site: Site) -> Node:
    """An attribute that nothing explains: unknown, but one and the same at each read."""
    if base.memo is None:
        base.memo = {}
    found = base.memo.get(name)
    if found is None:
        found = base.memo[name] = Node("attribute", {"of": base, "name": Const(name)}, site, base.framework)
    return found


def set_attribute(m: Machine, base: Node, name: str, node: Node, site: Site) -> None:
    """`base.name = node`."""
    for option in options(base):
        if isinstance(option, (Instance, Thing)):
            name = setting_name(option, name) if isinstance(option, Thing) else name
            note_update(m, option.attrs.get(name), node, site)
            m.write(option.attrs, name, node)
        elif isinstance(option, Class):
            m.write(option.names, name, node)
        elif isinstance(option, Lib):  # `tf.model = Sequential()`: a name is a name, wherever it is hung
            m.write(m.hung, f"{option.name}.{name}", node)
        elif name == "data" and is_gradient(option):
            m.emit("set_grad", {"target": option, "value": node}, site, node.framework)
        elif name != "data" and not isinstance(option, (Const, Module)):  # `w.data = x` leaves w the variable it is
            if option.memo is None:
                option.memo = {}
            if name in ("grad", "_grad"):  # the next backward pass writes it again
                target = m.get(option, name, site)
                m.emit("set_grad", {"target": target, "value": node}, site, node.framework)
            else:
                note_update(m, option.memo.get(name), node, site)
                m.write(option.memo, name, node)


def method_row(receiver: Node, name: str) -> Row | None:
    """What the tables say of a receiver's method, or with an @ before its name of an attribute."""
    return next((row for kind in kinds(receiver) if (row := frameworks.method(kind, name)) is not None), None)


def kinds(receiver: Node) -> list[str]:
    """Under which kinds the tables list a receiver's methods, most special first."""
    if isinstance(receiver, Thing):
        if receiver.makes == "optimizer":
            return ["optimizer"]
        if receiver.framework == "jax" and receiver.makes == "layer":
            return ["flax", receiver.row.op, "layer"]
        if receiver.row.op in ("sequential", "functional_model"):
            return ["model", "container", "module", "layer"]
        if receiver.makes in ("layer", "loss"):
            return [receiver.row.op, "module", "layer"]
        return [receiver.row.op]
    if isinstance(receiver, Instance):
        parents = {"lightning": ["module"], "model": ["layer"], "layer": [], "flax": [], "haiku": []}
        return [receiver.kind, *parents.get(receiver.kind, ["module"])] if receiver.kind else []
    if isinstance(receiver, (Func, Class, Lib, Const)):
        return []
    return ["tensor"]
