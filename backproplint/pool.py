"""Readings by many: in this process, in a pool of processes, or by any other executor."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import NamedTuple

from backproplint import reading

LEAST = 600_000  # bytes to read from which on processes pay: about a second of parsing, against a third to start them
CHUNK = 200_000  # bytes handed to a worker at once
START = "spawn" if sys.platform == "win32" else "forkserver"  # a server has the parser loaded; threads forbid a fork

_QUIET = "ignore:resource_tracker:UserWarning"  # after Ctrl-C its helper would complain of semaphores left to it


class File(NamedTuple):
    """A file to be read: its place among all, the name that reports show, its bytes."""

    number: int
    filename: str
    data: bytes


def read_all(files: list[File], executor: Executor | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield (number, packed reading) of each file, in no order.

    With an executor, it is used; without one, processes are, where that pays. Raises Failure for a bug in the tool.
    """
    if executor is not None:
        yield from _by(executor, files)
        return
    size = sum(len(file.data) for file in files)
    workers = min(_cores(), size // CHUNK, len(files))
    if workers < 2 or size < LEAST or multiprocessing.current_process().daemon:  # a daemon may have no children
        yield from ((file.number, reading.batch(_jobs([file]))[0]) for file in files)
        return
    with processes(workers) as pool:
        yield from _by(pool, files)


def processes(workers: int) -> ProcessPoolExecutor:
    """A pool of processes that leave Ctrl-C to their parent and end when it does."""
    context = multiprocessing.get_context(START)
    if _QUIET not in sys.warnoptions:
        sys.warnoptions.append(_QUIET)
    if START == "forkserver":
        context.set_forkserver_preload(["backproplint.lowering", "backproplint.reading"])
    return ProcessPoolExecutor(workers, context, _watch_parent)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _watch_parent() -> None:
    """Leave Ctrl-C to the run that started this process, and end once that is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _by(executor: Executor, files: list[File]) -> Iterator[tuple[int, bytes]]:
    """Hand out chunks, the largest files first; what a killed worker held is read again, one file a process."""
    asked: dict[Future[list[bytes]], list[File]] = {}
    left: list[File] = []
    for chunk in chunks(files):
        try:
            asked[executor.submit(reading.batch, _jobs(chunk))] = chunk
        except BrokenProcessPool:
            left += chunk
    for future in as_completed(asked):
        chunk = asked.pop(future)
        try:
            yield from zip([file.number for file in chunk], future.result(), strict=True)
        except BrokenProcessPool:
            left += chunk
    for file in left:
        yield file.number, _alone(file)


def _jobs(chunk: list[File]) -> list[tuple[str, bytes]]:
    return [(file.filename, file.data) for file in chunk]


def _alone(file: File) -> bytes:
    """Read a file in a process of its own, which may be killed for it."""
    try:
        with processes(1) as pool:
            return pool.submit(reading.batch, _jobs([file])).result()[0]
    except BrokenProcessPool:
        message = "the process that read it was killed, perhaps for want of memory: exclude it"
        return reading.pack(reading.refused(file.filename, message))


def chunks(files: list[File]) -> list[list[File]]:
    """Files in groups of about CHUNK bytes, the largest first, so that none is waited for at the end."""
    found: list[list[File]] = []
    size = CHUNK
    for file in sorted(files, key=lambda file: -len(file.data)):
        if size >= CHUNK:
            found.append([])
            size = 0
        found[-1].append(file)
        size += len(file.data)
    return found
