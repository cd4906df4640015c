"""Abstract execution: follow a program without running it, and let it build the gradient graph as it goes.

Each function call runs the callee's values with its arguments bound, so facts of two callers never meet. Writes go
through a trail, which lets a branch be followed and then undone, and both branches merged. Registries, filled by the
modules beside this one, say what each lowered op does (STEPS, CONTROL), how each kind of node is called (CALLS) and how
its attributes are read (GETTERS).
"""

from __future__ import annotations

import builtins
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, TypeVar

from backproplint import frameworks
from backproplint.frameworks.rows import Row
from backproplint.graph.modules import Paths
from backproplint.graph.nodes import Class, Const, Dict, Env, Func, Instance, Lib, Module, Node, Phi, Thing
from backproplint.graph.outline import Lowered
from backproplint.graph.trail import Changes, Trail
from backproplint.graph.values import Scope, Value
from backproplint.rule import Site, Undecided

MAX_DEPTH = 24  # calls deep; real training code stays below 15, and past this a value is unknown
MAX_STEPS = 60_000  # values an entry may execute: beyond, calls are unknown, so that cost stays linear
MAX_RUNS = 60  # times one function is followed for one root

F = TypeVar("F", bound=Callable[..., Any])
STEPS: dict[str, Callable[..., Node]] = {}
CONTROL: dict[str, Callable[..., int]] = {}
CALLS: dict[type[Node], Callable[..., Node]] = {}
GETTERS: dict[type[Node], Callable[..., Node]] = {}
DEAD = -1


def registers(table: dict[Any, Callable[..., Any]], *keys: Any) -> Callable[[F], F]:
    """Put a function into one of the registries under these keys."""

    def register(function: F) -> F:
        table.update(dict.fromkeys(keys, function))
        return function

    return register


class Guard(NamedTuple):
    """A test that decides whether a piece of code runs: the test, the way it must go, the way it goes by default."""

    test: Node
    polarity: bool
    default: bool | None


class Event:
    """Something that training code does: backward, clip, step, fit, an update by hand. Kept in program order."""

    __slots__ = ("args", "framework", "guards", "kind", "loops", "root", "site")

    def __init__(self, kind: str, args: dict[str, Node], site: Site, framework: str, machine: Machine) -> None:
        self.kind, self.args, self.site, self.framework = kind, args, site, framework
        self.guards, self.loops, self.root = machine.guards, machine.loops, machine.root

    def __repr__(self) -> str:
        return f"<{self.kind} {self.args}>"


class Frame:
    """One activation of a scope."""

    __slots__ = (
        "elements", "env", "file", "func", "globals", "number", "results", "returns", "scope", "sites", "structural",
    )  # fmt: skip

    def __init__(self, file: int, number: int, scope: Scope, env: Env, func: Func | None = None) -> None:
        self.file, self.number, self.scope, self.env, self.func = file, number, scope, env, func
        self.results: list[Any] = [None] * len(scope.values)
        self.sites = _sites(file, number, len(scope.values))
        self.results += [Const(value) for value in reversed(scope.constants)]
        self.elements: dict[int, Node] = {}  # what each open loop hands to its body
        self.returns: list[Node] = []
        self.globals: dict[str, Env] = {}
        self.structural = False  # whether a loop's body built or used a network part by its loop variable


class Machine(Trail, ABC):
    """The state of one abstract execution over a project's files. What only the whole project knows is abstract."""

    paths: Paths

    def __init__(self, files: list[Lowered]) -> None:
        super().__init__()
        self.files = files
        self.events: list[Event] = []
        self.module_events: list[Event] = []  # of module bodies, which run once, whoever imports them first
        self.module_nodes: list[Node] = []
        self.guards: tuple[Guard, ...] = ()
        self.loops: tuple[Site, ...] = ()
        self.scoped: tuple[Dict, ...] = ()  # options that layers have by default here, by their function's name
        self.frames: list[Frame] = []
        self.executed: set[tuple[int, int]] = set()
        self.runs: dict[tuple[int, int], int] = {}
        self.nodes: list[Node] = []  # squashes made so far, in program order: what hand-written networks are read from
        self.root: tuple[int, int] = (0, 0)
        self.steps = self.no_grad = self.drafts = 0
        self.limit = MAX_STEPS  # steps that what is being followed may take
        self.flags: dict[tuple[int, str], Node] = {}  # options, by the file that defines them and their name
        self.hung: dict[str, Node] = {}  # what was hung on library modules, by its whole name
        self.classes: dict[int, Class] = {}  # by the identity of their scope's names
        self.defined: list[Class] = []
        self.changers: set[tuple[int, int]] = set()  # functions that write to a global of their file
        self.inplace: Node | None = None  # what the last call left in its receiver's place
        self.idle: set[tuple[int, int]] = set()  # decorators that give back what they are given, and do nothing else
        self.asked: set[tuple[int, str]] = set()  # what is being looked for, or called, in which object: circles end
        self.bounds: set[Undecided] = set()  # the bounds that were reached, each at the start of the file followed
        self._libraries: dict[str, Lib] = {}

    # -- what the project around knows --------------------------------------------------------------------------

    @abstractmethod
    def import_module(self, frame: Frame, name: str, level: int) -> Node | None:
        """A module of the project by its dotted name, None for one from elsewhere."""

    @abstractmethod
    def module_env(self, file: int) -> Env:
        """The names of a file's module scope, after following it at their first use."""

    @abstractmethod
    def offers(self, module: Module, name: str) -> bool:
        """Whether a star import of a module of the project brings a name."""

    @abstractmethod
    def followed(self, module: Module) -> bool:
        """Whether a module of the project was followed already."""

    @abstractmethod
    def submodule(self, module: Module, name: str) -> Node | None:
        """A file below a package."""

    @abstractmethod
    def prepare(self, instance: Instance, name: str) -> bool:
        """Follow the method that sets an attribute which is read too early."""

    @abstractmethod
    def apply_row(self, row: Row, args: list[Node], kwargs: dict[str, Node], site: Site, framework: str) -> Node:
        """What a call means whose callee a table knows."""

    @abstractmethod
    def call_layer(self, thing: Thing, row: Row, bound: dict[str, Node], site: Site) -> Node:
        """Apply a layer to its bound inputs."""

    @abstractmethod
    def container_method(
        self, receiver: Node, name: str, args: list[Node], kwargs: dict[str, Node], site: Site
    ) -> Node | None:
        """What a method of a Python container gives."""

    def lib(self, name: str) -> Lib:
        """The node of a library name, one for each name."""
        found = self._libraries.get(name)
        if found is None:
            found = self._libraries[name] = Lib(name)
        return found

    # -- running ------------------------------------------------------------------------------------------------

    def run(self, frame: Frame, start: int, end: int) -> bool:
        """Execute the values start..end of a scope. False when the code after them is not reached."""
        values, results = frame.scope.values, frame.results
        self.steps += end - start
        while start < end:
            value = values[start]
            step = STEPS.get(value.op)
            if step is not None:
                results[start] = step(self, frame, value, start)
                start += 1
            else:
                start = CONTROL[value.op](self, frame, value, start)
                if start == DEAD:
                    return False
        return True

    def call(self, callee: Node, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
        """What calling a node gives; unknown, with the arguments as operands, when it cannot be followed."""
        caller = CALLS.get(callee.__class__)
        if caller is not None:
            return caller(self, callee, args, kwargs, site)
        return self.unknown(callee, args, kwargs, site)

    def get(self, base: Node, name: str, site: Site) -> Node:
        """The attribute `name` of a node."""
        return GETTERS.get(base.__class__, GETTERS[Node])(self, base, name, site)

    def unknown(self, callee: Node, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
        """A call that no table and no definition explains."""
        operands = {"callee": callee, **{str(k): arg for k, arg in enumerate(args)}, **kwargs}
        return self.node("unknown", operands, site)

    def node(self, op: str, args: dict[str, Node], site: Site | None, framework: str = "") -> Node:
        """A new node at a site, severed when gradients are switched off here."""
        made = Node(op, args, site, framework)
        made.severed = self.no_grad > 0
        return made

    def emit(self, kind: str, args: dict[str, Node], site: Site, framework: str = "") -> Event:
        """Record what the training code does here."""
        event = Event(kind, args, site, framework, self)
        self.events.append(event)
        return event

    def guarded(self, guard: Guard, run: Callable[[], bool]) -> tuple[bool, Changes]:
        """`follow` under a guard, which the events inside carry."""
        outer = self.guards
        self.guards = (*outer, guard)
        try:
            return self.follow(run)
        finally:
            self.guards = outer


def known_library(node: Lib) -> bool:
    """Whether a name from outside is one that the tables or Python know; any other may be anything, None and 0 too."""
    tail = node.name.removeprefix("builtins.")
    known = tail != node.name and hasattr(builtins, tail)
    return known or frameworks.row(node.name) is not None or frameworks.base(node.name) is not None


def truth(node: Node) -> tuple[bool | None, bool]:
    """Whether a test holds (None: unknown), and whether that rests on a default only."""
    if isinstance(node, Const):
        return bool(node.value), bool(node.assumed)
    if isinstance(node, Phi):
        known = {truth(option) for option in node.options} if not node.loop else {(None, False)}
        ways = {way for way, _ in known}
        return (ways.pop(), any(soft for _, soft in known)) if len(ways) == 1 else (None, False)
    if isinstance(node, Lib):
        return (True, False) if known_library(node) else (None, False)
    if node.op in ("function", "class", "instance", "thing", "module", "method"):
        return True, False
    if node.op in ("seq", "dict"):
        filled = any(True for _ in node.operands())
        return (True, False) if filled else (None, False)
    return None, False


def value_site(frame: Frame, index: int) -> Site:
    """The site of a value of a frame."""
    return frame.sites[index]


@cache
def _sites(file: int, number: int, count: int) -> tuple[Site, ...]:
    """The sites of a scope's values, which each time it is followed are the same."""
    return tuple(Site(file, number, index) for index in range(count))


def operands(frame: Frame, value: Value) -> list[Node]:
    """The nodes that a value's operands stand for."""
    results = frame.results
    return [results[operand] for operand in value.operands]
