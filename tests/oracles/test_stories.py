"""Every torch and NumPy story as it runs: a mark's hazard is in its gradients, and without a mark they are healthy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.oracles import numpy_recorder, numpy_stories, story, torch_recorder, torch_stories

OBSERVERS: list[tuple[story.Drivers, Callable[[str, story.Run], bool]]] = [
    (torch_stories.DRIVERS, torch_recorder.observe),
    (numpy_stories.DRIVERS, numpy_recorder.observe),
]
RUNS = [
    pytest.param(key, run, observe, id=f"{key}-{run}")
    for drivers, observe in OBSERVERS
    for key, run in story.runs(drivers)
]


@pytest.mark.parametrize(("key", "run", "observe"), RUNS)
def test_the_gradients_are_what_the_story_says(
    key: str, run: story.Run, observe: Callable[[str, story.Run], bool]
) -> None:
    assert observe(key, run) is run.hazard


@pytest.mark.parametrize("key", torch_stories.DRIVERS | numpy_stories.DRIVERS)
def test_each_mark_has_a_run_that_shows_its_hazard(key: str) -> None:
    story.check(key, (torch_stories.DRIVERS | numpy_stories.DRIVERS)[key])
