"""What a value is once the program has been followed: the nodes of the gradient graph.

A `Node` is one canonical operation with its operands by name. The subclasses stand for what Python passes around
besides tensors: constants, containers, functions, classes, instances, names of libraries, and alternatives (Phi).
Identity is meaning: the same node reached twice is the same value.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from backproplint.frameworks.rows import Row
from backproplint.graph.bases import linear
from backproplint.graph.values import Constant, Scope
from backproplint.rule import Site

_births = itertools.count(1)
ANY_ITEM = "[*]"  # in the memo of an array: what it holds under an index that nobody knows


class Store(dict[Any, Any]):
    """A dict that knows when it was made: what a branch makes is its own, and needs no undoing when it is left."""

    __slots__ = ("born",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.born = next(_births)


def now() -> int:
    """A moment: stores made after it have a later birth."""
    return next(_births)


class Node:
    """A value of an op.

    `severed` means that it was computed where no gradient is recorded; `layer` made it, if any; `born` orders nodes by
    when they were made.
    """

    __slots__ = ("args", "born", "framework", "layer", "memo", "op", "severed", "site")

    def __init__(self, op: str, args: dict[str, Node], site: Site | None = None, framework: str = "") -> None:
        self.op, self.args, self.site, self.framework = op, args, site, framework
        self.layer: Thing | None = None
        self.severed = False
        self.born = next(_births)
        self.memo: dict[str, Node] | None = None  # attributes read from it, so that two reads are one value

    def operands(self) -> Iterator[Node]:
        """Every node this one was made from."""
        return iter(self.args.values())

    def __repr__(self) -> str:
        return f"<{self.op} {' '.join(self.args)}>"


class Const(Node):
    """A Python constant.

    `assumed` says where it comes from when it is only a default (empty: written in the code); `varies` that it is the
    variable of a loop, or computed from one.
    """

    __slots__ = ("assumed", "value", "varies")

    def __init__(self, value: Constant, assumed: str = "", site: Site | None = None) -> None:
        super().__init__("const", {}, site)
        self.value, self.assumed, self.varies = value, assumed, False

    def __repr__(self) -> str:
        return f"<{self.value!r}>"


class Seq(Node):
    """A list, tuple or set.

    `state` holds `items`, `open` once it grows by an unknown number of more, and `grows` while a loop makes it do so.
    """

    __slots__ = ("kind", "state")

    def __init__(self, kind: str, items: tuple[Node, ...], site: Site | None = None) -> None:
        super().__init__("seq", {}, site)
        self.kind = kind
        self.state = Store(items=items, open=False, grows=False)

    @property
    def items(self) -> tuple[Node, ...]:
        """The known items, in order."""
        items: tuple[Node, ...] = self.state["items"]
        return items

    def operands(self) -> Iterator[Node]:
        return iter(self.items)


class Dict(Node):
    """A dict with known keys; what was stored under an unknown key stands under `ANY`."""

    __slots__ = ("entries",)
    ANY = object()

    def __init__(self, entries: dict[object, Node], site: Site | None = None) -> None:
        super().__init__("dict", {}, site)
        self.entries: dict[object, Node] = Store(entries)

    def operands(self) -> Iterator[Node]:
        return iter(self.entries.values())


class Env:
    """Names of a scope, and the scope around it."""

    __slots__ = ("names", "parent")

    def __init__(self, parent: Env | None = None) -> None:
        self.names: dict[str, Node] = Store()
        self.parent = parent


class Func(Node):
    """A function of the project with its closure; `receiver` once it is bound, `owner` the class it was defined in."""

    __slots__ = ("decorators", "defaults", "env", "file", "number", "owner", "receiver", "scope")

    def __init__(self, file: int, number: int, scope: Scope, env: Env, site: Site | None) -> None:
        super().__init__("function", {}, site)
        self.file, self.number, self.scope, self.env = file, number, scope, env
        self.defaults: dict[str, Node] = {}
        self.decorators: list[Node] = []
        self.receiver: Node | None = None
        self.owner: Class | None = None

    def bind(self, receiver: Node) -> Func:
        """The same function as a method of `receiver`."""
        bound = Func(self.file, self.number, self.scope, self.env, self.site)
        bound.defaults, bound.decorators, bound.owner = self.defaults, self.decorators, self.owner
        bound.receiver = receiver
        return bound

    def operands(self) -> Iterator[Node]:
        return iter(self.defaults.values())


class Class(Node):
    """A class of the project."""

    __slots__ = ("_lineage", "bases", "env", "file", "instances", "name", "number")

    def __init__(self, file: int, number: int, name: str, env: Env, site: Site | None) -> None:
        super().__init__("class", {}, site)
        self.file, self.number, self.name, self.env = file, number, name, env
        self.bases: list[Node] = []
        self.instances: list[Instance] = []
        self._lineage: list[Node] | None = None

    @property
    def names(self) -> dict[str, Node]:
        """Attributes of the class itself."""
        return self.env.names

    def lineage(self) -> list[Node]:
        """The class and its bases as Python searches them, each once; library bases are `Lib` nodes."""
        if self._lineage is None:
            self._lineage = [self]  # until it is known: a class may be built on itself
            lines = [base.lineage() if isinstance(base, Class) else [base] for base in self.bases]
            self._lineage = [self, *(lines[0] if len(lines) == 1 else linear([*lines, self.bases]))]
        return self._lineage


class Instance(Node):
    """An object of a project class. `kind` is what its library base makes of it: 'module', 'model', 'lightning', ..."""

    __slots__ = ("attrs", "cls", "kind")

    def __init__(self, cls: Class, kind: str, site: Site | None) -> None:
        super().__init__("instance", {}, site)
        self.cls, self.kind = cls, kind
        self.attrs: dict[str, Node] = Store()

    def operands(self) -> Iterator[Node]:
        return iter(())


class Lib(Node):
    """A name of a library (or of anything outside the project)."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        super().__init__("library", {})
        self.name = name

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Module(Node):
    """A file of the project, imported."""

    __slots__ = ("file",)

    def __init__(self, file: int) -> None:
        super().__init__("module", {})
        self.file = file


class Import(Node):
    """A name imported from a file that nobody has followed yet; `otherwise` is what it is if the file lacks it."""

    __slots__ = ("module", "name", "otherwise")

    def __init__(self, module: Module, name: str, otherwise: Node) -> None:
        super().__init__("import", {})
        self.module, self.name, self.otherwise = module, name, otherwise


class Method(Node):
    """A library method (or a method of a Python container) not yet called. `home` is where the receiver was read."""

    __slots__ = ("name", "receiver")

    def __init__(self, receiver: Node, name: str, site: Site | None) -> None:
        super().__init__("method", {"self": receiver}, site)
        self.receiver, self.name = receiver, name


class Super(Node):
    """What `super()` gives: attributes of `instance` looked up behind the class `after`."""

    __slots__ = ("after", "instance")

    def __init__(self, instance: Node, after: Class) -> None:
        super().__init__("super", {})
        self.instance, self.after = instance, after


class Thing(Node):
    """An object that a library's constructor made: a layer, a loss, an optimizer, a tape, a model."""

    __slots__ = ("added", "attrs", "row")

    def __init__(self, row: Row, settings: dict[str, Node], site: Site | None, framework: str) -> None:
        super().__init__("thing", settings, site, framework)
        self.row = row
        self.attrs: dict[str, Node] = Store()
        self.added = Seq("list", ())  # layers that came by `model.add`

    @property
    def makes(self) -> str:
        """'layer', 'loss', 'optimizer' or 'object'."""
        return self.row.makes

    def setting(self, name: str) -> Node | None:
        """What an option was set to, by argument, later assignment or the row's own constants."""
        return self.attrs.get(name) or self.args.get(name)

    def __repr__(self) -> str:
        return f"<{self.row.op} {self.makes}>"


class Loop(NamedTuple):
    """A loop that carries values: how often it turns, if that is known, and the nodes it hands out one a turn.

    `traced` is one given as a function, which is followed once: what it makes inside is the same at each turn.
    """

    turns: int | None = None
    handed: frozenset[int] = frozenset()
    traced: bool = False


class Phi(Node):
    """One of several values, depending on which way the program went.

    `loop` is set when it meets itself around a loop.
    """

    __slots__ = ("loop", "options")

    def __init__(self, options: list[Node], loop: Loop | None = None) -> None:
        super().__init__("phi", {})
        self.options, self.loop = options, loop

    def operands(self) -> Iterator[Node]:
        return iter(self.options)
