"""What a run takes from the cache and leaves there: readings of single files, and reports of whole runs.

A reading is found again by the file's bytes, a report by all that it depends on: the bytes and names of every file that
was read, the settings, the rules, and the edition of the tool.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from functools import cache as cached
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

import backproplint
from backproplint.cache import Cache
from backproplint.config import Settings
from backproplint.report import Report
from backproplint.sources import Problem, real

if TYPE_CHECKING:
    from backproplint import pool
    from backproplint.graph.outline import Lowered
    from backproplint.graph.project import Project
    from backproplint.reading import Reading

_report = msgspec.msgpack.Decoder(Report)
_Kind = TypeVar("_Kind")
SOME = 100  # readings written at once


class Loaded(msgspec.Struct):
    """A file found: its path, its place on the disk, the name that reports show, its bytes (or what keeps them from
    being read) and their hash."""

    path: Path
    name: str
    filename: str
    data: bytes | Problem
    digest: bytes


def loaded(path: Path, filename: str, data: bytes | Problem) -> Loaded:
    """A file with the hash of what it holds."""
    return Loaded(
        path,
        real(path).as_posix(),
        filename,
        data,
        _hash(data if isinstance(data, bytes) else msgspec.msgpack.encode(data)),
    )


class Kept:
    """The cache of a run; without a folder, nothing is looked up and nothing stored."""

    def __init__(self, folder: Path | None, warn: Callable[[str], None]) -> None:
        self._cache = None if folder is None else Cache(folder, warn)

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        if self._cache is not None:
            self._cache.close()

    def key(self, files: list[Loaded], named: int, settings: Settings, rules: list[str] | None, measure: bool) -> bytes:
        """What the report of a run depends on, in short; the first `named` files are those to report on."""
        if self._cache is None:
            return b""
        shown = [(file.name, file.filename, file.digest) for file in files]
        told = msgspec.to_builtins(settings, enc_hook=str)
        return _hash(msgspec.msgpack.encode((edition(), shown, named, told, rules, measure)))

    def report(self, key: bytes) -> Report | None:
        """The report of an earlier run with this key."""
        return self._decoded(key, _report.decode)

    def keep(self, key: bytes, report: Report) -> None:
        """Store a report for the next run."""
        if self._cache is not None:
            self._cache.put([(key, msgspec.msgpack.encode(report))])

    def linked(self, files: list[Lowered]) -> Project:
        """The files linked, by what an earlier run found reachable among files of the same names and outlines."""
        from backproplint.graph.project import link
        from backproplint.graph.reach import Reach

        if self._cache is None:
            return link(files)
        key = _hash(edition(), b"reach", *[_hash(os.fsencode(file.filename)) + _hash(file.packed) for file in files])
        known = self._decoded(key, msgspec.msgpack.Decoder(Reach).decode)
        project = link(files, known)
        if known is None:
            self._cache.put([(key, msgspec.msgpack.encode(project.machine.reach))])
        return project

    def readings(
        self, files: list[Loaded], executor: Executor | None, advance: Callable[[int, int], None]
    ) -> Iterator[Reading]:
        """The reading of each file in turn, from the cache or made now."""
        from backproplint import pool, reading  # deferred: a whole report from the cache needs no reading

        found: dict[int, Reading] = {}
        missing: list[pool.File] = []
        for number, file in enumerate(files):
            if isinstance(file.data, Problem):
                found[number] = reading.Reading(None, file.data)
            elif (known := self._decoded(_of(file), reading.unpack)) is not None:
                found[number] = known
            else:
                missing.append(pool.File(number, file.filename, file.data))
            file.data = b""  # nobody needs it after this, and all files together are large
        for done, (number, made) in enumerate(self._made(files, missing, executor)):
            found[number] = made
            advance(len(files) - len(missing) + done, len(files))
        for number, file in enumerate(files):
            yield found.pop(number).named(file.filename)

    def _made(
        self, files: list[Loaded], missing: list[pool.File], executor: Executor | None
    ) -> Iterator[tuple[int, Reading]]:
        """Read what is missing, and store it some at a time; not where a process was too slow or was killed."""
        from backproplint import pool, reading

        waiting: list[tuple[bytes, bytes]] = []
        for number, packed in pool.read_all(missing, executor):
            made = reading.unpack(packed)
            if made.source is not None:
                waiting.append((_of(files[number]), packed))
            if len(waiting) == SOME:
                self._store(waiting)
                waiting = []
            yield number, made
        self._store(waiting)

    def _store(self, made: Iterable[tuple[bytes, bytes]]) -> None:
        if self._cache is not None:
            self._cache.put(made)

    def _decoded(self, key: bytes, decode: Callable[[bytes], _Kind]) -> _Kind | None:
        value = None if self._cache is None else self._cache.get(key)
        try:
            return None if value is None else decode(value)
        except msgspec.MsgspecError:  # of an edition that called itself the same
            return None


def _of(file: Loaded) -> bytes:
    """What the reading of a file depends on, in short."""
    return _hash(edition(), file.path.suffix.lower().encode(), file.digest)


def _hash(*parts: bytes) -> bytes:
    whole = hashlib.blake2b(digest_size=20)
    for part in parts:
        whole.update(part)
    return whole.digest()


@cached
def edition() -> bytes:
    """The tool as it is now: its own files, the interpreter, and the libraries that read code."""
    homes = [Path(backproplint.__file__).parent, *(Path(home) / "rules" for home in backproplint.__path__)]
    files = sorted({file for home in homes for file in home.rglob("*.py")})
    files += [Path(spec.origin) for name in ("libcst", "fissix") if (spec := find_spec(name)) and spec.origin]
    own = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return _hash(repr((sys.version, own)).encode())
