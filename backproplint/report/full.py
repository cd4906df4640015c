"""The report for people: what happens to the gradient, the path it takes through the code, and the numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from backproplint.report import Report, place
from backproplint.report.plot import sparks
from backproplint.report.table import constants, settings, table
from backproplint.report.terminal import Terminal
from backproplint.rule import Diagnostic, Location

FRAMEWORKS = {
    "tf1": "TensorFlow 1", "tf2": "TensorFlow 2", "keras": "Keras", "torch": "PyTorch", "jax": "JAX", "numpy": "NumPy",
}  # fmt: skip
SEVERITIES = {"error": "1;31", "warning": "1;33", "note": "1;36"}
PATH, FAINT, STEP = "1", "2", "36"


class Mark(NamedTuple):
    """One marked stretch of code: its place, what is said about it, and whether the finding points here."""

    location: Location
    text: str
    primary: bool


def render(report: Report, terminal: Terminal) -> str:
    """Return a block a diagnostic, with the numbers once for a rule and a file; empty where nothing was found."""
    told: set[tuple[str, ...]] = set()
    blocks = [_Block(found, report, terminal, told).lines() for found in report.diagnostics]
    return "\n\n".join("\n".join(lines) for lines in blocks)


class _Block:
    """One diagnostic as lines of text. `told` remembers, over all blocks, what need not be said again."""

    def __init__(self, found: Diagnostic, report: Report, terminal: Terminal, told: set[tuple[str, ...]]) -> None:
        self.found, self.code, self.terminal, self.told = found, report.code, terminal, told
        self.style = SEVERITIES[found.severity]
        self.marks = _marks(found, terminal)
        self.gutter = max(4, *(len(str(mark.location.row)) + 1 for mark in self.marks))
        self.bar, self.gap, self.more = "│⋮…" if terminal.unicode else ("|", ":", "...")

    def lines(self) -> list[str]:
        """Return the whole block: header, place, code frame, what was not seen, numbers, what to do next."""
        return [*self._header(), *self._frame(), *self._unseen(), *self._measured(), *self._next()]

    def _header(self) -> Iterator[str]:
        name = self.found.name
        first, *rest = self._wrap(f"{name}: {self.terminal.say(self.found.message)}", self.terminal.width, "  ")
        yield self.terminal.paint(name, self.style) + self.terminal.paint(first[len(name) :], "1")
        yield from (self.terminal.paint(line, "1") for line in rest)

    def _frame(self) -> Iterator[str]:
        about = (FRAMEWORKS.get(self.found.framework, self.found.framework), self.found.severity)
        known = self.terminal.say(" · ".join(filter(None, (*about, f"confidence: {self.found.confidence}"))))
        arrow = "╭─▶" if self.terminal.unicode else "-->"
        yield from self._place(arrow, self.found.location, known)
        at = self.found.location.filename
        for (filename, cell), marks in groupby(self.marks, lambda mark: (mark.location.filename, mark.location.cell)):
            group = list(marks)
            if (filename, cell) != (at, self.found.location.cell) or group[0] is not self.marks[0]:
                yield from self._place("├─▶" if self.terminal.unicode else "-->", group[0].location)
            yield from self._excerpt(group)
        yield self._edge()

    def _place(self, arrow: str, location: Location, known: str = "") -> Iterator[str]:
        where = self.terminal.quote(place(location))
        start = " " * self.gutter + self.terminal.paint(arrow, FAINT) + " "
        room = self.terminal.width - self.gutter - 4
        if len(where) + 2 + len(known) <= room:
            yield (start + self.terminal.paint(where, PATH) + "  " + known).rstrip()
        else:
            yield start + self.terminal.paint(where, PATH)
            yield self._edge(known)

    def _edge(self, text: str = "", row: str = "") -> str:
        return f"{row:>{self.gutter - 1}} {self.terminal.paint(self.bar, FAINT)} {text}".rstrip()

    def _excerpt(self, marks: list[Mark]) -> Iterator[str]:
        """Show the marked lines in the order of the flow, without the indentation that they share."""
        lines = [self._line(mark.location) for mark in marks]
        shared = min(len(line) - len(line.lstrip()) for line in lines)
        last = None
        for mark, line in zip(marks, lines, strict=True):
            row = mark.location.row
            if last is not None and row not in (last, last + 1):
                yield " " * self.gutter + self.terminal.paint(self.gap, FAINT)
            yield from self._marked(mark, line, shared, shown=row == last)
            last = row

    def _line(self, location: Location) -> str:
        line = self.code.get((location.filename, location.cell, location.row), "")
        return self.terminal.quote(line.expandtabs().rstrip())

    def _marked(self, mark: Mark, line: str, shared: int, shown: bool) -> Iterator[str]:
        raw = self.code.get((mark.location.filename, mark.location.cell, mark.location.row), "")
        start = len(raw[: mark.location.column - 1].expandtabs()) - shared
        one_row = mark.location.end_row == mark.location.row
        end = len(raw[: mark.location.end_column - 1].expandtabs()) - shared if one_row else len(line) - shared
        room = self.terminal.width - self.gutter - 3
        text, start, end = _window(line[shared:], max(start, 0), end, room, self.more)
        if not shown:
            yield self._edge(text, str(mark.location.row))
        yield from self._underline(mark, start, max(end, start + 1), room)

    def _underline(self, mark: Mark, start: int, end: int, room: int) -> Iterator[str]:
        sign = "━─" if self.terminal.unicode else "^-"
        style = self.style if mark.primary else STEP
        line = self.terminal.paint(sign[not mark.primary] * (end - start), style)
        if end + 1 + len(mark.text) <= room:
            yield self._edge((" " * start + line + " " + self.terminal.paint(mark.text, style)).rstrip())
            return
        yield self._edge(" " * start + line)
        indent = " " * (start if len(mark.text) <= room - start else 0)
        for part in self._wrap(mark.text, room - len(indent), "  "):
            yield self._edge(indent + self.terminal.paint(part, style))

    def _note(self, title: str, text: str, style: str = "") -> Iterator[str]:
        """Show `= title text`, wrapped below itself."""
        start = " " * (self.gutter - 1) + "= "
        parts = self._wrap(f"{title} {self.terminal.say(text)}", self.terminal.width - len(start), "  ")
        for number, part in enumerate(parts):
            yield (start if number == 0 else " " * len(start)) + self.terminal.paint(part, style)

    def _unseen(self) -> Iterator[str]:
        if self.found.unseen:
            yield from self._note("not seen:", "; ".join(self.found.unseen))

    def _measured(self) -> Iterator[str]:
        evidence = self.found.evidence
        if evidence is None:
            return
        new = self._first("numbers", repr(evidence))
        if self._first("numbers"):
            yield from self._note("measured", constants(evidence))
            indent = " " * (self.gutter + 3)
            narrower = self.terminal._replace(width=self.terminal.width - len(indent))
            yield from (indent + row for row in table(evidence, narrower))
            if not evidence.curves.told:
                yield from (indent + row for row in sparks(evidence.curves, narrower))
        elif new:
            yield from self._note("numbers:", f"backproplint demo {self.found.name} {settings(evidence)}")
        else:
            yield from self._note("numbers:", "see above")

    def _next(self) -> Iterator[str]:
        name = self.found.name
        if self.found.family == "input" or not self._first("next"):
            return
        why, again = f"backproplint rule {name}", f"numbers again: backproplint demo {name}"
        start = " " * (self.gutter - 1) + "= why   "
        if len(start) + len(why) + 3 + len(again) <= self.terminal.width:
            yield f"{start}{why}   {again}"
        else:
            yield start + why
            yield " " * len(start) + again
        yield " " * (self.gutter - 1) + f"= quiet # backproplint: ignore[{name}]"

    def _first(self, *what: str) -> bool:
        key = (self.found.name, self.found.location.filename, *what)
        fresh = key not in self.told
        self.told.add(key)
        return fresh

    def _wrap(self, text: str, width: int, indent: str) -> list[str]:
        return textwrap.wrap(text, max(width, 20), subsequent_indent=indent, break_on_hyphens=False) or [""]


def _marks(found: Diagnostic, terminal: Terminal) -> list[Mark]:
    """Number the steps; a finding whose own place is no step of its flow is marked first, without a number."""
    marks = []
    for position, step in enumerate(found.flow, 1):
        text = f"{_number(position, terminal)} {terminal.say(step.message)}"
        marks.append(Mark(step.location, text, _same(step.location, found.location)))
    return marks if any(mark.primary for mark in marks) else [Mark(found.location, "", True), *marks]


def _same(one: Location, other: Location) -> bool:
    """Tell whether two regions start at the same place."""
    return (one.filename, one.cell, one.row, one.column) == (other.filename, other.cell, other.row, other.column)


def _number(position: int, terminal: Terminal) -> str:
    return chr(ord("①") + position - 1) if terminal.unicode and position <= 20 else str(position)


def _window(line: str, start: int, end: int, room: int, more: str) -> tuple[str, int, int]:
    """Cut `line` to `room` columns around the mark; return it with the mark's new start and end."""
    left = 0 if end <= room - len(more) or start <= room // 2 else start - 8
    text = line[left : left + room]
    if left:
        text = more + text[len(more) :]
    if len(line) - left > room:
        text = text[: room - len(more)] + more
    return text, start - left, min(end - left, room)
