"""From sites in lowered code to places in files."""

from __future__ import annotations

from typing import NamedTuple

from backproplint import sources
from backproplint.rule import Diagnostic, Finding, Location, Rule, Site, Step
from backproplint.sources import Source


class Region(NamedTuple):
    """Where an expression stands: in its file, or cell, and by its rows in the source's text."""

    location: Location
    text_row: int
    text_end_row: int


def region(source: Source, span: tuple[int, int, int, int]) -> Region:
    """Return where a span (row, column, end row, end column, all from 1) of the source's text stands in the file."""
    row, column, end_row, end_column = span
    cell, at_row, at_column = sources.location(source, row, column)
    _, to_row, to_column = sources.location(source, end_row, end_column)
    return Region(Location(source.filename, cell, at_row, at_column, to_row, to_column), row, end_row)


def diagnostic(rule: Rule, finding: Finding, places: dict[int, dict[tuple[int, int], Region]]) -> Diagnostic:
    """Return the finding with places for its sites; a step whose value stands nowhere in the text is left out."""

    def at(site: Site) -> Region | None:
        return places[site.file].get((site.scope, site.value))

    steps = [(mark.message, at(mark.site)) for mark in finding.flow]
    return Diagnostic(
        name=rule.name,
        family=rule.family,
        severity=finding.severity or rule.severity,
        confidence=finding.confidence,
        framework=finding.framework,
        message=finding.message,
        location=places[finding.site.file][finding.site.scope, finding.site.value].location,
        flow=[Step(message, place.location) for message, place in steps if place is not None],
        unseen=finding.unseen,
        parameters=finding.parameters,
    )
