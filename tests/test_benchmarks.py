"""What a benchmark measures of a command: all its processes, shared memory once, and whether it really ran."""

import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks.measure import Run, run

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is read there")
MEMORY = "held = b'x' * (100 * 2**20)\n"
BUSY = "import time\nwhile time.process_time() < 0.5: pass\n"


def cost(code: str, cwd: Path, limit: float = 60) -> Run:
    return run([sys.executable, "-c", code], cwd, dict(os.environ), limit)


def test_the_peak_is_that_of_all_processes_and_counts_what_they_share_once(tmp_path: Path) -> None:
    fork = "import os, time\nchild = os.fork()\n"
    wait = "time.sleep(0.5)\nchild and os.wait()\n"
    assert 100 < cost(MEMORY + fork + wait, tmp_path).peak < 150
    assert 200 < cost(fork + MEMORY + wait, tmp_path).peak < 250


def test_the_processor_time_of_a_process_that_outlives_the_command_counts(tmp_path: Path) -> None:
    code = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {BUSY!r}])"
    made = cost(code, tmp_path)
    assert made.processor > 0.5
    assert not made.trouble


def test_findings_are_no_trouble_and_crashes_are(tmp_path: Path) -> None:
    assert cost("raise SystemExit(1)", tmp_path).trouble == ""
    assert cost("1 / 0", tmp_path).trouble == "exit status 1: ZeroDivisionError: division by zero"
    assert cost("import sys; sys.exit(3)", tmp_path).trouble == "exit status 3"
    assert cost("import os; os.kill(os.getpid(), 9)", tmp_path).trouble == "killed by signal 9"


def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    code = "import os, time\nos.fork()\nopen(str(os.getpid()), 'w').close()\ntime.sleep(60)"
    assert cost(code, tmp_path, limit=1).trouble == "over 1 s"
    time.sleep(0.1)
    assert [path.name for path in tmp_path.iterdir() if Path("/proc", path.name).exists()] == []
