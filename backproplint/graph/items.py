"""Items: what an index in brackets stands for, in lists, dicts and arrays."""

from __future__ import annotations

from backproplint.graph.algebra import is_gradient
from backproplint.graph.choices import merge, options
from backproplint.graph.control import structural
from backproplint.graph.layers import layers_of
from backproplint.graph.machine import Frame, Machine
from backproplint.graph.nodes import ANY_ITEM, Const, Dict, Node, Phi, Seq, Thing
from backproplint.ops import SQUASH
from backproplint.rule import Site

_BLANK = frozenset({"zeros", "empty"})


def key_of(key: Node) -> object | None:
    """A key under which an item can be found again; None for an unknown one."""
    if isinstance(key, Const):
        return key.value
    if isinstance(key, Seq) and key.items and all(isinstance(item, Const) for item in key.items):
        return tuple(item.value for item in key.items if isinstance(item, Const))
    return None


def get_item(m: Machine, base: Node, key: Node, site: Site, frame: Frame | None) -> Node:
    """`base[key]`."""
    if isinstance(base, Phi) and not base.loop:
        return merge([get_item(m, option, key, site, frame) for option in options(base)[:8] if option is not base])
    if isinstance(base, Seq):
        return _item_of_seq(m, base, key, site, frame)
    if isinstance(base, Dict):
        return _item_of_dict(m, base, key, site, frame)
    if isinstance(base, Thing) and base.row.op == "sequential":
        return _item_of_layers(m, base, key, site, frame)
    if isinstance(base, Thing) and base.added.items and isinstance(key, Const) and isinstance(key.value, int):
        return _part(base.added.items, key.value) or m.node("unknown", {}, site)
    parts = str(base.row.constants.get("parts", "")).split() if isinstance(base, Thing) else []
    if parts and isinstance(key, Const) and isinstance(key.value, int) and key.value < len(parts):
        return m.get(base, parts[key.value], site)
    where = f"[{key_of(key)!r}]" if key_of(key) is not None else None
    found = base.memo.get(where or ANY_ITEM) if base.memo else None
    if found is not None:
        return found
    made = m.node("index", {"x": base, "index": key}, site, base.framework)
    if where and base.op in ("param", "attribute", "unknown", "variable", "index", "instance", "next"):
        base.memo = base.memo or {}
        base.memo[where] = made
    return made


def _part(items: list[Node] | tuple[Node, ...], k: int) -> Node | None:
    return items[k] if -len(items) <= k < len(items) else None


def _item_of_seq(m: Machine, base: Seq, key: Node, site: Site, frame: Frame | None) -> Node:
    items = base.items
    if isinstance(key, Const) and isinstance(key.value, int):
        found = _part(items, key.value)
        if found is not None:
            _notice(frame, found, key)
            return found
    if key.op == "slice" and not base.state["open"]:
        bounds = [key.args[name] for name in ("low", "high", "step")]
        if all(isinstance(bound, Const) and (bound.value is None or isinstance(bound.value, int)) for bound in bounds):
            low, high, step = (bound.value for bound in bounds if isinstance(bound, Const))
            if step != 0:
                return Seq(base.kind, items[_cut(low, high, step)], site)
        return base
    if key.op == "slice":
        return base
    picked = merge(list(items)) if items else m.node("unknown", {"x": base}, site)
    _notice(frame, picked, key)
    return picked


def _item_of_layers(m: Machine, base: Thing, key: Node, site: Site, frame: Frame | None) -> Node:
    """A layer of a Sequential, or for a slice the Sequential of some of them."""
    layers = Seq("tuple", tuple(layers_of(base)), site)
    found = _item_of_seq(m, layers, key, site, frame)
    return Thing(base.row, {**base.args, "layers": found}, base.site, base.framework) if key.op == "slice" else found


def _cut(*bounds: object) -> slice:
    return slice(*[bound if isinstance(bound, int) else None for bound in bounds])


def _item_of_dict(m: Machine, base: Dict, key: Node, site: Site, frame: Frame | None) -> Node:
    where = key_of(key)
    found = base.entries.get(where) if where is not None else base.entries.get(key)
    if found is not None:
        _notice(frame, found, key)
        return found
    if where is not None:
        return base.entries.get(Dict.ANY) or m.node("unknown", {"of": base, "key": key}, site)
    known = list(base.entries.values())
    return merge(known) if known else m.node("unknown", {}, site)


def _notice(frame: Frame | None, found: Node, key: Node) -> None:
    """A network part picked by the variable of a loop: its passes are worth telling apart."""
    if frame is not None and (key.varies if isinstance(key, Const) else True):
        parts = options(found)
        if any(structural(part) for part in parts):
            frame.structural = True


def set_item(m: Machine, base: Node, key: Node, node: Node, site: Site, frame: Frame | None) -> None:
    """`base[key] = node`."""
    where = key_of(key)
    for option in options(base):
        if is_gradient(option):
            m.emit("set_grad", {"target": option, "value": node}, site, node.framework)
        if isinstance(option, Dict):
            if where is None:
                old = option.entries.get(Dict.ANY)
                m.write(option.entries, Dict.ANY, node if old is None else merge([old, node]))
            else:
                m.write(option.entries, where, node)
                _notice(frame, node, key)
        elif isinstance(option, Seq):
            _set_in_seq(m, option, key, node)
        elif where is not None and option.op not in ("const", "library"):
            option.memo = option.memo if option.memo is not None else {}
            m.write(option.memo, f"[{where!r}]", node)
        elif option.op in _BLANK and node.op in SQUASH:  # states[t] = f(states[t - 1]), in an array
            option.memo = option.memo if option.memo is not None else {}
            old = option.memo.get(ANY_ITEM)
            m.write(option.memo, ANY_ITEM, node if old is None else merge([old, node]))


def _set_in_seq(m: Machine, seq: Seq, key: Node, node: Node) -> None:
    items = list(seq.items)
    if isinstance(key, Const) and isinstance(key.value, int) and -len(items) <= key.value < len(items):
        items[key.value] = node
    elif key.op == "slice":
        return
    else:
        items = [merge([item, node]) for item in items]
    m.write(seq.state, "items", tuple(items))


def spread(m: Machine, node: Node, site: Site) -> list[Node]:
    """The positional arguments that `*node` passes."""
    if isinstance(node, Seq):
        return list(node.items)
    if isinstance(node, Dict):
        return [Const(key) for key in node.entries if isinstance(key, str)]
    return [m.node("rest", {"x": node}, site)]
