"""How fast and how heavy beside other linters and the bare parse: `python -m benchmarks.speed`.

Fetches what it needs (see `benchmarks.peers`), runs all commands in turn, several times, and prints a table a tree.
What is fetched is kept in a folder of the user's cache, or where --home says. Needs a Unix and the package index: the
checkout is built and installed anew each time.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks import peers
from benchmarks.measure import Run, run

PATIENCE = 120  # seconds: what takes longer is not run again
MOMENT = 3  # times as many rounds of what takes but a moment
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
OURS = "backproplint"
ONE, ALL = "libcst parse, one core", f"libcst parse, {CORES} cores"
CLICK, VERSION = "import click", "backproplint --version"


@dataclass
class Row:
    """A command, what is done before each of its runs, and the runs."""

    name: str
    command: list[str]
    fine: Container[int] = (0, 1)
    before: Callable[[], None] = lambda: None
    trouble: str = ""
    runs: list[Run] = field(default_factory=list)

    def measure(self, home: Path, limit: float) -> None:
        """Run the command once more, unless it failed before or takes too long to be run again."""
        if self.trouble or (self.runs and self.runs[-1].wall > PATIENCE):
            return
        print(f"{self.name} ...", file=sys.stderr, flush=True)
        self.before()
        made = run(self.command, home, peers.environment(), limit, self.fine)
        self.trouble = made.trouble
        if not made.trouble:
            self.runs.append(made)


class Bench:
    """The tools, installed under a folder, and the rows that they make of a tree."""

    def __init__(self, home: Path, names: list[str], limit: float) -> None:
        self.home, self.limit = home, limit
        self.empty = home / "empty.toml"
        self.empty.touch()
        self.tools = [tool for tool in peers.TOOLS if tool.package in names]
        self.absent: dict[str, str] = {}
        self.places = dict(self._installed())

    def _installed(self) -> Iterator[tuple[str, Path]]:
        print("fetching and installing ...", file=sys.stderr)
        yield OURS, peers.ours(self.home)
        for tool in self.tools:
            try:
                yield tool.package, peers.tool(self.home, tool)
            except peers.Unready as error:
                self.absent[tool.package] = f"not installed: {error}"

    def call(self, package: str, call: str, **names: object) -> list[str]:
        """Return a command of a tool's environment; braces in `call` are filled in."""
        program, *arguments = (word.format(**names) for word in call.split())
        return [str(self.places.get(package, Path()) / "bin" / program), *arguments]

    def floor(self, tree: Path, processes: int) -> list[str]:
        """Return the command that parses a tree and does nothing else."""
        program = Path(__file__).with_name("floor.py")
        return [peers.python(self.places[OURS]), str(program), str(tree), str(processes)]

    def own(self, tree: Path) -> list[Row]:
        """Return our rows: the first run, one after which nothing changed, one after which one file did."""
        cache, copy = self.home / "cache" / tree.name, self.home / "copies" / tree.name
        for folder in (cache, copy):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(tree, copy)
        check = "backproplint --isolated --cache-dir {cache} {tree}"
        return [
            Row(OURS, self.call(OURS, "backproplint --isolated --no-cache {tree}", tree=tree)),
            Row("  nothing changed", self.call(OURS, check, tree=tree, cache=cache / "same")),
            Row("  one file changed", self.call(OURS, check, tree=copy, cache=cache / "copy"), before=edits(copy)),
        ]

    def others(self, tree: Path) -> list[Row]:
        """Return a row for each of the other tools, in trouble where it could not be installed."""
        return [
            Row(
                f"{tool.package} {tool.version}",
                self.call(tool.package, tool.call, tree=tree, empty=self.empty, cores=CORES),
                tool.fine,
                trouble=self.absent.get(tool.package, ""),
            )
            for tool in self.tools
        ]

    def take(self, rows: list[Row], rounds: int) -> None:
        """Run all rows in turn, several times. The caches are filled first."""
        for row in rows:
            if "--cache-dir" in row.command:
                run(row.command, self.home, peers.environment(), self.limit)
        for number in range(rounds):
            print(f"round {number + 1} of {rounds}", file=sys.stderr)
            for row in rows:
                row.measure(self.home, self.limit)

    def calls(self) -> Iterator[str]:
        """Yield a line for each tool: how it is called, and the version of its libcst."""
        own = peers.Tool(OURS, "", "backproplint --isolated --no-cache {tree}")
        for tool in [own, *self.tools]:
            parser = peers.libcst(self.places[tool.package]) if tool.package in self.places else ""
            call = tool.call.format(tree="TREE", empty="EMPTY", cores=CORES)
            yield call + (f"  (libcst {parser})" if parser else "")


def edits(folder: Path) -> Callable[[], None]:
    """Return what changes one statement of one file of a folder, the one of middle size, each time it is called."""
    files = sorted(folder.rglob("*.py"), key=lambda file: (file.stat().st_size, file))
    file = files[len(files) // 2]
    text, times = file.read_bytes(), iter(range(1_000_000))
    file.write_bytes(text + b"\n_edited = -1\n")

    def edit() -> None:
        file.write_bytes(text + f"\n_edited = {next(times)}\n".encode())

    return edit


def ratio(row: Row, base: Row) -> str:
    """Return the median over the rounds of how many times as long the row took as the base."""
    ratios = [run.wall / other.wall for run, other in zip(row.runs, base.runs, strict=False)]
    return f"x {median(ratios):.2f}" if ratios else "-"


def table(rows: list[Row], bases: dict[str, str]) -> Iterator[str]:
    """Yield the lines of a table; `bases` says by heading which row the others are divided by."""
    by_name = {row.name: row for row in rows}
    width = max(len(row.name) for row in rows)
    headings = "".join(f"{heading:>16}" for heading in bases)
    yield f"{'':{width}} {'wall':>9} {'processor':>9} {'peak':>6}{headings}  runs"
    for row in rows:
        ratios = "".join(f"{ratio(row, by_name[base]):>16}" for base in bases.values())
        measured = f"{costs(row)}{ratios}  {len(row.runs):4}" if row.runs else ""
        yield f"{row.name:{width}} {measured}  {row.trouble}".rstrip()


def costs(row: Row) -> str:
    """Return the medians of a row's runs."""
    wall = median(run.wall for run in row.runs)
    processor = median(run.processor for run in row.runs)
    return f"{wall:8.3f}s {processor:8.3f}s {median(run.peak for run in row.runs):5.0f}M"


def machine() -> str:
    """Return the date and the size of this machine, and how busy it is."""
    names = [line for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    model = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    what = f"{CORES} cores ({model}), {memory:.0f} GB, {platform.system()}, CPython {platform.python_version()}"
    return f"{date.today()}, {what}, load {os.getloadavg()[0]:.1f} at the start"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def size(tree: Path) -> str:
    """Return the number of Python files and of their lines."""
    files = list(tree.rglob("*.py"))
    return f"{len(files)} files, {sum(file.read_bytes().count(10) for file in files)} lines"


def moment(bench: Bench) -> list[Row]:
    """Return the rows of what takes but a moment: our version, and all tools on one file that holds one import."""
    folder = bench.home / "trees/moment"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "moment.py").write_text("import torch\n")
    return [
        Row(CLICK, bench.call(OURS, "python -c {code}", code="import click")),
        Row(VERSION, bench.call(OURS, "backproplint --version")),
        Row(ONE, bench.floor(folder, 1)),
        *bench.own(folder),
        *bench.others(folder),
    ]


def compare(bench: Bench, trees: list[peers.Tree], rounds: int) -> Iterator[str]:
    """Run everything and yield the lines of the tables."""
    folders = [peers.tree(bench.home, tree) for tree in trees]
    yield from (f"  {call}" for call in bench.calls())
    rows = moment(bench)
    bench.take(rows, MOMENT * rounds)
    yield "\none file, one line"
    yield from table(rows, {"/ import click": CLICK, "/ parse": ONE, "/ backproplint": OURS})
    for tree, folder in zip(trees, folders, strict=True):
        rows = [Row(ONE, bench.floor(folder, 1)), Row(ALL, bench.floor(folder, CORES))]
        rows += bench.own(folder) + bench.others(folder)
        bench.take(rows, rounds)
        yield f"\n{tree.package} {tree.version}: {size(folder)}"
        yield from table(rows, {"/ parse": ONE, f"/ on {CORES} cores": ALL, "/ backproplint": OURS})


def main(arguments: argparse.Namespace) -> None:
    """Print what `compare` yields as it comes, or one line about what could not be fetched."""
    home = arguments.home.absolute()
    try:
        home.mkdir(parents=True, exist_ok=True)
        print(machine(), flush=True)
        bench = Bench(home, arguments.tools, arguments.limit)
        trees = [tree for tree in peers.TREES if tree.package in arguments.trees]
        for line in compare(bench, trees, arguments.rounds):
            print(line, flush=True)
    except (peers.Unready, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    trees, tools = [tree.package for tree in peers.TREES], [tool.package for tool in peers.TOOLS]
    options = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=(__doc__ or "").split("\n\n")[1])
    add = options.add_argument
    add("--trees", nargs="*", choices=trees, default=trees, metavar="TREE", help=f"of {', '.join(trees)}")
    add("--tools", nargs="*", choices=tools, default=tools, metavar="TOOL", help=f"of {', '.join(tools)}")
    add("--rounds", type=int, default=5, help="how often each command runs [5]")
    add("--limit", type=float, default=900, help="seconds after which a run is given up [900]")
    add("--home", type=Path, default=cache / "backproplint-speed", help="where all that is fetched is kept")
    return options


if __name__ == "__main__":
    main(parser().parse_args())
