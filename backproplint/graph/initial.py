"""How weights start: the distribution, its mean, standard deviation and shape, read off the node that drew them."""

from __future__ import annotations

import math
from typing import NamedTuple

from backproplint.graph.choices import options
from backproplint.graph.library import callable_setting
from backproplint.graph.nodes import Const, Dict, Node, Phi, Seq, Thing
from backproplint.graph.numbers import number, whole
from backproplint.ops import INITIALIZERS

_TRUNCATED = 0.8796  # the standard deviation of a unit normal cut off at two (its variance is 0.7737)


class Initial(NamedTuple):
    """What weights are drawn from: `std` and `mean` of the entries; `shape` has None for an unknown size."""

    kind: str
    mean: float
    std: float
    shape: tuple[int | None, ...] | None
    node: Node
    assumed: str = ""

    @property
    def size(self) -> float:
        """The root mean square of an entry."""
        return math.hypot(self.mean, self.std)


Known = dict[int, Initial | None]  # what nodes start as, by their identity: many ways may lead to one
_MOST = 400  # nodes looked at for one start; the longest that anybody writes out by hand has a tenth


def initial(node: Node | None, known: Known | None = None) -> Initial | None:
    """The first value of a weight; None when its scale is unknown or follows its shape."""
    known = {} if known is None else known
    if node is None or len(known) >= _MOST:
        return None
    if id(node) not in known:
        known[id(node)] = None  # a circle ends here
        known[id(node)] = _read(node, known)
    return known[id(node)]


def _read(node: Node, known: Known) -> Initial | None:
    if "initial" in node.args:
        return initial(node.args["initial"], known)
    reader = _READERS.get(node.op)
    if reader is not None:
        return reader(node, known)
    if isinstance(node, Phi):
        return _alternatives(node, known)
    return _drawn(node)


def _alternatives(node: Phi, known: Known) -> Initial | None:
    if node.loop:
        return initial(node.options[0], known)
    return agreed([initial(option, known) for option in node.options])


def agreed(found: list[Initial | None]) -> Initial | None:
    """One start for alternatives that say the same; which of several it is, is unknown."""
    first = found[0]
    if first is None or any(other is None or other[1:3] != first[1:3] for other in found):
        return None
    return first


def _drawn(node: Node) -> Initial | None:
    kind = node.row.op if isinstance(node, Thing) else node.op
    measure = _MOMENTS.get(kind)
    moments = measure(node) if measure else None
    if moments is None:
        return None
    return Initial(kind, *moments, shape_of(node.args.get("shape")), node, _assumption(node))


def _assumption(node: Node) -> str:
    return next((arg.assumed for arg in node.args.values() if isinstance(arg, Const) and arg.assumed), "")


def shape_of(node: Node | None) -> tuple[int | None, ...] | None:
    """A shape argument as sizes."""
    if isinstance(node, Phi):
        shapes = {shape_of(option) for option in node.options}
        return shapes.pop() if len(shapes) == 1 else None
    if isinstance(node, Seq) and len(node.items) == 1 and isinstance(node.items[0], Seq):
        node = node.items[0]
    if not isinstance(node, Seq) or node.state["open"]:
        return None
    return tuple(whole(item) for item in node.items)


def _normal(node: Node) -> tuple[float, float] | None:
    std, mean = number(node.args.get("std")), number(node.args.get("mean", Const(0.0)))
    return None if std is None or mean is None else (mean, std)


def _truncated(node: Node) -> tuple[float, float] | None:
    moments = _normal(node)
    return None if moments is None else (moments[0], moments[1] * _TRUNCATED)


def _uniform(node: Node) -> tuple[float, float] | None:
    low, high = number(node.args.get("low")), number(node.args.get("high"))
    return None if low is None or high is None else ((low + high) / 2, abs(high - low) / math.sqrt(12))


def _full(node: Node) -> tuple[float, float] | None:
    value = number(node.args.get("value"))
    return None if value is None else (value, 0.0)


def _zeros(node: Node) -> tuple[float, float] | None:
    return (0.0, 0.0)


def _ones(node: Node) -> tuple[float, float] | None:
    return (1.0, 0.0)


_MOMENTS = {
    "normal": _normal, "truncated_normal": _truncated, "uniform": _uniform, "full": _full, "zeros": _zeros,
    "ones": _ones,
}  # fmt: skip


def _scaled(node: Node, known: Known) -> Initial | None:
    """A drawn array times or over a number."""
    a, b = node.args["a"], node.args["b"]
    for drawn, other in ((a, b), (b, a)):
        factor = number(other)
        if factor is None or (node.op == "divide" and drawn is b):
            continue
        inner = initial(drawn, known)
        if inner is not None and not (node.op == "divide" and factor == 0):
            factor = 1 / factor if node.op == "divide" else factor
            return inner._replace(mean=inner.mean * factor, std=inner.std * abs(factor))
    return None


def _shifted(node: Node, known: Known) -> Initial | None:
    a, b = node.args["a"], node.args["b"]
    sign = -1 if node.op == "subtract" else 1
    for drawn, other in ((a, b), (b, a)):
        shift = number(other)
        inner = initial(drawn, known) if shift is not None else None  # one side only, or a long sum is walked 2^n times
        if shift is not None and inner is not None:
            if drawn is b and node.op == "subtract":
                return inner._replace(mean=shift - inner.mean)
            return inner._replace(mean=inner.mean + sign * shift)
    if not {a.op, b.op} <= set(_MOMENTS):  # weights after an update started as they did before it
        return initial(a, known)
    return None


def _variable(node: Node, known: Known) -> Initial | None:
    if node.layer is not None:
        return layer_initial(node.layer, option_of(node))
    return None


def option_of(variable: Node) -> str:
    """Which option of a layer says how its parameter starts."""
    name = variable.args.get("name")
    text = str(name.value) if isinstance(name, Const) else ""
    if text.startswith("bias"):
        return "bias_initializer"
    return "recurrent_initializer" if text.startswith("weight_hh") else "initializer"


def layer_initial(layer: Thing, option: str = "initializer") -> Initial | None:
    """How a layer's weights (or biases) start, by what it was told or was overwritten with."""
    setting = layer.setting(option)
    found = [initial(callable_setting("initializer", one)) for one in (options(setting) if setting is not None else [])]
    return agreed(found) if found else None


def fitted(node: Node | None, known: dict[int, bool] | None = None) -> bool:
    """Whether weights are drawn to fit their shape, as Xavier's, so that their scale is in order without a number."""
    known = {} if known is None else known
    if node is None or len(known) >= _MOST:
        return False
    if id(node) not in known:
        known[id(node)] = False
        known[id(node)] = _fits(node, known)
    return known[id(node)]


def _fits(node: Node, known: dict[int, bool]) -> bool:
    if "initial" in node.args:
        return fitted(node.args["initial"], known)
    kind = node.row.op if isinstance(node, Thing) else node.op
    if kind in _MOMENTS:
        return any(_rooted(arg) for arg in node.operands())
    if isinstance(node, Phi):
        first = node.options[:1] if node.loop else node.options
        return all(fitted(option, known) for option in first)
    if node.op in ("multiply", "divide", "add", "subtract"):
        a, b = node.args["a"], node.args["b"]
        scaled = node.op in ("multiply", "divide") and (_rooted(a) or _rooted(b))
        return scaled or fitted(a, known) or fitted(b, known)
    if node.op == "variable" and node.layer is not None:
        return fitted_layer(node.layer)
    inner = node.args.get("x")
    return kind in INITIALIZERS or (inner is not None and fitted(inner, known))


def fitted_layer(layer: Thing, option: str = "initializer") -> bool:
    """Whether a layer's weights fit their shape; those of a layer that is told nothing do."""
    setting = layer.setting(option)
    if setting is None or (isinstance(setting, Const) and setting.value is None):
        return True
    known = [callable_setting("initializer", choice) for choice in options(setting)]
    return all(fitted(one) for one in known)


def _rooted(node: Node, depth: int = 5) -> bool:
    """Whether a square root goes into a value: a scale that follows the number of inputs."""
    if node.op in ("sqrt", "power"):
        return True
    return depth > 0 and any(_rooted(part, depth - 1) for part in node.operands())


def _reshaped(node: Node, known: Known) -> Initial | None:
    inner = initial(node.args.get("x"), known)
    if inner is None:
        return None
    turned = inner.shape[::-1] if inner.shape is not None and _swaps(node.args.get("_sizes")) else None
    return inner._replace(shape=turned)


def _swaps(axes: Node | None) -> bool:
    """Whether the axes of a matrix change places: `w.T`, `w.transpose(0, 1)`."""
    return axes is None or (isinstance(axes, Seq) and {number(axis) for axis in axes.items} == {0, 1})


def _part(node: Node, known: Known) -> Initial | None:
    inner = initial(node.args.get("x"), known)
    return None if inner is None else inner._replace(shape=None)


_READERS = {
    "multiply": _scaled, "divide": _scaled, "add": _shifted, "subtract": _shifted, "variable": _variable,
    "shape": _reshaped, "index": _part, "stop_gradient": _part,
}  # fmt: skip


def origins(node: Node | None) -> list[Node]:
    """The drawn arrays or variables that a weight goes back to, however often it was updated since."""
    found: list[Node] = []
    seen: set[int] = set()
    waiting = [node] if node is not None else []
    while waiting and len(seen) < 400:
        at = waiting.pop()
        if id(at) in seen:
            continue
        seen.add(id(at))
        if at.op in _DRAWN:
            found.append(at)
        elif isinstance(at, (Phi, Seq, Dict)):
            waiting += list(at.operands())
        elif at.op in ("multiply", "divide", "subtract", "add", "shape", "index", "stop_gradient", "next", "clip"):
            waiting += [at.args[name] for name in ("a", "x") if name in at.args]
            waiting += [at.args["b"]] if "b" in at.args and at.args["b"].op in _DRAWN else []
    return found


_DRAWN = frozenset(
    (
        "normal truncated_normal uniform zeros ones full variable xavier_normal xavier_uniform he_normal "
        "he_uniform lecun_normal lecun_uniform orthogonal identity_matrix param attribute"
    ).split()
)
