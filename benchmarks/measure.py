"""What one command costs, with all the processes it starts: wall clock, processor, peak of memory. Unix only.

The peak is the largest sum over all processes of the command at one moment, each by its PSS: a page that several of
them share counts once, and what a fork has not touched is not counted twice. It is sampled from /proc every few
milliseconds, as often as a twentieth of a core allows. Without /proc it is the RSS of the largest process alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Container
from pathlib import Path
from time import perf_counter
from typing import IO, NamedTuple

PAUSE = 0.001  # seconds before the first sample
RARELY = 20  # a sample is followed by this many times its own duration without one
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
TRACEBACK = "Traceback (most recent call last):"


class Run(NamedTuple):
    """Seconds of wall clock and of processor, MB at the peak, and what went wrong, or nothing."""

    wall: float
    processor: float
    peak: float
    trouble: str = ""


def run(command: list[str], cwd: Path, environment: dict[str, str], limit: float, fine: Container[int] = (0, 1)) -> Run:
    """Run a command without input, its output thrown away, and return its cost.

    It is in trouble if it takes more than `limit` seconds, after which it is killed with all that it started, if its
    exit status is not `fine`, or if it leaves a traceback. Raises OSError when it cannot be started.
    """
    _adopt(True)
    with tempfile.TemporaryFile() as errors:
        started = perf_counter()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        sampler, timer = _Sampler(process.pid), threading.Timer(limit, _kill, [process.pid])
        sampler.start()
        timer.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
            wall = perf_counter() - started
            orphans = _orphans(process.pid)
        finally:
            _adopt(False)
            timer.cancel()
            sampler.stop()
            _kill(process.pid)
        process.returncode = os.waitstatus_to_exitcode(status)
        trouble = f"over {limit:.0f} s" if wall >= limit else _trouble(process.returncode, fine, errors)
    peak = sampler.peak or used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Run(wall, used.ru_utime + used.ru_stime + orphans, peak / 2**20, trouble)


def _trouble(code: int, fine: Container[int], errors: IO[bytes]) -> str:
    """Say what went wrong, if anything did: linters exit with 1 when they find something, and so does a traceback."""
    errors.seek(0)
    lines = errors.read().decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    if code in fine and TRACEBACK not in said:
        return ""
    how = f"killed by signal {-code}" if code < 0 else f"exit status {code}"
    return f"{how}: {said[-1][:90]}" if said else how


def _adopt(willing: bool) -> None:
    """Become the parent of processes whose own has ended, or no longer: a pool's server outlives who started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, int(willing), 0, 0, 0)


def _orphans(group: int) -> float:
    """Wait for all that a command left behind and return the seconds of processor that they used."""
    seconds = 0.0
    with contextlib.suppress(ChildProcessError):
        while True:
            used: resource.struct_rusage = os.wait4(-group, 0)[2]
            seconds += used.ru_utime + used.ru_stime
    return seconds


def _kill(session: int) -> None:
    """End what is left of a session."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)


class _Sampler(threading.Thread):
    """Keeps the peak of the bytes that a session holds."""

    def __init__(self, session: int) -> None:
        super().__init__(daemon=True)
        self.session, self.peak = session, 0
        self._ended = threading.Event()

    def run(self) -> None:
        pause = PAUSE
        while not self._ended.wait(pause):
            started = perf_counter()
            self.peak = max(self.peak, held(self.session))
            pause = RARELY * (perf_counter() - started)

    def stop(self) -> None:
        self._ended.set()
        self.join()


def held(session: int) -> int:
    """Return the bytes (PSS) that the processes of a session hold now; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    return sum(_held_by(int(entry.name), session) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _held_by(process: int, session: int) -> int:
    with contextlib.suppress(OSError):  # it has ended, or is not ours
        if os.getsid(process) == session:
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().split("\n"):
                if line.startswith("Pss:"):
                    return 1024 * int(line.split()[1])
    return 0
