"""One line a finding: `path:row:column: name message [confidence]`."""

from __future__ import annotations

from backproplint.report import Report, place
from backproplint.report.terminal import Terminal


def render(report: Report, terminal: Terminal) -> str:
    """Return one line a diagnostic; empty where nothing was found."""
    return "\n".join(
        f"{terminal.paint(terminal.quote(place(found.location)), '1')}: "
        f"{terminal.paint(found.name, '1;31')} {terminal.say(found.message)} [{found.confidence}]"
        for found in report.diagnostics
    )
