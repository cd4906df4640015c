"""Curves in text: a plot with labelled axes for `demo`, and sparklines to stand beside a table."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from backproplint.report.terminal import Terminal
from backproplint.rule import Curves

HEIGHT, WIDEST = 14, 80  # rows and columns of a plot
SPARK = 24  # characters of a sparkline at most
SIGNS = "●○▲△", "*o+x"  # of the series, where there is Unicode and where there is not
STEPS = " ▁▂▃▄▅▆▇█"[1:], "_.-=+*%#"  # of a sparkline, low to high
STYLES = "31", "32", "36", "33"


def plot(curves: Curves, terminal: Terminal) -> Iterator[str]:
    """Yield the lines of a plot, at most the terminal's width: title, axes with ticks and names, legend."""
    low, high = span(curves)
    ticks = [y for y in _ticks(low, high, 5, curves.log) if low <= y <= high]
    labels = {_row(y, low, high): tick(y, curves.log) for y in ticks}
    margin = max(map(len, labels.values()))
    width = min(terminal.width, WIDEST)
    columns = width - margin - 3
    for name in (curves.title, curves.y):
        yield from textwrap.wrap(terminal.say(name), width)
    corner, along, up, mark = "└─│┤" if terminal.unicode else "+-||"
    for row, cells in enumerate(_cells(curves, columns, low, high)):
        line = "".join(" " if number is None else _sign(number, terminal) for number in cells)
        yield f"{labels.get(row, ''):>{margin}} {mark if row in labels else up}{line}".rstrip()
    yield f"{'':>{margin}} {corner}{along * columns}"
    yield " " * (margin + 2) + _axis(curves, columns)
    for line in textwrap.wrap(terminal.say(curves.x), columns):
        yield (" " * (margin + 2) + line.center(columns)).rstrip()
    yield from _legend(curves, terminal)


def span(curves: Curves) -> tuple[float, float]:
    """Return the range of y that holds all curves: a power of ten at least, or from 0 where nothing is below."""
    values = [y for _, _, ys in curves.series for y in ys]
    low, high = min(values), max(values)
    if curves.log:
        return (low, high) if high >= low + 1.0 else (math.floor(low), math.floor(low) + 2.0)
    low = min(low, 0.0)
    return low, high if high > low else low + 1.0


def tick(value: float, log: bool = False) -> str:
    """Return the number at a tick; with `log` its value is a power of ten."""
    if not log:
        return f"{value:.4g}"
    if -4 <= value < 5:
        return f"{10.0**value:g}" if value == int(value) else f"{10.0**value:.2g}"
    return f"1e{value:.0f}"


def sparks(curves: Curves, terminal: Terminal) -> Iterator[str]:
    """Yield a line that names the axes, then one for each series: its label and its shape, all on one scale."""
    low, high = span(curves)
    names = [terminal.say(label) for label, _, _ in curves.series]
    side = min(max(map(len, names)), terminal.width // 2)
    first, last = (tick(end(xs)) for end, xs in zip((min, max), [curves.series[0][1]] * 2, strict=True))
    about = f"{curves.y} ({tick(low, curves.log)} to {tick(high, curves.log)}), {curves.x}: {first} to {last}"
    yield from textwrap.wrap(terminal.say(about), terminal.width)
    steps = STEPS[not terminal.unicode]
    for name, (_, xs, ys) in zip(names, curves.series, strict=True):
        size = min(len(ys), SPARK, terminal.width - side - 2)
        picked = [_at(xs[0] + (xs[-1] - xs[0]) * place / max(size - 1, 1), xs, ys) for place in range(size)]
        levels = [round((y - low) / (high - low) * (len(steps) - 1)) for y in picked]
        yield f"{name[:side]:<{side}}  " + "".join(steps[level] for level in levels)


def _sign(number: int, terminal: Terminal) -> str:
    signs = SIGNS[not terminal.unicode]
    return terminal.paint(signs[number % len(signs)], STYLES[number % len(STYLES)])


def _cells(curves: Curves, columns: int, low: float, high: float) -> list[list[int | None]]:
    """The plot's rows, top first: in each cell the number of the series that passes; the first ones lie on top."""
    cells: list[list[int | None]] = [[None] * columns for _ in range(HEIGHT)]
    left, right = _ends(curves)
    for number, (_, xs, ys) in reversed(list(enumerate(curves.series))):
        before = None
        for column in range(columns):
            row = _row(_at(left + (right - left) * column / (columns - 1), xs, ys), low, high)
            # a jump is drawn as a column of signs, so that the eye can follow it
            rows = range(min(row, before), max(row, before) + 1) if before is not None else range(row, row + 1)
            for passed in rows if abs(row - (row if before is None else before)) > 1 else (row,):
                cells[passed][column] = number
            before = row
    return cells


def _row(y: float, low: float, high: float) -> int:
    return round((high - y) / (high - low) * (HEIGHT - 1))


def _ends(curves: Curves) -> tuple[float, float]:
    every = [x for _, xs, _ in curves.series for x in xs]
    return min(every), max(max(every), min(every) + 1e-9)


def _at(x: float, xs: list[float], ys: list[float]) -> float:
    """The height of the line through the points at `x`."""
    for (x0, y0), (x1, y1) in zip(zip(xs, ys, strict=True), zip(xs[1:], ys[1:], strict=True), strict=False):
        if x <= x1:
            return y0 if x <= x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return ys[-1]


def _ticks(low: float, high: float, many: int, whole: bool) -> list[float]:
    """Round numbers from low to high, about so many; with `whole` only whole ones."""
    raw = (high - low) / many
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * size for size in (1, 2, 5, 10) if power * size >= raw * 0.999)
    step = max(1.0, step) if whole else step
    return [step * k for k in range(math.floor(low / step), math.ceil(high / step) + 1)]


def _axis(curves: Curves, columns: int) -> str:
    """The numbers below the x axis, each centred under its place, as many as fit."""
    left, right = _ends(curves)
    line = ""
    for x in _ticks(left, right, 6, whole=all(x == int(x) for _, xs, _ in curves.series for x in xs)):
        text, place = tick(x), round((x - left) / (right - left) * (columns - 1))
        start = min(max(place - len(text) // 2, 0), columns - len(text))
        if left <= x <= right and (not line or start > len(line)):
            line = line.ljust(start) + text
    return line


def _legend(curves: Curves, terminal: Terminal) -> Iterator[str]:
    """One entry a series, side by side while they fit."""
    line, length = "", 0
    for number, (label, _, _) in enumerate(curves.series):
        size = len(terminal.say(label)) + 5
        if line and length + size > min(terminal.width, WIDEST) + 3:
            yield line.rstrip()
            line, length = "", 0
        line, length = f"{line}{_sign(number, terminal)} {terminal.say(label)}   ", length + size
    yield line.rstrip()
