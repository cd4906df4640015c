"""For those who work on backproplint: `new-rule NAME` starts a rule, `docs` rewrites what the pages show of the rules.

Left out of the wheel: it writes into the checkout.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from backproplint import registry

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"
TABLES = {"README.md": "rules/", "rules/README.md": ""}  # file with a table: how its links to rules start
RUN = re.compile(r"(<!-- run: (.+) -->\n```\n).*?(```\n<!-- run: end -->)", re.S)  # a command and what it prints

CHECKER = '''"""TODO: say in one line what goes wrong with the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.rule import Finding, Rule

if TYPE_CHECKING:
    from backproplint.graph.project import Project


class CLASS(Rule):
    """TODO: what is looked for, and what only looks like it."""

    name = "NAME"
    family = "TODO"
    severity = "warning"
    summary = "TODO: what happens to the gradient, in one sentence."

    def check(self, project: Project) -> Iterator[Finding]:
        """Yield a finding for each TODO."""
        yield from ()
'''
DEMO = '''"""TODO: the hazard beside its cure, forward and backward written out by hand."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Evidence

Array = NDArray[np.float64]

POINTS = [np.array([[-2.0, -0.5, 0.5, 2.0]])]


def forward(xp: Any, x: Any, scale: float = 1.0) -> Any:
    """TODO: the hazard, functional, in any array library `xp`: an array in, a scalar out."""
    return xp.sum(scale * x)


def backward(x: Array, upstream: float, scale: float = 1.0) -> Array:
    """TODO: its gradient by hand: by `x`, given that by the result."""
    return upstream * scale * np.ones_like(x)


def measure(*, scale: float = 1.0) -> Evidence:
    """TODO: the table, the hazard first and the cure below it."""
    return Evidence(columns=["TODO"], rows=[("this code", [scale]), ("cure", [1.0])])


def claim() -> None:
    """TODO: assert what the README says, with numbers."""
    raise AssertionError("state the claim of NAME")


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
'''
README = """# NAME

TODO: what happens to the gradient, in one sentence.

## What it finds

TODO

## When it stays silent

TODO

## Why it hurts

TODO

## See it in NumPy

    backproplint demo NAME

## Thresholds

TODO: each number in the checker, and the measurement behind it.

## Do this instead

TODO
"""
STORY = '''"""TODO: a believable story that has the hazard; then another file that only looks like it."""

import torch


def train(x: torch.Tensor) -> torch.Tensor:
    return x  # expect: NAME
'''


def new_rule(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a rule that is still to be done, and return them. Raises ValueError for a bad name."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise ValueError(f"'{name}' is no rule name: lower case words joined by dashes, such as clip-before-loss")
    folder = name.replace("-", "_")
    homes = root / "rules" / folder, root / "fixtures" / folder
    if any(home.exists() for home in homes):
        raise ValueError(f"there is a rule '{name}' already")
    rule, stories = homes
    texts = {"checker.py": CHECKER, "demo.py": DEMO, "README.md": README}
    files = {rule / file: text for file, text in texts.items()} | {stories / "torch_story.py": STORY}
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        own = text.replace("NAME", name).replace("CLASS", name.title().replace("-", ""))
        file.write_text(own, encoding="utf-8")
    return list(files)


def table(links: str) -> str:
    """Return the rules as a Markdown table between its markers; `links` is the way from the page to rules/."""
    rows = [
        f"| [{rule.name}]({links}{registry.folder(rule.name).name}/README.md) "
        f"| {rule.family} | {rule.severity} | {rule.summary} |"
        for rule in sorted(registry.rules(), key=lambda rule: (rule.family, rule.name))
    ]
    return "\n".join([BEGIN, "| rule | family | severity | what it finds |", "|---|---|---|---|", *rows, END])


def output(command: str, root: Path) -> str:
    """Return what a command line such as `backproplint rules` prints in `root`, 80 columns wide and without colour."""
    plain = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(root)}
    ran = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        cwd=root, env=os.environ | plain, stdout=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    return ran.stdout


def stale(root: Path = ROOT) -> dict[Path, str]:
    """Return the pages whose table or printed output is not what it is now, with the text they should have.

    Raises ValueError where a page lacks the two markers.
    """
    pages = {}
    for name, links in TABLES.items():
        page = root / name
        text = page.read_text(encoding="utf-8") if page.exists() else ""
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise ValueError(f"{name} lacks the lines {BEGIN} and {END}")
        wanted = RUN.sub(lambda run: run[1] + output(run[2], root) + run[3], before + table(links) + after)
        if wanted != text:
            pages[page] = wanted
    return pages


def docs(check: bool) -> int:
    """Rewrite stale pages, or with `check` only name them; return the exit status."""
    pages = stale()
    for page, text in pages.items():
        if not check:
            page.write_text(text, encoding="utf-8")
        print(f"{page.relative_to(ROOT)}: {'stale, run `python -m backproplint.dev docs`' if check else 'written'}")
    return 1 if check and pages else 0


def main(arguments: list[str] | None = None) -> int:
    """Run one of the two commands; return the exit status (0, 1 stale pages, 2 usage)."""
    parser = argparse.ArgumentParser(prog="python -m backproplint.dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("new-rule", help="start a rule").add_argument("name")
    tables = commands.add_parser("docs", help="rewrite the tables of rules and what commands print")
    tables.add_argument("--check", action="store_true", help="only say which pages are stale")
    options = parser.parse_args(arguments)
    try:
        if options.command == "docs":
            return docs(options.check)
        for file in new_rule(options.name):
            print(file.relative_to(ROOT))
        print(f"now edit them until `pytest -k {options.name.replace('-', '_')}` passes")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
