"""What the names in a scope stand for across the project's files, found without following any code.

A name leads to functions, classes and imports; one that holds anything else leads to all that its expressions name.
Places are (file, scope) pairs, a library's names are strings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from backproplint.graph.modules import Paths
from backproplint.graph.values import Graph, Scope, Value

Place = tuple[int, int]  # file, scope
Target = Place | str
_DEPTH = 12  # assignments and re-exports from a name to what it stands for


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
        self._open: set[tuple[int, str]] = set()  # names that are being resolved
        self._known: dict[tuple[int, str], set[Target]] = {}  # of the names of files
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

    def targets(self, place: Place, path: str, depth: int = _DEPTH) -> set[Target]:
        """What a dotted path stands for in a scope; nothing for a function's own values."""
        first, *rest = path.split(".")
        home = self.home(place, first)
        if home is not None and home[1]:
            return self._through(home, self._scopes[home].bound[first], rest, depth)
        key = (place[0], path)
        if key in self._known or key in self._open:  # a circle of re-exports ends here
            return self._known.get(key, set())
        self._open.add(key)
        sources = self._scopes[home].bound[first] if home is not None else []
        found = self._through(home, sources, rest, depth) if home else self._starred(place[0], first, rest, depth)
        self._open.discard(key)
        if not self._open:  # what is found on the way may be cut short by the circle or the depth
            self._known[key] = found
        return found

    def _through(self, home: Place, sources: list[Value], rest: list[str], depth: int) -> set[Target]:
        found: set[Target] = set()
        for value in sources if depth > 0 else []:
            if value.op in ("function", "class"):
                found.add((home[0], value.number))
            elif value.op in ("module", "from"):
                found |= self.imported(home[0], value, rest, depth - 1)
            elif value.op == "load":  # another name for the same
                found |= self.targets(home, ".".join([str(value.data), *rest]), depth - 1)
            elif self._scopes[home].scope.kind == "module":
                for path in self.loads(home, value):
                    found |= self.targets(home, path, depth - 1)
        return found

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

    def imported(self, file: int, value: Value, rest: list[str], depth: int = _DEPTH) -> set[Target]:
        """What an import stands for, or the attribute `rest` of it."""
        path, name, level = (value.text, "", 0) if value.op == "module" else value.parts
        module = self._paths.find(file, path, level)
        if module is not None:
            return self._in_module(module, [*filter(None, [name]), *rest], depth)
        whole = ".".join(filter(None, [path, name]))
        submodule = self._paths.find(file, whole, level) if name else None
        return self._in_module(submodule, rest, depth) if submodule is not None else {".".join([whole, *rest])}

    def _in_module(self, file: int, path: list[str], depth: int) -> set[Target]:
        if not path:  # the module itself, as a value: anything in it may be meant
            return {(file, 0)}
        first, *rest = path
        if first in self._scopes[file, 0].bound:
            return self.targets((file, 0), ".".join(path), depth)
        below = self._paths.below(file, first)
        if below is not None:
            return self._in_module(below, rest, depth)
        return {(file, 0)} if first == "__dict__" else self._starred(file, first, rest, depth)

    def _starred(self, file: int, first: str, rest: list[str], depth: int) -> set[Target]:
        """A name that nothing here binds may come from a star import."""
        found: set[Target] = set()
        for value in self._scopes[file, 0].stars if depth > 0 else []:
            path, level = value.parts
            module = self._paths.find(file, path, level)
            if module is None:
                found.add(".".join([path, first, *rest]))
            elif module != file:
                found |= self._in_module(module, [first, *rest], depth - 1)
        return found

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
