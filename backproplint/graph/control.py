"""Branches, contexts and returns: which code runs, under which test; what a loop over known items is."""

from __future__ import annotations

from backproplint.graph.choices import key_node
from backproplint.graph.layers import layers_of
from backproplint.graph.machine import (
    CONTROL,
    DEAD,
    STEPS,
    Frame,
    Guard,
    Machine,
    known_library,
    registers,
    truth,
    value_site,
)
from backproplint.graph.networks import BLANK, weight_like
from backproplint.graph.nodes import Const, Dict, Lib, Node, Phi, Seq, Thing
from backproplint.graph.scopes import entered
from backproplint.graph.trail import MISSING, Changes
from backproplint.graph.values import Value
from backproplint.ops import INITIALIZERS


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
    """An except clause runs rarely: only names that nothing else bound are kept, or that an import did not find."""
    end = value.number
    guard = Guard(Node("exception", {}), True, False)
    _, changes = m.guarded(guard, lambda: m.run(frame, index + 1, end))
    for mapping, key, old, new in changes.values():
        if old is MISSING or (isinstance(old, Lib) and not known_library(old) and not isinstance(new, (Lib, Const))):
            m.write(mapping, key, new)
    return end


@registers(CONTROL, "with")
def _with(m: Machine, frame: Frame, value: Value, index: int) -> int:
    end = value.number
    context = frame.results[value.operands[0]]
    frame.results[index] = enter(m, context, frame, index)
    severing = isinstance(context, Thing) and context.row.op == "no_grad"
    scope, outer = entered(m, context), m.scoped
    m.scoped = outer if scope is None else (*outer, scope)
    m.no_grad += severing
    try:
        return end if m.run(frame, index + 1, end) else DEAD
    finally:
        m.no_grad -= severing
        m.scoped = outer


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


def known_items(iterable: Node | None) -> list[Node] | None:
    """The items a loop will see, when they are few and known."""
    if isinstance(iterable, Seq) and not iterable.state["open"] and iterable.kind != "dataset":
        return list(iterable.items)
    if isinstance(iterable, Thing) and iterable.row.op == "sequential":
        return layers_of(iterable)
    if isinstance(iterable, Dict) and Dict.ANY not in iterable.entries:
        return [key_node(key) for key in iterable.entries]
    return None


def structural(node: Node, depth: int = 5, strict: bool = False) -> bool:
    """Whether a node is a part that networks are built of (a layer, a function, drawn weights), or holds one.

    With `strict`, neither vectors of zeros nor objects of the project's own classes are: what those hold must be asked.
    """
    if isinstance(node, (Seq, Dict)):
        return depth > 0 and any(structural(item, depth - 1, strict) for item in node.operands())
    if node.op in ("multiply", "divide", "add", "subtract"):
        parts = list(node.operands())
        return depth > 0 and any(structural(part, depth - 1, strict) and not isinstance(part, Const) for part in parts)
    if isinstance(node, Phi):
        return depth > 0 and any(structural(option, depth - 1, strict) for option in node.options)
    if strict and (node.op == "instance" or node.op in BLANK):
        return weight_like(node)
    return node.op in STRUCTURAL


STRUCTURAL = frozenset("function class instance thing library method variable placeholder".split()) | INITIALIZERS
