"""Which entries are worth following: those from which something that trains can be reached by name.

Every rule needs a training. What an entry can come upon, it names: itself, or through the functions, classes and
globals that it names in turn. An entry is worth following when a training is among what it can see in this way, and
when a chain of calls by name leads there too: attributes of `self` to the methods of its own class and relatives, all
other attributes to any method of that name. Both err on the side of following.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from functools import partial

from backproplint import frameworks
from backproplint.graph.modules import Paths
from backproplint.graph.names import Names, Place
from backproplint.graph.values import Graph, Scope, Value

# What the tables say of calls that compute or apply a gradient, or of what does so by itself. A step alone is none, it
# needs a backward pass; nor is a gradient that nothing is moved by.
_TRAINING = frozenset(
    "grad_function backward minimize compute_gradients apply_gradients apply_updates fit trainer_fit compile "
    "trainer hf_trainer estimator learner".split()
)
# Methods of Python's containers: a project class with a method of that name is not what such a call means.
_CONTAINERS = frozenset(
    "update get items keys values append add extend pop insert copy format join split remove".split()
)
# Methods of everything: modules are put into training mode by `train`, functions and transforms are applied.
_COMMON = _CONTAINERS | {"apply", "train"}
_METHODS = frozenset(
    name.rpartition(".")[2] for name, row in frameworks.METHODS.items() if row.makes == "effect" and row.op in _TRAINING
) - _COMMON | {"assign_sub"}
_CALLED = frozenset("__init__ __new__ __call__ forward call construct setup".split())  # run without being named
_DRAWS = frozenset("randn rand normal uniform random standard_normal random_sample".split())
_PRODUCTS = frozenset({"dot", "matmul", "mm", "einsum", "@"})


class _Uses:
    """What one scope names: places of the project, attributes, attributes of its own `self`; whether it trains.

    An update by hand is told by its form alone, so only its own file reaches it through attributes.
    """

    __slots__ = ("attributes", "by_hand", "gradient", "own", "places", "trains")

    def __init__(self) -> None:
        self.places: set[Place] = set()
        self.attributes: set[str] = set()
        self.own: set[str] = set()
        self.trains = self.by_hand = self.gradient = False


class Reach:
    """For each scope of a project, whether a training can be reached from it."""

    def __init__(self, graphs: list[Graph], paths: Paths) -> None:
        self._names = Names(graphs, paths)
        self._uses: dict[Place, _Uses] = {
            (file, number): _Uses() for file, graph in enumerate(graphs) for number in range(len(graph.scopes))
        }
        self.changers = self._names.changers
        self.registering: set[int] = set()  # files that hang what they define on something of the project
        self._parts: dict[Place, set[Place]] = defaultdict(set)  # what comes with a class: methods, bases
        used = [_without_modules(graph) for graph in graphs]
        drawing = paths.with_importers({file for file, names in enumerate(used) if names & _DRAWS})
        for file, graph in enumerate(graphs):
            by_hand = file in drawing and bool(used[file] & _PRODUCTS)
            for number, scope in enumerate(graph.scopes):
                self._scan((file, number), scope, by_hand)
        seers, callers = self._seers(), self._callers()
        self._reaching: set[Place] = set()
        for by_hand in (False, True):
            seeds = [place for place, uses in self._uses.items() if (uses.by_hand if by_hand else uses.trains)]
            self._reaching |= _spread(seeds, seers) & _spread(seeds, partial(callers, by_hand=by_hand))
        del self._names, self._uses, self._parts

    def __contains__(self, place: Place) -> bool:
        return place in self._reaching

    # -- what scopes name ---------------------------------------------------------------------------------------

    def _scan(self, place: Place, scope: Scope, by_hand: bool) -> None:
        uses = self._uses[place]
        uses.by_hand = by_hand and _descends(scope)
        called = {value.operands[0] for value in scope.values if value.op == "call"}
        paths: dict[str, bool] = {}  # what is read, and whether it is called
        for index, value in enumerate(scope.values):
            if value.op == "load":
                path = str(value.data)
                paths[path] = index in called or paths.get(path, False)
            elif value.op == "attr":
                uses.attributes.add(str(value.data))
                uses.trains |= index in called and value.data in _METHODS
            elif value.op in ("function", "class"):
                self._defined(place, scope, value)
        receiver = self._receiver(place)
        for path, calls in paths.items():
            self._load(place, uses, path, receiver, calls)
        uses.gradient |= "gradient" in uses.attributes
        uses.trains |= uses.gradient and ("apply" in uses.attributes or self._subtracts(place[0], scope))

    def _subtracts(self, file: int, scope: Scope) -> bool:
        """Whether a scope, or a lambda in it, takes something away from something."""
        lambdas = [self._names[file, value.number].scope for value in scope.values if value.op == "function"]
        inner = [part for part in lambdas if part.name == "<lambda>"]
        values = [value for part in (scope, *inner) for value in part.values]
        return any(value.op in ("binary", "augment") and value.data == "-" for value in values)

    def _load(self, place: Place, uses: _Uses, path: str, receiver: str | None, called: bool) -> None:
        first, *rest = path.split(".")
        home = self._names.home(place, first)
        sources = self._names[home].bound[first] if home is not None else []
        library = False
        if home is None or sources:  # neither a parameter nor a constant
            targets = self._names.targets(place, path)
            self._meant(uses, targets)
            imported = home is None or any(source.op in ("module", "from") for source in sources)
            library = imported and bool(targets) and all(isinstance(t, str) and _foreign(t) for t in targets)
        if rest and not library:
            own = uses.own if first == receiver and not sources else uses.attributes
            own.add(rest[0])
            uses.attributes.update(rest[1:])
            uses.trains |= called and rest[-1] in _METHODS

    def _meant(self, uses: _Uses, targets: Iterable[Place | str]) -> None:
        """Note what a name stands for; the name of a library may be one that trains."""
        for target in targets:
            if isinstance(target, str):
                row = frameworks.row(target)
                uses.trains |= row is not None and row.op in _TRAINING
                uses.gradient |= row is not None and row.op == "gradient"
            else:
                uses.places.add(target)

    def _defined(self, place: Place, scope: Scope, value: Value) -> None:
        """A definition: it comes with its bases and defaults, and a decorator may register what it is given."""
        inner = (place[0], value.number)
        defined = self._names[inner].scope
        if scope.kind == "function" or defined.name == "<lambda>":
            self._uses[place].places.add(inner)
        elif scope.kind == "class":
            self._parts[inner].add(place)
        self._parts[place].add(inner)
        decorators = value.operands[len(value.operands) - defined.decorators :]
        for operand in filter(lambda operand: operand >= 0, value.operands):
            for path in self._names.loads(place, scope.values[operand]):
                targets = self._names.targets(place, path)
                self._meant(self._uses[inner], [target for target in targets if isinstance(target, str)])
                places = {target for target in targets if not isinstance(target, str)}
                self._parts[inner] |= places
                for target in places if operand in decorators else ():
                    if target in self._names.changers or self._names[target].scope.kind == "class":
                        self._parts[target].add(inner)  # registered by it
                        self.registering.add(place[0])

    def _receiver(self, place: Place) -> str | None:
        """The name by which a method, or a function inside it, knows its object."""
        method = self._names.outermost(place)
        params = self._names[method].scope.params
        return params[0].name if params and self._class(method) is not None else None

    def _class(self, place: Place) -> Place | None:
        """The class that a method, or a function inside it, stands in."""
        parent = self._names[self._names.outermost(place)].parent
        return parent if parent is not None and self._names[parent].scope.kind == "class" else None

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
        relatives: dict[str, list[Place]] = defaultdict(list)
        for place, uses in self._uses.items():
            for target in uses.places:
                namers[target].add(place)
            for name in uses.attributes - _CONTAINERS:
                users[name].append(place)
            for name in uses.own:
                relatives[name].append(place)
        heirs = self._heirs()

        def callers(place: Place, by_hand: bool) -> Iterable[Place]:
            found = namers[place] | namers[place[0], 0]
            name, holder = self._names[place].scope.name, self._class(place)
            if holder is None or self._names[place].parent != holder:
                return found
            below = heirs(holder)
            if name not in ("__init__", "__new__"):
                found.update(user for user in users[name] if not by_hand or user[0] == place[0])
            found.update(user for user in relatives[name] if not below.isdisjoint(heirs(self._class(user) or user)))
            if name in _CALLED:
                found.update(*(namers[heir] for heir in below))
                inits = [(heir[0], value.number) for heir in below for value in self._names[heir].bound["__init__"]]
                found.update(inits)
            return found

        return callers

    def _heirs(self) -> Callable[[Place], set[Place]]:
        """Gives a class with all classes derived from it."""
        derived: dict[Place, list[Place]] = defaultdict(list)
        for place, parts in self._parts.items():
            if self._names[place].scope.kind == "class":
                for base in parts:
                    if self._names[base].scope.kind == "class":
                        derived[base].append(place)
        known: dict[Place, set[Place]] = {}

        def heirs(cls: Place) -> set[Place]:
            if cls not in known:
                known[cls] = _spread([cls], lambda place: derived.get(place, ()))
            return known[cls]

        return heirs


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


def _without_modules(graph: Graph) -> set[str]:
    """The last names that a file reads; none where a framework's modules stand, whose weights nobody moves by hand."""
    used = [value for scope in graph.scopes for value in scope.values if value.op in ("load", "attr", "binary")]
    names = {value.text.rpartition(".")[2] for value in used}
    return set() if "Module" in names else names


def _descends(scope: Scope) -> bool:
    """Whether a scope moves something by a difference: `w -= d`, `w = w - d`, `[w - d for w, d in ...]`."""
    stored = (value for value in scope.values if value.op in ("augment", "store", "append", "setitem"))
    return any(_moves(scope, value, scope.values[value.operands[-1]]) for value in stored if value.operands[-1] >= 0)


def _moves(scope: Scope, value: Value, made: Value) -> bool:
    if value.op == "augment":
        return value.data in ("-", "+") and made.op not in ("list", "tuple", "text")  # no list that grows
    if made.op != "binary" or made.data not in ("-", "+") or made.operands[0] < 0:
        return False
    moved = scope.values[made.operands[0]]
    return value.op != "store" or (moved.op == "load" and moved.data == value.data)
