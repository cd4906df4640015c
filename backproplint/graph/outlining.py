"""A graph's outline: what its scopes name, as far as that may lead out of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from backproplint import frameworks
from backproplint.graph.outline import Binding, Definition, Import, Lowered, Name, Outline, Part, pack
from backproplint.graph.values import Graph, Scope, Value

# What the tables say of calls that compute or apply a gradient, or of what does so by itself. A step alone is none, it
# needs a backward pass; nor is a gradient that nothing is moved by.
TRAINING = frozenset(
    "grad_function backward minimize compute_gradients apply_gradients apply_updates fit trainer_fit compile "
    "trainer hf_trainer estimator learner".split()
)
# Methods of Python's containers: a project class with a method of that name is not what such a call means.
CONTAINERS = frozenset(
    "update get items keys values append add extend pop insert copy format join split remove".split()
)
# Methods of everything: modules are put into training mode by `train`, functions and transforms are applied.
_COMMON = CONTAINERS | {"apply", "train"}
METHODS = frozenset(
    name.rpartition(".")[2] for name, row in frameworks.METHODS.items() if row.makes == "effect" and row.op in TRAINING
) - _COMMON | {"assign_sub"}
_DRAWS = frozenset("randn rand normal uniform random standard_normal random_sample".split())
_PRODUCTS = frozenset({"dot", "matmul", "mm", "einsum", "@"})
_DEFINITIONS = ("function", "class")
_IMPORTS = ("module", "from")
NOWHERE = -1


def outline(graph: Graph) -> Outline:
    """What a file names; depends on its graph alone."""
    return _Outliner(graph.scopes).outline()


def prepared(graph: Graph) -> Lowered:
    """A graph as link takes it, packed, beside its outline."""
    return Lowered(graph.filename, pack(outline(graph)), pack(graph))


class _Outliner:
    """The names of one file's scopes: who binds them, with what, and from where they are read."""

    def __init__(self, scopes: list[Scope]) -> None:
        self.scopes = scopes
        self.parents = [NOWHERE] * len(scopes)
        self.bound: list[dict[str, list[Value]]] = [defaultdict(list) for _ in scopes]
        self.outer: list[set[str]] = [set() for _ in scopes]  # names declared global or nonlocal
        self.names: list[Name] = []
        self.bindings: dict[int, dict[str, list[Binding]]] = {0: {}}
        self.waiting: list[tuple[int, str]] = []  # names whose bindings are asked for
        self._known: dict[tuple[int, str], int] = {}
        for number, scope in enumerate(scopes):
            self._bind(number, scope)
        for base, item in _hung(scopes[0]):
            self.bound[0][base].append(item)  # `MODELS["a"] = A`: what is stored is one of the things the name means
        self.changers = [place for number in range(len(scopes)) for place in self._changes(number)]

    def outline(self) -> Outline:
        parts = [self._part(number, scope) for number, scope in enumerate(self.scopes)]
        self.waiting += [(0, name) for name in self.bound[0]]
        while self.waiting:
            self._bindings(*self.waiting.pop())
        top = self.scopes[0].values
        last = _last_names(self.scopes)
        used = set() if "Module" in last else last  # weights of a framework's modules are not moved by hand
        return Outline(
            parts=parts, names=self.names, bound=self.bindings,
            imports=[_import(value) for value in top if value.op in (*_IMPORTS, "star_import")],
            stars=[_import(value) for value in top if value.op == "star_import"],
            tops=[value.text for value in top if value.op == "store"], listed=_listed(self.scopes[0]),
            changers=sorted(set(self.changers)), bases=self._bases(), size=sum(len(s.values) for s in self.scopes),
            draws=not used.isdisjoint(_DRAWS), multiplies=not used.isdisjoint(_PRODUCTS),
            defines_flags=any(v.op == "load" and _last(v).startswith("DEFINE_") for v in top),
        )  # fmt: skip

    # -- who binds a name ---------------------------------------------------------------------------------------

    def _bind(self, number: int, scope: Scope) -> None:
        bound = self.bound[number]
        for param in scope.params:
            bound[param.name] = []
        for value in scope.values:
            if value.op == "store":
                name, source = value.text, value.operands[0]
                if "." not in name:
                    bound[name] += [scope.values[source]] if source >= 0 else []
            elif value.op == "global":
                self.outer[number].update(value.parts)
            elif value.op in _DEFINITIONS:
                self.parents[value.number] = number

    def _changes(self, number: int) -> list[int]:
        """The function that writes to a global or hangs things on it, which the global then leads to."""
        scope = self.scopes[number]
        if scope.kind != "function":
            return []
        hung = {name for name, _ in _hung(scope) if self._home(number, name) == 0}
        names = hung | {name for name in self.outer[number] if name in self.bound[number]}
        outermost = self._outermost(number)
        for name in names:
            self.bound[0][name].append(Value("function", [], outermost))
        return [number, outermost] if names else []

    def _home(self, number: int, name: str) -> int:
        """The scope that binds a name, seen from a scope; classes are skipped from inside, as Python does."""
        at = number
        while at != NOWHERE:
            seen = self.scopes[at].kind != "class" or at == number
            if seen and name in self.bound[at] and name not in self.outer[at]:
                return at
            at = self.parents[at]
        return NOWHERE

    def _outermost(self, number: int) -> int:
        """The function or method that a nested scope stands in."""
        while self.parents[number] != NOWHERE and self.scopes[self.parents[number]].kind == "function":
            number = self.parents[number]
        return number

    def _receiver(self, number: int) -> str | None:
        """The name by which a method, or a function inside it, knows its object."""
        method = self._outermost(number)
        parent, params = self.parents[method], self.scopes[method].params
        return params[0].name if params and parent != NOWHERE and self.scopes[parent].kind == "class" else None

    # -- where a name leads -------------------------------------------------------------------------------------

    def _name(self, number: int, path: str) -> int | None:
        """The place of a name in the file's list; None for one that leads nowhere: a function's own values."""
        first = path.partition(".")[0]
        home = self._home(number, first)
        known = self._known.get((home, path))
        if known is None and self._leads(home, first):
            sources = self.bound[home][first] if home != NOWHERE else []
            imported = home == NOWHERE or any(source.op in _IMPORTS for source in sources)
            known = self._known[home, path] = len(self.names)
            self.names.append(Name(home, path, imported))
            self.waiting += [(home, first)] if home != NOWHERE else []
        return known

    def _leads(self, home: int, first: str) -> bool:
        if home == NOWHERE:
            return True
        sources = self.bound[home][first]
        direct = any(source.op in _DEFINITIONS or source.op in _IMPORTS or source.op == "load" for source in sources)
        return direct or (bool(sources) and self.scopes[home].kind == "module")

    def _bindings(self, home: int, name: str) -> None:
        of_home = self.bindings.setdefault(home, {})
        if name not in of_home:
            of_home[name] = [self._binding(home, source) for source in self.bound[home][name]]

    def _binding(self, home: int, source: Value) -> Binding:
        if source.op in _DEFINITIONS:
            return Binding(source.number)
        if source.op in _IMPORTS:
            return Binding(source=_import(source))
        reads = self._reads(home, source) if source.op == "load" or self.scopes[home].kind == "module" else []
        if source.op == "load":  # another name for the same
            return Binding(alias=reads[0]) if reads else Binding()
        return Binding(reads=reads)

    def _reads(self, number: int, value: Value) -> list[int]:
        """The names that the expression of a value reads."""
        found = [self._name(number, path) for path in _loads(self.scopes[number].values, value)]
        return sorted({name for name in found if name is not None})

    # -- one scope ----------------------------------------------------------------------------------------------

    def _part(self, number: int, scope: Scope) -> Part:
        part = Part(scope.kind, scope.name, self.parents[number], descends=_descends(scope))
        called = {value.operands[0] for value in scope.values if value.op == "call"}
        paths: dict[str, bool] = {}  # what is read, and whether it is called
        attributes: set[str] = set()
        for index, value in enumerate(scope.values):
            if value.op == "load":
                paths[value.text] = index in called or paths.get(value.text, False)
            elif value.op == "attr":
                attributes.add(value.text)
                part.trains |= index in called and value.data in METHODS
            elif value.op in _DEFINITIONS:
                part.definitions.append(self._definition(number, value))
        own: set[str] = set()
        for path, calls in paths.items():
            self._load(part, number, path, calls, attributes, own)
        part.attributes, part.own = sorted(attributes), sorted(own)
        part.subtracts = self._subtracts(scope)
        return part

    def _load(self, part: Part, number: int, path: str, calls: bool, attributes: set[str], own: set[str]) -> None:
        """A name that may lead somewhere is listed; of any other the attributes are what it tells."""
        first, *rest = path.split(".")
        trains = calls and bool(rest) and rest[-1] in METHODS
        name = self._name(number, path)
        if name is not None:
            part.names.append(name)
            part.methods += [name] if trains else []
        elif rest:
            mine = first == self._receiver(number) and not self.bound[self._home(number, first)][first]
            (own if mine else attributes).add(rest[0])
            attributes.update(rest[1:])
            part.trains |= trains

    def _definition(self, number: int, value: Value) -> Definition:
        """A definition comes with its bases and defaults, and a decorator may register what it is given."""
        values = self.scopes[number].values
        split = len(value.operands) - self.scopes[value.number].decorators
        read = [self._reads(number, values[k]) if k >= 0 else [] for k in value.operands]
        decorators = [name for names in read[split:] for name in names]
        return Definition(value.number, sorted({name for names in read for name in names}), decorators)

    def _subtracts(self, scope: Scope) -> bool:
        """Whether a scope, or a lambda in it, takes something away from something."""
        inner = [self.scopes[value.number] for value in scope.values if value.op == "function"]
        values = [v for part in (scope, *inner) if part is scope or part.name == "<lambda>" for v in part.values]
        return any(value.op in ("binary", "augment") and value.data == "-" for value in values)

    def _bases(self) -> dict[int, list[str]]:
        """The last names of the bases of each class."""
        made = [(scope.values, value) for scope in self.scopes for value in scope.values if value.op == "class"]
        return {value.number: sorted(_base_names(values, value)) for values, value in made}


def _import(value: Value) -> Import:
    if value.op == "module":
        return Import(value.text)
    return Import(value.parts[0], value.parts[1] if value.op == "from" else "", value.parts[-1])


def _loads(values: list[Value], value: Value) -> Iterator[str]:
    """The paths that the expression of a value reads."""
    waiting, seen = [value], {id(value)}
    while waiting:
        value = waiting.pop()
        if value.op == "load":
            yield value.text
        parts = [values[operand] for operand in value.operands if operand >= 0]
        fresh = [part for part in parts if id(part) not in seen]
        seen.update(map(id, fresh))
        waiting += fresh


def _hung(scope: Scope) -> Iterator[tuple[str, Value]]:
    """The names that a scope stores items in, each with an item."""
    for value in scope.values:
        if value.op in ("setitem", "append") and value.operands[0] >= 0 and value.operands[-1] >= 0:
            base = scope.values[value.operands[0]]
            if base.op == "load":
                yield base.text, scope.values[value.operands[-1]]


def _last(value: Value) -> str:
    return value.text.rpartition(".")[2]


def _last_names(scopes: list[Scope]) -> set[str]:
    used = [value for scope in scopes for value in scope.values if value.op in ("load", "attr", "binary")]
    return {_last(value) for value in used}


def _listed(scope: Scope) -> list[str] | None:
    """What a file's `__all__` lists, where it is one list of texts."""
    stored = [value for value in scope.values if value.op in ("store", "augment") and value.data == "__all__"]
    made = scope.values[stored[0].operands[0]] if len(stored) == 1 and stored[0].operands[0] >= 0 else None
    if made is None or made.op not in ("list", "tuple") or any(operand >= 0 for operand in made.operands):
        return None
    return [str(scope.constants[-1 - operand]) for operand in made.operands]


def _base_names(values: list[Value], made: Value) -> set[str]:
    behind = [values[operand] for operand in made.operands if operand >= 0]
    behind += [values[value.operands[0]] for value in behind if value.op == "item" and value.operands[0] >= 0]
    return {_last(value) for value in behind if value.op == "load"}


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
