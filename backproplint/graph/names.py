"""What the names in a scope stand for across the project's files, found without following any code.

A name leads to functions, classes and imports; one that holds anything else leads to all that its expressions name.
Places are (file, scope) pairs, a library's names are strings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from backproplint.graph.modules import Paths
from backproplint.graph.values import Graph, Scope, Value

Place = tuple[int, int]  # file, scope
Target = Place | str
_Name = tuple[Place, str]  # a dotted path, as a scope sees it
_LONGEST = 8  # attributes of a path that is followed


class _Leads(NamedTuple):
    """Where a name leads in one step: to places and libraries' names, and to other names."""

    ends: set[Target]
    onward: set[_Name]


class ScopeNames:
    """The names one scope binds, each with the values that bind it, and where the scope stands."""

    def __init__(self, scope: Scope, parent: Place | None) -> None:
        self.scope, self.parent = scope, parent
        self.bound: dict[str, list[Value]] = defaultdict(list)
        self.stars: list[Value] = []
        self.outer: set[str] = set()  # names declared global or nonlocal
        for param in scope.params:
            self.bound[param.name] = []
        values = scope.values
        for value in values:
            if value.op == "store":
                name, source = str(value.data), value.operands[0]
                if "." not in name:
                    self.bound[name] += [values[source]] if source >= 0 else []
            elif value.op == "star_import":
                self.stars.append(value)
            elif value.op == "global":
                self.outer.update(value.parts)
        if scope.kind == "module":
            self._change()

    def _change(self) -> None:
        """`MODELS["a"] = A` at the top of a file: what is stored is one of the things the name stands for."""
        for base, item in _hung(self.scope):
            self.bound[base].append(item)


class Names:
    """The names of all scopes of a project."""

    def __init__(self, graphs: list[Graph], paths: Paths) -> None:
        self._graphs, self._paths = graphs, paths
        self._scopes: dict[Place, ScopeNames] = {}
        for file, graph in enumerate(graphs):
            parents = {
                value.number: (file, number)
                for number, scope in enumerate(graph.scopes)
                for value in scope.values
                if value.op in ("function", "class")
            }
            for number, scope in enumerate(graph.scopes):
                self._scopes[file, number] = ScopeNames(scope, parents.get(number))
        self._known: dict[_Name, set[Target]] = {}
        self._direct: dict[_Name, _Leads] = {}
        self.changers: set[Place] = set()  # functions that write to a global of their file
        for place, names in self._scopes.items():
            if names.scope.kind == "function":
                self._note_changes(place, names)

    def __getitem__(self, place: Place) -> ScopeNames:
        return self._scopes[place]

    def home(self, place: Place, name: str) -> Place | None:
        """The scope that binds a name, seen from a scope; classes are skipped from inside, as Python does."""
        at: Place | None = place
        while at is not None:
            names = self._scopes[at]
            if name in names.bound and name not in names.outer and (names.scope.kind != "class" or at == place):
                return at
            at = names.parent
        return None

    def targets(self, place: Place, path: str) -> set[Target]:
        """What a dotted path stands for in a scope; nothing for a function's own values."""
        start = self.home(place, path.partition(".")[0]) or (place[0], 0), path
        found = self._known.get(start)
        if found is None:
            found = self._known[start] = self._followed(start)
        return found

    def _followed(self, start: _Name) -> set[Target]:
        """Each name on the way is looked at once, so circles of re-exports end."""
        found: set[Target] = set()
        seen, waiting = {start}, [start]
        while waiting:
            leads = self._leads(waiting.pop())
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
        home = self.home(place, first)
        if len(rest) > _LONGEST:  # `a = a.next` would grow for ever
            return leads
        if home is None:
            self._below(leads, place[0], path)
        else:
            for value in self._scopes[home].bound[first]:
                self._bound(leads, home, value, rest)
        return leads

    def _bound(self, leads: _Leads, home: Place, value: Value, rest: list[str]) -> None:
        if value.op in ("function", "class"):
            leads.ends.add((home[0], value.number))
        elif value.op in ("module", "from"):
            self._imported(leads, home[0], value, rest)
        elif value.op == "load":  # another name for the same
            leads.onward.add((home, ".".join([str(value.data), *rest])))
        elif self._scopes[home].scope.kind == "module":
            leads.onward.update((home, path) for path in self.loads(home, value))

    def loads(self, place: Place, value: Value) -> Iterator[str]:
        """The paths that the expression of a value reads."""
        values, waiting, seen = self._scopes[place].scope.values, [value], {id(value)}
        while waiting:
            value = waiting.pop()
            if value.op == "load":
                yield str(value.data)
            parts = [values[operand] for operand in value.operands if operand >= 0]
            fresh = [part for part in parts if id(part) not in seen]
            seen.update(map(id, fresh))
            waiting += fresh

    def _imported(self, leads: _Leads, file: int, value: Value, rest: list[str]) -> None:
        """What an import stands for, or the attribute `rest` of it."""
        path, name, level = (value.text, "", 0) if value.op == "module" else value.parts
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
        for value in self._scopes[file, 0].stars:
            module = self._paths.find(file, *value.parts)
            if module != file:
                self._inside(leads, module, [first, *rest], ".".join([value.parts[0], path]))

    def _note_changes(self, place: Place, names: ScopeNames) -> None:
        """A global that a function writes to, or hangs things on, leads to that function too."""
        top = self._scopes[place[0], 0]
        hung = {name for name, _ in _hung(names.scope) if self.home(place, name) == (place[0], 0)}
        for name in hung | {name for name in names.outer if name in names.bound}:
            self.changers |= {place, self.outermost(place)}
            top.bound[name].append(Value("function", [], self.outermost(place)[1]))

    def outermost(self, place: Place) -> Place:
        """The function or method that a nested scope stands in."""
        parent = self._scopes[place].parent
        while parent is not None and self._scopes[parent].scope.kind == "function":
            place, parent = parent, self._scopes[parent].parent
        return place


def _hung(scope: Scope) -> Iterator[tuple[str, Value]]:
    """The names that a scope stores items in, each with an item."""
    for value in scope.values:
        if value.op in ("setitem", "append") and value.operands[0] >= 0 and value.operands[-1] >= 0:
            base = scope.values[value.operands[0]]
            if base.op == "load":
                yield str(base.data), scope.values[value.operands[-1]]
