"""The view of recurrences: a state multiplied by the same matrix again and again, by a library or by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from backproplint import frameworks
from backproplint.graph.choices import options
from backproplint.graph.flow import Flow, gradient_operands
from backproplint.graph.initial import Initial, layer_initial, shape_of
from backproplint.graph.library import callable_setting
from backproplint.graph.networks import Linear, linear, weight_like
from backproplint.graph.nodes import Const, Lib, Loop, Node, Phi, Thing
from backproplint.graph.numbers import number, whole
from backproplint.graph.ownership import owns, selected
from backproplint.graph.shapes import sizes_of
from backproplint.ops import INITIALIZERS

if TYPE_CHECKING:
    from backproplint.graph.trainings import Training

_VANILLA = frozenset({"tanh", "relu", "sigmoid", "softsign", "clip"})
_CELLS = frozenset({"rnn", "rnn_cell"})
_MADE_OF = frozenset("multiply divide add subtract negate power sqrt cast cast_int index shape stop_gradient".split())
MOST_MAPS = 2  # maps that a cell puts its state through; whole networks in turn (a Gibbs chain) are no cell
_LARGEST = 400  # nodes of one turn of a recurrence written by hand


class Recurrence(NamedTuple):
    """A vanilla recurrence: the value that carries it, its squash, its matrix, and what is known of its size."""

    node: Node
    squash: str
    weight: Linear | None
    layer: Thing | None
    start: Initial | None
    hidden: int | None
    steps: int | None
    sure: bool


def recurrences(flow: Flow, moved: frozenset[int]) -> list[Recurrence]:
    """The vanilla recurrences that a loss sends gradient to.

    `moved` are the nodes that hold weights after an update: training loops carry them, and no state runs through them.
    """
    found = [_of_layer(node, flow) for node in flow.nodes if node.op in _CELLS]
    found += [_by_hand(node, flow, moved) for node in flow.nodes if isinstance(node, Phi) and node.loop]
    return [one for one in found if one is not None]


def _of_layer(node: Node, flow: Flow) -> Recurrence | None:
    layer = node.layer
    if layer is None:
        return None
    kind, activation = layer.setting("kind"), layer.setting("activation")
    if not isinstance(kind, Const) or kind.value not in ("tanh", "relu"):
        return None
    squash = _named(activation) or kind.value
    hidden = whole(layer.setting("hidden"))
    start = layer_initial(layer, "recurrent_initializer")
    return Recurrence(node, str(squash), None, layer, start, hidden or None, _steps(node, layer), _sure(node, flow))


def _named(activation: Node | None) -> str | None:
    """The squash that an option means, a name or a function of a library."""
    found = [callable_setting("activation", option) for option in options(activation)] if activation else []
    rows = [one.row if isinstance(one, Thing) else frameworks.row(one.name) for one in found if isinstance(one, _NAMES)]
    return next((row.op for row in rows if row is not None), None)


_NAMES = (Thing, Lib)


def _sure(node: Node, flow: Flow) -> bool:
    return id(node) not in flow.unsure


def _steps(node: Node, layer: Thing) -> int | None:
    """The length of the sequence where the code says it, or what it is at most."""
    state = node.args.get("state")
    if isinstance(state, Phi) and state.loop:
        return state.loop.turns
    at: Node | None = node
    first = layer.setting("batch_first")
    axis = 0 if isinstance(first, Const) and not first.value else 1
    for _ in range(_FARTHEST):
        if at is None or at.op in _LONGER or _turned(at):
            return None
        steps = _told(at, axis)
        if steps is not None:
            return steps if steps > 0 else None
        if isinstance(first, Const) and at.op == "shape" and shape_of(at.args.get("_sizes")) == _SWAPPED:
            axis = 1 - axis
        at = at.args.get("x")
    return None


_SWAPPED = (1, 0, 2)
_FARTHEST = 12  # layers between a sequence and the recurrence that takes it
_LONGER = frozenset({"upsample", "pad", "concat", "stack"})  # more steps than before; a pool has at most as many


def _turned(node: Node) -> bool:
    """Whether axes change places, other than those of batch and steps, which recurrences have in either order."""
    axes = node.args.get("_sizes") if node.op == "shape" else None
    return axes is not None and sizes_of(node) is None and shape_of(axes) != _SWAPPED


def _told(node: Node, axis: int) -> int | None:
    """The steps of a sequence that a layer takes, or that a value is known to have."""
    if node.op == "embedding":
        length = whole(node.layer.setting("length")) if node.layer is not None else None
        tokens = sizes_of(node.args.get("x"))
        return length or (tokens[axis] if tokens is not None and len(tokens) == 2 else None)
    expected = shape_of(node.layer.setting("input_shape")) if node.layer is not None else None
    if expected is not None and len(expected) == 2:
        return expected[0]
    sizes = sizes_of(node)
    return sizes[axis] if sizes is not None and len(sizes) == 3 else None


def _by_hand(phi: Phi, flow: Flow, moved: frozenset[int]) -> Recurrence | None:
    """A loop's state that comes back to itself through a matrix and a squash, and through no gate."""
    turn = cycle(phi, moved)
    members = {id(node) for node in turn} | {id(phi)}
    maps = [found for node in turn if (found := linear(node)) is not None and found.identity]
    maps = [found for found in maps if id(found.x) in members and id(found.weight) not in members]
    loop = phi.loop or Loop()
    if len({source for found in maps for source in found.identity}) > MOST_MAPS:
        return None
    maps = [found for found in maps if _lasting(found, phi.born, loop)]
    squashes = [node for node in turn if node.op in _VANILLA]
    if not maps or not squashes or any(_gated(node, members) or node.op in _CELLS for node in turn):
        return None
    weight = maps[0]
    hidden = weight.fan_in if weight.node.op == "matmul" else None
    node = squashes[0]
    return Recurrence(node, node.op, weight, weight.node.layer, weight.start, hidden, loop.turns, _sure(phi, flow))


def truncated(found: Recurrence, backward: Flow, moved: frozenset[int]) -> Recurrence:
    """A recurrence with the steps that its gradient is sent back by hand, where each loop that does so says how many.

    `backward` holds what the gradients are computed from: such a loop carries them through the same matrix.
    """
    turns = [
        node.loop.turns
        for node in backward.nodes
        if isinstance(node, Phi) and node.loop and _sends_back(cycle(node, moved), found)
    ]
    known = [steps for steps in turns if steps is not None]
    return found._replace(steps=max(known)) if known and len(known) == len(turns) else found


def _sends_back(turn: list[Node], found: Recurrence) -> bool:
    maps = [one for node in turn if (one := linear(node)) is not None]
    same = found.weight is not None and any(one.identity & found.weight.identity for one in maps)
    return same and all(node is not found.node for node in turn)


def _lasting(found: Linear, start: int, loop: Loop) -> bool:
    """Whether a map is the same at each turn: made before the loop, and not one of a list the loop goes through."""
    if found.weight is not None and id(found.weight) in loop.handed:
        return False
    made = all(source.born < start or (loop.traced and _kept(source)) for source in found.sources)
    return made and all(id(source) not in loop.handed for source in found.sources)


def _kept(source: Node) -> bool:
    """Whether a library keeps what is made under its name: haiku's layers, TensorFlow's variables."""
    return isinstance(source, Thing) or source.op == "variable"


def _gated(node: Node, members: set[int]) -> bool:
    """A state multiplied or divided by what may be a gate, as in an LSTM or GRU: by anything but a plain factor."""
    if node.op not in ("multiply", "divide"):
        return False
    factors = [arg for arg in node.args.values() if id(arg) not in members]
    return not factors or not all(_plain(factor) for factor in factors)


def _plain(factor: Node, depth: int = 6) -> bool:
    """Whether a factor is known to let the state through: numbers, weights, a mask that was drawn, or made of these."""
    if isinstance(factor, Const) or number(factor) is not None:
        return True
    if factor.op in _MADE_OF:
        made_of = [factor.args[name] for name in ("a", "b", "x") if name in factor.args]
        return depth > 0 and all(_plain(part, depth - 1) for part in made_of)
    if factor.op == "compare":
        return any(part.op in INITIALIZERS for part in factor.operands())
    return weight_like(factor)


def cycle(phi: Phi, without: frozenset[int] = frozenset()) -> list[Node]:
    """The nodes on the ways from a loop's state back to itself, known steps only."""
    reached: dict[int, Node] = {}
    down: dict[int, list[Node]] = {}
    waiting = list(phi.options)
    while waiting and len(reached) < _LARGEST:
        node = waiting.pop()
        if id(node) in reached or node is phi or id(node) in without:
            continue
        reached[id(node)] = node
        onward, known = _state_operands(node)
        for up in onward if known else []:
            down.setdefault(id(up), []).append(node)
            waiting.append(up)
    on_way: dict[int, Node] = {}
    waiting = list(down.get(id(phi), []))
    while waiting:
        node = waiting.pop()
        if id(node) not in on_way:
            on_way[id(node)] = node
            waiting += down.get(id(node), [])
    return list(on_way.values())


def _state_operands(node: Node) -> tuple[list[Node], bool]:
    """Where a state comes from: through a linear map by its input only, since trained weights are no state."""
    found = linear(node)
    return ([found.x], True) if found is not None else gradient_operands(node)


def trains(training: Training, found: Recurrence) -> bool | None:
    """Whether a training moves the recurrence's weights, as far as can be told; None where a scope picks some."""
    if selected(training.parameters):
        return None
    return found.layer is None or owns(training.parameters, found.layer) is not False
