"""Every rule over every story: findings stand exactly where the stories say, and their flows name the marked lines."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backproplint import engine, registry
from backproplint.config import Settings
from backproplint.report import Report
from backproplint.rule import Location

ROOT = Path(__file__).parents[1]
STORIES = sorted(path for path in (ROOT / "fixtures").glob("*/*") if path.suffix in (".py", ".ipynb"))
Place = tuple[int | None, int]  # cell (of a notebook, counted from 1 over all cells) and row


def lines(story: Path) -> Iterator[tuple[Place, str]]:
    """Each line of code of a story, with its place."""
    text = story.read_text(encoding="utf-8")
    if story.suffix == ".py":
        yield from (((None, row), line) for row, line in enumerate(text.splitlines(), 1))
        return
    for number, cell in enumerate(json.loads(text)["cells"], 1):
        code = "".join(cell["source"]) if cell["cell_type"] == "code" else ""
        yield from (((number, row), line) for row, line in enumerate(code.splitlines(), 1))


def marks(story: Path, word: str) -> list[tuple[Place, str]]:
    """Each (place, rule) of the marks `# word: rule, rule` at the ends of lines."""
    mark = re.compile(rf"#\s*{word}:\s*([\w-]+(?:\s*,\s*[\w-]+)*)")
    return [
        (place, name)
        for place, line in lines(story)
        for names in mark.findall(line)
        for name in re.split(r"\s*,\s*", names)
    ]


def place(location: Location) -> Place:
    return location.cell, location.row


@pytest.fixture(params=STORIES, ids=[f"{path.parent.name}/{path.stem}" for path in STORIES], scope="module")
def checked(request: pytest.FixtureRequest) -> tuple[Path, Report]:
    """One story and what all rules find in it, numbers measured."""
    return request.param, engine.check([request.param], Settings(root=ROOT), registry.rules())


def test_findings_stand_where_the_story_expects_them(checked: tuple[Path, Report]) -> None:
    story, report = checked
    found = [(place(diagnostic.location), diagnostic.name) for diagnostic in report.diagnostics]
    assert sorted(found) == sorted(marks(story, "expect"))


def test_flows_name_the_marked_lines(checked: tuple[Path, Report]) -> None:
    story, report = checked
    named = {
        (place(step.location), diagnostic.name)
        for diagnostic in report.diagnostics
        for step in diagnostic.flow
        if Path(step.location.filename).name == story.name
    }
    assert set(marks(story, "step")) - named == set()


def test_findings_are_told_well(checked: tuple[Path, Report]) -> None:
    _, report = checked
    for diagnostic in report.diagnostics:
        assert diagnostic.flow, "a finding without its path"
        assert diagnostic.evidence, "a finding without its numbers"
        assert diagnostic.confidence == "high" or diagnostic.unseen, "a lowered confidence that does not say why"
        for message in (diagnostic.message, *(step.message for step in diagnostic.flow), *diagnostic.unseen):
            first = message.split()[0]
            assert not (first[0].isupper() and first[1:].islower()), f"not in lower case: {message}"
            assert not message.endswith("."), f"final stop: {message}"
            assert "\n" not in message


def test_every_mark_is_spelled_right() -> None:
    known = {rule.name for rule in registry.rules()}
    stray = re.compile(r"#\s*(?!expect:|step:)(?:expects?|steps?|except)\b\s*:", re.IGNORECASE)
    for story in STORIES:
        names = {name for word in ("expect", "step") for _, name in marks(story, word)}
        assert names <= known, story
        assert not [line for _, line in lines(story) if stray.search(line)], story
