"""Which file of the project an import means.

A module is found where Python would find it when the importing file runs as a script: beside it, or from a folder
above. Else from any other folder that may stand on the path (`src/`, one given to sys.path): one that is no package.
"""

from __future__ import annotations

import posixpath
import sys
from collections import defaultdict
from functools import lru_cache

from backproplint import frameworks
from backproplint.graph.outline import Import, Lowered
from backproplint.graph.outlining import prepared
from backproplint.graph.values import Graph, Scope

_TABLES = (frameworks.NAMES, frameworks.ALIASES, frameworks.BASES)
_LIBRARIES = {name.partition(".")[0] for table in _TABLES for name in table} | frameworks.deep_learning_modules
_LIBRARIES |= sys.stdlib_module_names


def folders(files: list[Lowered]) -> list[Lowered]:
    """An empty `__init__` for each folder that has none of its own: Python imports such folders, too."""
    known = {_module_path(file.filename) for file in files}
    homes = {posixpath.dirname(file.filename) for file in files}
    missing = {folder for home in homes for folder in upwards(home)} - known - {"", "/"}
    nothing = Scope("module", "", [], [], [], [], 0, False)
    return [prepared(Graph(f"{folder}/__init__.py", [nothing])) for folder in sorted(missing)]


class Paths:
    """The project's files by their dotted names; the files from `real` on only stand for folders."""

    def __init__(self, files: list[Lowered], real: int | None = None) -> None:
        self._homes = [posixpath.dirname(file.filename) for file in files]
        self._modules = [_module_path(file.filename) for file in files]
        self._files: dict[str, int] = {}
        self._real = len(files) if real is None else real
        self._ending: dict[str, list[str]] = defaultdict(list)  # paths of modules by their last part
        self._known: dict[tuple[str, str, int], int | None] = {}
        self._outlines = [file.outline for file in files]
        self._importers: dict[int, set[int]] | None = None
        self._tops: dict[int, tuple[frozenset[str], tuple[str, ...]]] = {}
        for file, path in enumerate(self._modules):
            suffix = posixpath.splitext(files[file].filename)[1]
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
            for file, outline in enumerate(self._outlines):
                for source in outline.imports:
                    for module in self._imported(file, source):
                        self._importers[module].add(file)
        return known.union(*(self._importers[file] for file in known))

    def meet(self, file: int, other: int) -> bool:
        """Whether some program has both files: one imports the other, or a third imports both."""
        return not self.with_importers({file}).isdisjoint(self.with_importers({other}))

    def _imported(self, file: int, source: Import) -> set[int]:
        """The files that an import runs."""
        names = [source.path]
        if source.name:
            names.append(f"{source.path}.{source.name}" if source.path else source.name)
        found = {module for name in names if (module := self.find(file, name, source.level)) is not None}
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
            names = frozenset(self._outlines[file].tops)
            self._tops[file] = names, ()  # a circle of star imports ends here
            libraries: tuple[str, ...] = ()
            for star in self._outlines[file].stars:
                found = self.find(file, star.path, star.level)
                brought, more = self._offered(found) if found is not None else (frozenset(), (star.path,))
                names, libraries = names | brought, libraries + more
            self._tops[file] = names, libraries
        return self._tops[file]

    def _offered(self, file: int) -> tuple[frozenset[str], tuple[str, ...]]:
        names, libraries = self._bound(file)
        listed = self._outlines[file].listed
        if listed is None:
            return frozenset(name for name in names if not name.startswith("_")), libraries
        return frozenset(name for name in listed if name in names or self.below(file, name) is not None), ()


def _module_path(filename: str) -> str:
    path = posixpath.splitext(filename)[0]
    return posixpath.dirname(path) if posixpath.basename(path) == "__init__" else path


@lru_cache(maxsize=4096)
def upwards(folder: str) -> tuple[str, ...]:
    """A folder and all that it stands in."""
    above = posixpath.dirname(folder)
    return (folder,) if above == folder else (folder, *upwards(above))
