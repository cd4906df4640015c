"""Every Keras and TensorFlow 2 story as it runs: a mark shows its hazard in the gradients, no mark healthy ones."""

from __future__ import annotations

import pytest

from tests.oracles import keras_stories, story, tf2_stories
from tests.oracles.eager_recorder import observe

DRIVERS = keras_stories.DRIVERS | tf2_stories.DRIVERS
RUNS = [pytest.param(key, run, id=f"{key}-{run}") for key, run in story.runs(DRIVERS)]


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras advises how the stories could be written in its new style
@pytest.mark.parametrize(("key", "run"), RUNS)
def test_the_gradients_are_what_the_story_says(key: str, run: story.Run) -> None:
    assert observe(key, run) is run.hazard


@pytest.mark.parametrize("key", DRIVERS)
def test_each_mark_has_a_run_that_shows_its_hazard(key: str) -> None:
    story.check(key, DRIVERS[key])
