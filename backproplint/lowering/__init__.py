"""libcst tree to Graph: the only reader of libcst. Lowering one file is pure and depends on that file alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

# Imported for what they register: the handlers of each node class.
from backproplint.graph.values import Graph
from backproplint.lowering import comprehensions, expressions, functions, statements  # noqa: F401
from backproplint.lowering.builder import Builder

Span = tuple[int, int, int, int]


class InvalidSource(Exception):
    """A text that is no Python 3: one line of reason, and where (row and column from 1)."""

    def __init__(self, message: str, row: int, column: int) -> None:
        super().__init__(message)
        self.message, self.row, self.column = message, row, column


def lower(text: str, filename: str) -> Graph:
    """Lower one file's text. Raises InvalidSource when it is not Python 3, RecursionError when it nests too deep."""
    builder = _build(_parse(text), remember=False)
    return Graph(filename, builder.scopes)


def positions(text: str, sites: set[tuple[int, int]]) -> dict[tuple[int, int], Span]:
    """Where values stand: (scope, value) to row, column, end row, end column, all from 1, ends exclusive in column.

    Parses and lowers the text again, so that the hot path carries no positions; `text` is what `lower` was given.
    """
    from libcst import metadata  # deferred: only files with a finding need it

    wrapper = metadata.MetadataWrapper(_parse(text), unsafe_skip_copy=True)
    nodes = _build(wrapper.module, remember=True).nodes
    ranges = wrapper.resolve(metadata.PositionProvider)
    found = {}
    for site in sites:
        node = nodes.get(site)
        if node is not None and node in ranges:
            start, end = _start(node, ranges), ranges[node].end
            found[site] = (start.line, start.column + 1, end.line, end.column + 1)
    return found


def _start(node: cst.CSTNode, ranges: Mapping[cst.CSTNode, Any]) -> Any:
    """A method call in a chain over several lines is found at its own name, not where the chain begins."""
    start = ranges[node].start
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        name = ranges[node.func.attr].start
        return name if name.line != start.line else start
    return start


def _parse(text: str) -> cst.Module:
    try:
        return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        reason = error.message.splitlines()[0]
        raise InvalidSource(reason, error.raw_line, error.raw_column + 1) from None


def _build(module: cst.Module, remember: bool) -> Builder:
    builder = Builder(remember)
    builder.enter("module", "")
    for statement in module.body:
        builder.value(statement)
    builder.leave()
    return builder
