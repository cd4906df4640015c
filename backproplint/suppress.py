"""Comments that silence findings.

`# backproplint: ignore[name, name]` at the end of a line silences what touches that line; on a line of its own it
silences what starts in the logical line below (a decorated definition down to its header).
`# backproplint: file-ignore[name]` silences a whole file. A name is a rule's or a family's; it is never left out, so
that a comment cannot hide what it was not written for.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from backproplint.config import nearest

_DIRECTIVE = re.compile(r"#\s*backproplint:\s*(?P<word>[\w-]*)\s*(?P<names>\[[^\]]*\])?")
_NAME = re.compile(r"[A-Za-z][\w-]*")
_EXAMPLE = "write # backproplint: ignore[rule-name]"


class Suppression(NamedTuple):
    """One comment at `row`: what starts in rows `first` to `last` is silenced, or touches them if it is `trailing`."""

    row: int
    names: tuple[str, ...]
    first: int
    last: int
    trailing: bool


class Suppressions(msgspec.Struct, kw_only=True):
    """The suppressions of one file; `malformed` are those without effect: (row, what is wrong and what to write)."""

    comments: list[Suppression] = []
    malformed: list[tuple[int, str]] = []

    def covers(self, rule_name: str, family: str, row: int, end_row: int) -> bool:
        """Whether a finding of the rule in rows `row` to `end_row` (counted from 1) is silenced."""
        return any(
            (rule_name in comment.names or family in comment.names)
            and comment.first <= (end_row if comment.trailing else row)
            and row <= comment.last
            for comment in self.comments
        )

    def unknown(self, known: Iterable[str]) -> list[tuple[int, str]]:
        """(row, message) for each name in a comment that is not among the `known` rules and families."""
        known = set(known)
        return [
            (comment.row, f"'{name}' is neither a rule nor a family{nearest(name, sorted(known))}")
            for comment in self.comments
            for name in comment.names
            if name not in known
        ]


class _Layout(NamedTuple):
    """Where a file's comments and code are: (row, text, whether alone on its line) and rows of each logical line.

    `decorators` are the first rows of the logical lines that are decorators.
    """

    comments: list[tuple[int, str, bool]]
    lines: list[tuple[int, int]]
    decorators: set[int]


def suppressions(text: str) -> Suppressions:
    """Read the suppressions in the text of a module; only real comments count, never strings."""
    found = Suppressions()
    if "backproplint:" not in text:
        return found
    layout = _layout(text)
    own_rows = {row for row, _, alone in layout.comments if alone}
    for row, comment, alone in layout.comments:
        for directive in _DIRECTIVE.finditer(comment):
            names = tuple(re.split(r"\s*,\s*", (directive["names"] or "[]")[1:-1].strip().rstrip(", ")))
            rows = _covered(directive["word"], row, own_rows if alone else None, layout)
            complaint = _complaint(directive, names) or ("" if rows else "no code below: put it above what it is about")
            if complaint or rows is None:
                found.malformed.append((row, complaint))
            else:
                trailing = not alone and directive["word"] == "ignore"
                found.comments.append(Suppression(row, names, *rows, trailing))
    return found


def _complaint(directive: re.Match[str], names: tuple[str, ...]) -> str:
    """What is wrong with the wording of a comment, or nothing."""
    word = directive["word"]
    if word not in ("ignore", "file-ignore"):
        return f"unknown comment 'backproplint: {word}'{nearest(word, ['ignore', 'file-ignore'])}"
    if directive["names"] is None or names == ("",):
        return f"'{word}' needs the names of rules: {_EXAMPLE.replace('ignore[', f'{word}[')}"
    wrong = next((name for name in names if not _NAME.fullmatch(name)), None)
    return "" if wrong is None else f"'{wrong}' is not the name of a rule: {_EXAMPLE}"


def _covered(word: str, row: int, own_rows: set[int] | None, layout: _Layout) -> tuple[int, int] | None:
    """First and last row that a comment speaks for; `own_rows` are rows of comments alone on theirs, None if trailing.

    None when there is no code directly below.
    """
    if word == "file-ignore":
        return 1, sys.maxsize
    if own_rows is None:
        return row, row
    below = next(below for below in range(row + 1, sys.maxsize) if below not in own_rows)
    within = [index for index, (first, last) in enumerate(layout.lines) if first <= below <= last]
    if not within:
        return None
    index = within[0]
    if layout.lines[index][0] < below:  # inside brackets
        return below, below
    while layout.lines[index][0] in layout.decorators and index + 1 < len(layout.lines):
        index += 1
    return below, layout.lines[index][1]


def _layout(text: str) -> _Layout:
    """By Python's tokenizer; for a text that it refuses, line by line."""
    try:
        return _tokenized(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return _by_line(text)


def _tokenized(tokens: Iterator[tokenize.TokenInfo]) -> _Layout:
    layout = _Layout([], [], set())
    first = 0
    for token in tokens:
        if token.type == tokenize.COMMENT:
            alone = not token.line[: token.start[1]].strip()
            layout.comments.append((token.start[0], token.string, alone))
        elif token.type == tokenize.NEWLINE:
            layout.lines.append((first, token.start[0]))
            first = 0
        elif not first and token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
            first = token.start[0]
            if token.string == "@":
                layout.decorators.add(first)
    return layout


def _by_line(text: str) -> _Layout:
    layout = _Layout([], [], set())
    for row, line in enumerate(text.split("\n"), start=1):
        before, mark, comment = line.partition("#")
        if mark:
            layout.comments.append((row, mark + comment, not before.strip()))
        if before.strip():
            layout.lines.append((row, row))
            if before.strip().startswith("@"):
                layout.decorators.add(row)
    return layout
