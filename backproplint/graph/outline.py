"""What a file names, scope by scope: all that is asked of it before something of it is followed.

Most files of a large project are never followed. Their graphs stay packed; imports, names across files and the question
whether a training can be reached are answered from outlines, which are small and depend on the file alone.
"""

from __future__ import annotations

from functools import cached_property

import msgspec

from backproplint.graph.values import Graph


class Import(msgspec.Struct, array_like=True, gc=False):
    """An import of a module, or of a name from one; a star import has no name."""

    path: str
    name: str = ""
    level: int = 0


class Name(msgspec.Struct, array_like=True, gc=False):
    """A dotted path that a file reads: the scope that binds its first part (-1: none does), and whether that is an
    import or none, so that the whole may be a library's name."""

    home: int
    path: str
    imported: bool


class Binding(msgspec.Struct, array_like=True, gc=False):
    """One of the things that a name is bound to: a function or class by its scope, an import, another name, or an
    expression that reads other names. Names are places in the file's list."""

    scope: int = -1
    source: Import | None = None
    alias: int = -1
    reads: list[int] = []


class Definition(msgspec.Struct, array_like=True, gc=False):
    """A function or class that a scope defines, with the names of its bases, defaults and decorators."""

    scope: int
    names: list[int]
    decorators: list[int]


class Part(msgspec.Struct, array_like=True, gc=False):
    """One scope: where it stands, the names it reads that may lead out of it, and what else tells of trainings.

    `own` are attributes of its own `self`, `attributes` all others; `methods` are those of `names` that it calls by
    the name of a method that trains, `trains` whether it calls such a method of anything else. An update by hand
    `descends`.
    """

    kind: str
    name: str
    parent: int
    names: list[int] = []
    methods: list[int] = []
    attributes: list[str] = []
    own: list[str] = []
    definitions: list[Definition] = []
    trains: bool = False
    descends: bool = False
    subtracts: bool = False


class Outline(msgspec.Struct, array_like=True):
    """A file: its scopes, the names they read, what is bound in each scope that binds one of these.

    `tops` are all names that the module binds, `listed` what its `__all__` lists, `changers` the functions that write
    to a global, `bases` the last names of the bases of each class, `size` the number of values in the graph.
    """

    parts: list[Part]
    names: list[Name]
    bound: dict[int, dict[str, list[Binding]]]
    imports: list[Import]
    stars: list[Import]
    tops: list[str]
    listed: list[str] | None
    changers: list[int]
    bases: dict[int, list[str]]
    size: int
    draws: bool
    multiplies: bool
    defines_flags: bool


pack = msgspec.msgpack.encode
_graph = msgspec.msgpack.Decoder(Graph).decode
_outline = msgspec.msgpack.Decoder(Outline).decode


class Lowered:
    """A lowered file under the name that it is linked by: outline and graph, each packed until its first use."""

    def __init__(self, filename: str, outline: bytes, graph: bytes) -> None:
        self.filename, self.packed, self._graph = filename, outline, graph

    @cached_property
    def outline(self) -> Outline:
        return _outline(self.packed)

    @cached_property
    def graph(self) -> Graph:
        return _graph(self._graph)
