"""Branches, loops, contexts and returns: which code runs, how often, under which test."""

from __future__ import annotations

from backproplint.graph.machine import (
    CONTROL,
    DEAD,
    MISSING,
    STEPS,
    Change,
    Frame,
    Guard,
    Machine,
    registers,
    truth,
    value_site,
)
from backproplint.graph.nodes import Const, Dict, Node, Phi, Seq, Thing, merge
from backproplint.graph.values import Value

UNROLL = 32  # passes of a loop over known items; deeper stacks than this repeat a pattern already seen
Changes = dict[tuple[int, object], Change]


@registers(CONTROL, "if")
def _if(m: Machine, frame: Frame, value: Value, index: int) -> int:
    middle, end = value.data  # type: ignore[misc]
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
    end: int = value.data  # type: ignore[assignment]
    guard = Guard(Node("exception", {}), True, False)
    _, changes = m.guarded(guard, lambda: m.run(frame, index + 1, end))
    for mapping, key, old, new in changes.values():
        if old is MISSING:
            m.write(mapping, key, new)
    return end


@registers(CONTROL, "with")
def _with(m: Machine, frame: Frame, value: Value, index: int) -> int:
    end: int = value.data  # type: ignore[assignment]
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
    end: int = value.data  # type: ignore[assignment]
    iterable = frame.results[value.operands[0]] if value.operands else None
    outer, m.loops = m.loops, (*m.loops, value_site(frame, index))
    structural, frame.structural = frame.structural, False
    try:
        items = known_items(iterable)
        if items is not None and _builds(m, frame, index, end, items):
            for item in items:
                frame.elements[index] = item
                m.run(frame, index + 1, end)
        elif items is None or items:
            frame.elements[index] = element(m, frame, index, iterable, items)
            _repeat(m, frame, index, end)
    finally:
        m.loops, frame.structural = outer, structural
    return end


def known_items(iterable: Node | None) -> list[Node] | None:
    """The items a loop will see, when they are few and known."""
    if isinstance(iterable, Seq) and not iterable.state["open"]:
        return list(iterable.items)
    if isinstance(iterable, Dict) and Dict.ANY not in iterable.entries:
        return [Const(key) if isinstance(key, (str, int, float)) else Node("key", {}) for key in iterable.entries]
    return None


def _builds(m: Machine, frame: Frame, index: int, end: int, items: list[Node]) -> bool:
    """Whether passes of a loop are worth telling apart: its items, or what it builds with them, are network parts."""
    if len(items) > UNROLL:
        return False
    if any(structural(item) for item in items) or len(items) == 1:
        return True
    if not items:
        return False
    frame.elements[index] = items[0]
    events = len(m.events)
    m.drafts += 1
    m.follow(lambda: m.run(frame, index + 1, end))
    m.drafts -= 1
    del m.events[events:]
    return frame.structural


def structural(node: Node, depth: int = 3) -> bool:
    """Whether a node is a part that networks are built of, or holds one."""
    if isinstance(node, (Seq, Dict)):
        return depth > 0 and any(structural(item, depth - 1) for item in node.operands())
    return not isinstance(node, (Const, Phi)) and (node.op in STRUCTURAL)


STRUCTURAL = frozenset(
    "function class instance thing library method variable placeholder normal truncated_normal uniform zeros ones full "
    "multiply divide subtract add xavier_normal xavier_uniform he_normal he_uniform".split()
)


def element(m: Machine, frame: Frame, index: int, iterable: Node | None, items: list[Node] | None) -> Node:
    """What stands for any item of an iterable."""
    if items:
        return merge(items)
    if isinstance(iterable, (Seq, Dict)) and any(True for _ in iterable.operands()):
        return merge(list(iterable.operands()))
    operands = {} if iterable is None else {"x": iterable}
    return m.node("next", operands, value_site(frame, index), iterable.framework if iterable is not None else "")


def _repeat(m: Machine, frame: Frame, index: int, end: int) -> None:
    """A first pass finds what the loop carries; in the second, each such value meets itself."""
    if m.drafts:
        m.run(frame, index + 1, end)
        return
    events = len(m.events)
    m.drafts += 1
    _, changes = m.follow(lambda: m.run(frame, index + 1, end))
    m.drafts -= 1
    del m.events[events:]
    carried = []
    for mapping, key, old, new in changes.values():
        if isinstance(old, Node) and isinstance(new, Node) and old is not new:
            phi = Phi([old, new], loop=True)
            m.write(mapping, key, phi)
            carried.append((mapping, key, phi))
        elif old is MISSING and isinstance(new, Node) and mapping is not frame.env.names:
            m.write(mapping, key, new)
    m.run(frame, index + 1, end)
    for mapping, key, phi in carried:
        if mapping.get(key) is not phi:
            phi.options[1] = mapping[key]
    _grow(m, changes)


def _grow(m: Machine, changes: Changes) -> None:
    for mapping, key, old, new in changes.values():
        if key == "items" and isinstance(old, tuple) and isinstance(new, tuple) and len(new) > len(old):
            m.write(mapping, "open", True)
