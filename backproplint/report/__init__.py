"""What a run found, and what each format needs to show it. One file a format."""

from __future__ import annotations

import msgspec

from backproplint.report.terminal import Terminal
from backproplint.rule import Diagnostic, Location


class Report(msgspec.Struct, kw_only=True):
    """The outcome of one run, ready to print.

    `diagnostics` are sorted by place; `files` counts files checked and `python2` those of them read as Python 2.
    `code` holds the source line of each (filename, cell, row) that a diagnostic or its flow names. `undecided` counts
    the sites that a rule (ALL: every rule) would have judged, had it known a missing piece, by rule,
    family and reason.
    """

    diagnostics: list[Diagnostic]
    files: int
    python2: int = 0
    warnings: list[str] = []
    code: dict[tuple[str, int | None, int], str] = {}
    undecided: dict[tuple[str, str, str], int] = {}


def place(location: Location) -> str:
    """Return `path:row:column`, or `path:cell N:row:column` in a notebook."""
    cell = "" if location.cell is None else f"cell {location.cell}:"
    return f"{location.filename}:{cell}{location.row}:{location.column}"


def render(report: Report, form: str, terminal: Terminal) -> str:
    """Return the report in the format called `form`; text formats are empty where nothing was found."""
    from backproplint.report import concise, full, json

    return {"full": full.render, "concise": concise.render, "json": json.render}[form](report, terminal)


def summary(report: Report) -> str:
    """Return the last line of a run, such as `Found 3 problems in 2 files (1 file read as Python 2).`"""
    older = f" ({_count(report.python2, 'file')} read as Python 2)" if report.python2 else ""
    if not report.diagnostics:
        return f"All checks passed!{older}"
    files = {diagnostic.location.filename for diagnostic in report.diagnostics}
    return f"Found {_count(len(report.diagnostics), 'problem')} in {_count(len(files), 'file')}{older}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
