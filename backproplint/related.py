"""Which files bear on which others: by imports, read as bytes.

Reads import lines as bytes and matches module names by their tails, so it may name a file too many, never one too few.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from backproplint import sources
from backproplint.config import Settings

_IMPORT = re.compile(rb"""^[ \t"]*(?:from[ \t]+(\.*)[ \t]*([\w.]*)[ \t]+)?import[ \t]*(\([^)]*\)|[^#\n]*)""", re.M)
_NAME = re.compile(r"[\w.]+")
_BY_NAME = re.compile(rb"\b(?:import_module|__import__)\b")
_QUOTED = re.compile(rb"""["'](\.*)([A-Za-z_][\w.]*)["'{\\]""")


def root(path: Path) -> Path:
    """Return the project's folder: the nearest above `path` with a pyproject.toml or .git, else the file's own."""
    marked = (up for up in path.parents if (up / "pyproject.toml").is_file() or (up / ".git").exists())
    return next(marked, path.parent)


def related(named: list[Path], root: Path, settings: Settings) -> list[Path]:
    """Return the files below `root`, sorted and without the named ones, that share a path of imports with them."""
    start = {path.resolve() for path in named}
    files = {real for path in sources.find([str(root)], settings, root) if (real := _real(path)) is not None} | start
    imports, importers = _graph({path: _bytes(path) for path in files})
    return sorted(_reach(_reach(start, importers), imports) - start)


def connected(files: dict[Path, bytes], start: set[Path]) -> set[Path]:
    """Return those of `files` (resolved paths, with what they hold) that imports join to one of `start`, and these."""
    imports, _ = _graph(files)
    joined = {path: {*imports[path]} for path in files}
    for path, targets in imports.items():
        for target in targets:
            joined[target].add(path)
    return _reach(start, joined)


def _graph(files: dict[Path, bytes]) -> tuple[dict[Path, set[Path]], dict[Path, set[Path]]]:
    """What each file imports among the others, and who imports it."""
    modules = defaultdict(set)
    for path in files:
        for name, home in _names(path):
            modules[name].add((path, home))
            if "." in name:
                modules[name.rpartition(".")[0] + "."].add((path, home))  # import_module("models." + name)
    imports = defaultdict(set)
    importers = defaultdict(set)
    for path in files:
        for target, home in {found for name in _imported(path, files[path]) for found in modules.get(name, ())}:
            if home in path.parents or not (home / "__init__.py").exists():
                imports[path].add(target)
                importers[target].add(path)
        imports[path] |= {file for above in path.parents if (file := above / "__init__.py") in files}
    return imports, importers


def _real(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a link that leads to itself
        return None


def _reach(start: set[Path], edges: dict[Path, set[Path]]) -> set[Path]:
    seen, waiting = set(start), list(start)
    while waiting:
        fresh = edges.get(waiting.pop(), set()) - seen
        seen |= fresh
        waiting += fresh
    return seen


def _names(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the names of a/b/c.py with the folders they are seen from: `c` from a/b, `b.c` from a, `a.b.c`."""
    if path.suffix.lower() == ".ipynb":
        return
    module = path.parent if path.stem == "__init__" else path.with_suffix("")
    parts = module.parts[1:]
    yield from ((".".join(parts[start:]), module.parents[len(parts) - start - 1]) for start in range(len(parts)))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _imported(path: Path, text: bytes) -> Iterator[str]:
    """Yield the dotted names that a file imports; what is imported from a module may be a module itself."""
    quoted = _QUOTED.findall(text) if _BY_NAME.search(text) else []
    yield from (module.decode(errors="replace") for _, module in quoted)  # ".net" need not be relative to this file
    for dots, module, names in [*_IMPORT.findall(text), *((*found, b"") for found in quoted)]:
        base = module.decode(errors="replace")
        if dots:
            home = path.parents[min(len(dots), len(path.parents)) - 1]
            base = ".".join([*home.parts[1:], *filter(None, [base])])
        words = _NAME.findall(names.decode(errors="replace"))
        yield from [base, *(f"{base}.{word}" for word in words)] if base else words
