"""Which entries are worth following: those from which something that trains can be reached by name.

Every rule needs a training. A function that neither names one, nor anything that (through any number of calls, whoever
defines them) names one, cannot contribute a finding as an entry; it is still followed where others call it. Names are
compared by their last part only, so this errs on the side of following.
"""

from __future__ import annotations

from collections import deque

from backproplint.graph.values import Graph, Scope

# The last part of every name by which training code computes or applies a gradient.
_TRAINS = frozenset(
    (
        "backward step minimize apply_gradients compute_gradients gradients gradient grad value_and_grad fit "
        "fit_generator train_on_batch compile training_step configure_optimizers apply_updates get_updates "
        "optimize_loss create_train_op assign_sub filter_grad filter_value_and_grad "
        "fit_one_cycle fine_tune manual_backward Trainer Seq2SeqTrainer TrainingArguments"
    ).split()
)
# Imported by themselves, as often as not.
_BARE = frozenset("grad value_and_grad gradients Trainer Seq2SeqTrainer TrainingArguments".split())
# Methods of Python's containers: a project class with a method of that name is not what such a call means.
_CONTAINERS = frozenset(
    "update get items keys values append add extend pop insert copy format join split remove".split()
)
_DRAWS = frozenset("randn rand normal uniform random standard_normal random_sample".split())
_PRODUCTS = frozenset({"dot", "matmul", "mm", "einsum", "@"})
_BY_HAND = ".moved by hand"
Place = tuple[int, int]  # file, scope


class Reach:
    """For each scope of a project, whether a training can be reached from it."""

    def __init__(self, graphs: list[Graph]) -> None:
        self._names: dict[Place, set[str]] = {}
        for file, graph in enumerate(graphs):
            moves, bare = _moves_by_hand(graph), _imported(graph) & _BARE
            for number in range(len(graph.scopes) - 1, -1, -1):  # inner scopes come after the scopes that hold them
                names = self._of(file, graph, number, moves)
                self._names[file, number] = names | {f".{name}" for name in bare & names}
        self._reaching = self._spread(graphs)

    def __contains__(self, place: Place) -> bool:
        return place in self._reaching

    def _of(self, file: int, graph: Graph, number: int, moves: bool) -> set[str]:
        """The names a scope uses (attributes with a dot before them), those of its inner functions included."""
        scope = graph.scopes[number]
        names: set[str] = set()
        for value in scope.values:
            if value.op in ("load", "attr"):
                names.update(_parts(str(value.data), value.op == "attr"))
            elif value.op == "function" and scope.kind != "class" and isinstance(value.data, int):
                names |= self._names[file, value.data]
        if moves and _descends(scope):
            names.add(_BY_HAND)
        return names

    def _spread(self, graphs: list[Graph]) -> set[Place]:
        """Follow names upwards from what trains, each with the file it was reached in (None: any may use it).

        An update by hand is told by its form alone, so only its own file reaches it through attributes; other files
        must name its class or function.
        """
        users: dict[str, list[Place]] = {}
        for place, names in self._names.items():
            for name in names:
                users.setdefault(name, []).append(place)
        holders = [_holders(graph) for graph in graphs]
        found: set[Place] = set()
        seen: set[tuple[str, int | None]] = {(f".{name}", None) for name in _TRAINS}
        seen |= {(_BY_HAND, file) for file in range(len(graphs))}
        waiting = deque(seen)
        while waiting:
            name, home = waiting.popleft()
            for place in users.get(name, []):
                if home is not None and place[0] != home and name.startswith("."):
                    continue
                found.add(place)
                scope, holder = graphs[place[0]].scopes[place[1]], holders[place[0]].get(place[1])
                for used in _called(scope, holder, by_hand=home is not None):
                    step = (used, None if home is None else place[0])
                    if step not in seen and (used, None) not in seen:
                        seen.add(step)
                        waiting.append(step)
        return found


def _parts(path: str, attribute: bool) -> list[str]:
    """The names in a path. What trains counts only as an attribute: `step` is also the name of many a counter."""
    first, *rest = path.split(".")
    if first in ("re", "torch") and rest == ["compile"]:
        return []
    dotted = [f".{name}" for name in rest]
    return [f".{first}", *dotted] if attribute else [first, *dotted]


def _imported(graph: Graph) -> set[str]:
    return {str(v.data[1]) for v in graph.scopes[0].values if v.op == "from" and isinstance(v.data, list)}


def _called(scope: Scope, holder: Scope | None, by_hand: bool) -> list[str]:
    """Under which names a scope is run: a method as an attribute, a function also by itself, __init__ as its class."""
    if scope.kind != "function" or scope.name == "<lambda>":
        return []
    if holder is None:
        return [scope.name, f".{scope.name}"]
    if scope.name in ("__init__", "__new__", "__call__"):
        return [holder.name, f".{holder.name}"]
    own = [] if scope.name in _CONTAINERS else [f".{scope.name}"]
    return [*own, holder.name] if by_hand else own


def _holders(graph: Graph) -> dict[int, Scope]:
    """The class that each method stands in, by the number of the method's scope."""
    classes = [scope for scope in graph.scopes if scope.kind == "class"]
    return {v.data: cls for cls in classes for v in cls.values if v.op == "function" and isinstance(v.data, int)}


def _moves_by_hand(graph: Graph) -> bool:
    """Whether a file draws weights and multiplies with them, as networks without a framework's modules do."""
    used = [value for scope in graph.scopes for value in scope.values if value.op in ("load", "attr", "binary")]
    names = {value.text.rpartition(".")[2] for value in used}
    return bool(names & _DRAWS) and bool(names & _PRODUCTS) and "Module" not in names


def _descends(scope: Scope) -> bool:
    """Whether a scope moves something by a difference: `w -= d`, `w = w - d`, `[w - d for w, d in ...]`."""
    for value in scope.values:
        if value.op == "augment" and value.data in ("-", "+"):
            return True
        if value.op in ("store", "append", "setitem") and value.operands[-1] >= 0:
            made = scope.values[value.operands[-1]]
            if made.op == "binary" and made.data in ("-", "+") and made.operands[0] >= 0:
                moved = scope.values[made.operands[0]]
                if value.op != "store" or (moved.op == "load" and moved.data == value.data):
                    return True
    return False
