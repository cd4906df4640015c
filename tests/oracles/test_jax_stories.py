"""Every JAX story under JAX, in double precision where it can be: hazards show in its gradients where they are marked,
and only there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from tests.oracles.jax_observer import SCALE, fitting, observe
from tests.oracles.jax_recorder import Call, Recorder
from tests.oracles.jax_stories import DRIVERS, EXEMPT, PACKAGES

FIXTURES = Path(__file__).parents[2] / "fixtures"
MARK = re.compile(r"# expect: ([\w, -]+)")


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Compilers need not optimize what runs once."""
    option = "jax_disable_most_optimizations"
    before = jax.config.read(option)
    jax.config.update(option, True)
    yield
    jax.config.update(option, before)


def marks(path: Path) -> dict[str, set[int]]:
    """The marked lines by rule; the rule of the story's folder is always there."""
    lines: dict[str, set[int]] = {path.parent.name.replace("_", "-"): set()}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        for rule in ", ".join(MARK.findall(line)).split(", "):
            if rule:
                lines.setdefault(rule.strip(), set()).add(number)
    return lines


def record(story: str, scale: float = 1.0) -> list[Call]:
    driver = DRIVERS[story]
    arrival = "rnn-no-clip" in marks(FIXTURES / story)
    return Recorder(FIXTURES / story, PACKAGES, scale, driver.gradients, arrival).run(driver.call)


@pytest.mark.parametrize("story", sorted(DRIVERS))
def test_hazards_are_where_the_marks_are(story: str) -> None:
    wanted = marks(FIXTURES / story)
    with jax.enable_x64(DRIVERS[story].double):
        calls = record(story)
        steep = record(story, SCALE) if "rnn-no-clip" in wanted else []
        for rule, lines in wanted.items():
            assert fitting(observe(rule, calls, steep), lines), rule


def test_each_story_is_driven_or_has_a_reason_not_to_be() -> None:
    stories = {f"{path.parent.name}/{path.name}" for path in FIXTURES.glob("*/jax_*")}
    assert stories == DRIVERS.keys() | EXEMPT.keys()
    assert not DRIVERS.keys() & EXEMPT.keys()
