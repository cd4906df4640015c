"""Settings: found in the nearest configuration file, read, checked; and the globs that they hold.

The discovery, the key names and the glob semantics are ruff's, so that one habit serves both tools.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OutputFormat = Literal[
    "full", "concise", "grouped", "json", "json-lines", "junit",
    "github", "gitlab", "pylint", "rdjson", "azure", "sarif",
]  # fmt: skip
EXCLUDE = (
    ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".mypy_cache", ".nox",
    ".pants.d", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv",
    "__pypackages__", "_build", "buck-out", "dist", "node_modules", "venv",
)  # fmt: skip
_FILES = (".backproplint.toml", "backproplint.toml", "pyproject.toml")


class UsageError(Exception):
    """The command line or the configuration asks for something impossible; the message is one line for the user."""


class Failure(Exception):
    """Something in backproplint itself went wrong; the message says in one line what, the cause is chained."""


class Settings(msgspec.Struct, kw_only=True, rename="kebab"):
    """What the configuration says. Names of rules are kept as written; globs are relative to `root`."""

    select: list[str] = msgspec.field(default_factory=lambda: ["ALL"])
    extend_select: list[str] = []
    ignore: list[str] = []
    per_file_ignores: dict[str, list[str]] = {}
    exclude: list[str] = msgspec.field(default_factory=lambda: list(EXCLUDE))
    extend_exclude: list[str] = []
    force_exclude: bool = False
    respect_gitignore: bool = True
    min_confidence: Literal["low", "medium", "high"] = "medium"
    fail_on: Literal["error", "warning", "note"] = "warning"
    output_format: OutputFormat = "full"
    root: Path = msgspec.field(default_factory=Path.cwd)


_TYPES = {field.encode_name: field.type for field in msgspec.structs.fields(Settings) if field.name != "root"}
_EXPECTED = {
    list[str]: "a list of strings",
    dict[str, list[str]]: "a table from glob to list of rule names",
    bool: "true or false",
}


def load(start: Path, explicit: Iterable[str] = (), isolated: bool = False) -> Settings:
    """The settings for a run on `start` (a file or folder).

    `explicit` holds the values of --config, each the path of a file (then nothing is searched for) or TOML such as
    `fail-on = "error"`, which wins over any file. With `isolated` no configuration file is used. Globs of a searched
    file are relative to its folder; without one, or with an explicit one, to the working directory.
    Raises UsageError for a file that cannot be used, an unknown key or a wrong value.
    """
    files = [text for text in explicit if Path(text).is_file()]
    if len(files) > 1 or (files and isolated):
        reason = "--isolated" if isolated else "a second file"
        raise UsageError(f"--config {files[-1]} cannot be combined with {reason}; give one configuration file")
    root, table = Path.cwd(), {}
    if files:
        table = _checked(_section(Path(files[0])) or {}, files[0])
    elif not isolated:
        root, table = _discovered(start)
    for text in explicit:
        if text not in files:
            table |= _checked(_inline(text), f"--config {text}")
    settings = msgspec.convert(table, Settings)
    settings.root = root
    return settings


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the known name most like `name`, or nothing when none is alike."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def per_file_ignored(settings: Settings, path: Path, rule_name: str, family: str) -> bool:
    """Whether `per-file-ignores` silences a rule (by name, family or ALL) in the file at `path`.

    A glob is matched against the file's name and its path relative to the root; a leading ! means every other file.
    """
    for glob, names in settings.per_file_ignores.items():
        if {rule_name, family, "ALL"} & set(names):
            negated = glob.startswith("!")
            if matches([glob.removeprefix("!")], path, settings.root) != negated:
                return True
    return False


def matches(globs: Iterable[str], path: str | Path, root: Path) -> bool:
    """Whether one of `globs` matches the file's name or its path relative to `root` (if absolute, its full path)."""
    relative_globs, absolute_globs = _regexes(tuple(globs))
    full, relative = _paths(os.fspath(path), f"{str(root).rstrip(os.sep)}{os.sep}")
    name = relative.rpartition("/")[2]
    return bool(relative_globs.fullmatch(name) or relative_globs.fullmatch(relative) or absolute_globs.fullmatch(full))


def _paths(path: str, root: str) -> tuple[str, str]:
    """The absolute path and the path relative to `root` (which ends with a slash), both with forward slashes."""
    if not path.startswith(root) or ".." in path:
        path = os.path.abspath(path)  # noqa: PTH100  (Path.resolve would follow the last link)
    if path.startswith(root):  # by far the most: os.path.relpath takes ten times as long
        relative = path.removeprefix(root)
    else:
        try:
            relative = os.path.relpath(path, root)
        except ValueError:  # another drive on Windows
            relative = path
    return path.replace(os.sep, "/"), relative.replace(os.sep, "/")


@lru_cache
def _regexes(globs: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """One regex for all relative globs, one for all absolute ones."""
    absolute = [glob for glob in globs if Path(glob).is_absolute()]
    return _regex([glob for glob in globs if glob not in absolute]), _regex(absolute)


_GLOB = re.compile(
    r"(?P<folders>(?:^|(?<=/))\*\*/)|(?P<any>\*+)|(?P<one>\?)|(?P<set>\[[!^]?\]?[^\]]*\])|(?P<other>.)", re.S
)
_BRACES = {"{": "(?:", "}": ")"}


def _regex(globs: list[str]) -> re.Pattern[str]:
    """One regex for all the globs. As in ruff, * and ? also match a slash and {a,b} is a choice."""
    try:
        return re.compile("|".join(f"(?:{_translated(glob)})" for glob in globs) or "(?!)")
    except re.error as error:
        raise UsageError(f"bad glob in {', '.join(globs)}: {error}") from None


def _translated(glob: str) -> str:
    parts, depth = [], 0
    for token in _GLOB.finditer(glob.removeprefix("./").rstrip("/")):
        text = token.group()
        depth += (text == "{") - (text == "}")
        match token.lastgroup:
            case "folders":
                parts.append("(?:.*/)?")
            case "any":
                parts.append(".*")
            case "one":
                parts.append(".")
            case "set":
                inside = text[1:-1].replace("\\", r"\\")
                parts.append(f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
            case _:
                parts.append(_BRACES.get(text) or ("|" if text == "," and depth else re.escape(text)))
    return "".join(parts)


def _discovered(start: Path) -> tuple[Path, dict[str, Any]]:
    """(folder, checked table) of the nearest file with settings from `start` upwards; ruff's order within a folder."""
    folder = start.resolve()
    for parent in (folder, *folder.parents):
        for name in _FILES:
            path = parent / name
            section = _section(path) if path.is_file() else None
            if section is not None:
                return parent, _checked(section, _short(path))
    return Path.cwd(), {}


def _section(path: Path) -> dict[str, Any] | None:
    """The settings in one file; None for a pyproject.toml that has no [tool.backproplint]."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{_short(path)}: not valid TOML: {error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{_short(path)}: not valid UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise UsageError(f"{_short(path)}: cannot be read: {error.strerror}") from None
    if path.name != "pyproject.toml":
        return table
    tool = table.get("tool")
    section = tool.get("backproplint") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise UsageError(f"{_short(path)}: tool.backproplint must be a table: write [tool.backproplint]")
    return section


def _inline(text: str) -> dict[str, Any]:
    """The table that `--config 'key = value'` means."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        if "=" not in text:
            raise UsageError(f"--config {text}: no such file, and not of the form key = value") from None
        raise UsageError(f"--config {text}: not valid TOML: {error}") from None


def _checked(table: dict[str, Any], where: str) -> dict[str, Any]:
    """`table` itself, once every key is known and every value is of its type."""
    for key, value in table.items():
        if key not in _TYPES:
            raise UsageError(f"{where}: unknown key '{key}'{nearest(key, _TYPES)}")
        try:
            msgspec.convert(value, _TYPES[key])
        except msgspec.ValidationError:
            raise UsageError(f"{where}: '{key}' must be {_expected(key)}{_choice(value, key)}") from None
    return table


def _expected(key: str) -> str:
    return _EXPECTED.get(_TYPES[key]) or "one of " + ", ".join(get_args(_TYPES[key]))


def _choice(value: object, key: str) -> str:
    """What is there instead, and which of the choices it may have meant."""
    shown = f"'{value}'" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    choices = [choice for choice in get_args(_TYPES[key]) if isinstance(choice, str)]
    return f", not {shown}" + nearest(str(value), choices)


def _short(path: Path) -> str:
    """The path as a user would type it."""
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.as_posix()
