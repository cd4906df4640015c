"""Models and optimizers that JAX's libraries split into functions: init and apply, init, update and get_params."""

from __future__ import annotations

from backproplint.frameworks.rows import Row
from backproplint.graph.builtins import Partial
from backproplint.graph.choices import options
from backproplint.graph.layers import shaped, step, unroll
from backproplint.graph.library import EFFECTS, MAKERS, VALUES, Bound
from backproplint.graph.machine import CALLS, Machine, registers
from backproplint.graph.networks import width_of
from backproplint.graph.nodes import Class, Const, Func, Instance, Method, Node, Seq, Thing
from backproplint.ops import INITIALIZERS
from backproplint.rule import Site

_NONE = Const(None)
_WRAPPED = frozenset({"transformed", "transformed_with_state", "without_rng"})


@registers(VALUES, "init_module")
def _init_module(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`model.init(key, x)` gives parameters that know their model."""
    module, inputs = bound.get("module") or _NONE, bound.get("inputs")
    parameters = m.node("parameters", {"module": module}, site, "jax")
    if isinstance(module, (Instance, Thing)) and isinstance(inputs, Seq):
        m.write(module.attrs, _EXAMPLE, inputs)
    beside = row.constants.get("returns")
    if beside == "shape_and_parameters":
        return Seq("tuple", (m.node("unknown", {}, site), parameters), site)
    return Seq("tuple", (parameters, m.node("state", {}, site)), site) if beside else parameters


@registers(VALUES, "apply_module")
def _apply_module(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`model.apply(params, x)` calls the model."""
    inputs = bound.get("inputs")
    args = list(inputs.items) if isinstance(inputs, Seq) else []
    for option in options(bound.get("module") or _NONE):
        if isinstance(option, Thing) and option.row.op == "train_state":
            function = option.args.get("apply_fn")
            return m.call(function, [bound["parameters"], *args], {}, site) if function is not None else _NONE
        example = option.attrs.get(_EXAMPLE) if isinstance(option, (Instance, Thing)) else None
        args = _like(m, args, example, site) if isinstance(example, Seq) else args
        function = transformed(option)
        if isinstance(function, (Func, Instance, Thing, Partial)):
            result = m.call(function, args, {}, site)
            with_state = row.constants.get("returns") == "with_state"
            return Seq("tuple", (result, m.node("state", {}, site)), site) if with_state else result
    return m.node("unknown", bound, site, "jax")


_EXAMPLE = "what it was initialised for"  # no name in Python, so that it meets no attribute


def _like(m: Machine, args: list[Node], example: Seq, site: Site) -> list[Node]:
    """Inputs with the sizes of those that the parameters were made for: arrays, or in stax their shape."""
    found = []
    for k, arg in enumerate(args):
        model = example.items[k] if k < len(example.items) else _NONE
        sizes = m.get(model, "shape", site) if model.op in INITIALIZERS else model
        known = list(sizes.items) if isinstance(sizes, Seq) and not width_of(arg) else []
        found.append(shaped(m, arg, [Const(-1)] * (len(known) - 1) + known[-1:]))  # the example is a short one
    return found


def transformed(node: Node | None) -> Node | None:
    """The function inside `hk.transform`, however often it is wrapped; a module as it is."""
    while isinstance(node, Thing) and node.row.op in _WRAPPED:
        node = node.args.get("function")
    return node


@registers(MAKERS, "without_rng")
def _without_rng(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`hk.without_apply_rng(f)`: a model with a state keeps it."""
    inner = bound.get("function")
    stateful = isinstance(inner, Thing) and inner.row.op == "transformed_with_state"
    return Thing(row._replace(op="stateful_without_rng") if stateful else row, bound, site, framework)


@registers(MAKERS, "sequential")
def _make_sequential(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """stax gives the pair of a network's functions instead of the network."""
    model = Thing(row, bound, site, framework)
    if row.constants.get("api") != "stax":
        return model
    return Seq("tuple", (Method(model, "stax_init", site), Method(model, "stax_apply", site)), site)


@registers(VALUES, "split_module")
def _split_module(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`nnx.split(model)`: the model and its parameters; equinox's `partition`: the parameters are the model."""
    module = bound.get("module") or _NONE
    if row.constants.get("same"):
        return Seq("tuple", (module, module), site)
    parameters = m.node("parameters", {"module": module}, site, "jax")
    return Seq("tuple", (module, parameters, m.node("state", {}, site)), site)


@registers(EFFECTS, "update_module")
def _update_module(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`optimizer.update(grads)` of nnx, since 0.11 `update(model, grads)`."""
    given = bound.get("given")
    gradients = bound.get("gradients") or (given.items[-1] if isinstance(given, Seq) and given.items else _NONE)
    m.emit("apply_gradients", {"state": bound.get("state") or _NONE, "gradients": gradients}, site, "jax")
    return _NONE


class ScannedCell(Node):
    """`nn.scan(Cell, ...)`: a class whose instances step through a sequence."""

    __slots__ = ("cell",)

    def __init__(self, cell: Node) -> None:
        super().__init__("class", {})
        self.cell = cell


@registers(VALUES, "wrap_scan")
def _wrap_scan(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    cell = bound.get("cell")
    return ScannedCell(cell) if cell is not None else m.node("unknown", bound, site, framework)


@registers(CALLS, ScannedCell)
def _call_scanned(m: Machine, node: ScannedCell, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """Making the cell, or for `nn.scan` of a function of (module, carry, x) going through the sequence."""
    if isinstance(node.cell, Func):
        carry = args[1] if len(args) > 1 else None
        x = args[2] if len(args) > 2 else m.node("unknown", {}, site)
        return step(m, Partial(node.cell, args[:1], {}), m.node("next", {"x": x}, site), carry, site)
    return Scan(m.call(node.cell, args, kwargs, site))


class Scan(Node):
    """A cell that is called with a carry and a whole sequence."""

    __slots__ = ("cell",)

    def __init__(self, cell: Node) -> None:
        super().__init__("instance", {})
        self.cell = cell


@registers(CALLS, Scan)
def _scan(m: Machine, node: Scan, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    state = args[0] if args else None
    x = args[1] if len(args) > 1 else kwargs.get("inputs") or m.node("unknown", {}, site)
    result = unroll(m, node.cell, x, state, site, "jax")
    return Seq("tuple", (result, result), site) if result.op == "rnn" else result


def made_when_called(node: Node) -> bool:
    """Whether a model makes its layers anew whenever it is called, so that no attribute of it holds them."""
    if isinstance(node, Thing):
        return node.row.op in _WRAPPED or node.row.op == "stateful_without_rng"
    if not isinstance(node, Instance):
        return False
    methods = [method for part in node.cls.lineage() if isinstance(part, Class) for method in part.names.values()]
    marks = [mark for method in methods if isinstance(method, Func) for mark in method.decorators]
    return node.kind == "haiku" or any(getattr(mark, "name", "").endswith(".compact") for mark in marks)
