"""One file from bytes to lowered form: what worker processes do and what the cache keeps.

A `Reading` depends on the bytes and the kind of file alone, so it is the same wherever it is made and whatever the file
is called; names are given to it afterwards.
"""

from __future__ import annotations

import ast
import warnings

import msgspec

from backproplint import sources, suppress
from backproplint.config import Failure
from backproplint.deep import Overdue, deeply
from backproplint.graph.outline import Lowered
from backproplint.graph.outlining import outline
from backproplint.graph.values import Graph
from backproplint.sources import Problem, Source

SECONDS = 300.0  # for one file: 5 million lines at the speed of the parser, far more than is read at all


class Reading(msgspec.Struct, array_like=True):
    """What a file holds: its source, packed outline and graph, or the problem that there is none, and comments that
    silence."""

    source: Source | None
    problem: Problem | None
    silences: suppress.Suppressions = msgspec.field(default_factory=suppress.Suppressions)
    outline: bytes = b""
    graph: bytes = b""

    def named(self, filename: str) -> Reading:
        """This reading under the name that reports show."""
        if self.source is not None:
            self.source.filename = filename
        if self.problem is not None:
            self.problem.filename = filename
        return self

    def lowered(self, name: str) -> Lowered | None:
        """What link takes, under the name that it is linked by."""
        return Lowered(name, self.outline, self.graph) if self.outline else None


pack = msgspec.msgpack.encode
unpack = msgspec.msgpack.Decoder(Reading).decode  # raises msgspec.MsgspecError for what `pack` did not make


def batch(files: list[tuple[str, bytes]]) -> list[bytes]:
    """Read files, each given as (filename, bytes), and pack each reading: what a worker is asked to do."""
    return [pack(read(filename, data)) for filename, data in files]


def read(filename: str, data: bytes) -> Reading:
    """Read the bytes of one file. Raises Failure for a bug in the tool; what is wrong with the file is a problem."""
    try:
        return deeply(lambda: _read(filename, data), SECONDS)
    except Overdue:
        message = f"takes more than {SECONDS:.0f} s to read: simplify or exclude it"
        return refused(filename, message)


def refused(filename: str, message: str) -> Reading:
    """The reading of a file that was not read to its end."""
    return Reading(None, Problem(filename=filename, message=message))


def _read(filename: str, data: bytes) -> Reading:
    source = sources.from_stdin(data, filename)
    if isinstance(source, Problem):
        return Reading(None, source)
    silences = suppress.suppressions(source.text)
    lowered = _lowered(source)
    if isinstance(lowered, Problem):
        return Reading(source, lowered, silences)
    source, graph = lowered
    return Reading(source, None, silences, pack(outline(graph)), pack(graph))


def _lowered(source: Source) -> tuple[Source, Graph] | Problem:
    """Lower a file, if need be as Python 2; a Problem, placed in the source's text, where neither can be done."""
    from backproplint.lowering import InvalidSource, lower

    try:
        try:
            return source, lower(source.text, "")
        except InvalidSource as invalid:
            older = sources.rescue(source)
            if older is None:
                raise
            try:
                return older, lower(older.text, "")
            except InvalidSource:
                raise invalid from None
    except InvalidSource as invalid:
        reason, row, column = _refusal(source.text) or (invalid.message, invalid.row, invalid.column)
        message = reason[:1].lower() + reason[1:].rstrip(".")
        return Problem(filename=source.filename, message=message, row=row, column=column)
    except RecursionError:
        message = "nested too deeply to be analysed: simplify or exclude it"
        return Problem(filename=source.filename, message=message)
    except Exception as error:
        raise Failure(f"lowering {source.filename} failed ({type(error).__name__}: {error})") from error


def _refusal(text: str) -> tuple[str, int, int] | None:
    """Return Python's own message, row and column for text that it refuses: plainer than those of libcst."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in the code that is read are not our warnings
            ast.parse(text)
    except SyntaxError as error:
        return error.msg, max(error.lineno or 1, 1), max(error.offset or 1, 1)
    except (ValueError, RecursionError, MemoryError):
        pass
    return None
