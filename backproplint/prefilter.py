"""Which files need not be parsed: no word of theirs can train anything, and no import joins them to a file with one.

Reads bytes, and lets Python's own parser say whether they are Python; so nothing that a report holds gets lost.
"""

from __future__ import annotations

import re
import sys
import warnings
from ast import PyCF_ONLY_AST
from pathlib import Path

from backproplint import frameworks, sources
from backproplint.graph.outlining import METHODS
from backproplint.related import connected

# A training is a call of something that a table names, under a library's name; or of a method with the name of one that
# trains; or takes a gradient and subtracts. A comment of ours may be wrong, which a report says.
_TABLES = (frameworks.NAMES, frameworks.ALIASES, frameworks.BASES)
_LIBRARIES = {name.partition(".")[0] for table in _TABLES for name in table} - sys.stdlib_module_names
_LIBRARIES |= frameworks.deep_learning_modules
_WORDS = b"|".join(word.encode() for word in sorted({*_LIBRARIES, *METHODS, "gradient", "backproplint"}))
_SPEAKS = re.compile(rb"\b(?:%b)\b" % _WORDS)


def idle(files: list[tuple[Path, bytes | None]]) -> set[int]:
    """The places in `files` of those that need no parse.

    A file is its path, resolved but for a last link, and its bytes, None where they could not be read.
    """
    silent = {k: path for k, (path, data) in enumerate(files) if path.suffix == ".py" and not _speaks(data)}
    paths = {path for path, _ in files}
    speaking = {path for k, (path, _) in enumerate(files) if k not in silent}
    busy = {_package(path, paths) for path in speaking}
    if all(_package(path, paths) in busy for path in silent.values()):
        return set()  # imports join them all by their package, without looking
    held = {path: data or b"" for path, data in files}
    reached = connected(held, speaking) if speaking else set()
    return {k for k, path in silent.items() if path not in reached and _plain(held[path])}


def _speaks(data: bytes | None) -> bool:
    return data is None or _SPEAKS.search(data) is not None


def _package(path: Path, files: set[Path]) -> Path:
    """The outermost package that a file stands in; the file itself where it stands in none."""
    found = path
    while path.parent / "__init__.py" in files and path.parent != path:
        found = path = path.parent
    return found


def _plain(data: bytes) -> bool:
    """Whether a file's bytes are Python as this interpreter knows it; of any other a report says what is wrong."""
    source = sources.from_stdin(data, "")
    if not isinstance(source, sources.Source):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the code that is read are not our warnings
            compile(source.text, "", "exec", PyCF_ONLY_AST)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
