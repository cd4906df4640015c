"""Which files and functions to follow by themselves, and in which order.

A class may inherit its training: the base's method trains, with a loss or a network that the subclass defines.
"""

from __future__ import annotations

from backproplint.graph.nodes import Class, Func, Node
from backproplint.graph.outline import Lowered
from backproplint.graph.reach import Reach
from backproplint.graph.values import Graph, Scope


def worth_following(files: list[Lowered], reach: Reach) -> set[int]:
    """The files from which a training can be reached, be it by a method of a base, told by its name."""
    outlines = [file.outline for file in files]
    parts = [(file, outline.parts) for file, outline in enumerate(outlines)]
    made = [(file, of[cls].name, {*bases}) for file, of in parts for cls, bases in outlines[file].bases.items()]
    names = {
        of[part.parent].name
        for file, of in parts
        for number, part in enumerate(of)
        if part.kind == "function" and part.parent >= 0 and of[part.parent].kind == "class" and (file, number) in reach
    }
    while True:
        below = {(file, cls) for file, cls, bases in made if bases & names}
        if {cls for _, cls in below} <= names:
            break
        names |= {cls for _, cls in below}
    reaching = {file for file, of in parts if any((file, number) in reach for number in range(len(of)))}
    return reaching | {file for file, _ in below}


def uncalled_first(graph: Graph, functions: list[Func]) -> list[Func]:
    """Functions whose name the file never reads come first: they are where its callers come in."""
    read = {str(v.data).rpartition(".")[2] for scope in graph.scopes for v in scope.values if v.op in ("load", "attr")}
    return sorted(functions, key=lambda func: func.scope.name in read)


def inherited(cls: Class, reach: Reach) -> list[Func]:
    """Methods of project bases that reach a training and, directly or through others, use what the class defines.

    Those that none of the others calls come first.
    """
    methods: dict[str, Func] = {}
    for part in cls.lineage()[1:]:
        named: dict[str, Node] = part.names if isinstance(part, Class) else {}
        for name, node in named.items():
            if isinstance(node, Func) and node.scope.params:
                methods.setdefault(name, node)
    reaching = {name for name, method in methods.items() if (method.file, method.number) in reach}
    if not reaching:
        return []
    own = {name for name, node in cls.names.items() if isinstance(node, Func)} - {"__init__"}
    reads = {name: _of_self(method.scope) for name, method in methods.items() if name not in cls.names}
    used = {name for name, read in reads.items() if read & own}
    while more := {name for name, read in reads.items() if read & used} - used:
        used |= more
    called = {name for read in reads.values() for name in read}
    return [methods[name] for name in sorted(used & reaching, key=lambda name: (name in called, name))]


def _of_self(scope: Scope) -> set[str]:
    """The attributes of its receiver that a method names."""
    receiver = f"{scope.params[0].name}."
    paths = [value.text for value in scope.values if value.op == "load" and value.text.startswith(receiver)]
    return {path.split(".")[1] for path in paths}
