"""What everything costs beyond the bare libcst parse, stage by stage: `python -m benchmarks.whole FOLDER...`.

Each folder (a package, say) is measured in a process of its own, so that its peak of memory is its own.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple, TypeVar

import libcst as cst

from backproplint import registry
from backproplint.deep import deeply
from backproplint.graph.outlining import prepared
from backproplint.graph.project import link
from backproplint.graph.values import Graph
from backproplint.lowering import _build  # `lower` parses too, and here the two are timed apart
from backproplint.rule import Finding
from benchmarks.lowering import read

Result = TypeVar("Result")
STAGES = ("parse", "lower", "link", "rules")


class Cost(NamedTuple):
    """Seconds by stage, findings of any confidence, and the peak of memory in MB, of one folder."""

    folder: str
    files: int
    lines: int
    seconds: dict[str, float]
    findings: int
    peak: float


def measure(folder: str) -> Cost:
    """Take a folder through the stages once."""
    seconds = dict.fromkeys(STAGES, 0.0)

    def timed(stage: str, run: Callable[..., Result], *arguments: Any) -> Result:
        started = perf_counter()
        result = run(*arguments)
        seconds[stage] += perf_counter() - started
        return result

    files = read([folder])
    lowered = []
    for source in files:
        module = timed("parse", cst.parse_module, source.text)
        graph = Graph(source.filename, timed("lower", _build, module, False).scopes)
        lowered.append(timed("lower", prepared, graph))
    project = timed("link", link, lowered)
    verdicts = timed("rules", lambda: [verdict for rule in registry.rules() for verdict in rule.check(project)])
    found = [verdict for verdict in verdicts if isinstance(verdict, Finding)]
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return Cost(folder, len(files), sum(source.text.count("\n") for source in files), seconds, len(found), peak)


def _deeply_measured(folder: str) -> Cost:
    return deeply(lambda: measure(folder))


def main(folders: list[str]) -> None:
    """Print a line a folder: its size, seconds by stage, everything over the parse alone, and the peak."""
    width = max(len(Path(folder).name) for folder in folders)
    print(f"{'':{width}} {'files':>6} {'lines':>8}", *(f"{stage:>7}" for stage in STAGES), "   all / parse  peak")
    for folder in folders:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            cost = pool.apply(_deeply_measured, [folder])
        whole = sum(cost.seconds.values())
        print(
            f"{Path(folder).name:{width}} {cost.files:6} {cost.lines:8}",
            *(f"{cost.seconds[stage]:6.2f}s" for stage in STAGES),
            f"{whole:6.1f}s x {whole / cost.seconds['parse']:.2f} {cost.peak:5.0f}M  {cost.findings} findings",
            flush=True,
        )


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("usage: python -m benchmarks.whole FOLDER...")
    main(sys.argv[1:])
