"""A JSON list of findings: ruff's keys with `name` for `code`, and ours beside them."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from backproplint.report import Report
from backproplint.report.terminal import Terminal
from backproplint.rule import Diagnostic, Evidence, Location


def render(report: Report, terminal: Terminal) -> str:
    """Return the diagnostics as one JSON list in ASCII, `[]` where nothing was found."""
    return json.dumps([_object(found) for found in report.diagnostics], indent=2, allow_nan=False)


def _object(found: Diagnostic) -> dict[str, Any]:
    return {
        **_place(found.location),
        "name": found.name,
        "message": found.message,
        "severity": found.severity,
        "confidence": found.confidence,
        "family": found.family,
        "framework": found.framework,
        "flow": [{**_place(step.location), "message": step.message} for step in found.flow],
        "unseen": found.unseen,
        "evidence": _table(found.evidence),
        "fix": None,
        "url": None,
    }


def _place(location: Location) -> dict[str, Any]:
    return {
        "filename": location.filename,
        "cell": location.cell,
        "location": {"row": location.row, "column": location.column},
        "end_location": {"row": location.end_row, "column": location.end_column},
    }


def _table(evidence: Evidence | None) -> dict[str, Any] | None:
    """The numbers of the evidence, without its picture."""
    if evidence is None:
        return None
    return {key: _finite(value) for key, value in msgspec.to_builtins(evidence).items() if key != "curves"}


def _finite(value: Any) -> Any:
    """Spell what JSON has no number for as JavaScript and protobuf do: "NaN", "Infinity", "-Infinity"."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
