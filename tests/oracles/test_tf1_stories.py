"""Every TensorFlow 1 story as it runs: a mark's hazard is in its gradients, and without a mark they are healthy."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.oracles import story
from tests.oracles.tf1_stories import DRIVERS

Seen = dict[str, list[bool | str]]


@pytest.fixture(scope="module")
def seen(request: pytest.FixtureRequest) -> Seen:
    """What was seen in the stories that are asked for."""
    items: list[Any] = request.session.items
    asked = sorted({item.callspec.params["key"] for item in items if "seen" in item.fixturenames})
    shares = [share for share in (asked[::2], asked[1::2]) if share]  # one for each core
    with ThreadPoolExecutor() as pool:
        return {key: runs for found in pool.map(observed, shares) for key, runs in found.items()}


def observed(keys: list[str]) -> Seen:
    """In a process of its own: TensorFlow 1 cannot live beside 2."""
    command = [sys.executable, "-m", "tests.oracles.graph_recorder", *keys]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found: Seen = json.loads(run.stdout)
    return found


@pytest.mark.parametrize("key", DRIVERS)
def test_the_gradients_are_what_the_story_says(key: str, seen: Seen) -> None:
    assert seen[key] == [run.hazard for run in DRIVERS[key]]


@pytest.mark.parametrize("key", DRIVERS)
def test_each_mark_has_a_run_that_shows_its_hazard(key: str) -> None:
    story.check(key, DRIVERS[key])
