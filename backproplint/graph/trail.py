"""The trail: every write of a program that is followed, so that a branch can be undone and merged with another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backproplint.graph.choices import merge
from backproplint.graph.nodes import Node, now

Change = tuple[dict[Any, Any], Any, Any, Any]  # mapping, key, old value, new value
Changes = dict[tuple[int, Any], Change]  # by the identity of the mapping, and the key
MISSING: Any = object()


class Trail:
    """Writes to mappings: names, attributes, items, lengths of lists."""

    def __init__(self) -> None:
        self.trail: list[Changes] = []
        self.starts: list[int] = []  # when each stretch of the trail began

    def write(self, mapping: dict[Any, Any], key: Any, value: Any) -> None:
        """Store a value where a branch being followed can undo it."""
        self._log(mapping, key, mapping.get(key, MISSING), value)
        mapping[key] = value

    def _log(self, mapping: dict[Any, Any], key: Any, old: Any, value: Any) -> None:
        if self.trail and getattr(mapping, "born", 0) < self.starts[-1]:
            log, where = self.trail[-1], (id(mapping), key)
            log[where] = (mapping, key, log[where][2] if where in log else old, value)

    def follow(self, run: Callable[[], bool]) -> tuple[bool, Changes]:
        """Run a piece of code and undo its writes; gives whether its end is reached, and the writes."""
        self.trail.append({})
        self.starts.append(now())
        try:
            alive = run()
        finally:
            changes = self.trail.pop()
            self.starts.pop()
            for mapping, key, old, _ in changes.values():
                if old is MISSING:
                    mapping.pop(key, None)
                else:
                    mapping[key] = old
        return alive, changes

    def watched(self, run: Callable[[], Node]) -> tuple[Node, Changes]:
        """Run a piece of code whose writes stand; gives its value, and its writes to what was there before."""
        self.trail.append({})
        self.starts.append(now())
        try:
            value = run()
        finally:
            changes = self.trail.pop()
            self.starts.pop()
            for mapping, key, old, new in changes.values():
                self._log(mapping, key, old, new)
        return value, changes

    def join(self, branches: list[Changes]) -> None:
        """Write what the branches wrote, merged where they differ from each other or from what stood before."""
        written = {where: change for changes in branches for where, change in changes.items()}
        for where, (mapping, key, old, _) in written.items():
            values = [changes[where][3] if where in changes else old for changes in branches]
            self.write(mapping, key, _joined([value for value in values if value is not MISSING]))


def _joined(values: list[Any]) -> Any:
    if all(isinstance(value, Node) for value in values):
        return merge(values)
    if all(isinstance(value, tuple) for value in values):  # items of a list, grown in some of the branches
        longest = max(values, key=len)
        rows = [[value[k] for value in values if k < len(value)] for k in range(len(longest))]
        return tuple(merge(row) for row in rows)
    return any(values)  # whether a list grows by an unknown number
