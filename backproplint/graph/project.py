"""Link: the project's files become one program that is followed from each of its entries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from backproplint.graph import (  # noqa: F401 (most are imported for what they register)
    containers,
    control,
    data,
    definitions,
    effects,
    fitting,
    layers,
    library,
    loops,
    reflection,
    special,
    steps,
    trainers,
)
from backproplint.graph.calls import TOO_MUCH, base_kind, parameter, within
from backproplint.graph.entries import inherited, uncalled_first, worth_following
from backproplint.graph.flow import Flow
from backproplint.graph.initial import origins
from backproplint.graph.machine import MAX_STEPS, Event, Frame, Machine
from backproplint.graph.modules import Paths, folders
from backproplint.graph.networks import Linear
from backproplint.graph.nodes import Class, Env, Func, Instance, Module, Node
from backproplint.graph.objects import class_attribute
from backproplint.graph.outline import Lowered
from backproplint.graph.reach import Reach, changers, reach
from backproplint.graph.recurrence import Recurrence, recurrences, truncated
from backproplint.graph.trainings import Training, trainings
from backproplint.rule import Site

# Values that all entries of one file may execute: linear in its size, so that cost is linear in the code.
LEAST_STEPS, STEPS_PER_VALUE, MOST_STEPS = 20_000, 30, 400_000
# What a project may have in all before each further file gets only a little: a library of a thousand files in which
# everything can reach everything must not take hours.
PROJECT_STEPS, PROJECT_STEPS_PER_VALUE, LITTLE_STEPS = 2_000_000, 3, 2_000
MODULE_STEPS = 500  # of the functions that a module calls at its import, when it trains nothing itself


class Linker(Machine):
    """The machine with a project around it: modules, imports, and the entries that nobody calls."""

    def __init__(self, files: list[Lowered], known: Reach | None = None) -> None:
        files, real = [*files, *folders(files)], len(files)
        super().__init__(files)
        self.paths = Paths(files, real)
        self.modules: dict[int, Env] = {}
        self.reach = reach(files, self.paths) if known is None else known
        self.changers = changers(files)
        defining = {number for number, file in enumerate(files) if file.outline.defines_flags}
        self.registering = self.paths.with_importers(self.reach.registering | defining)
        self.worth = worth_following(files, self.reach)
        self.spent = 0  # values executed for all files so far
        self.most = max(PROJECT_STEPS, PROJECT_STEPS_PER_VALUE * sum(file.outline.size for file in files))
        self._preparing: set[tuple[int, str]] = set()

    apply_row = library.apply_row
    call_layer = layers.call_layer
    container_method = containers.container_method

    # -- modules ------------------------------------------------------------------------------------------------

    def module_env(self, file: int) -> Env:
        env = self.modules.get(file)
        if env is None:
            env = self.modules[file] = Env()
            with self._aside((file, 0)):
                scope = self.files[file].graph.scopes[0]
                frame = Frame(file, 0, scope, env)
                self.frames.append(frame)
                try:
                    self.run(frame, 0, len(scope.values))
                finally:
                    self.frames.pop()
                    self.module_events += self.events
                    self.module_nodes += self.nodes
        return env

    @contextmanager
    def _aside(self, root: tuple[int, int]) -> Iterator[None]:
        """Follow a module from a clean state, whatever is under way where it was imported."""
        flow = self.trail, self.starts, self.guards, self.loops, self.no_grad, self.drafts
        entry = self.root, self.limit, self.steps, self.runs, self.events, self.nodes
        self.trail, self.starts, self.guards, self.loops, self.no_grad, self.drafts = [], [], (), (), 0, 0
        self.limit = MAX_STEPS if root in self.reach else MODULE_STEPS + len(self.files[root[0]].graph.scopes[0].values)
        self.root, self.steps, self.runs, self.events, self.nodes = root, 0, {}, [], []
        try:
            yield
        finally:
            self.spent += self.steps
            self.trail, self.starts, self.guards, self.loops, self.no_grad, self.drafts = flow
            self.root, self.limit, self.steps, self.runs, self.events, self.nodes = entry

    def offers(self, module: Module, name: str) -> bool:
        return self.paths.offers(module.file, name)

    def followed(self, module: Module) -> bool:
        return module.file in self.modules

    def import_module(self, frame: Frame, name: str, level: int) -> Node | None:
        found = self.paths.find(frame.file, name, level)
        for file in [*self.paths.before(frame.file, found), found] if found is not None else ():
            if file in self.registering:
                self.module_env(file)
        return None if found is None else Module(found)

    def submodule(self, module: Module, name: str) -> Node | None:
        """A file below a package."""
        found = self.paths.below(module.file, name)
        return None if found is None else Module(found)

    def prepare(self, instance: Instance, name: str) -> bool:
        """Follow the method that would have set an attribute which is read before anyone called that method."""
        key = (id(instance), name)
        if key in self._preparing or self.steps > self.limit:
            return False
        self._preparing.add(key)
        for method in self._setters(instance, name):
            self.enter(method, instance)
            if name in instance.attrs:
                return True
        return False

    def _setters(self, instance: Instance, name: str) -> Iterator[Func]:
        for cls in instance.cls.lineage():
            methods = list(cls.names.values()) if isinstance(cls, Class) else []
            for method in methods:
                if not isinstance(method, Func) or not method.scope.params:
                    continue
                if (method.file, method.number) not in self.executed:
                    target = f"{method.scope.params[0].name}.{name}"
                    if any(v.op == "store" and v.data == target for v in method.scope.values):
                        yield method

    # -- entries ------------------------------------------------------------------------------------------------

    def enter(self, func: Func, receiver: Node | None = None) -> Node:
        """Follow a function that nobody calls, its parameters unknown or at their defaults."""
        func = func.bind(receiver) if receiver is not None else func
        names = [param.name for param in func.scope.params if param.kind in ("pos", "kw")]
        if receiver is not None:
            names = names[1:]
        given = {name: parameter(func, name) for name in names}
        site = Site(func.file, func.number, 0)
        return self.call(func, [Node("rest", {}, site)], given, site)

    def follow_file(self, file: int) -> None:
        """Follow a file as a script, then whatever in it nobody called, as far as a training can be reached."""
        if file not in self.worth:
            return
        graph = self.files[file].graph
        end = self.spent + self._allowance(self.files[file].outline.size)
        self._fresh((file, 0), end)
        env = self.module_env(file)
        functions = [node for node in env.names.values() if isinstance(node, Func) and node.file == file]
        for func in uncalled_first(graph, functions):
            if self._waiting(func) and within(self, self._fresh((file, func.number), end), TOO_MUCH):
                self.enter(func)
        for cls in [cls for cls in self.defined if cls.file == file]:
            waiting = self._methods(cls)
            if waiting and within(self, self._fresh((file, cls.number), end), TOO_MUCH):
                self._follow_class(cls, waiting)
        self._fresh((file, 0), end)

    def _allowance(self, size: int) -> int:
        full = min(MOST_STEPS, LEAST_STEPS + STEPS_PER_VALUE * size)
        return full if self.spent < self.most else LITTLE_STEPS

    def _fresh(self, root: tuple[int, int], end: int) -> bool:
        """Begin an entry; whether there is anything left for it of what its file may have."""
        self.spent += self.steps
        self.limit = min(MAX_STEPS, end - self.spent)
        self.root, self.steps, self.runs = root, 0, {}
        return self.limit > 0

    def _waiting(self, func: Func) -> bool:
        """Whether nobody called a function yet, and following it may come upon a training."""
        place = (func.file, func.number)
        return place not in self.executed and place in self.reach

    def reset(self) -> None:
        """Forget what was under way when following a file failed."""
        self.trail, self.starts, self.guards, self.loops, self.frames = [], [], (), (), []
        self.no_grad = self.drafts = 0
        self.inplace = None

    def _methods(self, cls: Class) -> list[Func]:
        methods = [node for node in cls.names.values() if isinstance(node, Func) and node.file == cls.file]
        taken = [] if cls.instances else inherited(cls, self.reach)
        return [method for method in methods if self._waiting(method)] + taken

    def _follow_class(self, cls: Class, waiting: list[Func]) -> None:
        instance = cls.instances[-1] if cls.instances else self._instance(cls)
        for method in uncalled_first(self.files[cls.file].graph, waiting):
            place = (method.file, method.number)
            if place not in self.runs and method.scope.params:  # without any, it takes no receiver
                self.enter(method, instance)

    def _instance(self, cls: Class) -> Instance:
        instance = Instance(cls, base_kind(cls), cls.site)
        cls.instances.append(instance)
        init = class_attribute(cls, "__init__")
        if isinstance(init, Func):
            self.enter(init, instance)
        return instance


class Project:
    """All files linked: the events and nodes that following them produced."""

    def __init__(self, files: list[Lowered], known: Reach | None = None) -> None:
        self.machine = Linker(files, known)
        self.failures: list[tuple[int, Exception]] = []
        self._flows: dict[int, Flow] = {}
        self._moved: dict[int, set[int]] = {}
        self._recurrences: dict[int, list[Recurrence]] = {}

    @cached_property
    def events(self) -> list[Event]:
        """What the training code does, in program order."""
        return self.machine.module_events + self.machine.events

    @cached_property
    def trainings(self) -> list[Training]:
        """The places that change weights."""
        return trainings(self.events)

    @cached_property
    def squashes(self) -> list[Node]:
        """Every squash made, in program order: what networks written by hand are read from."""
        return self.machine.module_nodes + self.machine.nodes

    def flow(self, loss: Node) -> Flow:
        """Everything a loss sends gradient to; one walk for all rules."""
        found = self._flows.get(id(loss))
        if found is None:
            found = self._flows[id(loss)] = Flow(loss)
        return found

    @cached_property
    def hand_flow(self) -> Flow:
        """Everything that gradients worked out by hand are computed from."""
        return Flow([training.event.args["delta"] for training in self.trainings if training.targets])

    @cached_property
    def hand_recurrences(self) -> list[Recurrence]:
        """Recurrences among the squashes of networks whose backward pass is written by hand."""
        if not any(training.targets and not training.losses for training in self.trainings):
            return []
        squashes = [node for node in self.squashes if node.op in ("tanh", "relu", "sigmoid")]
        found = recurrences(Flow(squashes, without=self.moved), self.moved)
        return [truncated(one, self.hand_flow, self.moved) for one in found]

    def recurrences(self, loss: Node) -> list[Recurrence]:
        """The vanilla recurrences that a loss sends gradient to; looked for once, for all rules."""
        found = self._recurrences.get(id(loss))
        if found is None:
            found = self._recurrences[id(loss)] = recurrences(self.flow(loss), self.moved)
        return found

    @cached_property
    def moved(self) -> frozenset[int]:
        """The nodes that hold weights after an update."""
        return frozenset(id(event.args["new"]) for event in self.events if event.kind == "update")

    def moves(self, training: Training, part: Linear) -> bool:
        """Whether an update by hand moves the weights of a linear map."""
        return bool(self._moved_by(training) & part.identity)

    def _moved_by(self, training: Training) -> set[int]:
        found = self._moved.get(id(training.event))
        if found is None:
            found = {id(origin) for target in training.targets for origin in origins(target)}
            self._moved[id(training.event)] = found
        return found


def link(files: list[Lowered], known: Reach | None = None) -> Project:
    """Link lowered files into a project. Never raises for what the code says; unknown parts stay unknown nodes.

    `known` is the reach of files with the same names and outlines, where an earlier run has found it.
    """
    project = Project(files, known)
    for file in range(len(files)):
        try:
            project.machine.follow_file(file)
        except Exception as error:  # one file that cannot be followed must not hide the findings of all others
            project.machine.reset()
            project.failures.append((file, error))
    return project
