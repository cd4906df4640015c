"""Source of older Pythons read as today's, line for line: much TensorFlow 1 and early PyTorch code is of that age.

fissix rewrites only what a parser of Python 3 trips over, with fixers that never add or remove a line, so that a
finding's row is right in the file as it stands.
"""

from __future__ import annotations

import ast
import re
import tempfile
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from fissix.refactor import RefactoringTool

_FIXERS = "print except exec ne raise repr has_key numliterals unicode throw paren standarderror"


class Rescued(NamedTuple):
    """Source that parses now, and whether it had to be read as Python 2."""

    text: str
    python2: bool


def rescue(text: str) -> Rescued | None:
    """Source like `text` that parses, with the same lines; None when there is none or `text` already parses.

    Tabs and spaces mixed, or `async` as a name, do not make a file Python 2: they are tried first.
    """
    if parses(text):
        return None
    renewed = _renewed(text)
    if parses(renewed):
        return Rescued(renewed, python2=False)
    converted = convert(text)
    return None if converted is None else Rescued(converted, python2=True)


def convert(text: str) -> str | None:
    """Python 2 `text` as Python 3 with the same number of lines; None when that cannot be done. Never raises."""
    ending = "" if text.endswith("\n") else "\n"
    try:
        tree = _tool().refactor_string(_renewed(text) + ending, "<source>")
    except Exception:  # fissix raises ParseError, TokenError, AssertionError, KeyError, ... and OSError on import
        return None
    converted = str(tree)
    if converted.count("\n") != text.count("\n") + len(ending) or not parses(converted):
        return None
    return converted.removesuffix(ending)


def parses(text: str) -> bool:
    """Whether `text` is Python for the running interpreter; nothing is compiled or executed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the code that is read are not our warnings
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _renewed(text: str) -> str:
    """`text` with its indentation as Python 2 reads tabs (multiples of 8), and `async` as a name spelled `Async`.

    `async` became a keyword in Python 3.7; until then `x.cuda(async=True)` was how PyTorch was written. The new name is
    as long, so that columns stay.
    """
    text = re.sub(r"^[ \f]*\t[ \t\f]*", lambda indent: indent.group().expandtabs(8), text, flags=re.M)
    return re.sub(r"\basync\b(?!\s+(?:def|for|with)\b)", "Async", text)


@lru_cache(maxsize=1)
def _tool() -> RefactoringTool:
    """The fixers, imported once.

    fissix pickles its grammar into a folder in the user's home when it is imported, and raises when it cannot;
    a fresh private folder keeps the home clean and a planted pickle out.
    """
    import fissix

    usual = fissix.CACHE_DIR
    with tempfile.TemporaryDirectory(prefix="backproplint-") as folder:
        fissix.CACHE_DIR = Path(folder)
        try:
            from fissix.refactor import RefactoringTool

            return RefactoringTool([f"fissix.fixes.fix_{name}" for name in _FIXERS.split()])
        finally:
            fissix.CACHE_DIR = usual
