"""From paths to Source: which files to read, and their text however it is encoded or wrapped.

Whatever cannot be read becomes a Problem, so that one bad file never stops a run.
"""

from __future__ import annotations

import io
import os
import stat
import tokenize
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

from backproplint import gitignore, notebooks, python2
from backproplint.config import Settings, UsageError, matches, nearest

SUFFIXES = frozenset({".py", ".pyi", ".pyw", ".ipynb"})
LIMIT = 20_000_000  # bytes: half a million lines, half a minute of parsing; nobody writes that by hand
NOTEBOOK_LIMIT = 100_000_000  # bytes: nearly all of a large notebook is its outputs, which cost 1.5 ms a megabyte


class Source(msgspec.Struct, kw_only=True):
    """One file as it is parsed: `text` decoded, with \\n newlines and no BOM.

    For a notebook `text` is the code cells joined in order, `cells` the number of each (counted over all cells from 1)
    with its first line in `text`. `notes` say in a few words what was left out of it.
    """

    filename: str
    text: str
    cells: list[tuple[int, int]] = []
    python2: bool = False
    notes: list[str] = []


class Problem(msgspec.Struct, kw_only=True):
    """Why a file cannot be analysed: what is wrong and what to do, in one line. Rows and columns count from 1."""

    filename: str
    message: str
    row: int = 1
    column: int = 1
    cell: int | None = None


def read(path: Path, filename: str) -> Source | Problem:
    """The source in the file at `path`, reported as `filename`."""
    data = load(path, filename)
    return data if isinstance(data, Problem) else from_stdin(data, filename)


def load(path: Path, filename: str) -> bytes | Problem:
    """The bytes of the file at `path`, as far as they are worth reading."""
    limit = NOTEBOOK_LIMIT if _is_notebook(filename) else LIMIT
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()  # raises: `find` names a folder only when it cannot be listed
        if not stat.S_ISREG(mode):  # opening a FIFO would wait for ever
            return Problem(filename=filename, message="not a regular file: exclude it")
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Problem(filename=filename, message=f"cannot be read ({reason}): make it readable or exclude it")


def from_stdin(data: bytes, filename: str) -> Source | Problem:
    """The source in the bytes of a file; a notebook when `filename` says so."""
    limit = NOTEBOOK_LIMIT if _is_notebook(filename) else LIMIT
    if len(data) > limit:
        message = f"larger than {limit // 1_000_000} MB: it looks generated, exclude it"
        return Problem(filename=filename, message=message)
    if _is_notebook(filename):
        return _notebook(data, filename)
    return _module(data, filename)


def rescue(source: Source) -> Source | None:
    """`source` with the same lines in a form that parses (tabs expanded, Python 2 converted), or None.

    To be asked when `source` did not parse; columns may have moved.
    """
    found = python2.rescue(source.text)
    if found is None:
        return None
    return msgspec.structs.replace(source, text=found.text, python2=source.python2 or found.python2)


def location(source: Source, row: int, column: int) -> tuple[int | None, int, int]:
    """(cell, row, column) in the file for a position in `source.text`; the cell of a module is None."""
    at = bisect_right(source.cells, row, key=lambda cell: cell[1]) - 1
    if at < 0:
        return None, row, column
    cell, first = source.cells[at]
    return cell, row - first + 1, column


def reported(path: Path, cwd: Path) -> str:
    """The file's name in reports: relative to the working directory, or as it was given when outside of it."""
    below = f"{cwd}{os.sep}"
    if str(path).startswith(below) and ".." not in path.parts:  # as most are
        return str(path)[len(below) :].replace(os.sep, "/")
    inside = path
    if ".." in path.parts or not path.is_relative_to(cwd):
        inside = real(path)
    for base, name in ((cwd, inside), (cwd.resolve(), inside), (cwd, path)):
        if name.is_relative_to(base):
            return name.relative_to(base).as_posix()
    return path.as_posix()


def find(paths: Iterable[str], settings: Settings, cwd: Path) -> list[Path]:
    """The files that `paths` (relative to `cwd`) name or hold, sorted, each once.

    Folders are walked without what the settings exclude and git ignores, and without links to folders. A named file
    is always taken, unless the settings force their excludes. What cannot be listed or is no regular file is among
    the answers, so that `read` says what is wrong with it. Raises UsageError for a path that does not exist.
    """
    found: dict[str, Path] = {}
    for name in paths:
        path = cwd / name
        _require(name, path)
        if settings.force_exclude and _force_excluded(path, settings):
            continue
        for file, inside in _walk(path, settings) if _is_folder(path) else [(path, str(real(path)))]:
            found.setdefault(inside, file)
    return sorted(found.values())


def _is_notebook(filename: str) -> bool:
    return filename.lower().endswith(".ipynb")


def _notebook(data: bytes, filename: str) -> Source | Problem:
    try:
        text, cells, notes, old = notebooks.join(data)
    except notebooks.NotebookError as error:
        return Problem(filename=filename, message=str(error), row=error.row, column=error.column)
    return Source(filename=filename, text=text, cells=cells, notes=notes, python2=old)


def _module(data: bytes, filename: str) -> Source | Problem:
    """Decode a .py file as PEP 263 says."""
    encoding = "utf-8-sig"
    try:
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError as error:
        if "unknown" in str(error):
            return Problem(filename=filename, message=f"{error}: declare an encoding that Python knows")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        return _undecodable(data, filename, error)
    except (LookupError, ValueError):  # rot13 and its like are codecs but no encodings
        return Problem(filename=filename, message=f"{encoding} is no encoding of text: save the file as UTF-8")
    if "\0" in text:
        return Problem(filename=filename, message="binary, it holds NUL bytes: save it as UTF-8 or exclude it")
    if not encoding.startswith("utf-8"):  # some codecs, such as unicode_escape, give half of a surrogate pair
        text = text.encode("utf-8", "replace").decode("utf-8")
    return Source(filename=filename, text=text.replace("\r\n", "\n").replace("\r", "\n"))


def _undecodable(data: bytes, filename: str, error: UnicodeDecodeError) -> Problem:
    """Point at the byte that is not of the encoding."""
    before = data[: error.start]
    name = error.encoding.removesuffix("-sig")
    message = f"byte 0x{data[error.start]:02x} is not {name}: save the file as UTF-8 or declare its encoding in line 1"
    column = error.start - (before.rfind(b"\n") + 1) + 1
    return Problem(filename=filename, message=message, row=before.count(b"\n") + 1, column=column)


def _require(name: str, path: Path) -> None:
    """Raise UsageError, naming the likeliest path, unless something (be it a dangling link) stands at `path`."""
    if name and not _is_missing(path):
        return
    missing = next((part for part in reversed((path, *path.parents)) if _is_missing(part)), path)
    entries = _entries(missing.parent) if name else None
    raise UsageError(f"no such file or folder: '{name}'{nearest(missing.name, [e.name for e in entries or []])}")


def _is_missing(path: Path) -> bool:
    """Whether nothing stands there for sure; what may not be looked at counts as there, and `read` says why."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _force_excluded(path: Path, settings: Settings) -> bool:
    """Whether the path or a folder between it and the settings' root is excluded."""
    globs = settings.exclude + settings.extend_exclude
    parts = [path]
    if path.is_relative_to(settings.root):
        parts = [part for part in (path, *path.parents) if part != settings.root and part.is_relative_to(settings.root)]
    return any(matches(globs, part, settings.root) for part in parts)


def _walk(top: Path, settings: Settings) -> Iterator[tuple[Path, str]]:
    """(path, path without links to folders) of the files below `top`, in no order.

    A folder that cannot be listed is given itself. Paths are strings here: a large tree is walked in half the time.
    """
    globs, root, real = settings.exclude + settings.extend_exclude, settings.root.resolve(), top.resolve()
    pending = [(str(top), str(real), gitignore.around(real) if settings.respect_gitignore else ())]
    while pending:
        folder, inside, ignores = pending.pop()
        entries = _entries(folder)
        if entries is None:
            yield Path(folder), inside
            continue
        if settings.respect_gitignore and any(entry.name == ".gitignore" for entry in entries):
            ignores += gitignore.load(Path(inside, ".gitignore"), Path(inside))
        for entry in entries:
            inner, is_folder = os.path.join(inside, entry.name), entry.is_dir(follow_symlinks=False)  # noqa: PTH118
            if not (is_folder or _is_wanted(entry)):
                continue
            if gitignore.ignored(inner, is_folder, ignores) or matches(globs, inner, root):
                continue
            if is_folder:
                pending.append((entry.path, inner, ignores))
            else:
                yield Path(entry.path), inner


def _is_wanted(entry: os.DirEntry[str]) -> bool:
    """Whether an entry that is no folder is named as Python, and no link to a folder."""
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
    return suffix in SUFFIXES and not (entry.is_symlink() and _is_folder(entry.path))


def _is_folder(path: Path | str) -> bool:
    """Whether a folder, or a link to one, is there; unlike Path.is_dir this never raises."""
    return os.path.isdir(path)  # noqa: PTH112


def _entries(folder: Path | str) -> list[os.DirEntry[str]] | None:
    try:
        with os.scandir(folder) as scan:
            return list(scan)
    except OSError:
        return None


def real(path: Path) -> Path:
    """The path with the links in its parent resolved, but not a link that it is itself."""
    return Path(_resolved(str(path.parent)), path.name)


@lru_cache(maxsize=65_536)
def _resolved(folder: str) -> str:
    """Resolving asks the disk for each part of a path; the files of a folder ask once."""
    return os.path.realpath(folder)
