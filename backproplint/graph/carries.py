"""What loops carry: each leaf of a state is a value that meets itself."""

from __future__ import annotations

from collections.abc import Iterator

from backproplint.graph.choices import same
from backproplint.graph.nodes import Dict, Loop, Node, Phi, Seq

_DEEPEST = 4


def carried(state: Node, depth: int = _DEEPEST) -> Node:
    """A state as the body of a loop given as a function sees it, in its own structure."""
    if isinstance(state, Seq) and not state.state["open"] and depth:
        return Seq(state.kind, tuple(carried(item, depth - 1) for item in state.items), state.site)
    if isinstance(state, Dict) and depth:
        return Dict({key: carried(node, depth - 1) for key, node in state.entries.items()}, state.site)
    return Phi([state], loop=Loop(traced=True))


def meetings(before: Node, after: Node) -> Iterator[tuple[Phi, Node]]:
    """Each leaf of a state as a loop's body saw it, with what the body made of it."""
    if isinstance(before, Phi):
        if after is not before:
            yield before, after
    elif isinstance(before, Seq) and isinstance(after, Seq):
        for one, other in zip(before.items, after.items, strict=False):
            yield from meetings(one, other)
    elif isinstance(before, Dict) and isinstance(after, Dict):
        for key, one in before.entries.items():
            yield from meetings(one, after.entries.get(key, one))


def close(before: Node, after: Node) -> None:
    """After the body has been followed: each leaf of the state meets what the body made of it."""
    for phi, met in meetings(before, after):
        phi.options += [] if same(phi.options[0], met) else [met]
