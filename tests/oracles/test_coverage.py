"""Every story is driven in its framework, or exempt for a reason; at most one in five is exempt."""

from __future__ import annotations

import pytest

from tests.oracles import coverage


@pytest.mark.parametrize("framework", coverage.FRAMEWORKS)
def test_a_frameworks_stories_are_driven_or_exempt(framework: str) -> None:
    driven, exempt = coverage.table(framework, "DRIVERS"), coverage.table(framework, "EXEMPT")
    assert driven.keys() | exempt.keys() == coverage.stories(framework)
    assert not driven.keys() & exempt.keys()
    assert all(str(reason).strip() for reason in exempt.values())


def test_all_stories_have_a_framework_and_at_most_one_in_five_is_exempt() -> None:
    assert set(coverage.STORIES) == set().union(*map(coverage.stories, coverage.FRAMEWORKS))
    exempt = [key for framework in coverage.FRAMEWORKS for key in coverage.table(framework, "EXEMPT")]
    assert 5 * len(exempt) <= len(coverage.STORIES)


def test_the_page_shows_what_is_driven() -> None:
    text = coverage.PAGE.read_text(encoding="utf-8")
    assert text == coverage.page(text), "stale, run `python -m tests.oracles.coverage`"
