"""A story of fixtures/ for its drivers: its marks, its code as a module, and what a driver says about one run of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

FIXTURES = Path(__file__).parents[2] / "fixtures"
MARK = re.compile(r"# expect: ([\w, -]+)")


@dataclass(frozen=True)
class Run:
    """One run of a story, `call(story)`, and what must be seen of `rule` in its gradients: the hazard, or health."""

    rule: str
    call: Callable[[Any], object]
    hazard: bool
    scene: Callable[..., bool] | None = None  # where the rule's usual measure in the recorder does not fit
    options: Mapping[str, Any] = field(default_factory=dict)  # for the recorder

    def __str__(self) -> str:
        return f"{'hazard' if self.hazard else 'healthy'}-{self.rule}"


Drivers = dict[str, list[Run]]  # by "rule_folder/story_file"


def hazard(rule: str, call: Callable[[Any], object], scene: Callable[..., bool] | None = None, **options: Any) -> Run:
    return Run(rule, call, True, scene, options)


def healthy(rule: str, call: Callable[[Any], object], scene: Callable[..., bool] | None = None, **options: Any) -> Run:
    return Run(rule, call, False, scene, options)


def cells(story: Any) -> None:
    """The call for a notebook: loading it has run its cells."""


def source(key: str) -> str:
    """The code of a story; of a notebook all code cells, joined, without magic."""
    text = (FIXTURES / key).read_text(encoding="utf-8")
    if not key.endswith(".ipynb"):
        return text
    cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
    lines = "\n".join("".join(cell["source"]) for cell in cells).splitlines()
    return "\n".join(line.removeprefix("%time ") for line in lines if not line.startswith(("%matplotlib", "!")))


def marks(key: str) -> list[str]:
    """The rules that the story expects to fire, once for each marked line."""
    return [rule.strip() for mark in MARK.findall(source(key)) for rule in mark.split(",")]


def load(key: str, packages: Mapping[str, Any], tree: Any = None, **names: Any) -> ModuleType:
    """Run a story's top level as a module: its source, or what a recorder made of its syntax `tree`.

    `packages` stand in for what it imports, `names` are there already.
    """
    module = ModuleType("story")
    sys.modules.update({**packages, "story": module})  # for good: a data class looks its module up later
    vars(module).update(names)
    exec(compile(tree or source(key), str(FIXTURES / key), "exec"), vars(module))
    return module


def runs(drivers: Drivers) -> list[tuple[str, Run]]:
    """Each run of each story, with its story."""
    return [(key, run) for key, of_story in sorted(drivers.items()) for run in of_story]


def check(key: str, driven: list[Run]) -> None:
    """Assert that each mark has a run that shows the hazard, and that the story is looked at for its own rule."""
    assert sorted(run.rule for run in driven if run.hazard) == sorted(marks(key))
    own = key.split("/")[0].replace("_", "-")
    assert own in {run.rule for run in driven}
