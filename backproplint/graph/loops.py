"""Loops: passes followed one by one where each uses another part of a network, else a state that meets itself."""

from __future__ import annotations

from typing import Any

from backproplint.graph.carries import meetings
from backproplint.graph.choices import merge, options, same
from backproplint.graph.control import known_items, structural
from backproplint.graph.flow import gradient_operands
from backproplint.graph.machine import (
    CONTROL,
    STEPS,
    Frame,
    Machine,
    registers,
    value_site,
)
from backproplint.graph.networks import BLANK
from backproplint.graph.nodes import ANY_ITEM, Const, Dict, Instance, Loop, Node, Phi, Seq, now
from backproplint.graph.parts import parameters_of
from backproplint.graph.shapes import length_of
from backproplint.graph.spans import turns_of
from backproplint.graph.trail import MISSING, Changes
from backproplint.graph.values import Value
from backproplint.ops import INITIALIZERS

MODULES = 256  # modules or parameters of one model that are told apart
UNROLL = 32  # passes of a loop over known items; deeper stacks than this repeat a pattern already seen


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
        if iterable is not None and iterable.op == "parameters" and _initialises(m, frame, index, end, iterable):
            items = parameters_of(m, iterable)
        if items is not None and _builds(m, frame, index, end, items):
            for item in items:
                frame.elements[index] = varying(item)
                if m.steps <= m.limit:
                    m.run(frame, index + 1, end)
        elif items is None or items:
            frame.elements[index] = element(m, frame, index, iterable, items)
            turns = len(items) if items else _turns(iterable)
            _repeat(m, frame, index, end, Loop(turns, _parts(frame.elements[index])))
    finally:
        m.loops, frame.structural = outer, noticed
    return end


def _turns(iterable: Node | None) -> int | None:
    """The length of a range or an array, or of the shortest of those that `zip` goes through."""
    if (turns := turns_of(iterable)) is not None:
        return turns
    rows = list(iterable.operands()) if isinstance(iterable, Seq) else []
    arrays = [item.args.get("x") for row in rows if isinstance(row, Seq) for item in row.items if item.op == "next"]
    lengths = map(length_of, arrays or [iterable])
    return min((length for length in lengths if length is not None), default=None)


def _parts(element: Node, depth: int = 3) -> frozenset[int]:
    """What a loop hands to its body: the element, and what it is unpacked into."""
    inner = element.operands() if isinstance(element, (Seq, Phi)) and depth else iter(())
    return frozenset({id(element)}).union(*[_parts(part, depth - 1) for part in inner])


def _builds(m: Machine, frame: Frame, index: int, end: int, items: list[Node]) -> bool:
    """Whether passes of a loop are worth telling apart: its items, or what it builds with them, are network parts."""
    most = MODULES if items and all(map(_of_model, items)) else UNROLL
    if len(items) > most or m.steps > m.limit:
        return False
    if any(structural(item) for item in items) or len(items) == 1 or _picks(frame, index, end):
        return True
    if not items:
        return False
    frame.elements[index] = varying(items[0])
    start = now()
    changes = _draft(m, frame, index, end)
    return frame.structural or _stacks(changes, start)


_PICKING = frozenset("load store item tuple list append binary unary compare next element attr".split())


def _picks(frame: Frame, index: int, end: int) -> bool:
    """Whether a pass only picks and puts together: `[vectors[k] for k in word]` is as long as `word`."""
    body = frame.scope.values[index + 1 : end]
    return body[-1:] != [] and body[-1].op == "append" and all(value.op in _PICKING for value in body)


_DEEPEST = 400  # nodes of one pass of a loop


def _stacks(changes: Changes, start: int) -> bool:
    """Whether a pass puts a layer that it made itself on top of what the pass before left."""
    grown = [new[len(old) :] for _, key, old, new in changes.values() if key == "items" and isinstance(old, tuple)]
    if any(_brings(item, start) for items in grown for item in items):
        return True
    pairs = [(old, new) for _, _, old, new in changes.values() if isinstance(old, Node) and isinstance(new, Node)]
    return any(_grown(old, new) or _built_on(old, new, start) for old, new in pairs if old is not new)


def _grown(old: Node, new: Node) -> bool:
    """`layers += [Linear(a, b), Sigmoid()]`."""
    if not (isinstance(old, Seq) and isinstance(new, Seq)) or new.kind == "dataset":
        return False
    return any(structural(item) for item in new.items[len(old.items) :])


def _brings(item: Node, start: int, depth: int = 4) -> bool:
    """Whether an item of a list is an object with weights or layers of its own, made in this pass.

    An object that only keeps what a step has computed, or weights that all of its kind share, is no layer of a stack.
    """
    if isinstance(item, (Seq, Phi)):
        return depth > 0 and any(_brings(part, start, depth - 1) for part in item.operands())
    if not isinstance(item, Instance) or item.born < start:
        return False
    inner = list(item.attrs.values()) if depth else []
    return bool(item.kind) or any(_own(part, start, depth - 1) for part in inner)


def _own(part: Node, start: int, depth: int) -> bool:
    if isinstance(part, Instance):
        return _brings(part, start, depth)
    if isinstance(part, (Seq, Dict, Phi)) or part.op in ("multiply", "divide", "add", "subtract", "shape"):
        return depth > 0 and any(_own(inner, start, depth - 1) for inner in part.operands())
    return part.born > start and part.op in _WEIGHTS


_WEIGHTS = (INITIALIZERS - BLANK) | {"variable", "thing", "unknown"}  # what nobody knows may be drawn


def _built_on(old: Node, new: Node, start: int) -> bool:
    seen: set[int] = set()
    waiting, made = [new], False
    while waiting and len(seen) < _DEEPEST:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node is old or node.born < start:
            continue
        made = made or node.op == "variable" or (node.layer is not None and node.layer.born > start)
        waiting += gradient_operands(node)[0]
    return made and id(old) in seen


def _of_model(item: Node) -> bool:
    """Whether a loop's item is a module or a parameter of a model, alone or with its name."""
    part = item.items[-1] if isinstance(item, Seq) and len(item.items) == 2 else item
    return part.op in ("instance", "thing", "variable")


def _initialises(m: Machine, frame: Frame, index: int, end: int, iterable: Node) -> bool:
    """Whether a loop over a model's parameters says how they start: then each is worth a pass of its own."""
    frame.elements[index] = element(m, frame, index, iterable, None)
    return any(key == "initial" for _, key in _draft(m, frame, index, end))


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
    start = now()
    changes = _draft(m, frame, index, end)
    # a stack of layers of unknown depth: one pass shows one layer, and none meets itself
    if frame.structural or _stacks(changes, start):
        m.run(frame, index + 1, end)
        _grow(m, changes)
        return
    _grow(m, changes, "grows")
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
    for phi, node in meetings(met, after):
        if phi.loop:
            phi.options[-1] = _latest(node, phi)


def _latest(node: Node, phi: Phi) -> Node:
    """What the second pass made of a loop's state, without the state it came from."""
    split = isinstance(node, Phi) and not node.loop
    rest = [option for option in options(node) if option is not phi] if split else [node]
    return merge(rest) if rest else node


def _grow(m: Machine, changes: Changes, how: str = "open") -> None:
    """Lists that a pass lengthens: after the loop they are `open`, within it nobody knows their length."""
    for mapping, key, old, new in changes.values():
        if key == "items" and isinstance(old, tuple) and isinstance(new, tuple) and len(new) > len(old):
            m.write(mapping, how, True)
