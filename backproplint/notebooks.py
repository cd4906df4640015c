"""Notebooks as one module: the code cells in order, so that cell 7 sees what cell 2 defined.

Every line of a cell stays a line. Only what is not Python is taken out: magic lines become `pass`, cells in another
language become blank lines. Cells are counted over all cells, Markdown included, as editors and ruff count them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from backproplint import python2

# What ruff takes for cell magics whose body is Python.
PYTHON_MAGICS = frozenset(("capture", "debug", "ipytest", "prun", "pypy", "python", "python3", "time", "timeit"))
_LANGUAGE = re.compile(r"i?py(thon|spark)", re.I)
_TARGET = re.compile(r"[\w.,* \t]+(?:\[[^\]]*\])?")
_HELP = re.compile(r"""[\w.*%\[\]'"]+\?{1,2}[ \t]*(?:#.*)?""")  # model.fit?
_COMMAND = re.compile(r"(?:cd|conda|cp|ls|mkdir|mv|pip|rm|uv)[ \t]+[^\s=.(\[]")  # pip install x
_LEXEME = re.compile(
    r"""(?P<long>\"{3}|'{3}) | "(?:\\.|[^"\\])*(?:"|\\?$) | '(?:\\.|[^'\\])*(?:'|\\?$) | \#.*
      | (?P<open>[(\[{]) | (?P<close>[)\]}])""",
    re.X,
)


class Notebook(NamedTuple):
    """`text` is the joined module, `cells` the number of each code cell with its first line there.

    `notes` say what was left out, in a few words each; `python2` whether a cell was read as Python 2.
    """

    text: str
    cells: list[tuple[int, int]]
    notes: list[str]
    python2: bool


class NotebookError(Exception):
    """The file is no notebook: a one-line message and the position in the file."""

    def __init__(self, message: str, row: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.row, self.column = row, column


def join(data: bytes) -> Notebook:
    """The notebook (nbformat 3 or later) in the bytes of its file; raises NotebookError when it is none."""
    content = _content(data)
    language = _language(content)
    if not _LANGUAGE.match(language):
        return Notebook("", [], [f"the notebook is written in {language}"], False)
    parts: list[str] = []
    cells, notes, row, old = [], [], 1, False
    for number, cell in enumerate(_cells(content), start=1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source = _source(cell)
        read = _python(source) if _is_python(cell, source) else python2.Rescued(_blank(source), False)
        if read is None:
            notes.append(f"cell {number} could not be parsed")
        parts.append(read.text if read else _blank(source))
        cells.append((number, row))
        row += source.count("\n")
        old = old or (read is not None and read.python2)
    return Notebook("".join(parts), cells, notes, old)


def _content(data: bytes) -> dict[str, Any]:
    """The JSON object in the file."""
    if not data.strip():
        raise NotebookError("the notebook is empty: save it from Jupyter or delete it")
    if data.startswith(b"version https://git-lfs"):
        raise NotebookError("a Git LFS pointer stands in for the notebook: run git lfs pull")
    try:
        content = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except json.JSONDecodeError as error:
        message = f"not valid JSON ({error.msg}): save the notebook again or restore it"
        raise NotebookError(message, error.lineno, error.colno) from None
    except (ValueError, RecursionError) as error:
        raise NotebookError(f"not valid JSON ({error}): save the notebook again or restore it") from None
    if not isinstance(content, dict) or not isinstance(_cells(content), list):
        raise NotebookError("no list of cells: not a notebook, rename it or exclude it")
    return content


def _cells(content: dict[str, Any]) -> Any:
    """All cells in order; nbformat 3 keeps them in worksheets. Whatever stands there when the file is no notebook."""
    sheets = content.get("worksheets")
    if "cells" in content or not isinstance(sheets, list):
        return content.get("cells")
    pages = [_get(sheet, "cells") for sheet in sheets]
    return [cell for page in pages if isinstance(page, list) for cell in page]


def _language(content: dict[str, Any]) -> str:
    """The kernel's language; Python when the notebook does not say."""
    found = _get(content, "metadata", "language_info", "name") or _get(content, "metadata", "kernelspec", "language")
    return found if isinstance(found, str) else "python"


def _get(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _source(cell: dict[str, Any]) -> str:
    """The cell's text (a string or a list of lines; `input` in nbformat 3), with a newline at its end."""
    source = cell.get("source", cell.get("input", ""))
    text = "".join(filter(lambda part: isinstance(part, str), source)) if isinstance(source, list) else source
    text = text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else ""
    text = text.encode("utf-8", "replace").decode("utf-8")  # JSON may hold half of a surrogate pair
    return text if text.endswith("\n") else text + "\n"


def _is_python(cell: dict[str, Any], source: str) -> bool:
    """Whether the cell is Python by its language tags and its cell magic."""
    tag = _get(cell, "metadata", "vscode", "languageId") or cell.get("language") or "python"
    magic = re.match(r"\s*%%(\S*)", source)
    return bool(_LANGUAGE.match(str(tag))) and (magic is None or magic[1] in PYTHON_MAGICS)


def _python(source: str) -> python2.Rescued | None:
    """The cell as Python with the same lines, touched as little as possible; None when no way was found."""
    plain = re.sub(r"\A(\s*)%%.*", r"\1", source)
    if python2.parses(plain):
        return python2.Rescued(plain, False)
    plain = "".join(line + "\n" for line in _neutralised(_dedented(plain)))
    return python2.Rescued(plain, False) if python2.parses(plain) else python2.rescue(plain)


def _dedented(source: str) -> str:
    """The cell without the indentation of its first line, which IPython does not mind; its columns move."""
    lines = source.split("\n")
    first = next((line for line in lines if line.strip()), "")
    indent = first[: len(first) - len(first.lstrip())]
    return "\n".join(line.removeprefix(indent) for line in lines)


def _blank(source: str) -> str:
    return "\n" * source.count("\n")


def _neutralised(source: str) -> Iterator[str]:
    """The lines of a cell with `pass` for its magics. A line inside a string or brackets is never a magic."""
    quote, depth, joined, in_magic = "", 0, False, False
    for line in source.removesuffix("\n").split("\n"):
        magic = None if quote or depth or joined else _substitute(line)
        if in_magic:
            yield ""
        elif magic is not None:
            yield magic
        else:
            yield line
            quote, depth = _scanned(line, quote, depth)
        in_magic = (in_magic or magic is not None) and line.endswith("\\")
        joined = line.endswith("\\")


def _substitute(line: str) -> str | None:
    """What stands for a magic: the statement that %time runs, an assignment of None or `pass`. None if it is Python."""
    code = line.strip()
    indent = line[: len(line) - len(line.lstrip())]
    timed = code.replace("%time", "pass;", 1)  # of one length, so that columns stay
    if code.startswith("%time ") and python2.parses(timed):
        return indent + timed
    if code.startswith(("%", "!", "?")) or _HELP.fullmatch(code):
        return indent + "pass"
    target, _, value = code.partition("=")
    if value.lstrip().startswith(("%", "!")) and _TARGET.fullmatch(target.rstrip()):
        return f"{indent}{target}= None"
    # `ls -l` may be a difference: a bare command is what is nothing else
    return indent + "pass" if _COMMAND.match(code) and not python2.parses(code) else None


def _scanned(line: str, quote: str, depth: int) -> tuple[str, int]:
    """The open triple quote and the number of open brackets after `line`, given those before it."""
    at = 0
    while True:
        if quote:
            end = re.compile(rf"(?:\\.|[^\\])*?{quote}").match(line, at)
            if end is None:
                return quote, depth
            at, quote = end.end(), ""
        token = _LEXEME.search(line, at)
        if token is None:
            return quote, depth
        at, quote = token.end(), token["long"] or ""
        depth = max(0, depth + bool(token["open"]) - bool(token["close"]))
