"""Evidence as a plain table: one row a way of writing the code, hazard first and cure after it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from backproplint.report.terminal import Terminal
from backproplint.rule import Constant, Evidence

NARROWEST = 5  # characters to which a heading is wrapped so that all columns fit side by side


def table(evidence: Evidence, terminal: Terminal) -> Iterator[str]:
    """Yield the table's lines, at most the terminal's width; columns that do not fit are continued below."""
    labels = [terminal.say(label) for label, _ in evidence.rows]
    side = min(max(map(len, labels), default=0), terminal.width // 2)
    cells = [[f"{value:.3g}" for value in values] for _, values in evidence.rows]
    room = (terminal.width - side) // max(len(evidence.columns), 1) - 2
    heads = [textwrap.wrap(terminal.say(name), max(room, NARROWEST)) or [""] for name in evidence.columns]
    size = max((len(text) for texts in [*heads, *cells] for text in texts), default=0) + 2
    fit = max(1, (terminal.width - side) // size)
    for start in range(0, len(heads), fit):
        for line in _bottom(heads[start : start + fit]):
            yield (" " * side + "".join(f"{word:>{size}}" for word in line)).rstrip()
        for label, row in zip(labels, cells, strict=True):
            yield f"{label[:side]:<{side}}" + "".join(f"{cell:>{size}}" for cell in row[start : start + fit])


def constants(evidence: Evidence) -> str:
    """Return the constants measured with, and which of them are not the code's but the demo's own."""
    shown = {name: f"{name}={_shown(value)}" for name, value in evidence.parameters.items()}
    known = [text for name, text in shown.items() if name not in evidence.assumed]
    assumed = [shown[name] for name in evidence.assumed]
    said = (f"with {', '.join(known)}" if known else "", f"assumed: {', '.join(assumed)}" if assumed else "")
    return "; ".join(filter(None, said))


def settings(evidence: Evidence) -> str:
    """Return the options with which `demo` measures the same."""
    known = [(name, value) for name, value in evidence.parameters.items() if name not in evidence.assumed]
    return " ".join(f"--set {name}={value}" for name, value in known)


def _shown(value: Constant) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _bottom(heads: list[list[str]]) -> Iterator[tuple[str, ...]]:
    """Yield wrapped headings line by line, each flush with its last line."""
    height = max(map(len, heads))
    return zip(*([""] * (height - len(words)) + words for words in heads), strict=True)
