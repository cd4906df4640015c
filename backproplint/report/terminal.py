"""What the place that a report is written to can show."""

from __future__ import annotations

import os
import shutil
import sys
from typing import NamedTuple

_ASCII = str.maketrans({
    "\N{GREEK SMALL LETTER DELTA}": "delta", "\N{GREEK SMALL LETTER SIGMA}": "sigma", "\N{MULTIPLICATION SIGN}": "x",
    "\N{PLUS-MINUS SIGN}": "+/-", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{EM DASH}": "-", "\N{MIDDLE DOT}": "-",
    "\N{RIGHTWARDS ARROW}": "->", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LESS-THAN OR EQUAL TO}": "<=", "\N{GREATER-THAN OR EQUAL TO}": ">=",
})  # fmt: skip


class Terminal(NamedTuple):
    """What the place that a report is written to can show: columns, colour, and more than ASCII."""

    width: int = 80
    color: bool = False
    unicode: bool = True

    def paint(self, text: str, style: str) -> str:
        """Return `text` in an ANSI style such as "1;31" (bold red), or as it is without colour."""
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and style and text else text

    def say(self, text: str) -> str:
        """Return prose with nothing in it that this terminal cannot show."""
        return self.quote(text if self.unicode else text.translate(_ASCII))

    def quote(self, text: str) -> str:
        """Return source text, or a path, with a `?` for each character that this terminal cannot show."""
        shown = "".join(c if c.isprintable() else "?" for c in text)
        return shown if self.unicode else shown.encode("ascii", "replace").decode()


def stdout(color: str) -> Terminal:
    """Return what stdout can show; `color` is auto, always or never, and NO_COLOR and FORCE_COLOR decide for auto."""
    asked = bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")
    automatic = asked and not os.environ.get("NO_COLOR")
    width = min(max(shutil.get_terminal_size((80, 24)).columns, 40), 120)
    return Terminal(width, automatic if color == "auto" else color == "always", _speaks_unicode(sys.stdout.encoding))


def file(color: str) -> Terminal:
    """Return what a file can hold: 80 columns of UTF-8, without colour unless asked for."""
    return Terminal(color=color == "always")


def _speaks_unicode(encoding: str | None) -> bool:
    try:
        "\N{BOX DRAWINGS HEAVY HORIZONTAL}\N{VERTICAL ELLIPSIS}\N{CIRCLED DIGIT ONE}".encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
