"""Which file of the project an import means.

A module is found where Python would find it when the importing file runs as a script: beside it, or from a folder
above. Else from any other folder that may stand on the path (`src/`, one given to sys.path): one that is no package.
"""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from collections.abc import Iterator

from backproplint import frameworks
from backproplint.graph.values import Graph, Scope, Value

_TABLES = (frameworks.NAMES, frameworks.ALIASES, frameworks.BASES)
_LIBRARIES = {name.partition(".")[0] for table in _TABLES for name in table} | frameworks.deep_learning_modules
_LIBRARIES |= sys.stdlib_module_names


def folders(graphs: list[Graph]) -> list[Graph]:
    """An empty `__init__` for each folder that has none of its own: Python imports such folders, too."""
    known = {_module_path(graph.filename) for graph in graphs}
    homes = {posixpath.dirname(graph.filename) for graph in graphs}
    missing = {folder for home in homes for folder in upwards(home)} - known - {"", "/"}
    nothing = Scope("module", "", [], [], [], [], 0, False)
    return [Graph(f"{folder}/__init__.py", [nothing]) for folder in sorted(missing)]


class Paths:
    """The project's files by their dotted names; the files from `real` on only stand for folders."""

    def __init__(self, graphs: list[Graph], real: int | None = None) -> None:
        self._homes = [posixpath.dirname(graph.filename) for graph in graphs]
        self._modules = [_module_path(graph.filename) for graph in graphs]
        self._files: dict[str, int] = {}
        self._real = len(graphs) if real is None else real
        self._ending: dict[str, list[str]] = defaultdict(list)  # paths of modules by their last part
        self._known: dict[tuple[str, str, int], int | None] = {}
        self._graphs = graphs
        self._importers: dict[int, set[int]] | None = None
        self._tops: dict[int, tuple[frozenset[str], tuple[str, ...]]] = {}
        for file, path in enumerate(self._modules):
            suffix = posixpath.splitext(graphs[file].filename)[1]
            if suffix == ".py" or (suffix != ".ipynb" and path not in self._files):  # nobody imports a notebook
                self._files[path] = file  # and a stub says less than the code
        for path in self._files:
            self._ending[posixpath.basename(path)].append(path)

    def find(self, file: int, name: str, level: int) -> int | None:
        """A file of the project by its dotted name, as the importing file sees it; never that file by its own name."""
        key = (self._homes[file], name, level)
        if key not in self._known:
            self._known[key] = self._search(*key)
        found = self._known[key]
        if found == file and not level:
            found = self._search(posixpath.dirname(key[0]), name, 0)
        return found if found != file or level else None

    def _search(self, folder: str, name: str, level: int) -> int | None:
        wanted = name.replace(".", "/")
        if level:
            return self._files.get(posixpath.normpath(posixpath.join(folder, *[".."] * (level - 1), wanted)))
        chain = [posixpath.join(above, wanted) for above in upwards(folder)]
        near = [self._files[path] for path in chain if path in self._files]
        code = [file for file in near if file < self._real]
        if code or name.partition(".")[0] in _LIBRARIES:
            return code[0] if code else None
        return near[0] if near else self._elsewhere(folder, wanted)

    def _elsewhere(self, home: str, wanted: str) -> int | None:
        """The nearest module of that name below another root; None where two are equally near."""
        ends = [path for path in self._ending.get(posixpath.basename(wanted), ()) if path.endswith("/" + wanted)]
        ends = [path for path in ends if self._files.get(path[: -len(wanted) - 1], self._real) >= self._real]
        ends = [path for path in ends if self._files[path] < self._real] or ends
        nearness = [len(posixpath.commonpath([home, path])) for path in ends]
        nearest = [path for path, near in zip(ends, nearness, strict=True) if near == max(nearness)]
        return self._files[nearest[0]] if len(nearest) == 1 else None

    def before(self, file: int, module: int) -> list[int]:
        """The files that Python runs before a module: the packages it stands in and the importing file does not."""
        own = {*upwards(self._homes[file])}
        above = [path for path in upwards(posixpath.dirname(self._modules[module])) if path not in own]
        return [self._files[path] for path in reversed(above) if path in self._files]

    def with_importers(self, known: set[int]) -> set[int]:
        """These files, and those that import one of them."""
        if self._importers is None:
            self._importers = defaultdict(set)
            for file, graph in enumerate(self._graphs):
                for value in graph.scopes[0].values:
                    for module in self._imported(file, value):
                        self._importers[module].add(file)
        return known.union(*(self._importers[file] for file in known))

    def meet(self, file: int, other: int) -> bool:
        """Whether some program has both files: one imports the other, or a third imports both."""
        return not self.with_importers({file}).isdisjoint(self.with_importers({other}))

    def _imported(self, file: int, value: Value) -> set[int]:
        """The files that an import runs."""
        if value.op not in ("module", "from", "star_import"):
            return set()
        name, level = (value.text, 0) if value.op == "module" else (value.parts[0], value.parts[-1])
        names = [name]
        if value.op == "from":
            names.append(f"{name}.{value.parts[1]}" if name else value.parts[1])
        found = {module for name in names if (module := self.find(file, name, level)) is not None}
        return found | {before for module in found for before in self.before(file, module)}

    def below(self, file: int, name: str) -> int | None:
        """A file below a package."""
        return self._files.get(f"{self._modules[file]}/{name}")

    def offers(self, file: int, name: str) -> bool:
        """Whether a star import of a file brings a name: what `__all__` lists, else all without an underscore."""
        names, libraries = self._offered(file)
        wholes = [f"{library}.{name}" for library in libraries]
        known = (frameworks.row(whole) or frameworks.base(whole) or frameworks.is_module(whole) for whole in wholes)
        return name in names or any(known)

    def _bound(self, file: int) -> tuple[frozenset[str], tuple[str, ...]]:
        """The names a file binds, and the libraries that it stars."""
        if file not in self._tops:
            values = self._graphs[file].scopes[0].values
            names = frozenset(str(value.data) for value in values if value.op == "store")
            self._tops[file] = names, ()  # a circle of star imports ends here
            libraries: tuple[str, ...] = ()
            for path, level in [value.parts for value in values if value.op == "star_import"]:
                found = self.find(file, path, level)
                brought, more = self._offered(found) if found is not None else (frozenset(), (path,))
                names, libraries = names | brought, libraries + more
            self._tops[file] = names, libraries
        return self._tops[file]

    def _offered(self, file: int) -> tuple[frozenset[str], tuple[str, ...]]:
        names, libraries = self._bound(file)
        listed = self._listed(file)
        if listed is None:
            return frozenset(name for name in names if not name.startswith("_")), libraries
        return frozenset(name for name in listed if name in names or self.below(file, name) is not None), ()

    def _listed(self, file: int) -> set[str] | None:
        """What a file's `__all__` lists, where it is one list of texts."""
        scope = self._graphs[file].scopes[0]
        stored = [value for value in scope.values if value.op in ("store", "augment") and value.data == "__all__"]
        made = scope.values[stored[0].operands[0]] if len(stored) == 1 and stored[0].operands[0] >= 0 else None
        if made is None or made.op not in ("list", "tuple") or any(operand >= 0 for operand in made.operands):
            return None
        return {str(scope.constants[-1 - operand]) for operand in made.operands}


def _module_path(filename: str) -> str:
    path = posixpath.splitext(filename)[0]
    return posixpath.dirname(path) if posixpath.basename(path) == "__init__" else path


def upwards(folder: str) -> Iterator[str]:
    """A folder and all that it stands in."""
    while True:
        yield folder
        above = posixpath.dirname(folder)
        if above == folder:
            return
        folder = above
