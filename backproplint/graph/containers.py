"""Methods of lists, dicts and strings, and of the objects that option parsers give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from backproplint import frameworks
from backproplint.graph.choices import key_node, merge, options
from backproplint.graph.items import get_item, set_item
from backproplint.graph.machine import Machine
from backproplint.graph.nodes import Const, Dict, Node, Phi, Seq, Thing
from backproplint.graph.steps import append
from backproplint.graph.texts import braces
from backproplint.rule import Site

Args = list[Node]
Kwargs = dict[str, Node]


def container_method(m: Machine, receiver: Node, name: str, args: Args, kwargs: Kwargs, site: Site) -> Node | None:
    """What a method of a Python container gives; None when the receiver is none, or the method unknown."""
    if isinstance(receiver, Phi) and any(isinstance(option, (Seq, Dict)) for option in receiver.options):
        parts = [option for option in options(receiver) if not isinstance(option, Phi)]
        results = [container_method(m, option, name, args, kwargs, site) for option in parts]
        known = [result for result in results if result is not None]
        return merge(known) if known else None
    methods: Mapping[str, Callable[..., Node | None]] | None = None
    if isinstance(receiver, Seq):
        methods = _SEQ
    elif isinstance(receiver, Dict):
        methods = _DICT
    elif isinstance(receiver, Const) and isinstance(receiver.value, str):
        methods = _TEXT
    elif isinstance(receiver, Thing) and receiver.row.op == "parser":
        methods = _PARSER
    method = methods.get(name) if methods else None
    return method(m, receiver, args, kwargs, site) if method else None


def _append(m: Machine, seq: Seq, args: Args, kwargs: Kwargs, site: Site) -> Node:
    if args:
        append(m, seq, args[-1], m.frames[-1] if m.frames else None)
    return Const(None)


def _extend(m: Machine, seq: Seq, args: Args, kwargs: Kwargs, site: Site) -> Node:
    if args and isinstance(args[0], Seq):
        for item in args[0].items:
            append(m, seq, item, m.frames[-1] if m.frames else None)
    else:
        m.write(seq.state, "open", True)
    return Const(None)


def _insert(m: Machine, seq: Seq, args: Args, kwargs: Kwargs, site: Site) -> Node:
    if len(args) == 2:
        at = args[0].value if isinstance(args[0], Const) and isinstance(args[0].value, int) else len(seq.items)
        m.write(seq.state, "items", (*seq.items[:at], args[1], *seq.items[at:]))
    return Const(None)


def _pop(m: Machine, seq: Seq, args: Args, kwargs: Kwargs, site: Site) -> Node:
    items = seq.items
    if not items:
        return m.node("unknown", {}, site)
    first = bool(args) and isinstance(args[0], Const) and args[0].value == 0
    m.write(seq.state, "items", items[1:] if first else items[:-1])
    return items[0] if first else items[-1]


def _map(m: Machine, seq: Seq, args: Args, kwargs: Kwargs, site: Site) -> Node | None:
    row = frameworks.method("dataset", "map")
    return m.apply_row(row, [seq, *args], kwargs, site, seq.framework) if row and seq.kind == "dataset" else None


def _copied(m: Machine, receiver: Node, args: Args, kwargs: Kwargs, site: Site) -> Node:
    return receiver


def _replaced(m: Machine, record: Seq, args: Args, kwargs: Kwargs, site: Site) -> Node:
    """A named tuple with other items under some of its names."""
    old = record.memo or {}
    items = [kwargs.get(name, item) for (name, _), item in zip(old.items(), record.items, strict=False)]
    made = Seq("tuple", tuple(items), site)
    made.memo = {**old, **kwargs}
    return made


def _as_dict(m: Machine, record: Seq, args: Args, kwargs: Kwargs, site: Site) -> Node:
    named = zip(record.memo or {}, record.items, strict=False)
    return Dict(dict(named), site)


def _get(m: Machine, d: Dict, args: Args, kwargs: Kwargs, site: Site) -> Node:
    if not args:
        return m.node("unknown", {}, site)
    if isinstance(args[0], Const) and args[0].value not in d.entries and Dict.ANY not in d.entries:
        return args[1] if len(args) > 1 else Const(None)
    return get_item(m, d, args[0], site, None)


def _items(m: Machine, d: Dict, args: Args, kwargs: Kwargs, site: Site) -> Node:
    pairs = [Seq("tuple", (key_node(key), node), site) for key, node in d.entries.items()]
    result = Seq("list", tuple(pairs), site)
    result.state["open"] = Dict.ANY in d.entries
    return result


def _keys(m: Machine, d: Dict, args: Args, kwargs: Kwargs, site: Site) -> Node:
    return Seq("list", tuple(key_node(key) for key in d.entries), site)


def _values(m: Machine, d: Dict, args: Args, kwargs: Kwargs, site: Site) -> Node:
    return Seq("list", tuple(node for key, node in d.entries.items()), site)


def _update(m: Machine, d: Dict, args: Args, kwargs: Kwargs, site: Site) -> Node:
    given = args[0].entries if args and isinstance(args[0], Dict) else {}
    for key, node in [*given.items(), *kwargs.items()]:
        m.write(d.entries, key, node)
    return Const(None)


def _setdefault(m: Machine, d: Dict, args: Args, kwargs: Kwargs, site: Site) -> Node:
    if len(args) == 2 and isinstance(args[0], Const) and args[0].value not in d.entries:
        set_item(m, d, args[0], args[1], site, None)
    return _get(m, d, args, kwargs, site)


def _lower(m: Machine, text: Const, args: Args, kwargs: Kwargs, site: Site) -> Node:
    return Const(str(text.value).lower(), text.assumed)


def _upper(m: Machine, text: Const, args: Args, kwargs: Kwargs, site: Site) -> Node:
    return Const(str(text.value).upper(), text.assumed)


def _asked(m: Machine, text: Const, args: Args, kwargs: Kwargs, site: Site, name: str) -> Node | None:
    """A question to a text: does it start with this, where does that stand in it."""
    parts = args[0].items if args and isinstance(args[0], Seq) else args
    known = [str(arg.value) for arg in parts if isinstance(arg, Const)]
    if not known or len(known) != len(parts) or (name not in ("startswith", "endswith") and len(known) > 1):
        return None
    answers = [getattr(str(text.value), name)(word) for word in known]
    return Const(answers[0] if len(answers) == 1 else any(answers), text.assumed)


def _format(m: Machine, text: Const, args: Args, kwargs: Kwargs, site: Site) -> Node:
    known = braces(str(text.value), args) if not kwargs else None
    return known or m.node("text", {}, site)


def _add_argument(m: Machine, parser: Thing, args: Args, kwargs: Kwargs, site: Site) -> Node:
    """`--learning-rate` with its default becomes an attribute of what parse_args gives: known, but only a default."""
    flags = [arg.value for arg in args if isinstance(arg, Const) and isinstance(arg.value, str)]
    flag = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    dest = kwargs.get("dest")
    name = str(dest.value) if isinstance(dest, Const) else flag.lstrip("-").replace("-", "_")
    action = kwargs.get("action")
    stored = action.value if isinstance(action, Const) else None
    default = kwargs.get("default") or {"store_true": Const(False), "store_false": Const(True)}.get(str(stored))
    if isinstance(default, Const):
        m.write(parser.attrs, name, Const(default.value, f"the default of {flag}", site))
    elif default is not None:
        m.write(parser.attrs, name, default)
    return m.node("side", {}, site)


def _parse_args(m: Machine, parser: Thing, args: Args, kwargs: Kwargs, site: Site) -> Node:
    return parser


def _parse_known(m: Machine, parser: Thing, args: Args, kwargs: Kwargs, site: Site) -> Node:
    return Seq("tuple", (parser, m.node("unknown", {}, site)), site)


_SEQ: dict[str, Callable[..., Node | None]] = {
    "append": _append, "extend": _extend, "insert": _insert, "pop": _pop, "add": _append,
    "copy": _copied, "as_list": _copied, "_replace": _replaced, "_asdict": _as_dict,
    **dict.fromkeys("shuffle batch prefetch repeat cache take skip padded_batch unbatch".split(), _copied), "map": _map,
}  # fmt: skip
_DICT: dict[str, Callable[..., Node]] = {
    "get": _get, "items": _items, "iteritems": _items, "keys": _keys, "values": _values, "itervalues": _values,
    "update": _update, "setdefault": _setdefault, "copy": _copied, "pop": _get,
}  # fmt: skip
_TEXT: dict[str, Callable[..., Node | None]] = {
    "lower": _lower, "upper": _upper, "format": _format, "strip": _copied,
    **{name: partial(_asked, name=name) for name in ("startswith", "endswith", "find", "count")},
}  # fmt: skip
_PARSER: dict[str, Callable[..., Node]] = {
    "add_argument": _add_argument, "parse_args": _parse_args, "parse_known_args": _parse_known,
    "add_argument_group": _parse_args,
}  # fmt: skip
