"""The five stages, one after the other: paths in, a Report out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from backproplint import config, registry, sources
from backproplint.config import Failure
from backproplint.deep import deeply
from backproplint.kept import Kept, Loaded, loaded
from backproplint.placing import Region, diagnostic, region
from backproplint.related import related, root
from backproplint.report import Report
from backproplint.rule import Diagnostic, Evidence, Finding, Location, Rule, Undecided, Verdict

if TYPE_CHECKING:
    from backproplint import suppress
    from backproplint.config import Settings
    from backproplint.graph.outline import Lowered
    from backproplint.reading import Reading
    from backproplint.sources import Problem, Source

CONFIDENCES = ("low", "medium", "high")


class _File(NamedTuple):
    """A file that was read, and whether findings in it are to be reported."""

    path: Path
    source: Source
    lowered: Lowered
    silences: suppress.Suppressions
    reported: bool


def check(
    paths: Iterable[Path],
    settings: Settings,
    rules: list[Rule] | None = None,
    *,
    stdin: bytes | None = None,
    measure: bool = True,
    advance: Callable[[int, int], None] = lambda done, total: None,
    executor: Executor | None = None,
    cache: Path | None = None,
) -> Report:
    """Run `rules` (by default those that the settings select) over the files that `paths` (relative to the working
    directory) name or hold.

    With `stdin` the one path is the name of what these bytes hold. Evidence is measured unless not `measure`.
    `advance` is told (files done, files in all). Files are read by `executor`; without one, by processes where that
    pays. `cache` is the folder that keeps what was read and found; without one nothing is kept. Raises UsageError
    for a path that does not exist or a selector that no rule has, and Failure for a bug in a rule, a demo or the tool;
    a file that cannot be read is a
    diagnostic.
    """
    registry.checked(settings)
    run = _Run(settings, rules, advance)
    return deeply(lambda: run.report(list(paths), stdin, measure, executor, cache))


@contextmanager
def _naming(what: str) -> Iterator[None]:
    """Turn an unexpected error into a Failure that says what failed."""
    try:
        yield
    except Exception as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise Failure(f"{what} failed ({said})") from error


class _Run:
    """One run: what has been read and found so far."""

    def __init__(self, settings: Settings, rules: list[Rule] | None, advance: Callable[[int, int], None]) -> None:
        self.settings, self.given, self.advance = settings, rules, advance
        self.cwd = Path.cwd()
        self.files: list[_File] = []
        self.diagnostics: list[Diagnostic] = []
        self.code: dict[tuple[str, int | None, int], str] = {}
        self.warnings: list[str] = []
        self.undecided: Counter[tuple[str, str, str]] = Counter()

    def report(
        self, paths: list[Path], stdin: bytes | None, measure: bool, executor: Executor | None, cache: Path | None
    ) -> Report:
        """Find the files, and return what an earlier run found in exactly these, or what this one finds."""
        given = [self.cwd / path for path in paths]
        named = given if stdin is not None else sources.find(map(str, paths), self.settings, self.cwd)
        facts = _facts([path for path in given if path.is_file()], named, self.settings)
        files = [self._load(path, stdin if number == 0 else None) for number, path in enumerate([*named, *facts])]
        complaints: list[str] = []
        with Kept(cache, complaints.append) as kept:
            rules = None if self.given is None else [rule.name for rule in self.given]
            key = kept.key(files, len(named), self.settings, rules, measure)
            report = kept.report(key)
            if report is None:
                report = self._fresh(paths, files, len(named), measure, executor, kept)
                kept.keep(key, report)
        report.warnings = [*complaints, *report.warnings]
        return report

    def _load(self, path: Path, data: bytes | None) -> Loaded:
        filename = sources.reported(path, self.cwd)
        return loaded(path, filename, sources.load(path, filename) if data is None else data)

    def _fresh(
        self, paths: list[Path], files: list[Loaded], named: int, measure: bool, executor: Executor | None, kept: Kept
    ) -> Report:
        """Go through the stages and return what they found."""
        if not named:
            self.warnings.append(f"no Python files found under {', '.join(map(str, paths))}")
        busy = _busy(files)
        readings = kept.readings([files[number] for number in busy], executor, self.advance)
        for number, reading in zip(busy, readings, strict=True):
            self._take(files[number], reading, reported=number < named)
        self._place(self._findings(kept))
        diagnostics = _distinct(self.diagnostics)
        if measure:
            _measure(diagnostics)
        python2 = sum(file.source.python2 for file in self.files if file.reported)
        return Report(
            diagnostics=diagnostics, files=named, python2=python2, warnings=self.warnings, code=self.code,
            undecided=dict(self.undecided),
        )  # fmt: skip

    def _take(self, file: Loaded, reading: Reading, reported: bool) -> None:
        """Take up what was read of a file; what could not be read is a diagnostic."""
        lowered = reading.lowered(file.name)
        if reading.problem is not None:
            row, silences = reading.problem.row, reading.silences
            silent = {*registry.INPUT} & {*self.settings.ignore} or silences.covers(*registry.INPUT, row, row)
            if reported and not silent and self._wanted(file.path, *registry.INPUT):
                self._refuse(reading.problem, reading.source)
        elif reading.source is not None and lowered is not None:
            self.files.append(_File(file.path, reading.source, lowered, reading.silences, reported))
            if reported:
                self.warnings += _remarks(reading.source, reading.silences)

    def _wanted(self, path: Path, name: str, family: str) -> bool:
        """Tell whether a finding of this name may be shown in the file."""
        return not config.per_file_ignored(self.settings, path, name, family)

    def _refuse(self, problem: Problem, source: Source | None) -> None:
        """Report a file that cannot be read or parsed. The problem's row and column are those of the source's text."""
        row, column, cell, line = problem.row, problem.column, problem.cell, ""
        if source is not None:
            line = "".join(source.text.split("\n")[row - 1 : row])  # a parser may point behind the last line
            cell, row, column = sources.location(source, row, column)
        name, family = registry.INPUT
        at = Location(problem.filename, cell, row, column, row, column + 1)
        self.code[at.filename, cell, row] = line
        self.diagnostics.append(
            Diagnostic(
                name=name, family=family, severity="warning", confidence="high", framework="",
                message=problem.message, location=at,
            )
        )  # fmt: skip

    def _findings(self, kept: Kept) -> list[tuple[Rule, Finding]]:
        """Link the files and let each rule look; keep what was asked for."""
        if not self.files:
            return []
        from backproplint.graph.unseen import unseen

        self.files.sort(key=lambda file: Path(file.lowered.filename))  # nothing may depend on the order they came in
        with _naming("link"):
            project = kept.linked([file.lowered for file in self.files])
        for number, error in project.failures:
            said = f"{type(error).__name__}: {error}"
            filename = self.files[number].source.filename
            self.warnings.append(f"{filename}: could not be followed to its end ({said}); please report this")
        found = []
        for rule in registry.selected(self.settings) if self.given is None else self.given:
            with _naming(f"rule {rule.name}"):
                verdicts = list(rule.check(project))
            found += [(rule, one) for one in verdicts if isinstance(one, Finding) and self._asked(rule, one)]
            self._count(rule.name, rule.family, verdicts)
        self._count("ALL", "", list(unseen(project)))
        return found

    def _count(self, name: str, family: str, verdicts: list[Verdict]) -> None:
        """Count the sites that a rule left undecided; one where it found something by another way is decided."""
        found = {one.site for one in verdicts if isinstance(one, Finding)}
        for site, reason in {one for one in verdicts if isinstance(one, Undecided)}:
            file = self.files[site.file]
            if site not in found and file.reported and self._wanted(file.path, name, family):
                self.undecided[name, family, reason] += 1

    def _asked(self, rule: Rule, finding: Finding) -> bool:
        file = self.files[finding.site.file]
        sure = CONFIDENCES.index(finding.confidence) >= CONFIDENCES.index(self.settings.min_confidence)
        return file.reported and sure and self._wanted(file.path, rule.name, rule.family)

    def _place(self, found: list[tuple[Rule, Finding]]) -> None:
        """Find where the findings and their steps stand, and make diagnostics of those that no comment silences."""
        sites = defaultdict(set)
        for _, finding in found:
            for site in (finding.site, *(mark.site for mark in finding.flow)):
                sites[site.file].add((site.scope, site.value))
        places = {number: self._places(self.files[number], wanted) for number, wanted in sites.items()}
        for rule, finding in found:
            with _naming(f"the place of a finding of {rule.name}"):
                at = places[finding.site.file][finding.site.scope, finding.site.value]
            silences = self.files[finding.site.file].silences
            if not silences.covers(rule.name, rule.family, at.text_row, at.text_end_row):
                self.diagnostics.append(diagnostic(rule, finding, places))

    def _places(self, file: _File, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], Region]:
        """Return the regions of (scope, value) pairs in a file, and remember the lines of code they start in."""
        from backproplint.lowering import positions

        with _naming(f"positions in {file.source.filename}"):
            spans = positions(file.source.text, wanted)
        lines = file.source.text.split("\n")
        regions = {site: region(file.source, span) for site, span in spans.items()}
        for found in regions.values():
            at = found.location
            self.code[at.filename, at.cell, at.row] = lines[found.text_row - 1]
        return regions


def _busy(files: list[Loaded]) -> list[int]:
    """The places of the files that need be parsed."""
    from backproplint import prefilter  # deferred: a report from the cache needs none of what reads files

    idle = prefilter.idle([(Path(file.name), file.data if isinstance(file.data, bytes) else None) for file in files])
    return [number for number in range(len(files)) if number not in idle]


def _facts(files: list[Path], named: list[Path], settings: Settings) -> list[Path]:
    """Return the files that bear on those named one by one, from their projects and not among `named`."""
    projects = defaultdict(list)
    for path in {*files} & {*named} if files else ():
        projects[root(path)].append(path)
    bearing = {path for top, members in projects.items() for path in related(members, top, settings)}
    return sorted(bearing - {path.resolve() for path in named}) if bearing else []


def _remarks(source: Source, silences: suppress.Suppressions) -> list[str]:
    """Return warnings: what was left out of a file, and comments that silence nothing."""
    unknown = silences.unknown(registry.names()) if silences.comments else []
    comments = sorted([*silences.malformed, *unknown])
    placed = [(*sources.location(source, row, 1), message) for row, message in comments]
    return [f"{source.filename}: {note}" for note in source.notes] + [
        f"{source.filename}:{'' if cell is None else f'cell {cell}:'}{row}: {message}"
        for cell, row, _, message in placed
    ]


def _distinct(diagnostics: list[Diagnostic]) -> list[Diagnostic]:
    """Sort by place; of those with the same name and place keep the surest."""
    surest: dict[tuple[str, Location], Diagnostic] = {}
    for found in sorted(diagnostics, key=lambda found: -CONFIDENCES.index(found.confidence)):
        surest.setdefault((found.name, found.location), found)
    return sorted(surest.values(), key=_order)


def _order(found: Diagnostic) -> tuple[str, int, int, int, str]:
    at = found.location
    return at.filename, at.cell or 0, at.row, at.column, found.name


def _measure(diagnostics: list[Diagnostic]) -> None:
    """Give each diagnostic of a rule its evidence; the same constants are measured once."""
    from backproplint import demos  # deferred: most runs find nothing

    measured: dict[tuple[str, str], Evidence] = {}
    for found in diagnostics:
        if found.family == registry.INPUT[1]:
            continue
        key = found.name, repr(sorted(found.parameters.items()))
        if key not in measured:
            with _naming(f"the demo of {found.name}"):
                measured[key] = demos.evidence(found.name, found.parameters)
        found.evidence = measured[key]
