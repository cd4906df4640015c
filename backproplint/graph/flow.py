"""The view of values: where a loss sends gradient, and by which way it gets there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from backproplint import ops
from backproplint.graph.nodes import Dict, Node, Phi, Seq
from backproplint.rule import Mark, Reason, Site, Undecided

WIDEST = 20_000  # nodes one loss may reach; the largest real training step followed so far stays below a third
# What an op is made of besides its canonical operands, and what gradient also flows into.
_ALSO = {"dense": ("weight", "bias"), "conv": ("weight", "bias"), "index": (), "sum": ("0", "1", "2", "3", "4", "5")}
# Operations that only pick or rename: gradient passes them, and nothing of interest happens.
PLAIN = frozenset("shape index next cast loader phi seq dict concat stack dropout identity".split())
# Made by following the program, not by a library: what gradient passes through them.
_STRUCTURAL = {
    "index": ("x",), "next": ("x",), "loader": ("x",), "attribute": ("of",), "test": ("a", "b"),
    "clip_gradients": ("gradients",), "updates": ("gradients",), "moments": ("x",), "normalized": ("x",),
}  # fmt: skip


def gradient_operands(node: Node) -> tuple[list[Node], bool]:
    """The nodes that a gradient arriving at `node` flows on to, and whether that is known for sure."""
    if node.severed:
        return [], True
    if isinstance(node, (Phi, Seq, Dict)):
        return list(node.operands()), True
    names = ops.flows(node.op)
    if names is None:
        names = _STRUCTURAL.get(node.op)
    if names is not None:
        also = _ALSO.get(node.op, ())
        return [node.args[name] for name in (*names, *also) if name in node.args], True
    if node.op == "unknown":
        return [arg for name, arg in node.args.items() if name != "callee"], False
    return [], True


_Queue = deque[tuple[Node, Node | None]]  # nodes to visit, each with the one it was reached from


class Flow:
    """Everything that one loss sends gradient to.

    `nodes` in order of distance; `unsure` holds those reached only through a call that nobody knows. `without` are
    nodes that the walk does not pass, `most` is how many it may reach.
    """

    def __init__(self, loss: Node | Iterable[Node], without: frozenset[int] = frozenset(), most: int = WIDEST) -> None:
        self._most = most
        losses = [loss] if isinstance(loss, Node) else list(loss)
        self.nodes: list[Node] = []
        self.unsure: set[int] = set()
        self.consumers: dict[int, list[Node]] = {}
        self._down: dict[int, Node | None] = {}
        self._through: dict[frozenset[str], set[int]] = {}
        start: _Queue = deque((node, None) for node in losses)
        later: _Queue = deque()
        self._walk(start, without, later, sure=True)
        self._walk(later, without, later, sure=False)

    def _walk(self, queue: _Queue, without: frozenset[int], later: _Queue, sure: bool) -> None:
        while queue and len(self.nodes) < self._most:
            node, down = queue.popleft()
            if down is not None:
                self.consumers.setdefault(id(node), []).append(down)
            if id(node) in self._down or id(node) in without:
                continue
            self._down[id(node)] = down
            self.nodes.append(node)
            if not sure:
                self.unsure.add(id(node))
            onward, known = gradient_operands(node)
            (queue if known or not sure else later).extend((up, node) for up in onward)

    def __contains__(self, node: Node) -> bool:
        return id(node) in self._down

    def way(self, node: Node) -> list[Node]:
        """The nodes from `node` down to the loss, both included; [] when no gradient gets there."""
        if node not in self:
            return []
        path: list[Node] = []
        at: Node | None = node
        while at is not None:
            path.append(at)
            at = self._down[id(at)]
        return path

    def through(self, node: Node, kinds: frozenset[str]) -> bool:
        """Whether an op of these kinds stands on the way from `node` to the loss; asked of all nodes at once."""
        found = self._through.get(kinds)
        if found is None:
            found = self._through[kinds] = set()
            for at in self.nodes:  # those nearer to the loss come first
                down = self._down[id(at)]
                if down is not None and (down.op in kinds or id(down) in found):
                    found.add(id(at))
        return id(node) in found


def marks(*steps: tuple[Node | Site | None, str]) -> list[Mark]:
    """Flow steps for nodes and sites that have a place in the code, without two on one place."""
    found: list[Mark] = []
    for where, message in steps:
        site = where.site if isinstance(where, Node) else where
        if site is not None and all(mark.site != site for mark in found):
            found.append(Mark(site, message))
    return found


def undecided(where: Node | Site | None, reason: Reason) -> Iterator[Undecided]:
    """A place that a rule could not judge, if it has a place in the code."""
    site = where.site if isinstance(where, Node) else where
    if site is not None:
        yield Undecided(site, reason)


def plain(node: Node) -> Node:
    """The value behind operations that only pick or rename, as long as there is just one."""
    while node.op in PLAIN and not isinstance(node, (Seq, Dict)):
        onward, _ = gradient_operands(node)
        if len(onward) != 1:
            return node
        node = onward[0]
    return node
