"""How often each rule was broken, most often first."""

from __future__ import annotations

import json
from collections import Counter

from backproplint.report import Report
from backproplint.report.terminal import Terminal


def render(report: Report, form: str, terminal: Terminal) -> str:
    """Return a line `count name [family]` for each rule with findings, or a JSON list of the same."""
    counts = Counter((found.name, found.family) for found in report.diagnostics)
    rows = sorted(((count, name, family) for (name, family), count in counts.items()), key=lambda r: (-r[0], r[1]))
    if form == "json":
        return json.dumps([{"name": name, "family": family, "count": count} for count, name, family in rows], indent=2)
    width = max((len(str(count)) for count, *_ in rows), default=0)
    return "\n".join(f"{count:>{width}}  {terminal.paint(name, '1;31')} [{family}]" for count, name, family in rows)
