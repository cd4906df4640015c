"""Sizes of arrays where the code says them, so that `x.shape[-1]` is the number that the layer below has."""

from __future__ import annotations

import math
from collections.abc import Callable

from backproplint.frameworks.rows import Row
from backproplint.graph.initial import shape_of
from backproplint.graph.library import VALUES, Bound
from backproplint.graph.machine import Machine, registers
from backproplint.graph.networks import SHAPE_KEPT, width_of
from backproplint.graph.nodes import Const, Dict, Node, Phi, Seq
from backproplint.graph.numbers import whole
from backproplint.ops import INITIALIZERS
from backproplint.rule import Site

Sizes = tuple[int | None, ...]
_AXES = 7  # numbers up to here may be axes or repetitions, as in transpose(1, 2), and no sizes
_RANKS = {"dense": 2, "conv": 4}


def sizes_of(node: Node | None, depth: int = 12) -> Sizes | None:
    """The size of each dimension (None: not known); None when not even their number is known."""
    if node is None or depth == 0:
        return None
    if isinstance(node, Phi):
        return sizes_of(node.options[0], depth - 1) if node.loop else None
    if isinstance(node, Seq):
        first = node.items[0] if node.items else None
        return None if node.state["open"] or first is None else (len(node.items), *(sizes_of(first, depth - 1) or ()))
    if node.op in INITIALIZERS or node.op == "empty":
        return shape_of(node.args.get("shape"))
    reader = _READERS.get(node.op)
    return reader(node, depth - 1) if reader is not None else None


def _placeholder(node: Node, depth: int) -> Sizes | None:
    whole_shape = shape_of(node.args.get("batch_shape"))
    sizes = shape_of(node.args.get("shape"))
    if whole_shape is not None or sizes is None:
        return whole_shape
    return (None, *sizes) if node.framework == "keras" else sizes


def _variable(node: Node, depth: int) -> Sizes | None:
    if "initial" in node.args:
        return sizes_of(node.args["initial"], depth)
    name = node.args.get("name")
    if node.layer is None or not isinstance(name, Const):
        return None
    rank = 1 if str(name.value).startswith("bias") else _RANKS.get(node.layer.row.op)
    return (None,) * rank if rank else None


def _dense(node: Node, depth: int) -> Sizes | None:
    below = sizes_of(node.args.get("x"), depth)
    return (*below[:-1], width_of(node)) if below else None


def _embedded(node: Node, depth: int) -> Sizes | None:
    below = sizes_of(node.args.get("x"), depth)
    return (*below, width_of(node)) if below else None


def _matmul(node: Node, depth: int) -> Sizes | None:
    a, b = sizes_of(node.args.get("a"), depth), sizes_of(node.args.get("b"), depth)
    return (*a[:-1], b[-1]) if a and b and len(b) == 2 else None


def _elementwise(node: Node, depth: int) -> Sizes | None:
    a, b = sizes_of(node.args.get("a"), depth), sizes_of(node.args.get("b"), depth)
    return max(filter(None, (a, b)), key=len, default=None)


def _same(node: Node, depth: int) -> Sizes | None:
    return sizes_of(node.args.get("x"), depth)


def _reshaped(node: Node, depth: int) -> Sizes | None:
    sizes = shape_of(node.args.get("_sizes"))
    if not sizes or ("exact" not in node.args and all(size is None or 0 <= size <= _AXES for size in sizes)):
        return None
    rest = _rest(sizes, sizes_of(node.args.get("x"), depth))
    return tuple(rest if size == -1 else size for size in sizes) if len(sizes) > 1 else None


def _rest(sizes: Sizes, before: Sizes | None) -> int | None:
    """What -1 stands for in the new sizes of an array of known size."""
    others = [size for size in sizes if size != -1]
    if before is None or None in before or None in others or len(sizes) - len(others) != 1:
        return None
    old, new = (math.prod(size for size in known if size is not None) for known in (before, others))
    return old // new if new and old % new == 0 else None


_READERS: dict[str, Callable[[Node, int], Sizes | None]] = {
    "placeholder": _placeholder, "variable": _variable, "dense": _dense, "matmul": _matmul, "shape": _reshaped,
    "add": _elementwise, "subtract": _elementwise, "multiply": _elementwise, "divide": _elementwise,
    "embedding": _embedded, **dict.fromkeys((*SHAPE_KEPT, "identity", "stop_gradient"), _same),
}  # fmt: skip


def length_of(node: Node | None) -> int | None:
    """How many items a loop over an array sees."""
    sizes = sizes_of(node)
    return sizes[0] if sizes and sizes[0] is not None and sizes[0] >= 0 else None


def shape_node(node: Node, remembered: Node) -> Node:
    """What `x.shape` is: the sizes that are known, beside those that stay unknown but the same at each read."""
    sizes = sizes_of(node)
    if sizes is None:
        width = width_of(node) if not isinstance(node, (Seq, Dict)) else None
        if width is not None and width > 0:
            remembered.memo = remembered.memo or {}
            remembered.memo.setdefault("[-1]", Const(width))
        return remembered
    items = tuple(_size(remembered, k, size) for k, size in enumerate(sizes))
    return Seq("tuple", items, remembered.site)


def _size(remembered: Node, k: int, size: int | None) -> Node:
    if size is not None and size >= 0:
        return Const(size)
    remembered.memo = remembered.memo or {}
    return remembered.memo.setdefault(f"[{k}]", Node("index", {"x": remembered, "index": Const(k)}, remembered.site))


@registers(VALUES, "sizes")
def _sizes(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`tf.shape(x)`, `x.get_shape()`, `x.size(1)`."""
    x = bound.get("x") or Const(None)
    shape, axis = m.get(x, "shape", site), bound.get("axis")
    if axis is None or (isinstance(axis, Const) and axis.value is None):
        return shape
    k = whole(axis)
    if isinstance(shape, Seq) and k is not None and -len(shape.items) <= k < len(shape.items):
        return shape.items[k]
    known = shape.memo.get(f"[{k}]") if shape.memo else None
    return known or m.node("index", {"x": shape, "index": axis}, site)


@registers(VALUES, "rank")
def _rank(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`p.dim()`, `p.ndim`."""
    sizes = sizes_of(bound.get("x"))
    return Const(len(sizes)) if sizes is not None else m.node("rank", bound, site)
