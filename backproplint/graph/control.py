"""Branches, loops, contexts and returns: which code runs, how often, under which test."""

from __future__ import annotations

from typing import Any

from backproplint.graph.choices import key_node, merge, options, same
from backproplint.graph.machine import (
    CONTROL,
    DEAD,
    MAX_STEPS,
    MISSING,
    STEPS,
    Changes,
    Frame,
    Guard,
    Machine,
    registers,
    truth,
    value_site,
)
from backproplint.graph.nodes import ANY_ITEM, Const, Dict, Loop, Node, Phi, Seq, Thing
from backproplint.graph.values import Value
from backproplint.ops import INITIALIZERS

UNROLL = 32  # passes of a loop over known items; deeper stacks than this repeat a pattern already seen


@registers(CONTROL, "if")
def _if(m: Machine, frame: Frame, value: Value, index: int) -> int:
    middle, end = value.parts
    test = frame.results[value.operands[0]]
    holds, soft = truth(test)
    if holds is not None and not soft:
        alive = m.run(frame, index + 1, middle) if holds else m.run(frame, middle, end)
        return end if alive else DEAD
    yes = m.guarded(Guard(test, True, holds), lambda: m.run(frame, index + 1, middle))
    no = m.guarded(Guard(test, False, holds), lambda: m.run(frame, middle, end))
    _merge_branches(m, frame, [yes, no])
    return end if yes[0] or no[0] else DEAD


def _merge_branches(m: Machine, frame: Frame, branches: list[tuple[bool, Changes]]) -> None:
    """Names of a branch that leaves are gone; what it did to objects stays."""
    kept = []
    for alive, changes in branches:
        if not alive:
            local = id(frame.env.names)
            changes = {where: change for where, change in changes.items() if where[0] != local}
        kept.append(changes)
    alive_branches = [changes for (alive, _), changes in zip(branches, kept, strict=True) if alive]
    for (alive, _), changes in zip(branches, kept, strict=True):
        if not alive and changes:
            m.join([changes, {}])
    if alive_branches:
        m.join(alive_branches)


@registers(CONTROL, "handler")
def _handler(m: Machine, frame: Frame, value: Value, index: int) -> int:
    """An except clause runs rarely: only names that nothing else bound are kept."""
    end = value.number
    guard = Guard(Node("exception", {}), True, False)
    _, changes = m.guarded(guard, lambda: m.run(frame, index + 1, end))
    for mapping, key, old, new in changes.values():
        if old is MISSING:
            m.write(mapping, key, new)
    return end


@registers(CONTROL, "with")
def _with(m: Machine, frame: Frame, value: Value, index: int) -> int:
    end = value.number
    context = frame.results[value.operands[0]]
    frame.results[index] = enter(m, context, frame, index)
    severing = isinstance(context, Thing) and context.row.op == "no_grad"
    m.no_grad += severing
    try:
        return end if m.run(frame, index + 1, end) else DEAD
    finally:
        m.no_grad -= severing


def enter(m: Machine, context: Node, frame: Frame, index: int) -> Node:
    """What `with context as x` binds: the context itself, unless its class says otherwise."""
    if context.op == "instance":
        method = m.get(context, "__enter__", value_site(frame, index))
        if method.op == "function":
            return m.call(method, [], {}, value_site(frame, index))
    return context


@registers(CONTROL, "return")
def _return(m: Machine, frame: Frame, value: Value, index: int) -> int:
    frame.returns.append(frame.results[value.operands[0]])
    return DEAD


@registers(CONTROL, "raise", "break", "continue")
def _leave(m: Machine, frame: Frame, value: Value, index: int) -> int:
    return DEAD


@registers(STEPS, "while_test")
def _while_test(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    node: Node = frame.results[value.operands[0]]
    return node


@registers(STEPS, "next")
def _next(m: Machine, frame: Frame, value: Value, index: int) -> Node:
    return frame.elements[value.operands[0]]


@registers(CONTROL, "loop")
def _loop(m: Machine, frame: Frame, value: Value, index: int) -> int:
    end = value.number
    iterable = frame.results[value.operands[0]] if value.operands else None
    outer, m.loops = m.loops, (*m.loops, value_site(frame, index))
    noticed, frame.structural = frame.structural, False
    try:
        items = known_items(iterable)
        if items is None and isinstance(iterable, Seq) and iterable.kind != "dataset" and structural(iterable):
            items = list(iterable.items)  # at least these; more of their kind may follow
        if items is not None and _builds(m, frame, index, end, items):
            for item in items:
                frame.elements[index] = varying(item)
                if m.steps <= MAX_STEPS:
                    m.run(frame, index + 1, end)
        elif items is None or items:
            frame.elements[index] = element(m, frame, index, iterable, items)
            _repeat(m, frame, index, end, Loop(len(items) if items else None, _parts(frame.elements[index])))
    finally:
        m.loops, frame.structural = outer, noticed
    return end


def _parts(element: Node, depth: int = 3) -> frozenset[int]:
    """What a loop hands to its body: the element, and what it is unpacked into."""
    inner = element.operands() if isinstance(element, (Seq, Phi)) and depth else iter(())
    return frozenset({id(element)}).union(*[_parts(part, depth - 1) for part in inner])


def known_items(iterable: Node | None) -> list[Node] | None:
    """The items a loop will see, when they are few and known."""
    if isinstance(iterable, Seq) and not iterable.state["open"] and iterable.kind != "dataset":
        return list(iterable.items)
    if isinstance(iterable, Dict) and Dict.ANY not in iterable.entries:
        return [key_node(key) for key in iterable.entries]
    return None


def _builds(m: Machine, frame: Frame, index: int, end: int, items: list[Node]) -> bool:
    """Whether passes of a loop are worth telling apart: its items, or what it builds with them, are network parts."""
    if len(items) > UNROLL or m.steps > MAX_STEPS:
        return False
    if any(structural(item) for item in items) or len(items) == 1:
        return True
    if not items:
        return False
    frame.elements[index] = varying(items[0])
    _draft(m, frame, index, end)
    return frame.structural


def _draft(m: Machine, frame: Frame, index: int, end: int) -> Changes:
    """Follow a loop's body once for what it writes, and forget what it did."""
    events, nodes = len(m.events), len(m.nodes)
    m.drafts += 1
    try:
        _, changes = m.follow(lambda: m.run(frame, index + 1, end))
    finally:
        m.drafts -= 1
    del m.events[events:]
    del m.nodes[nodes:]
    return changes


def varying(item: Node) -> Node:
    """A loop's own constant, marked as such, so that what is picked by it is known to differ from pass to pass."""
    if isinstance(item, Const):
        item = Const(item.value, item.assumed, item.site)
        item.varies = True
    elif isinstance(item, Seq) and any(isinstance(part, Const) for part in item.items):
        item = Seq(item.kind, tuple(varying(part) for part in item.items), item.site)
    return item


def structural(node: Node, depth: int = 5) -> bool:
    """Whether a node is a part that networks are built of (a layer, a function, drawn weights), or holds one."""
    if isinstance(node, (Seq, Dict)):
        return depth > 0 and any(structural(item, depth - 1) for item in node.operands())
    if node.op in ("multiply", "divide", "add", "subtract"):
        parts = list(node.operands())
        return depth > 0 and any(structural(part, depth - 1) and not isinstance(part, Const) for part in parts)
    if isinstance(node, Phi):
        return depth > 0 and any(structural(option, depth - 1) for option in node.options)
    return node.op in STRUCTURAL


STRUCTURAL = frozenset("function class instance thing library method variable placeholder".split()) | INITIALIZERS


def element(m: Machine, frame: Frame, index: int, iterable: Node | None, items: list[Node] | None) -> Node:
    """What stands for any item of an iterable."""
    if items:
        return merge(items)
    if isinstance(iterable, Seq) and iterable.kind == "dataset":
        return Seq("tuple", iterable.items, iterable.site) if len(iterable.items) > 1 else iterable.items[0]
    if isinstance(iterable, (Seq, Dict)) and any(True for _ in iterable.operands()):
        return merge(list(iterable.operands()))
    operands = {} if iterable is None else {"x": iterable}
    return m.node("next", operands, value_site(frame, index), iterable.framework if iterable is not None else "")


def _repeat(m: Machine, frame: Frame, index: int, end: int, loop: Loop) -> None:
    """A first pass finds what the loop carries; in the second, each such value meets itself."""
    if m.drafts:
        m.run(frame, index + 1, end)
        return
    changes = _draft(m, frame, index, end)
    if frame.structural:  # a stack of layers of unknown depth: one pass shows one layer, and none meets itself
        m.run(frame, index + 1, end)
        _grow(m, changes)
        return
    carried = _carried(frame, changes, loop)
    for mapping, key, met in carried:
        m.write(mapping, key, met)
    m.run(frame, index + 1, end)
    for mapping, key, met in carried:
        _close(met, mapping.get(key, met))
    _grow(m, changes)


def _carried(frame: Frame, changes: Changes, loop: Loop) -> list[tuple[dict[Any, Any], Any, Any]]:
    """What a loop carries from pass to pass: (where, key, value that meets itself)."""
    found: list[tuple[dict[Any, Any], Any, Any]] = []
    for mapping, key, old, new in changes.values():
        if isinstance(old, Node) and isinstance(new, Node) and old is not new:
            found.append((mapping, key, _met(old, new, loop)))
        elif old is MISSING and isinstance(new, Node) and mapping is not frame.env.names:
            met = Phi([new], loop=loop) if key in (Dict.ANY, ANY_ITEM) else new  # h[t] is made from h[t - 1]
            found.append((mapping, key, met))
        elif key == "items" and isinstance(old, tuple) and len(new) > len(old) > 0:  # hs.append(f(hs[-1]))
            found.append((mapping, key, (*old, Phi([old[-1], new[-1]], loop=loop))))
    return found


def _met(old: Node, new: Node, loop: Loop) -> Node:
    """What a loop carries: a Phi, or for a structure of one shape the structure of its Phis."""
    if isinstance(old, Seq) and isinstance(new, Seq) and len(old.items) == len(new.items):
        met = Seq(old.kind, tuple(_met(a, b, loop) for a, b in zip(old.items, new.items, strict=True)), old.site)
        met.state["open"] = old.state["open"]
        return met
    if isinstance(old, Dict) and isinstance(new, Dict) and old.entries.keys() == new.entries.keys():
        return Dict({key: _met(old.entries[key], new.entries[key], loop) for key in old.entries}, old.site)
    return old if same(old, new) else Phi([old, new], loop=loop)


def _close(met: Any, after: Any) -> None:
    """After the second pass: each Phi of the loop meets what that pass made of it."""
    if isinstance(met, tuple):
        if len(after) > len(met):
            met[-1].options[-1] = after[-1]
        return
    if isinstance(met, Phi) and met.loop and after is not met:
        met.options[-1] = _latest(after, met)
    elif isinstance(met, Seq) and isinstance(after, Seq):
        for one, other in zip(met.items, after.items, strict=False):
            _close(one, other)
    elif isinstance(met, Dict) and isinstance(after, Dict):
        for key, one in met.entries.items():
            _close(one, after.entries.get(key, one))


def _latest(node: Node, phi: Phi) -> Node:
    """What the second pass made of a loop's state, without the state it came from."""
    split = isinstance(node, Phi) and not node.loop
    rest = [option for option in options(node) if option is not phi] if split else [node]
    return merge(rest) if rest else node


def _grow(m: Machine, changes: Changes) -> None:
    for mapping, key, old, new in changes.values():
        if key == "items" and isinstance(old, tuple) and isinstance(new, tuple) and len(new) > len(old):
            m.write(mapping, "open", True)
