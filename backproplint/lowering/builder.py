"""Where lowered values are put: the open scope, its constants, and the walk's dispatch on node classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from backproplint.graph.values import Constant, Scope, Value

Handler = Callable[["Builder", Any], int]
HANDLERS: dict[type[cst.CSTNode], Handler] = {}


def lowers(*kinds: type[cst.CSTNode]) -> Callable[[Handler], Handler]:
    """Register a function that lowers these node classes and returns the operand it made."""

    def register(handler: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(kinds, handler))
        return handler

    return register


class Builder:
    """Collects scopes. `nodes`, when asked for, remembers the tree node behind each value for its position."""

    def __init__(self, remember: bool = False) -> None:
        self.scopes: list[Scope] = []
        self.nodes: dict[tuple[int, int], cst.CSTNode] = {}
        self.remember = remember
        self.renames: list[dict[str, str]] = []  # comprehension variables, which must not leak
        self._open: list[tuple[int, Scope, list[Value], dict[tuple[type, Constant], int]]] = []

    def enter(self, kind: str, name: str) -> int:
        """Open a scope; its index is the order in which scopes open."""
        scope = Scope(kind, name, [], [], [], [], 0, False)
        self.scopes.append(scope)
        self._open.append((len(self.scopes) - 1, scope, scope.values, {}))
        self._current()
        return len(self.scopes) - 1

    def leave(self) -> None:
        """Close the innermost scope."""
        self._open.pop()
        if self._open:
            self._current()

    def _current(self) -> None:
        self.number, self.scope, self.values, self._constants = self._open[-1]

    def emit(self, op: str, operands: list[int], data: Any, node: cst.CSTNode | None) -> int:
        """Append a value and return the operand that names it."""
        index = len(self.values)
        self.values.append(Value(op, operands, data))
        if self.remember and node is not None:
            self.nodes[self.number, index] = node
        return index

    def constant(self, value: Constant) -> int:
        """The operand of a constant; equal constants of a scope share one."""
        key = (type(value), value)
        found = self._constants.get(key)
        if found is None:
            self.scope.constants.append(value)
            found = self._constants[key] = -len(self.scope.constants)
        return found

    def value(self, node: cst.CSTNode) -> int:
        """Lower an expression or a statement; a node that no handler knows becomes an unknown value."""
        handler = HANDLERS.get(node.__class__)
        return handler(self, node) if handler else self.emit("unknown", [], None, node)

    def here(self) -> int:
        """The index that the next value will get: the end of a block that is complete."""
        return len(self.values)

    def renamed(self, name: str) -> str:
        """The name under which a variable is stored: comprehension variables get one of their own."""
        for renames in reversed(self.renames):
            if name in renames:
                return renames[name]
        return name
