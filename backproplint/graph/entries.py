"""Which files and functions to follow by themselves, and in which order.

A class may inherit its training: the base's method trains, with a loss or a network that the subclass defines.
"""

from __future__ import annotations

from backproplint.graph.nodes import Class, Func, Node
from backproplint.graph.reach import Reach
from backproplint.graph.values import Graph, Scope, Value


def worth_following(graphs: list[Graph], reach: Reach) -> set[int]:
    """The files from which a training can be reached, be it by a method of a base, told by its name."""
    made = [(file, scope, bases) for file, graph in enumerate(graphs) for scope, bases in _classes(graph)]
    names = {
        holder.name
        for file, holder, _ in made
        if any(value.op == "function" and (file, value.number) in reach for value in holder.values)
    }
    while True:
        below = {(file, cls.name) for file, cls, bases in made if bases & names}
        if {name for _, name in below} <= names:
            break
        names |= {name for _, name in below}
    reaching = {k for k, graph in enumerate(graphs) if any((k, number) in reach for number in range(len(graph.scopes)))}
    return reaching | {file for file, _ in below}


def _classes(graph: Graph) -> list[tuple[Scope, set[str]]]:
    """The scope of each class that a file defines, with the last names of its bases."""
    made = [(scope.values, value) for scope in graph.scopes for value in scope.values if value.op == "class"]
    return [(graph.scopes[value.number], _base_names(values, value)) for values, value in made]


def _base_names(values: list[Value], made: Value) -> set[str]:
    behind = [values[operand] for operand in made.operands if operand >= 0]
    behind += [values[value.operands[0]] for value in behind if value.op == "item" and value.operands[0] >= 0]
    return {value.text.rpartition(".")[2] for value in behind if value.op == "load"}


def uncalled_first(graph: Graph, functions: list[Func]) -> list[Func]:
    """Functions whose name the file never reads come first: they are where its callers come in."""
    read = {str(v.data).rpartition(".")[2] for scope in graph.scopes for v in scope.values if v.op in ("load", "attr")}
    return sorted(functions, key=lambda func: func.scope.name in read)


def inherited(cls: Class) -> list[Func]:
    """Methods of project bases that, directly or through others of them, use what the class itself defines.

    Those that none of the others calls come first.
    """
    methods: dict[str, Func] = {}
    for part in cls.lineage()[1:]:
        named: dict[str, Node] = part.names if isinstance(part, Class) else {}
        for name, node in named.items():
            if isinstance(node, Func) and node.scope.params:
                methods.setdefault(name, node)
    own = {name for name, node in cls.names.items() if isinstance(node, Func)} - {"__init__"}
    reads = {name: _of_self(method.scope) for name, method in methods.items() if name not in cls.names}
    used = {name for name, read in reads.items() if read & own}
    while more := {name for name, read in reads.items() if read & used} - used:
        used |= more
    called = {name for read in reads.values() for name in read}
    return [methods[name] for name in sorted(used, key=lambda name: (name in called, name))]


def _of_self(scope: Scope) -> set[str]:
    """The attributes of its receiver that a method names."""
    receiver = f"{scope.params[0].name}."
    paths = [value.text for value in scope.values if value.op == "load" and value.text.startswith(receiver)]
    return {path.split(".")[1] for path in paths}
