"""What each lowered value does: names, attributes, items, displays, operators."""

from __future__ import annotations

from typing import Any

from backproplint.graph import algebra
from backproplint.graph.choices import merge, options
from backproplint.graph.control import structural
from backproplint.graph.definitions import resolved, starred
from backproplint.graph.items import get_item, set_item, spread
from backproplint.graph.machine import STEPS, Frame, Machine, operands, registers, truth, value_site
from backproplint.graph.nodes import Const, Dict, Env, Lib, Node, Seq
from backproplint.graph.objects import set_attribute
from backproplint.graph.texts import joined
from backproplint.graph.updates import note_update
from backproplint.graph.values import Value
from backproplint.rule import Site

LONGEST = 256  # items of a list that are told apart: no real stack of layers is longer


def lookup(m: Machine, frame: Frame, name: str, site: Site) -> Node:
    """A name as Python finds it: in this scope, in those around it, among the built-ins."""
    env: Env | None = frame.globals.get(name, frame.env)
    while env is not None:
        found = env.names.get(name)
        if found is not None:
            if env.parent is None and found.op in ("import", "phi"):  # read for the first time
                env.names[name] = found = resolved(m, found, site)
            return found
        env = env.parent
    if name == "__name__":
        return Const("__main__")  # a script is followed as it runs when started
    env = frame.env
    while env is not None:
        brought = starred(m, env, name, site) if "*" in env.names else None
        if brought is not None:
            return brought
        env = env.parent
    return Lib(f"builtins.{name}")


def read(m: Machine, frame: Frame, path: str, site: Site) -> Node:
    """Read `a.b.c`."""
    first, *rest = path.split(".")
    node = lookup(m, frame, first, site)
    for name in rest:
        node = m.get(node, name, site)
    return node


@registers(STEPS, "load")
def _load(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    path, site = value.text, value_site(frame, index)
    return read(m, frame, path, site) if "." in path else lookup(m, frame, path, site)


@registers(STEPS, "attr")
def _attr(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    return m.get(frame.results[value.operands[0]], value.text, value_site(frame, index))


@registers(STEPS, "store")
def _store(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    store_path(m, frame, value.text, frame.results[value.operands[0]], value_site(frame, index))
    return Const(None)


def store_path(m: Machine, frame: Frame, path: str, node: Node, site: Site) -> None:
    """Assign to a name or an attribute path."""
    base, _, name = path.rpartition(".")
    if base:
        set_attribute(m, read(m, frame, base, site), name, node, site)
        return
    names = frame.globals.get(name, frame.env).names
    note_update(m, names.get(name), node, site)
    m.write(names, name, node)


@registers(STEPS, "setattr")
def _setattr(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    base, node = operands(frame, value)
    set_attribute(m, base, value.text, node, value_site(frame, index))
    return Const(None)


@registers(STEPS, "item")
def _item(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    base, key = operands(frame, value)
    return get_item(m, base, key, value_site(frame, index), frame)


@registers(STEPS, "setitem")
def _setitem(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    base, key, node = operands(frame, value)
    site = value_site(frame, index)
    if isinstance(base, (Dict, Seq)) or base.memo:
        old = get_item(m, base, key, site, frame)
        note_update(m, old, node, site)
    set_item(m, base, key, node, site, frame)
    return Const(None)


@registers(STEPS, "slice")
def _slice(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    low, high, step = operands(frame, value)
    return m.node("slice", {"low": low, "high": high, "step": step}, value_site(frame, index))


@registers(STEPS, "call")
def _call(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    site = value_site(frame, index)
    callee, *given = operands(frame, value)
    args: list[Node] = []
    kwargs: dict[str, Node] = {}
    names: Any = value.data or [""] * len(given)
    for name, node in zip(names, given, strict=True):
        if name == "*":
            args += spread(m, node, site)
        elif name == "**":
            kwargs |= keywords(node)
            if not isinstance(node, Dict) or Dict.ANY in node.entries:
                args.append(m.node("rest", {"x": node}, site))
        elif name:
            kwargs[name] = node
        else:
            args.append(node)
    result = m.call(callee, args, kwargs, site)
    inplace = m.inplace
    if inplace is not None and callee.op == "method":
        m.inplace = None
        _write_back(m, frame, value.operands[0], inplace, site)
    return result


def keywords(node: Node) -> dict[str, Node]:
    """The arguments that `**node` passes; none when it is unknown."""
    entries = node.entries if isinstance(node, Dict) else {}
    return {key: value for key, value in entries.items() if isinstance(key, str)}


def _write_back(m: Machine, frame: Frame, callee: int, node: Node, site: Site) -> None:
    """After `x.clamp_()` the place that held x holds the result."""
    source = frame.scope.values[callee] if callee >= 0 else None
    if source is not None and source.op == "load":
        path = str(source.data).rpartition(".")[0]
        if path and not path.endswith("data"):
            store_path(m, frame, path, node, site)


@registers(STEPS, "binary", "augment")
def _binary(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    a, b = operands(frame, value)
    return algebra.binary(m, value.text, a, b, value_site(frame, index))


@registers(STEPS, "unary")
def _unary(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    (x,) = operands(frame, value)
    return algebra.unary(m, value.text, x, value_site(frame, index))


@registers(STEPS, "compare")
def _compare(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    a, b = operands(frame, value)
    return algebra.compare(m, value.text, a, b, value_site(frame, index))


@registers(STEPS, "and", "or")
def _boolean(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    a, b = operands(frame, value)
    holds, soft = truth(a)
    if holds is None:
        other, _ = truth(b)
        if other is (value.op == "or"):  # `x or True`, `x and False`
            return b
        return merge([a, b]) if value.op == "or" else m.node("test", {"a": a, "b": b}, value_site(frame, index))
    chosen = b if holds == (value.op == "and") else a
    if soft and isinstance(chosen, Const) and not chosen.assumed:
        return Const(chosen.value, a.assumed if isinstance(a, Const) else "a default")
    return chosen


@registers(STEPS, "ifexp")
def _ifexp(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    test, a, b = operands(frame, value)
    holds, soft = truth(test)
    if holds is None or soft:
        return merge([a, b])
    return a if holds else b


@registers(STEPS, "text")
def _text(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    known = joined(operands(frame, value)) if value.operands else None
    return known or m.node("text", {}, value_site(frame, index))


@registers(STEPS, "unknown")
def _unknown(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    return m.node("unknown", {}, value_site(frame, index))


@registers(STEPS, "yield")
def _yield(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    (node,) = operands(frame, value)
    frame.returns.append(node)
    return m.node("sent", {}, value_site(frame, index))


@registers(STEPS, "tuple", "list", "set")
def _display(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    items: list[Node] = []
    for operand in value.operands:
        starred = operand >= 0 and frame.scope.values[operand].op == "star"
        node = frame.results[operand]
        items += spread(m, node, value_site(frame, index)) if starred else [node]
    built = Seq(value.op, tuple(items[:LONGEST]), value_site(frame, index))
    built.state["open"] = len(items) > LONGEST
    return built


@registers(STEPS, "star")
def _star(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    return frame.results[value.operands[0]] if value.operands else Lib("**")


@registers(STEPS, "dict")
def _dict(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    nodes = operands(frame, value)
    entries: dict[object, Node] = {}
    for key, node in zip(nodes[::2], nodes[1::2], strict=True):
        if isinstance(key, Lib) and key.name == "**":
            entries |= node.entries if isinstance(node, Dict) else {Dict.ANY: node}
        else:
            entries[key.value if isinstance(key, Const) else key] = node
    return Dict(entries, value_site(frame, index))


@registers(STEPS, "append")
def _append(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    target, item = operands(frame, value)
    append(m, target, item, frame)
    return Const(None)


def append(m: Machine, target: Node, item: Node, frame: Frame | None) -> None:
    """Grow a list, within a bound that no real stack of layers reaches."""
    if isinstance(target, Seq) and len(target.items) >= LONGEST:
        m.write(target.state, "open", True)
    elif isinstance(target, Seq):
        m.write(target.state, "items", (*target.items, item))
        if frame is not None and structural(item, strict=True):  # of objects, a loop asks what they hold
            frame.structural = True


@registers(STEPS, "element")
def _element(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    (source,) = operands(frame, value)
    k, count, star = value.parts
    return merge([_part(m, option, k, count, star, value_site(frame, index)) for option in options(source)])


def _part(m: Machine, source: Node, k: int, count: int, star: int, site: Site) -> Node:
    if isinstance(source, Seq) and not source.state["open"]:
        items = source.items
        if star < 0 or k < star:
            return items[k] if k < len(items) else m.node("unknown", {}, site)
        spare = len(items) - count + 1
        if k == star:
            return Seq("list", items[k : k + max(spare, 0)], site)
        return items[k + spare - 1] if 0 <= k + spare - 1 < len(items) else m.node("unknown", {}, site)
    return get_item(m, source, Const(k), site, None)
