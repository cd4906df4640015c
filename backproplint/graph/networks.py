"""The view of networks: linear maps with their weights and fan-in, and the squashes that follow them."""

from __future__ import annotations

from typing import NamedTuple

from backproplint.graph.algebra import number
from backproplint.graph.initial import Initial, initial, layer_initial, origins, shape_of
from backproplint.graph.nodes import Const, Node, Phi, Seq, Thing

LINEAR = frozenset({"matmul", "einsum", "dense", "conv", "rnn", "rnn_cell"})
NORMS = frozenset({"batch_norm", "layer_norm"})
SIGMOIDS = frozenset({"sigmoid", "hard_sigmoid"})
_PASSING = frozenset({"add", "subtract", "shape", "cast", "dropout", "pool", "pad", "index", "upsample"})
_WIDTH_KEPT = frozenset({"sigmoid", "tanh", "relu", "dropout", "batch_norm", "layer_norm", "leaky_relu", "elu", "add", "cast"})


class Linear(NamedTuple):
    """One linear map: the node that applies it, its input, and what is known of its weights."""

    node: Node
    x: Node
    weight: Node | None
    start: Initial | None
    bias: Initial | None
    fan_in: int | None

    @property
    def identity(self) -> set[int]:
        """What makes two maps the same: their layer, or the arrays their weight goes back to."""
        if self.node.layer is not None and self.weight is None:
            return {id(self.node.layer)}
        return origins(self.weight)


def linear(node: Node) -> Linear | None:
    """Read a node as a linear map; None when it is not one."""
    if node.op in ("dense", "conv"):
        return _layer(node)
    if node.op in ("matmul", "einsum") and "a" in node.args and "b" in node.args:
        return _product(node)
    return None


def _layer(node: Node) -> Linear:
    x = node.args.get("x", node)
    weight = node.args.get("weight")
    layer = node.layer
    if weight is None and layer is not None:
        start = layer_initial(layer)
        return Linear(node, x, None, start, layer_initial(layer, "bias_initializer"), _layer_fan_in(layer, x))
    start = initial(weight)
    fan_in = None
    if start is not None and start.shape:
        known = start.shape if node.op == "dense" else start.shape[:-1]
        sizes = [size for size in known if size is not None]
        fan_in = _product_of(sizes) if node.op == "conv" and len(sizes) == len(known) else start.shape[0]
    return Linear(node, x, weight, start, initial(node.args.get("bias")), fan_in)


def _product_of(sizes: list[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _layer_fan_in(layer: Thing, x: Node) -> int | None:
    given = number(layer.setting("fan_in"))
    width = int(given) if given is not None else _input_shape(layer) or width_of(x)
    if layer.row.op == "dense" or width is None:
        return width
    size = layer.setting("size")
    sides = [number(item) for item in size.items] if isinstance(size, Seq) else [number(size)] * 2
    known = [int(side) for side in sides if side is not None]
    return width * _product_of(known) if known and len(known) == len(sides) else None


def _input_shape(layer: Thing) -> int | None:
    shape = shape_of(layer.setting("input_shape"))
    return shape[-1] if shape else None


def _product(node: Node) -> Linear | None:
    """A matrix product: the weight is the operand that was drawn, or a variable; its other side is the input."""
    a, b = node.args["a"], node.args["b"]
    start_a, start_b = _weight(a), _weight(b)
    if start_b is not None and (start_a is None or not _trainable(a)):
        return Linear(node, a, b, start_b, None, start_b.shape[0] if _matrix(start_b) else width_of(a))
    if start_a is not None:
        return Linear(node, b, a, start_a, None, start_a.shape[-1] if _matrix(start_a) else None)
    for weight, x in ((b, a), (a, b)):
        if _is_variable(weight):
            return Linear(node, x, weight, None, None, None)
    return None


def _matrix(start: Initial) -> bool:
    return start.shape is not None and len(start.shape) == 2


def _weight(node: Node) -> Initial | None:
    return initial(node)


def _trainable(node: Node) -> bool:
    return node.op in ("variable", "phi", "attribute")


def _is_variable(node: Node) -> bool:
    return node.op == "variable" or (isinstance(node, Phi) and any(option.op == "variable" for option in node.options))


def width_of(node: Node, depth: int = 12) -> int | None:
    """The number of features of a value, where the code says it."""
    if depth == 0:
        return None
    layer = node.layer
    if node.op in ("dense", "conv", "embedding", "rnn") and layer is not None:
        units = number(layer.setting("hidden" if node.op == "rnn" else "units"))
        return int(units) if units is not None else None
    if node.op in _WIDTH_KEPT:
        inner = node.args.get("x", node.args.get("a"))
        return width_of(inner, depth - 1) if inner is not None else None
    if node.op == "matmul":
        start = initial(node.args.get("b"))
        return start.shape[-1] if start is not None and start.shape else None
    sizes = shape_of(node.args.get("shape") or node.args.get("_sizes"))
    if node.op in ("placeholder", "shape", "normal", "uniform") and sizes:
        return sizes[-1] if sizes[-1] != -1 else None
    return None


def terms(node: Node, depth: int = 12) -> list[Linear]:
    """The linear maps whose sum a pre-activation is. None of them stands behind a normalisation or another squash."""
    found = linear(node)
    if found is not None:
        return [found]
    if node.op in _PASSING and depth:
        parts = [node.args[name] for name in ("a", "b", "x") if name in node.args]
        return [term for part in parts for term in terms(part, depth - 1)]
    if isinstance(node, Phi) and not node.loop and depth:
        return [term for option in node.options[:4] for term in terms(option, depth - 1)]
    return []


def biases(node: Node, depth: int = 6) -> list[Initial]:
    """How the biases added to a pre-activation start."""
    if node.op == "add" and depth:
        parts = [node.args["a"], node.args["b"]]
        return [start for part in parts for start in biases(part, depth - 1)]
    found = linear(node)
    if found is not None:
        return [found.bias] if found.bias is not None else []
    start = initial(node) if not isinstance(node, Const) else None
    return [start] if start is not None else []
