"""What the names in a scope stand for across the project's files, found without following any code.

A name leads to functions, classes and imports; one that holds anything else leads to all that its expressions name.
Places are (file, scope) pairs, a library's names are strings.
"""

from __future__ import annotations

from typing import NamedTuple

from backproplint.graph.modules import Paths
from backproplint.graph.outline import Binding, Import, Lowered

Place = tuple[int, int]  # file, scope
Target = Place | str
_Name = tuple[Place, str]  # a dotted path, and the scope that binds its first part
_LONGEST = 8  # attributes of a path that is followed


class _Leads(NamedTuple):
    """Where a name leads in one step: to places and libraries' names, and to other names."""

    ends: set[Target]
    onward: set[_Name]


class Names:
    """The names of all scopes of a project."""

    def __init__(self, files: list[Lowered], paths: Paths) -> None:
        self._outlines, self._paths = [file.outline for file in files], paths
        self._known: dict[_Name, set[Target]] = {}
        self._direct: dict[_Name, _Leads] = {}

    def targets(self, file: int, name: int) -> set[Target]:
        """What one of a file's names stands for."""
        start = self._numbered(file, name)
        found = self._known.get(start)
        if found is None:
            found = self._known[start] = self._followed(start)
        return found

    def _numbered(self, file: int, name: int, rest: str = "") -> _Name:
        read = self._outlines[file].names[name]
        return (file, max(read.home, 0)), read.path + rest

    def _followed(self, start: _Name) -> set[Target]:
        """Each name on the way is looked at once, so circles of re-exports end."""
        found: set[Target] = set()
        seen, waiting = {start}, [start]
        while waiting:
            name = waiting.pop()
            known = self._known.get(name)
            if known is not None:
                found |= known
                continue
            leads = self._leads(name)
            found |= leads.ends
            fresh = leads.onward - seen
            seen |= fresh
            waiting += fresh
        return found

    def _leads(self, name: _Name) -> _Leads:
        if name not in self._direct:
            self._direct[name] = self._look(*name)
        return self._direct[name]

    def _look(self, place: Place, path: str) -> _Leads:
        """What a name leads to by itself: where it ends, and other names that it may stand for."""
        first, *rest = path.split(".")
        leads = _Leads(set(), set())
        bindings = self._outlines[place[0]].bound[place[1]].get(first)
        if len(rest) > _LONGEST:  # `a = a.next` would grow for ever
            return leads
        if bindings is None:
            self._below(leads, place[0], path)
        for binding in bindings or ():
            self._bound(leads, place[0], binding, rest)
        return leads

    def _bound(self, leads: _Leads, file: int, binding: Binding, rest: list[str]) -> None:
        if binding.source is not None:
            self._imported(leads, file, binding.source, rest)
        elif binding.scope >= 0:
            leads.ends.add((file, binding.scope))
        elif binding.alias >= 0:
            leads.onward.add(self._numbered(file, binding.alias, "".join(f".{name}" for name in rest)))
        else:
            leads.onward.update(self._numbered(file, name) for name in binding.reads)

    def _imported(self, leads: _Leads, file: int, source: Import, rest: list[str]) -> None:
        """What an import stands for, or the attribute `rest` of it."""
        path, name, level = source.path, source.name, source.level
        module = self._paths.find(file, path, level)
        whole = ".".join(filter(None, [path, name]))
        if module is None and name:
            submodule = self._paths.find(file, whole, level)
            self._inside(leads, submodule, rest, ".".join([whole, *rest]))
        else:
            self._inside(leads, module, [*filter(None, [name]), *rest], ".".join([whole, *rest]))

    def _inside(self, leads: _Leads, module: int | None, path: list[str], library: str) -> None:
        """A path in a file of the project, or a library's name when there is no such file."""
        if module is None:
            leads.ends.add(library)
        elif path:
            leads.onward.add(((module, 0), ".".join(path)))
        else:  # the module itself, as a value: anything in it may be meant
            leads.ends.add((module, 0))

    def _below(self, leads: _Leads, file: int, path: str) -> None:
        """A name that nothing here binds is a module of this package, or comes from a star import."""
        first, *rest = path.split(".")
        below = self._paths.below(file, first)
        if below is not None or first == "__dict__":
            self._inside(leads, file if below is None else below, rest if below is not None else [], "")
            return
        for star in self._outlines[file].stars:
            module = self._paths.find(file, star.path, star.level)
            if module != file:
                self._inside(leads, module, [first, *rest], ".".join([star.path, path]))
