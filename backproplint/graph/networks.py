"""The view of networks: linear maps with their weights and fan-in, and the squashes that follow them."""

from __future__ import annotations

from typing import NamedTuple

from backproplint.graph.initial import Initial, fitted, fitted_layer, initial, layer_initial, origins, shape_of
from backproplint.graph.nodes import Const, Node, Phi, Seq, Thing
from backproplint.graph.numbers import whole
from backproplint.ops import INITIALIZERS
from backproplint.rule import Site

LINEAR = frozenset({"matmul", "einsum", "dense", "conv", "rnn", "rnn_cell"})
NORMS = frozenset({"batch_norm", "layer_norm"})
SIGMOIDS = frozenset({"sigmoid", "hard_sigmoid"})
_PASSING = frozenset({"add", "subtract", "shape", "cast", "dropout", "pool", "pad", "index", "upsample"})
SHAPE_KEPT = frozenset("sigmoid tanh relu dropout batch_norm layer_norm leaky_relu elu cast".split())


class Linear(NamedTuple):
    """One linear map: the node that applies it, its input, and what is known of its weights."""

    node: Node
    x: Node
    weight: Node | None
    start: Initial | None
    bias: Initial | None
    fan_in: int | None

    @property
    def home(self) -> Site | None:
        """Where the start of the weights is written: the initializer, else the layer, else the map itself."""
        drawn = self.start.node.site if self.start is not None else None
        made = self.node.layer.site if self.node.layer is not None else None
        return drawn or made or self.node.site

    @property
    def unknown(self) -> bool:
        """Whether nothing says how the weights start: neither numbers nor that they are drawn to fit their shape."""
        if self.start is not None:
            return False
        layer = self.node.layer
        return not (fitted_layer(layer) if self.weight is None and layer is not None else fitted(self.weight))

    @property
    def sources(self) -> list[Node]:
        """What makes two maps the same: their layer, or the arrays their weight goes back to."""
        if self.node.layer is not None and self.weight is None:
            return [self.node.layer]
        return origins(self.weight)

    @property
    def identity(self) -> set[int]:
        """The identities of the sources."""
        return {id(source) for source in self.sources}


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
    if fan_in is None and node.op == "dense":
        fan_in = width_of(x)
    return Linear(node, x, weight, start, initial(node.args.get("bias")), fan_in)


def _product_of(sizes: list[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def _layer_fan_in(layer: Thing, x: Node) -> int | None:
    given = whole(layer.setting("fan_in"))
    width = given if given is not None else _input_shape(layer) or width_of(x)
    if layer.row.op == "dense" or width is None:
        return width
    size = layer.setting("size")
    sides = [whole(item) for item in size.items] if isinstance(size, Seq) else [whole(size)] * 2
    known = [side for side in sides if side is not None]
    return width * _product_of(known) if known and len(known) == len(sides) else None


def _input_shape(layer: Thing) -> int | None:
    shape = shape_of(layer.setting("input_shape"))
    return shape[-1] if shape else None


def _product(node: Node) -> Linear | None:
    """A matrix product: the weight is the operand that was drawn, or a variable; its other side is the input."""
    a, b = node.args["a"], node.args["b"]
    as_a, as_b = weight_like(a), weight_like(b)
    if as_a and as_b:  # data drawn at random beside the weights: what is moved or declared is the weight
        first = _column(b) if _moves(a) == _moves(b) else _moves(a)
        as_a, as_b = first, not first
    if as_b:
        start = initial(b)
        sizes = _matrix(start)
        return Linear(node, a, b, start, None, (sizes and sizes[0]) or width_of(a))
    if as_a:
        start = initial(a)
        sizes = _matrix(start)
        return Linear(node, b, a, start, None, sizes[1] if sizes else None)
    return None


def _column(node: Node) -> bool:
    """Whether an array is a column or a vector, which a matrix is multiplied by from the left."""
    start = initial(node)
    return start is not None and start.shape is not None and (len(start.shape) == 1 or start.shape[-1] == 1)


def _matrix(start: Initial | None) -> tuple[int | None, ...] | None:
    return start.shape if start is not None and start.shape is not None and len(start.shape) == 2 else None


def _moves(node: Node) -> bool:
    if node.op in ("shape", "index", "multiply", "divide", "stop_gradient"):
        return any(_moves(node.args[name]) for name in ("a", "b", "x") if name in node.args)
    return node.op == "variable" or isinstance(node, Phi)


def weight_like(node: Node, depth: int = 24) -> bool:
    """Whether a value is a weight: a variable, or a drawn array, scaled or updated since."""
    if node.op == "variable" or (node.op in INITIALIZERS and node.op not in BLANK):
        return True
    if node.op in BLANK:  # zeros(n) starts a state or a bias, zeros((m, n)) may be a weight
        shape = shape_of(node.args.get("shape"))
        return shape is not None and len(shape) == 2 and None not in shape
    if depth == 0:
        return True  # an update of an update of ...
    if isinstance(node, Phi):
        first = node.options[:1] if node.loop else node.options
        rest = node.options[1:] if node.loop else []
        return all(weight_like(o, depth - 1) for o in first) and all(_kept(o, node, depth) for o in rest)
    if node.op in ("multiply", "divide", "add", "subtract"):
        sides = ("a", "b") if node.op == "multiply" else ("a",)
        return any(weight_like(node.args[side], depth - 1) for side in sides)
    if isinstance(node, Seq):
        return bool(node.items) and all(weight_like(item, depth - 1) for item in node.items)
    picked = node.op in ("shape", "index", "stop_gradient", "next") and "x" in node.args
    return picked and weight_like(node.args["x"], depth - 1)


BLANK = frozenset({"zeros", "ones", "full"})  # what starts states as well as weights


def _kept(node: Node, phi: Phi, depth: int) -> bool:
    """What a loop makes of a weight is a weight when it only adds to it."""
    added = node.op in ("add", "subtract", "multiply", "phi", "clip", "seq")
    return node is phi or added or weight_like(node, depth // 2)


def width_of(node: Node, depth: int = 12) -> int | None:
    """The number of features of a value, where the code says it."""
    if depth == 0:
        return None
    layer = node.layer
    if node.op in ("dense", "conv", "embedding", "rnn") and layer is not None:
        return whole(layer.setting("hidden" if node.op == "rnn" else "units"))
    if node.op in SHAPE_KEPT or node.op == "add":
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


def alone(node: Node, depth: int = 6) -> bool:
    """Whether a pre-activation is nothing but linear maps and biases: no residual path beside them."""
    if node.op == "add" and depth:
        return alone(node.args["a"], depth - 1) and alone(node.args["b"], depth - 1)
    return linear(node) is not None or isinstance(node, Const) or initial(node) is not None


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
