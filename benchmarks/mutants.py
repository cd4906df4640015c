"""How many planted hazards are caught: `python -m benchmarks.mutants TREE...` on folders of checked-out code.

For rules with too few labelled bugs, one spot of a real file on which the rule is silent is edited (edits.py) so that
it becomes a hazard by the rule's own thresholds. The edit is made in a copy of the tree. Nothing is drawn at random:
trees and files are taken in order, at most two mutants of a tree, the kinds of edit in turn.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider

from backproplint import engine, registry
from backproplint.config import Settings
from backproplint.deep import deeply
from benchmarks.edits import MUTATORS, Edit

MOST, PER_TREE = 10, 2
TRAINS = re.compile(r"\.backward\(|\.fit\(|minimize\(|train_on_batch|apply_gradients|-=")


class Mutant(NamedTuple):
    """An edit of a file of a tree, and the rule it should break. The edit's text is made when it is asked for."""

    rule: str
    tree: Path
    file: Path
    line: int
    kind: str
    said: str
    discarded: str


def mutants(tree: Path) -> Iterator[Mutant]:
    """The first edit of each kind and rule that each file of a tree offers."""
    for file in sorted(tree.rglob("*.py")):
        module, found = edits(file)
        lines = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider) if found else {}
        for (rule, kind), edit in found.items():
            said = " ".join(edit.said.split())
            yield Mutant(rule, tree, file, lines[edit.node].start.line, kind, said, edit.discarded)


def edits(file: Path) -> tuple[cst.Module, dict[tuple[str, str], Edit]]:
    """A file, and the first edit of each rule and kind that it offers; none where nothing trains."""
    text = file.read_text(encoding="utf-8", errors="ignore")
    found: dict[tuple[str, str], Edit] = {}
    try:
        module = cst.parse_module(text if TRAINS.search(text) else "")
    except (cst.ParserSyntaxError, RecursionError):
        return cst.Module([]), found
    for rule, mutator in MUTATORS.items():
        for edit in mutator(module, text):
            found.setdefault((rule, edit.kind), edit)
    return module, found


def in_turn(found: list[Mutant]) -> list[Mutant]:
    """One of each kind of edit, then the next of each."""
    kinds: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in found:
        kinds[mutant.kind].append(mutant)
    return [mutant for row in zip_longest(*kinds.values()) for mutant in row if mutant is not None]


def fires(mutant: Mutant, planted: bool) -> bool:
    """Whether the rule finds something in the file in a copy of its tree, with the hazard planted or without."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "tree")
        shutil.copytree(mutant.tree, copy, ignore=lambda at, names: [n for n in names if not _wanted(Path(at, n))])
        (copy / ".git").mkdir()
        file = copy / mutant.file.relative_to(mutant.tree)
        if planted:
            _, found = edits(mutant.file)
            file.write_text(found[mutant.rule, mutant.kind].text(), encoding="utf-8")
        rules = [one for one in registry.rules() if one.name == mutant.rule]
        return bool(engine.check([file], Settings(root=copy), rules, measure=False).diagnostics)


def _wanted(path: Path) -> bool:
    return path.suffix == ".py" or (path.is_dir() and not path.is_symlink() and path.name != ".git")


def run(rule: str, found: list[Mutant]) -> None:
    """Print how many mutants of a rule are caught, the missed ones, and why others were discarded."""
    discarded = Counter(mutant.discarded for mutant in found if mutant.discarded)
    chosen: list[tuple[Mutant, bool]] = []
    used: Counter[Path] = Counter()
    for mutant in in_turn([mutant for mutant in found if not mutant.discarded]):
        if len(chosen) == MOST:
            break
        new = used[mutant.tree] < PER_TREE and all(mutant.file != other.file for other, _ in chosen)
        if new and not fires(mutant, planted=False):
            used[mutant.tree] += 1
            chosen.append((mutant, fires(mutant, planted=True)))
    print(f"{rule}: {sum(hit for _, hit in chosen)} of {len(chosen)} caught, of {len(found)} possible", flush=True)
    for mutant, hit in chosen:
        where = f"{mutant.file.relative_to(mutant.tree.parent)}:{mutant.line}"
        print(f"  {'caught' if hit else 'MISSED'}  {where}: {mutant.kind}: {mutant.said}")
    for reason, count in discarded.most_common():
        print(f"  {count} discarded: {reason}")


def main(trees: list[Path]) -> None:
    """Find the mutants of all trees, and run those of one rule after the other."""
    found = [mutant for tree in trees for mutant in mutants(tree)]
    for rule in MUTATORS:
        run(rule, [mutant for mutant in found if mutant.rule == rule])


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("usage: python -m benchmarks.mutants TREE...")
    deeply(lambda: main(sorted(map(Path, sys.argv[1:]))))
