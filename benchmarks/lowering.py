"""What lowering adds to the bare libcst parse of the same files: `python -m benchmarks.lowering PATHS...`.

Parse and lowering of each file follow one another, and the whole is repeated, so that whatever else the machine does
slows both alike.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import libcst as cst

from backproplint import sources
from backproplint.config import Settings
from backproplint.deep import deeply
from backproplint.lowering import _build  # `lower` parses too, and here the two are timed apart

ROUNDS = 3


class Round(NamedTuple):
    """Seconds spent on all files, and the number of values they lower to."""

    parse: float
    lower: float
    values: int


def read(paths: Iterable[str]) -> list[sources.Source]:
    """Return the files that the paths name or hold and that parse as Python 3; the others are named on stderr."""
    found = []
    for path in sources.find(paths, Settings(), Path.cwd()):
        source = sources.read(path, str(path))
        try:
            if isinstance(source, sources.Source):
                cst.parse_module(source.text)
                found.append(source)
                continue
        except cst.ParserSyntaxError:
            pass
        print(f"left out: {path}", file=sys.stderr)
    return found


def measure(files: list[sources.Source]) -> Round:
    """Parse and lower each file once."""
    parse = lower = 0.0
    values = 0
    for source in files:
        started = perf_counter()
        module = cst.parse_module(source.text)
        parsed = perf_counter()
        builder = _build(module, remember=False)
        lower += perf_counter() - parsed
        parse += parsed - started
        values += sum(len(scope.values) for scope in builder.scopes)
    return Round(parse, lower, values)


def main(paths: list[str]) -> None:
    """Print lines, values a line, both times and their ratio, each the median of the rounds."""
    files = read(paths)
    lines = sum(source.text.count("\n") for source in files)
    rounds = [measure(files) for _ in range(ROUNDS)]
    parse, lower = median(round.parse for round in rounds), median(round.lower for round in rounds)
    ratio = median(round.lower / round.parse for round in rounds)
    print(f"{len(files)} files, {lines} lines, {rounds[0].values / lines:.2f} values a line; median of {ROUNDS} rounds")
    print(f"parse     {parse:8.3f} s  {lines / parse / 1000:6.1f} thousand lines a second")
    print(f"lowering  {lower:8.3f} s  {lines / lower / 1000:6.1f} thousand lines a second")
    print(f"lowering / parse  {ratio:.3f}")


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("usage: python -m benchmarks.lowering PATHS...")
    deeply(lambda: main(sys.argv[1:]))
