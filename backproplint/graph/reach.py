"""Which entries are worth following: those from which something that trains can be reached by name.

Every rule needs a training. What an entry can come upon, it names: itself, or through the functions, classes and
globals that it names in turn. An entry is worth following when a training is among what it can see in this way, and
when a chain of calls by name leads there too: attributes of `self` to the methods of its own class and relatives, all
other attributes to any method of that name. Both err on the side of following.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from functools import cache, partial
from typing import NamedTuple

import msgspec

from backproplint import frameworks
from backproplint.graph.modules import Paths
from backproplint.graph.names import Names, Place
from backproplint.graph.outline import Definition, Lowered, Outline, Part
from backproplint.graph.outlining import CONTAINERS, NOWHERE, TRAINING

_CALLED = frozenset("__init__ __new__ __call__ forward call construct setup".split())  # run without being named


class _Meaning(NamedTuple):
    """What a name stands for: places of the project, something of a library that trains or takes a gradient."""

    places: list[Place]
    trains: bool
    gradient: bool
    library: bool  # and nothing else
    attributes: list[str]


class _Uses:
    """What one scope names: places of the project, attributes, attributes of its own `self`; whether it trains.

    An update by hand is told by its form alone, so only its own file reaches it through attributes.
    """

    __slots__ = ("attributes", "by_hand", "gradient", "own", "places", "trains")

    def __init__(self, part: Part) -> None:
        self.places: set[Place] = set()
        self.attributes = set(part.attributes)
        self.own = part.own
        self.trains, self.by_hand, self.gradient = part.trains, False, False


class Reach(msgspec.Struct, array_like=True):
    """The scopes of a project from which a training can be reached, and the files that hang what they define on
    something of the project when they are imported. Depends on the files' outlines and names alone."""

    places: set[Place]
    registering: set[int]

    def __contains__(self, place: Place) -> bool:
        return place in self.places


def reach(files: list[Lowered], paths: Paths) -> Reach:
    """Find both, without following anything."""
    search = _Search(files, paths)
    return Reach(search.reaching(), search.registering)


class _Search:
    """Who names whom in a project, and who trains."""

    def __init__(self, files: list[Lowered], paths: Paths) -> None:
        self._outlines = [file.outline for file in files]
        self._names = Names(files, paths)
        self._uses: dict[Place, _Uses] = {}
        self._changers = changers(files)
        self.registering: set[int] = set()
        self._parts: dict[Place, set[Place]] = defaultdict(set)  # what comes with a class: methods, bases
        drawing = paths.with_importers({file for file, outline in enumerate(self._outlines) if outline.draws})
        for file, outline in enumerate(self._outlines):
            self._scan(file, outline, by_hand=file in drawing and outline.multiplies)

    def reaching(self) -> set[Place]:
        """The scopes that see a training and lead to it by calls."""
        seers, callers = self._seers(), self._callers()
        found: set[Place] = set()
        for by_hand in (False, True):
            seeds = [place for place, uses in self._uses.items() if (uses.by_hand if by_hand else uses.trains)]
            found |= _spread(seeds, seers) & _spread(seeds, partial(callers, by_hand=by_hand))
        return found

    def _part(self, place: Place) -> Part:
        return self._outlines[place[0]].parts[place[1]]

    # -- what scopes name ---------------------------------------------------------------------------------------

    def _scan(self, file: int, outline: Outline, by_hand: bool) -> None:
        """Take up what a file names; each name is asked once for all its scopes."""
        meanings = [self._meaning(file, name) for name in range(len(outline.names))]
        self._uses.update({(file, number): _Uses(part) for number, part in enumerate(outline.parts)})
        for number, part in enumerate(outline.parts):
            uses = self._uses[file, number]
            uses.by_hand = by_hand and part.descends
            for meaning in map(meanings.__getitem__, part.names):
                uses.places.update(meaning.places)
                uses.attributes.update(meaning.attributes)
                uses.trains |= meaning.trains
                uses.gradient |= meaning.gradient
            uses.trains |= any(not meanings[name].library for name in part.methods)
            uses.gradient |= "gradient" in uses.attributes
            uses.trains |= uses.gradient and ("apply" in uses.attributes or part.subtracts)
            for definition in part.definitions:
                self._defined((file, number), definition, meanings)

    def _meaning(self, file: int, number: int) -> _Meaning:
        """What a name stands for; the name of a library may be one that trains."""
        name, targets = self._outlines[file].names[number], self._names.targets(file, number)
        libraries = [target for target in targets if isinstance(target, str)]
        rows = [row for row in map(frameworks.row, libraries) if row is not None]
        library = name.imported and bool(targets) and len(libraries) == len(targets) and all(map(_foreign, libraries))
        return _Meaning(
            [target for target in targets if not isinstance(target, str)],
            any(row.op in TRAINING for row in rows),
            any(row.op == "gradient" for row in rows),
            library,
            [] if library else name.path.split(".")[1:],
        )

    def _defined(self, place: Place, definition: Definition, meanings: list[_Meaning]) -> None:
        """A definition: it comes with its bases and defaults, and a decorator may register what it is given."""
        inner = (place[0], definition.scope)
        if self._part(place).kind == "function" or self._part(inner).name == "<lambda>":
            self._uses[place].places.add(inner)
        elif self._part(place).kind == "class":
            self._parts[inner].add(place)
        self._parts[place].add(inner)
        for meaning in map(meanings.__getitem__, definition.names):
            self._uses[inner].trains |= meaning.trains
            self._uses[inner].gradient |= meaning.gradient
            self._parts[inner].update(meaning.places)
        for target in [target for name in definition.decorators for target in meanings[name].places]:
            if target in self._changers or self._part(target).kind == "class":
                self._parts[target].add(inner)  # registered by it
                self.registering.add(place[0])

    def _class(self, place: Place) -> Place | None:
        """The class that a method, or a function inside it, stands in."""
        file, number = place
        parts = self._outlines[file].parts
        while parts[number].parent != NOWHERE and parts[parts[number].parent].kind == "function":
            number = parts[number].parent
        parent = parts[number].parent
        return (file, parent) if parent != NOWHERE and parts[parent].kind == "class" else None

    # -- who leads to a place -----------------------------------------------------------------------------------

    def _seers(self) -> Callable[[Place], Iterable[Place]]:
        """Gives the scopes that name a place, or what it is a part of."""
        seers: dict[Place, list[Place]] = defaultdict(list)
        for place, uses in self._uses.items():
            for target in uses.places | self._parts[place]:
                seers[target].append(place)
        return lambda place: seers.get(place, ())

    def _callers(self) -> Callable[..., Iterable[Place]]:
        """Gives the scopes that may call a function: by its name, a method as an attribute or through its class."""
        namers: dict[Place, set[Place]] = defaultdict(set)
        users: dict[str, list[Place]] = defaultdict(list)
        relatives: dict[str, dict[Place, list[Place]]] = defaultdict(lambda: defaultdict(list))  # by their classes
        for place, uses in self._uses.items():
            for target in uses.places:
                namers[target].add(place)
            for name in uses.attributes - CONTAINERS:
                users[name].append(place)
            for name in uses.own:
                relatives[name][self._class(place) or place].append(place)
        heirs = self._heirs()

        @cache
        def makers(cls: Place) -> set[Place]:
            """Who makes an object of a class or of one derived from it: names it, or is its `__init__`."""
            below = heirs(cls)
            return set().union(*(namers[heir] for heir in below), *(self._inits(heir) for heir in below))

        def callers(place: Place, by_hand: bool) -> Iterable[Place]:
            found = namers[place] | namers[place[0], 0]
            part, holder = self._part(place), self._class(place)
            if holder is None or part.parent != holder[1]:
                return found
            name, below = part.name, heirs(holder)
            if name not in ("__init__", "__new__"):
                found.update(user for user in users[name] if not by_hand or user[0] == place[0])
            found.update(*[users for cls, users in relatives[name].items() if not below.isdisjoint(heirs(cls))])
            if name in _CALLED:
                found |= makers(holder)
            return found

        return callers

    def _inits(self, cls: Place) -> list[Place]:
        inner = [definition.scope for definition in self._part(cls).definitions]
        return [(cls[0], number) for number in inner if self._part((cls[0], number)).name == "__init__"]

    def _heirs(self) -> Callable[[Place], set[Place]]:
        """Gives a class with all classes derived from it."""
        derived: dict[Place, list[Place]] = defaultdict(list)
        for place, parts in self._parts.items():
            if self._part(place).kind == "class":
                for base in parts:
                    if self._part(base).kind == "class":
                        derived[base].append(place)
        return cache(lambda cls: _spread([cls], lambda place: derived.get(place, ())))


def changers(files: list[Lowered]) -> set[Place]:
    """The functions that write to a global of their file."""
    return {(file, number) for file, one in enumerate(files) for number in one.outline.changers}


def _spread(seeds: Iterable[Place], onward: Callable[[Place], Iterable[Place]]) -> set[Place]:
    """All places from which one of the seeds is reached."""
    found = set(seeds)
    waiting = deque(found)
    while waiting:
        fresh = set(onward(waiting.popleft())) - found
        found |= fresh
        waiting.extend(fresh)
    return found


def _foreign(name: str) -> bool:
    """Whether a library's name means what it says; `tf.model` is the project's own, hung on a library."""
    return frameworks.row(name) is not None or not frameworks.framework(name)
