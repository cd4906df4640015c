"""Which stories are driven in which framework, and the tables of README.md that say so.

`python -m tests.oracles.coverage` writes the tables.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from backproplint import registry
from tests.oracles.story import FIXTURES

PAGE = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
FRAMEWORKS = {
    "torch": "PyTorch",
    "tf1": "TensorFlow 1",
    "tf2": "TensorFlow 2",
    "keras": "Keras",
    "jax": "JAX",
    "numpy": "NumPy",
}
STORIES = sorted(f"{path.parent.name}/{path.name}" for path in FIXTURES.glob("*/*") if path.suffix in (".py", ".ipynb"))


def table(framework: str, name: str) -> dict[str, object]:
    """`DRIVERS` or `EXEMPT` of a framework, by "rule_folder/story_file"."""
    return dict(getattr(importlib.import_module(f"tests.oracles.{framework}_stories"), name))


def stories(framework: str, rule: str = "") -> set[str]:
    """The stories of a framework, of one rule or of all."""
    return {key for key in STORIES if key.startswith(rule) and Path(key).name.startswith(f"{framework}_")}


def page(text: str) -> str:
    """The page with its tables as they are now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return "\n".join([before + BEGIN, *_cells(), "", *_exempt(), END + after])


def _cells() -> Iterator[str]:
    yield f"| rule | {' | '.join(FRAMEWORKS.values())} |"
    yield "|---" * (1 + len(FRAMEWORKS)) + "|"
    driven = {framework: set(table(framework, "DRIVERS")) for framework in FRAMEWORKS}
    for rule in sorted(rule.name for rule in registry.rules()):
        folder = rule.replace("-", "_")
        cells = [(stories(framework, folder), driven[framework]) for framework in FRAMEWORKS]
        yield f"| {rule} | {' | '.join(f'proven, {len(own & run)} of {len(own)}' for own, run in cells)} |"


def _exempt() -> Iterator[str]:
    yield "| story that is not driven | why |"
    yield "|---|---|"
    for framework in FRAMEWORKS:
        for key, reason in sorted(table(framework, "EXEMPT").items()):
            yield f"| {key} | {reason} |"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
