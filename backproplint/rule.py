"""All that a checker has to know: Rule, Finding, Undecided, Evidence, and how a finding is pointed at.

A checker yields `Finding`s that point at sites of the lowered code. The engine turns each into a `Diagnostic`,
which has file positions and evidence and is what every report prints. Where a missing piece decides and the checker
stays silent, it yields an `Undecided`, which `--statistics` counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import msgspec

if TYPE_CHECKING:
    from backproplint.graph.project import Project

Severity = Literal["error", "warning", "note"]
Confidence = Literal["low", "medium", "high"]
Constant = float | int | str | bool
# What can be missing where a rule would have judged: few, and the same words whichever rule says them.
Reason = Literal[
    "how the weights start is not known",
    "the number of inputs is not known",
    "the size of the state is not known",
    "the learning rate is not known",
    "the range of the data is not known",
    "what is clipped is not known",
    "a call on the way is not known",
    "the optimizer is not in sight",
    "which weights are moved is not known",
    "something that is not known may clip the gradients",
    "calls nest too deeply to be followed",
    "a function is called too often to be followed each time",
    "there is too much code to be followed to its end",
]


class Site(NamedTuple):
    """An expression in lowered code: indices of its file in the project, scope in the file, value in the scope."""

    file: int
    scope: int
    value: int


class Mark(NamedTuple):
    """One step of a finding's flow, before positions are known."""

    site: Site
    message: str


class Finding(msgspec.Struct, kw_only=True):
    """What a checker yields: a hazard at a site, with the path that explains it.

    `message` says what happens to the gradient, then what to do; lower case, no final stop.
    `parameters` are the constants found in the code, under the names of the demo's `measure`; unknown ones are absent.
    `unseen` says, in a few words each, what could not be resolved on the path (it explains a lowered confidence).
    """

    message: str
    site: Site
    flow: list[Mark]
    framework: str
    confidence: Confidence = "high"
    severity: Severity | None = None
    parameters: dict[str, Constant] = {}
    unseen: list[str] = []


class Undecided(NamedTuple):
    """What a checker yields where it would have judged, had it known the missing piece; silence is no approval."""

    site: Site
    reason: Reason


Verdict = Finding | Undecided


class Rule:
    """One hazard. A subclass in rules/<folder>/checker.py sets the four names and writes `check`."""

    name: ClassVar[str]
    family: ClassVar[str]
    severity: ClassVar[Severity]
    summary: ClassVar[str]

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a Finding for each hazard of this rule in the linked project, an Undecided for each that may be one."""
        raise NotImplementedError


class Curves(msgspec.Struct, kw_only=True):
    """The picture of a hazard beside its cure: lines (label, xs, ys) over labelled axes, no more than that.

    `log`: the ys are log10 of what the axis names, so that no power is too large. `bars`: the ys are heights over bins
    of equal width around the xs. `told`: the table holds what is to be seen, so that it needs no sparkline beside it.
    """

    title: str
    x: str
    y: str
    series: list[tuple[str, list[float], list[float]]]
    log: bool = False
    bars: bool = False
    told: bool = False


class Evidence(msgspec.Struct, kw_only=True):
    """The demo's table for the constants of one finding: `columns` of numbers, one row a way of writing the code.

    `rows` hold (label, values), hazard first and cure after it; `curves` is the same measurement as a picture;
    `parameters` are the constants measured with; `assumed` names those of them that were not found in the code and are
    the demo's defaults.
    """

    columns: list[str]
    rows: list[tuple[str, list[float]]]
    curves: Curves
    parameters: dict[str, Constant] = {}
    assumed: list[str] = []


class Location(msgspec.Struct, frozen=True, order=True):
    """A region of a file. Rows and columns count from 1; `cell` counts a notebook's cells from 1, else None."""

    filename: str
    cell: int | None
    row: int
    column: int
    end_row: int
    end_column: int


class Step(msgspec.Struct, frozen=True):
    """One numbered step of a flow: what happens to the value, and where."""

    message: str
    location: Location


class Diagnostic(msgspec.Struct, kw_only=True):
    """A finding with its positions and its proof: what the reports print."""

    name: str
    family: str
    severity: Severity
    confidence: Confidence
    framework: str
    message: str
    location: Location
    flow: list[Step] = []
    unseen: list[str] = []
    parameters: dict[str, Constant] = {}
    evidence: Evidence | None = None
