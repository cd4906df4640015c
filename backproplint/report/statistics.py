"""How often each rule was broken, and how often it could not tell, most often first."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import Any

from backproplint.report import Report
from backproplint.report.terminal import Terminal


def render(report: Report, form: str, terminal: Terminal) -> str:
    """Return a line `count name [family]` a rule with findings and a line a reason why a rule left sites undecided.

    In JSON that is one list with an object a rule, its `undecided` a list of reasons with their counts.
    """
    counts = Counter((found.name, found.family) for found in report.diagnostics)
    reasons: defaultdict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for (name, family, reason), count in sorted(report.undecided.items(), key=lambda row: (-row[1], row[0])):
        reasons[name, family].append((reason, count))
    if form == "json":
        rules = [*_ordered(counts), *(rule for rule in reasons if rule not in counts)]
        return json.dumps([_object(rule, counts[rule], reasons[rule]) for rule in rules], indent=2)
    rows = [(counts[rule], rule[0], f" [{rule[1]}]", "1;31") for rule in _ordered(counts)]
    rows += [(n, rule[0], f"  undecided: {why}", "1;36") for rule, told in reasons.items() for why, n in told]
    width = max((len(str(count)) for count, *_ in rows), default=0)
    return "\n".join(f"{count:>{width}}  {terminal.paint(name, style)}{rest}" for count, name, rest, style in rows)


def _ordered(counts: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(counts, key=lambda rule: (-counts[rule], rule))


def _object(rule: tuple[str, str], count: int, told: list[tuple[str, int]]) -> dict[str, Any]:
    undecided = [{"reason": reason, "count": sites} for reason, sites in told]
    return {"name": rule[0], "family": rule[1], "count": count, "undecided": undecided}
