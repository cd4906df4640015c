"""For those who work on backproplint: `new-rule NAME` starts a rule, `docs` rewrites what the pages show of the rules.

Left out of the wheel: it writes into the checkout.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

from backproplint import demos, plots, registry
from backproplint.config import UsageError
from backproplint.rule import Evidence

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- rules: begin -->", "<!-- rules: end -->"
PICTURES = "<!-- pictures: begin -->", "<!-- pictures: end -->"
TABLES = {"README.md": "rules/", "rules/README.md": ""}  # file with a table: how its links to rules start
RUN = re.compile(r"(<!-- run: (.+) -->\n```\n).*?(```\n<!-- run: end -->)", re.S)  # a command and what it prints
# the line that shows how to run a demo, and what it shows
PROOF = re.compile(r"(    backproplint demo ([\w-]+)\n)(\n```\n.*?```\n)?(\n!\[[^\]]*\]\(plot\.svg\)\n)?", re.S)

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
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]

POINTS = [np.array([[-2.0, -0.5, 0.5, 2.0]])]


def forward(xp: Any, x: Any, scale: float = 1.0) -> Any:
    """TODO: the hazard, functional, in any array library `xp`: an array in, a scalar out."""
    return xp.sum(scale * x)


def backward(x: Array, upstream: float, scale: float = 1.0) -> Array:
    """TODO: its gradient by hand: by `x`, given that by the result."""
    return upstream * scale * np.ones_like(x)


def measure(*, scale: float = 1.0) -> Evidence:
    """TODO: the table, the hazard first and the cure below it, and the same as curves."""
    curves = Curves(
        title="TODO: what the picture tells", x="TODO", y="TODO",
        series=[("this code", [0.0, 1.0], [scale, scale]), ("cure", [0.0, 1.0], [1.0, 1.0])],
    )  # fmt: skip
    return Evidence(columns=["TODO"], rows=[("this code", [scale]), ("cure", [1.0])], curves=curves)


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


def gallery() -> str:
    """Return the pictures of all rules, two abreast, between their markers; each leads to its rule."""
    cells = []
    for rule in registry.rules():
        folder = f"rules/{registry.folder(rule.name).name}"
        cells.append(f'<a href="{folder}/README.md"><img src="{folder}/plot.svg" alt="{rule.name}" width="49%"></a>')
    return "\n".join([PICTURES[0], *cells, PICTURES[1]])


def proof(rule_name: str) -> str:
    """Return what a rule's page shows of its demo: the table as it is printed, and the picture."""
    evidence = demos.evidence(rule_name, {})
    printed = io.StringIO()
    with redirect_stdout(printed):
        demos.print_table(evidence)
    return f"\n```\n{printed.getvalue()}```\n\n![{evidence.curves.title}](plot.svg)\n"


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

    Raises ValueError where a page lacks its markers.
    """
    wanted = {}
    for name, links in TABLES.items():
        page = root / name
        text = between(page, (BEGIN, END), table(links), page.read_text(encoding="utf-8") if page.exists() else "")
        if name == "README.md":
            text = between(page, PICTURES, gallery(), text)
        wanted[page] = RUN.sub(lambda run: run[1] + output(run[2], root) + run[3], text)
    for rule in registry.rules():
        page = root / "rules" / registry.folder(rule.name).name / "README.md"
        wanted[page] = PROOF.sub(lambda call: call[1] + proof(call[2]), page.read_text(encoding="utf-8"))
    return {page: text for page, text in wanted.items() if page.read_text(encoding="utf-8") != text}


def between(page: Path, markers: tuple[str, str], new: str, text: str) -> str:
    """Return the text of a page with what stands between two markers, and they, replaced by `new`."""
    before, begin, rest = text.partition(markers[0])
    _, end, after = rest.partition(markers[1])
    if not begin or not end:
        raise ValueError(f"{page.name} lacks the lines {markers[0]} and {markers[1]}")
    return before + new + after


def faded(root: Path = ROOT) -> dict[Path, Evidence]:
    """Return the rules' pictures that are missing or do not show what is measured now, with what they should show.

    The curves are compared, which an SVG holds as data, and not its bytes: these change with matplotlib's version.
    """
    pictures = {}
    for rule in registry.rules():
        picture = root / "rules" / registry.folder(rule.name).name / "plot.svg"
        evidence = demos.evidence(rule.name, {})
        curves = plots.shown(picture.read_text(encoding="utf-8")) if picture.exists() else None
        if curves is None or not plots.same(curves, evidence.curves):
            pictures[picture] = evidence
    return pictures


def docs(check: bool) -> int:
    """Rewrite stale pages and redraw stale pictures, or with `check` only name them; return the exit status."""
    pages, pictures = stale(), faded()
    for page, text in pages.items() if not check else ():
        page.write_text(text, encoding="utf-8")
    for picture, evidence in pictures.items() if not check else ():
        plots.ready(picture)
        plots.save(evidence, picture)
    for file in [*pages, *pictures]:
        print(f"{file.relative_to(ROOT)}: {'stale, run `python -m backproplint.dev docs`' if check else 'written'}")
    return 1 if check and (pages or pictures) else 0


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
    except (ValueError, UsageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
