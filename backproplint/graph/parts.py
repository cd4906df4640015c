"""What a model is made of: the modules inside one and their parameters, by the names that a library gives them."""

from __future__ import annotations

from collections.abc import Iterator

from backproplint.frameworks.rows import Row
from backproplint.graph.choices import options
from backproplint.graph.flow import Flow
from backproplint.graph.layers import layers_of
from backproplint.graph.library import VALUES, Bound
from backproplint.graph.machine import Machine, registers
from backproplint.graph.nodes import Const, Dict, Instance, Node, Seq, Thing
from backproplint.rule import Site

Named = tuple[str, Node]
_CELL = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_PARAMETERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("dense", "conv", "batch_norm", "layer_norm"), ("weight", "bias")),
    "embedding": ("weight",),
    "rnn_cell": _CELL,
    "rnn": tuple(f"{name}_l0" for name in _CELL),  # all layers of a stack start alike
}


def children(node: Node) -> list[Named]:
    """What stands directly inside a module or a container of modules, with its name there."""
    if isinstance(node, Instance):
        return [(str(name), part) for name, part in list(node.attrs.items()) if _holds(part)]
    if isinstance(node, Thing) and node.row.op == "sequential":
        return [(str(k), layer) for k, layer in enumerate(layers_of(node))]
    if isinstance(node, Thing) and node.row.op == "functional_model":
        return [(str(k), part) for k, part in enumerate(_between(node))]
    if isinstance(node, Thing):
        return [(name, part) for name, part in node.args.items() if _holds(part)]
    if isinstance(node, Seq):
        return [(str(k), item) for k, item in enumerate(node.items) if _holds(item)]
    entries = node.entries.items() if isinstance(node, Dict) else ()
    return [(str(key), part) for key, part in entries if _holds(part)]


def _between(model: Thing) -> list[Node]:
    """The inputs of a functional model and the layers on the ways from there to its outputs, in order of use."""
    ends = list(options(model.args.get("inputs") or Const(None)))
    ends = [part for end in ends for part in (end.items if isinstance(end, Seq) else (end,))]
    reached = Flow(model.args.get("outputs") or Const(None), without=frozenset(map(id, ends)), most=2000).nodes
    used = [node.layer for node in sorted(reached, key=lambda node: node.born) if node.layer is not None]
    return [*ends, *{id(layer): layer for layer in used}.values()]


def _holds(node: Node, depth: int = 3) -> bool:
    if isinstance(node, (Seq, Dict)):
        return depth > 0 and any(_holds(item, depth - 1) for item in node.operands())
    return isinstance(node, Instance) or node.op == "variable" or (isinstance(node, Thing) and node.makes == "layer")


def inside(node: Node | None, path: str = "", depth: int = 6, seen: set[int] | None = None) -> Iterator[Named]:
    """Every module inside one, itself first, each once with its dotted name."""
    seen = set() if seen is None else seen
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, (Instance, Thing)):
        yield path, node
    for name, part in children(node) if depth else []:
        if part.op != "variable":
            yield from inside(part, f"{path}.{name}" if path else name, depth - 1, seen)


def modules_of(node: Node | None) -> list[Node]:
    """Every layer and module inside one, itself included."""
    return [part for _, part in inside(node)]


@registers(VALUES, "modules")
def _modules(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`model.modules()`, `children()`, `model.layers`: alone or with their names."""
    module = bound.get("module")
    if not isinstance(module, (Instance, Thing)):
        return m.node("unknown", bound, site, framework)
    told = bound.keys() | row.constants.keys()
    found = children(module) if "direct" in told else inside(module)
    named = [(name, part) for name, part in found if part.op != "variable"]
    pairs = [Seq("tuple", (Const(name), part), site) for name, part in named]
    return Seq("modules", tuple(pairs) if "named" in told else tuple(part for _, part in named), site)


def parameters_of(m: Machine, node: Node) -> list[Node] | None:
    """The items of `model.parameters()` or `named_parameters()`; None for those of a model that nobody knows."""
    module = node.args.get("module")
    if node.op != "parameters" or not isinstance(module, (Instance, Thing)):
        return None
    found = [named for path, part in inside(module) for named in _own(m, path, part)]
    if "named" not in node.args:
        return [variable for _, variable in found]
    return [Seq("tuple", (Const(name), variable), node.site) for name, variable in found]


def _own(m: Machine, path: str, part: Node) -> Iterator[Named]:
    names = _PARAMETERS.get(part.row.op, ()) if isinstance(part, Thing) else ()
    site = part.site or Site(0, 0, 0)
    for name in names:
        yield f"{path}.{name}" if path else name, m.get(part, name, site)
    for name, attr in children(part) if isinstance(part, Instance) else []:
        for inner, variable in [(name, attr), *[(f"{name}.{key}", item) for key, item in _items(attr)]]:
            if variable.op == "variable":
                yield f"{path}.{inner}" if path else inner, variable


def _items(node: Node) -> list[Named]:
    return children(node) if isinstance(node, (Seq, Dict)) else []
