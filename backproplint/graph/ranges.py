"""In which interval a value's entries lie, where the code says it: raw pixels of 0..255, digits of 0..16."""

from __future__ import annotations

from collections.abc import Callable

from backproplint.graph.flow import Flow
from backproplint.graph.networks import LINEAR
from backproplint.graph.nodes import Const, Method, Node, Phi, Seq
from backproplint.graph.numbers import number

Range = tuple[float, float]


def data_range(node: Node | None, depth: int = 60) -> tuple[Range, Node] | None:
    """The interval of a value that comes from data of a known range, and the node of that data; else None."""
    if node is None or depth == 0:
        return None
    if isinstance(node, Phi):
        return _first_of(node.options[:1] if node.loop else node.options, depth)
    if isinstance(node, Seq):
        return _first_of(list(node.items), depth)
    reader = _READERS.get(node.op)
    return reader(node, depth - 1) if reader is not None else None


def unranged(node: Node) -> bool:
    """Whether a value is data as it came, from where nobody knows: its range could be anything."""
    seen: set[int] = set()
    waiting = [node]
    while waiting and len(seen) < 400:
        at = waiting.pop()
        if id(at) not in seen:
            seen.add(id(at))
            before = _before(at)
            if not before and _anything(at):
                return True
            waiting += before
    return False


def _before(node: Node) -> list[Node]:
    """What a value has its range from, unchanged; of a method that nobody knows that is its object."""
    if isinstance(node, (Phi, Seq)):
        parts = list(node.operands())
        return parts[:1] if isinstance(node, Phi) and node.loop else parts
    callee = node.args.get("callee")
    if node.op == "unknown" and isinstance(callee, Method):
        return [callee.receiver]
    name = "fed" if node.op == "placeholder" else "x"
    return [node.args[name]] if name in node.args and _READERS.get(node.op) in (_through, _placeholder) else []


def _anything(node: Node) -> bool:
    if node.op == "unknown":
        return not _learned(node)
    if node.op == "dataset":
        transform = node.args.get("transform")
        known = transform is None or transform.op not in _NAMELESS
        return not known or ("low" not in node.args and not _transformed(transform))
    return node.op in _NAMELESS


_NAMELESS = frozenset({"param", "rest", "placeholder", "unknown", "attribute", "file_data"})


def _learned(call: Node) -> bool:
    """Whether a part of the network goes into an unknown call: what comes out of it is no data."""
    return any(node.op in LINEAR or node.op == "embedding" for node in Flow(call, most=200).nodes)


def _first_of(parts: list[Node], depth: int) -> tuple[Range, Node] | None:
    """All alternatives must be known, and the widest counts only if none of them is scaled."""
    found = [data_range(part, depth - 1) for part in parts if not isinstance(part, Const)]
    if not found or any(one is None for one in found):
        return None
    return min((one for one in found if one is not None), key=lambda one: one[0][1])


def _dataset(node: Node, depth: int) -> tuple[Range, Node] | None:
    low, high = number(node.args.get("low")), number(node.args.get("high"))
    if low is None or high is None or _transformed(node.args.get("transform")):
        return None
    return (low, high), node


def _transformed(transform: Node | None) -> bool:
    """Whether a data set's transform may scale: anything but nothing does."""
    return transform is not None and not (isinstance(transform, Const) and transform.value is None)


_BYTES = (0.0, 255.0)


def _bytes(node: Node, depth: int) -> tuple[Range, Node] | None:
    """Raw bytes from a file, or an array made to hold them: pixels, as far as networks meet them."""
    kinds = [node.args[name] for name in ("dtype", "_dtype") if name in node.args]
    names = [str(kind.value) if isinstance(kind, Const) else getattr(kind, "name", "") for kind in kinds]
    return (_BYTES, node) if any(name.endswith("uint8") for name in names) else None


def _through(node: Node, depth: int) -> tuple[Range, Node] | None:
    return data_range(node.args.get("x"), depth)


def _placeholder(node: Node, depth: int) -> tuple[Range, Node] | None:
    fed = node.args.get("fed")
    return _first_of(list(fed.items), depth) if isinstance(fed, Seq) and fed.items else None


def _arithmetic(apply: Callable[[float, float], float]) -> Callable[[Node, int], tuple[Range, Node] | None]:
    def read(node: Node, depth: int) -> tuple[Range, Node] | None:
        factor, inner = number(node.args["b"]), data_range(node.args["a"], depth)
        if (factor is None or inner is None) and node.op in ("multiply", "add"):
            factor, inner = number(node.args["a"]), data_range(node.args["b"], depth)
        if factor is None or inner is None or (node.op == "divide" and factor == 0):
            return None
        low, high = (apply(bound, factor) for bound in inner[0])
        return (min(low, high), max(low, high)), inner[1]

    return read


_READERS: dict[str, Callable[[Node, int], tuple[Range, Node] | None]] = {
    "dataset": _dataset, "file_data": _bytes, "zeros": _bytes, "empty": _bytes,
    "shape": _through, "index": _through, "next": _through, "loader": _through,
    "stop_gradient": _through, "dropout": _through, "placeholder": _placeholder,
    "divide": _arithmetic(lambda x, c: x / c), "multiply": _arithmetic(lambda x, c: x * c),
    "add": _arithmetic(lambda x, c: x + c), "subtract": _arithmetic(lambda x, c: x - c),
    **dict.fromkeys(("stack", "concat"), lambda node, depth: data_range(node.args.get("xs"), depth)),
}  # fmt: skip
