"""What Python itself offers: built-in functions and the methods of containers."""

from __future__ import annotations

import math
from collections.abc import Callable

from backproplint.graph import algebra, idioms
from backproplint.graph.choices import merge
from backproplint.graph.machine import Machine
from backproplint.graph.nodes import Const, Dict, Node, Seq
from backproplint.rule import Site

Builtin = Callable[[Machine, list[Node], dict[str, Node], Site], Node | None]
BUILTINS: dict[str, Builtin] = {}
MOST = 64  # items of a range or repetition that are told apart


def builtin(*names: str) -> Callable[[Builtin], Builtin]:
    """Register a model of these qualified names; it gives None when it cannot say."""

    def register(function: Builtin) -> Builtin:
        BUILTINS.update(dict.fromkeys(names, function))
        return function

    return register


def _folded(name: str, function: Callable[..., object]) -> None:
    def apply(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
        return algebra.fold(function, *args) if args and not kwargs else None

    BUILTINS[name] = apply


_CONVERSIONS: dict[str, Callable[..., object]] = {
    "int": int, "float": float, "str": str, "bool": bool, "round": round, "abs": abs,
}  # fmt: skip
for _name, _function in _CONVERSIONS.items():
    _folded(f"builtins.{_name}", _function)
for _name in ("sqrt", "log", "exp", "floor", "ceil", "pow", "log2"):
    _folded(f"math.{_name}", getattr(math, _name))
for _name in ("sqrt", "log", "exp", "floor", "ceil", "prod", "abs"):
    _folded(f"numpy.{_name}", getattr(math, _name, abs))


@builtin("builtins.len")
def _len(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    x = args[0] if len(args) == 1 else Const(None)
    if isinstance(x, Seq) and not (x.state["open"] or x.state["grows"]):
        return Const(len(x.items))
    return Const(len(x.value)) if isinstance(x, Const) and isinstance(x.value, str) else None


@builtin("builtins.range", "builtins.xrange", "numpy.arange", "six.moves.range", "six.moves.xrange")
def _range(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    values = [arg.value for arg in args if isinstance(arg, Const) and isinstance(arg.value, int)]
    if not 1 <= len(args) <= 3 or (len(values) == 3 and values[2] == 0):
        return None
    span = range(*values) if len(values) == len(args) else None
    if span is None or span[MOST:]:  # its length may be more than len() can tell
        return m.node("range", {str(k): arg for k, arg in enumerate(args)}, site)
    return Seq("list", tuple(Const(k) for k in span), site)


@builtin("builtins.zip", "itertools.izip", "itertools.zip_longest")
def _zip(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    known = [arg for arg in args if isinstance(arg, Seq)]
    if not known or not args:
        return _open(Seq("list", (Seq("tuple", tuple(_any(m, arg, site) for arg in args), site),), site))
    count = min(len(seq.items) for seq in known)
    rows = [Seq("tuple", tuple(_nth(m, arg, k, site) for arg in args), site) for k in range(count)]
    result = Seq("list", tuple(rows), site)
    return _open(result) if any(seq.state["open"] for seq in known) else result


def _open(seq: Seq) -> Seq:
    seq.state["open"] = True
    return seq


def _nth(m: Machine, node: Node, k: int, site: Site) -> Node:
    return node.items[k] if isinstance(node, Seq) and k < len(node.items) else _any(m, node, site)


def _any(m: Machine, node: Node, site: Site) -> Node:
    """What stands for any element of a node."""
    if isinstance(node, (Seq, Dict)):
        items = list(node.operands())
        return merge(items) if items else m.node("unknown", {}, site)
    return m.node("next", {"x": node}, site, node.framework)


@builtin("builtins.enumerate")
def _enumerate(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if not args:
        return None
    first = args[0]
    start = args[1] if len(args) > 1 else kwargs.get("start", Const(0))
    if isinstance(first, Seq) and isinstance(start, Const) and isinstance(start.value, int):
        if first.state["open"]:  # its items stand for more of their kind, at places that nobody knows
            places: list[Node] = [m.node("counter", {}, site) for _ in first.items]
        else:
            places = [Const(k) for k in range(start.value, start.value + len(first.items))]
        result = Seq("list", tuple(Seq("tuple", pair, site) for pair in zip(places, first.items, strict=True)), site)
        return _open(result) if first.state["open"] else result
    counter = m.node("counter", {}, site)
    return _open(Seq("list", (Seq("tuple", (counter, _any(m, first, site)), site),), site))


@builtin("builtins.list", "builtins.tuple", "builtins.sorted", "builtins.iter", "collections.deque", "builtins.set")
def _list(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if not args:
        return Seq("list", (), site)
    first = args[0]
    if isinstance(first, Seq):
        copied = Seq("list", first.items, site)
        return _open(copied) if first.state["open"] else copied
    if isinstance(first, Dict):
        keys = [Const(key) if isinstance(key, (str, int)) else key for key in first.entries]
        return Seq("list", tuple(key for key in keys if isinstance(key, Node)), site)
    return first


@builtin("random.sample", "random.choices")
def _sample(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    """Some items of a list, in an order that nobody knows: what is known of all of them."""
    population = args[0] if args else kwargs.get("population")
    known = list(population.items) if isinstance(population, Seq) else []
    return _open(Seq("list", (merge(known),), site)) if known else None


@builtin("builtins.reversed")
def _reversed(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if not args or not isinstance(args[0], Seq):
        return None
    turned = Seq("list", args[0].items[::-1], site)
    return _open(turned) if args[0].state["open"] else turned


# Options by name: a dict whose entries are attributes, too.
_NAMESPACES = (
    "argparse.Namespace", "types.SimpleNamespace", "easydict.EasyDict", "ml_collections.ConfigDict", "addict.Dict",
    "box.Box", "munch.Munch", "omegaconf.OmegaConf.create",
)  # fmt: skip


@builtin("builtins.dict", "collections.OrderedDict", "collections.defaultdict", *_NAMESPACES)
def _dict(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    entries: dict[object, Node] = {}
    for arg in args:
        if isinstance(arg, Dict):
            entries |= arg.entries
        elif isinstance(arg, Seq):
            pairs = [item.items for item in arg.items if isinstance(item, Seq) and len(item.items) == 2]
            entries |= {key.value: value for key, value in pairs if isinstance(key, Const)}
    entries.update(kwargs)
    return Dict(entries, site)


@builtin("dataclasses.field", "attr.ib", "attrs.field", "pydantic.Field")
def _field(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    """The default of a data class's field."""
    factory = kwargs.get("default_factory", kwargs.get("factory"))
    return m.call(factory, [], {}, site) if factory is not None else kwargs.get("default")


@builtin("builtins.map")
def _map(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if len(args) < 2:
        return None
    if isinstance(args[1], Seq) and len(args[1].items) <= MOST:
        places = range(len(args[1].items))
        results = [m.call(args[0], [_nth(m, arg, k, site) for arg in args[1:]], {}, site) for k in places]
        result = Seq("list", tuple(results), site)
        return _open(result) if args[1].state["open"] else result
    return _open(Seq("list", (m.call(args[0], [_any(m, arg, site) for arg in args[1:]], {}, site),), site))


@builtin("builtins.filter")
def _filter(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    return args[1] if len(args) > 1 else None


@builtin("itertools.chain", "itertools.chain.from_iterable")
def _chain(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    return _open(Seq("list", tuple(args), site))


@builtin("copy.copy", "copy.deepcopy", "builtins.next")
@builtin("tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.trange", "tqdm.notebook.tqdm")
def _same(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    return args[0] if args else None


@builtin("builtins.sum")
def _sum(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if args and isinstance(args[0], Seq) and args[0].items:
        total, *rest = args[0].items
        for item in rest:
            total = algebra.binary(m, "+", total, item, site)
        return total
    return m.node("sum", {"x": args[0]}, site, args[0].framework) if args else None


def _pairwise(name: str, op: str, function: Callable[..., object]) -> None:
    def apply(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
        folded = algebra.fold(function, *args) if len(args) > 1 else None
        if folded is not None or len(args) != 2:
            return folded
        return idioms.named(m, m.node(op, {"a": args[0], "b": args[1]}, site))

    BUILTINS[name] = apply


_pairwise("builtins.max", "maximum", max)
_pairwise("builtins.min", "minimum", min)


@builtin("functools.partial")
def _partial(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    return Partial(args[0], args[1:], kwargs) if args else None


@builtin("functools.reduce", "builtins.reduce")
def _reduce(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    if len(args) > 1 and isinstance(args[1], Seq) and args[1].items:
        total, *rest = [*args[2:3], *args[1].items]
        for item in rest:
            total = m.call(args[0], [total, item], {}, site)
        return total
    return None


@builtin("six.with_metaclass", "future.utils.with_metaclass")
def _with_metaclass(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    return Seq("tuple", tuple(args[1:]), site)  # the bases of a class


@builtin("builtins.print", "builtins.open", "builtins.input", "builtins.id", "builtins.hash", "logging.info")
def _nothing(m: Machine, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node | None:
    return Const(None) if len(args) > 8 else m.node("side", {}, site)


class Partial(Node):
    """`functools.partial(function, ...)`."""

    __slots__ = ("function", "given", "named")

    def __init__(self, function: Node, given: list[Node], named: dict[str, Node]) -> None:
        super().__init__("function", {})
        self.function, self.given, self.named = function, given, named
