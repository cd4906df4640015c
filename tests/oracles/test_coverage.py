"""Every story is driven in its framework, or exempt for a reason; at most one in five is exempt."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import pytest

from tests.oracles import story

HERE = Path(__file__).parent
TABLES = [f"{name}_stories" for name in ("torch", "tf1", "tf2", "keras", "jax", "numpy")]
STORIES = {f"{path.parent.name}/{path.name}" for path in story.FIXTURES.glob("*/*") if path.suffix in (".py", ".ipynb")}


def table(module: str, name: str) -> dict[str, object]:
    return dict(getattr(importlib.import_module(f"tests.oracles.{module}"), name))


@pytest.mark.parametrize("module", TABLES)
def test_a_frameworks_stories_are_driven_or_exempt(module: str) -> None:
    framework = module.removesuffix("_stories")
    stories = {key for key in STORIES if Path(key).name.startswith(f"{framework}_")}
    driven, exempt = set(table(module, "DRIVERS")), set(table(module, "EXEMPT"))
    assert driven | exempt == stories
    assert not driven & exempt
    assert all(str(reason).strip() for reason in table(module, "EXEMPT").values())


def test_all_stories_have_a_framework_and_at_most_one_in_five_is_exempt() -> None:
    driven = {key for module in TABLES for key in table(module, "DRIVERS")}
    exempt = {key for module in TABLES for key in table(module, "EXEMPT")}
    assert driven | exempt == STORIES
    assert 5 * len(exempt) <= len(STORIES)
