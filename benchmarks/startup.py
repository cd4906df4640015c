"""What one small file costs beyond importing libcst: `python -m benchmarks.startup [FILE]`.

Each command runs in its own process, in turn with the others, so that whatever else the machine does slows all alike.
The file is copied to a folder of its own: in a project, the imports of all its files are looked at too. Bytecode is
kept, as in any installation, in a folder of its own too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).parents[1]
STORY = ROOT / "fixtures/clip_before_loss/torch_ppo_clips.py"  # nothing is found in it
ROUNDS = 15


def pairs(file: str) -> list[tuple[str, list[str], list[str]]]:
    """Return (what is compared, our command, its floor), each command as arguments of Python."""
    ours = ["-m", "backproplint"]
    return [
        (f"check {file} against import libcst", [*ours, "check", file], ["-c", "import libcst"]),
        ("--version against import click", [*ours, "--version"], ["-c", "import click"]),
    ]


def wall(arguments: list[str], cwd: str) -> float:
    """Return the seconds that Python takes with these arguments."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": f"{cwd}-bytecode"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    started = perf_counter()
    ran = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True)
    assert ran.returncode in (0, 1), ran.stderr.decode()
    return perf_counter() - started


def main(file: Path, cwd: str) -> None:
    """Print the medians of the rounds in milliseconds, the median difference, and the median ratio."""
    Path(cwd).mkdir()
    shutil.copy(file, cwd)
    for what, ours, floor in pairs(file.name):
        wall(ours, cwd), wall(floor, cwd)  # compiles to bytecode
        rounds = [(wall(ours, cwd), wall(floor, cwd)) for _ in range(ROUNDS)]
        own, least = (1000 * median(times) for times in zip(*rounds, strict=True))
        more = 1000 * median(a - b for a, b in rounds)
        ratio = median(a / b for a, b in rounds)
        print(f"{what}: {own:.0f} ms, {least:.0f} ms: {more:+.0f} ms, x {ratio:.2f} (median of {ROUNDS} rounds)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as alone:
        main(Path(sys.argv[1]) if sys.argv[1:] else STORY, f"{alone}/project")
