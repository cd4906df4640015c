"""Whoever reads the files, the findings are the same; a process that dies costs its own file at most."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from backproplint import engine, pool, reading, registry
from backproplint.config import Settings
from backproplint.pool import File
from backproplint.report import Report

ROOT = Path(__file__).parents[1]
STORIES = ROOT / "fixtures" / "clip_before_loss"
GOOD = b"x = 1\n"
DEADLY = "deadly.py"


def checked(executor: Executor | None) -> Report:
    return engine.check([STORIES], Settings(root=ROOT), registry.rules(), measure=False, executor=executor)


@contextmanager
def _processes(method: str) -> Iterator[Executor]:
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as executor:
        yield executor


@pytest.fixture(scope="module")
def serial() -> Report:
    return checked(None)


def test_threads_find_the_same(serial: Report) -> None:
    with ThreadPoolExecutor(3) as executor:
        assert checked(executor) == serial


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_processes_find_the_same(serial: Report, method: str) -> None:
    assert serial.diagnostics
    with _processes(method) as executor:
        assert checked(executor) == serial


def test_many_bytes_go_to_a_pool_by_themselves(monkeypatch: pytest.MonkeyPatch, serial: Report) -> None:
    monkeypatch.setattr(pool, "LEAST", 1)
    monkeypatch.setattr(pool, "CHUNK", 5_000)
    assert checked(None) == serial


def test_chunks_hold_each_file_once_and_large_ones_come_first() -> None:
    sizes = [10, 300_000, 0, 150_000, 60_000, 60_000]
    groups = pool.chunks([File(number, "a.py", b"#" * size) for number, size in enumerate(sizes)])
    assert [[file.number for file in group] for group in groups] == [[1], [3, 4], [5, 0, 2]]
    assert pool.chunks([]) == []


def lethal(files: list[tuple[str, bytes]]) -> list[bytes]:
    """Reads as `batch` does, but for one file, at which the system kills the process."""
    if any(filename == DEADLY for filename, _ in files):
        os.kill(os.getpid(), signal.SIGKILL)
    return [reading.pack(reading.read(filename, data)) for filename, data in files]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forking beside threads, which is meant here
def test_a_killed_process_is_reported_with_its_file_and_the_rest_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "START", "fork")  # the only one that takes `lethal` along
    monkeypatch.setattr(pool, "CHUNK", 10)
    monkeypatch.setattr(reading, "batch", lethal)
    files = [File(number, f"{number}.py", GOOD) for number in range(6)] + [File(6, DEADLY, GOOD)]
    with pool.processes(2) as executor:
        readings = {number: reading.unpack(packed) for number, packed in pool.read_all(files, executor)}
    assert sorted(readings) == list(range(7))
    assert [number for number, one in readings.items() if one.problem is not None] == [6]
    problem = readings[6].problem
    assert problem is not None
    assert (problem.filename, "killed" in problem.message) == (DEADLY, True)


def test_a_file_that_takes_too_long_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 0.001)
    problem = reading.read("slow.py", b"x = [1, 2, 3]\n" * 20_000).problem
    assert problem is not None
    assert "takes more than" in problem.message
