"""TensorFlow 1's `arg_scope`: options that layers have by default within a `with`, and slim's stacks of layers."""

from __future__ import annotations

from collections.abc import Iterator

from backproplint import frameworks
from backproplint.frameworks.rows import Row
from backproplint.graph.library import VALUES, Bound
from backproplint.graph.machine import Machine, registers
from backproplint.graph.nodes import Const, Dict, Lib, Node, Seq, Thing
from backproplint.graph.numbers import whole
from backproplint.rule import Site

_ENTERED = "what it holds"  # no name in Python, so that it meets no attribute
_MOST = 64  # layers of a stack that are told apart


def entered(m: Machine, context: Node) -> Dict | None:
    """The options by function that hold inside `with arg_scope(...)`; None for any other context."""
    if not isinstance(context, Thing) or context.row.op != "arg_scope":
        return None
    functions, given = context.args.get("functions"), context.args.get("options")
    if isinstance(functions, Thing):  # a scope that was made elsewhere, and is entered again
        known = functions.attrs.get(_ENTERED)
        return known if isinstance(known, Dict) else Dict({})
    around = m.scoped[-1].entries if m.scoped else {}
    scope = Dict(dict(around))
    for function in functions.items if isinstance(functions, Seq) else []:
        if isinstance(function, Lib) and isinstance(given, Dict):
            name = frameworks.canonical(function.name)
            before = around.get(name)
            scope.entries[name] = Dict({**(before.entries if isinstance(before, Dict) else {}), **given.entries})
    m.write(context.attrs, _ENTERED, scope)
    return scope


@registers(VALUES, "stack_layers", "repeat_layers")
def _stack(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`slim.stack(x, layer, [64, 64])` and `slim.repeat(x, 3, layer, 64)`: one layer on the other."""
    x, layer, options = bound.get("x") or Const(None), bound.get("layer"), bound.get("options")
    given = list(_arguments(bound))
    if layer is None or not given:
        return m.node("unknown", bound, site, framework)
    named = {str(name): node for name, node in options.entries.items()} if isinstance(options, Dict) else {}
    for arguments in given:
        x = m.call(layer, [x, *arguments], named, site)
    return x


def _arguments(bound: Bound) -> Iterator[list[Node]]:
    """The arguments of each layer; none at all when their number is unknown."""
    each, rest = bound.get("each"), bound.get("rest")
    for item in each.items[:_MOST] if isinstance(each, Seq) else ():
        yield list(item.items) if isinstance(item, Seq) else [item]
    for _ in range(min(whole(bound.get("count")) or 0, _MOST)):
        yield list(rest.items) if isinstance(rest, Seq) else []
