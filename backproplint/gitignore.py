"""What git ignores, by the patterns of .gitignore files read as git reads them.

A path is asked about only when no folder above it is ignored, so that a pattern has to match the path itself.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple


class Pattern(NamedTuple):
    """One line: what it matches (relative to its file's folder), whether it takes back, whether it is for folders."""

    regex: re.Pattern[str]
    negated: bool
    folders_only: bool


class Ignores(NamedTuple):
    """The patterns of one file, which speak of the paths below `folder` (written with a slash at its end)."""

    folder: str
    patterns: tuple[Pattern, ...]


def ignored(path: str, is_folder: bool, ignores: tuple[Ignores, ...]) -> bool:
    """Whether git ignores `path`, given the patterns from the outermost file inwards: the last match decides."""
    for folder, patterns in reversed(ignores):
        relative = path.removeprefix(folder).replace(os.sep, "/")
        for regex, negated, folders_only in reversed(patterns):
            if (is_folder or not folders_only) and regex.fullmatch(relative):
                return not negated
    return False


def around(folder: Path) -> tuple[Ignores, ...]:
    """What the repository around a folder ignores: its info/exclude, then the .gitignore files above the folder.

    Inside an ignored folder the patterns around it say nothing more: who names it wants its files.
    """
    above = [folder, *folder.parents]
    root = next((parent for parent in above if os.path.lexists(parent / ".git")), None)
    if root is None:
        return ()
    ignores = load(root / ".git/info/exclude", root)
    for inner in reversed(above[: above.index(root)]):
        ignores += load(inner.parent / ".gitignore", inner.parent)
        if ignored(str(inner), True, ignores):
            ignores = ()
    return ignores


def load(path: Path, folder: Path) -> tuple[Ignores, ...]:
    """The patterns in the file at `path` for what is below `folder`; none when it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").split("\n")
    except OSError:
        return ()
    patterns = tuple(pattern for line in lines if (pattern := parse(line)))
    return (Ignores(str(folder).rstrip(os.sep) + os.sep, patterns),)


def parse(line: str) -> Pattern | None:
    """One line of a .gitignore; None for a comment or for what is no pattern."""
    line = line.removesuffix("\r")
    escaped_space = " " if line.rstrip(" ").endswith("\\") and line.endswith(" ") else ""
    line = line.rstrip(" ") + escaped_space
    if line.startswith("#"):
        return None
    glob = line.removeprefix("!")
    folders_only = glob.endswith("/")
    glob = glob.removesuffix("/")
    if not glob:
        return None
    anywhere = "" if "/" in glob else "(?:.*/)?"
    try:
        regex = re.compile(anywhere + _translated(glob.removeprefix("/")), re.S)
    except re.error:
        return None
    return Pattern(regex, line.startswith("!"), folders_only)


_TOKEN = re.compile(
    r"(?P<start>^(?:\*{2,}/)+)|(?P<middle>/(?:\*{2,}/)+)|(?P<end>/\*{2,}$)|(?P<all>^\*{2,}$)|(?P<any>\*+)|(?P<one>\?)"
    r"|(?P<set>\[[!^]?\]?(?:\\.|[^\]\\])*\])|\\(?P<escaped>.)|(?P<other>.)",
    re.S,
)
_REGEX = {"start": "(?:.*/)?", "middle": "/(?:.*/)?", "end": "/.+", "all": ".*", "any": "[^/]*", "one": "[^/]"}


def _translated(glob: str) -> str:
    parts = []
    for token in _TOKEN.finditer(glob):
        kind = str(token.lastgroup)
        if kind == "set":
            inside = token["set"][1:-1]
            parts.append(f"(?!/)[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
        else:
            parts.append(_REGEX.get(kind) or re.escape(token[kind]))
    return "".join(parts)
