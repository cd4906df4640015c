"""The floor of `benchmarks.speed`: the bare libcst parse of all Python files of a folder, on as many processes.

`python floor.py FOLDER PROCESSES`, a program of its own that imports nothing but libcst and the standard library. The
pool forks where it can, with the parser loaded, and takes the largest files first: as little above the parse as may be.
"""

from __future__ import annotations

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import libcst as cst

CHUNK = 200_000  # bytes handed to a process at once


def parse(files: list[Path]) -> int:
    """Parse files and return how many of them are Python 3."""
    parsed = 0
    for file in files:
        try:
            cst.parse_module(file.read_bytes())
        except (cst.ParserSyntaxError, UnicodeDecodeError):
            continue
        parsed += 1
    return parsed


def chunks(folder: Path) -> list[list[Path]]:
    """Return the Python files of a folder in groups of about CHUNK bytes, the largest files first."""
    sizes = sorted(((file.stat().st_size, file) for file in folder.rglob("*.py")), reverse=True)
    groups: list[list[Path]] = []
    room = 0
    for size, file in sizes:
        if size > room:
            groups.append([])
            room = CHUNK
        groups[-1].append(file)
        room -= size
    return groups


def main(folder: Path, processes: int) -> None:
    """Parse everything and print how many files that were."""
    if processes == 1:
        print(sum(map(parse, chunks(folder))))
        return
    how = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
    with ProcessPoolExecutor(processes, multiprocessing.get_context(how)) as pool:
        print(sum(pool.map(parse, chunks(folder))))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
