"""Every torch story under torch: a mark's hazard is in its gradients, and without a mark they are healthy."""

from __future__ import annotations

import pytest

from tests.oracles import story, torch_recorder, torch_stories


@pytest.mark.parametrize(
    ("key", "run"), [pytest.param(key, run, id=f"{key}-{run}") for key, run in story.runs(torch_stories.DRIVERS)]
)
def test_the_gradients_are_what_the_story_says(key: str, run: story.Run) -> None:
    assert torch_recorder.observe(key, run) is run.hazard


@pytest.mark.parametrize("key", torch_stories.DRIVERS)
def test_each_mark_has_a_run_that_shows_its_hazard(key: str) -> None:
    story.check(key, torch_stories.DRIVERS[key])
