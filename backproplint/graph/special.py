"""Values that need more than a node: wrappers that keep a value, variables, transformations of functions."""

from __future__ import annotations

from typing import Any

from backproplint.frameworks.rows import Row
from backproplint.graph import algebra
from backproplint.graph.builtins import Partial
from backproplint.graph.carries import carried, close
from backproplint.graph.choices import merge
from backproplint.graph.control import known_items
from backproplint.graph.layers import step, unroll
from backproplint.graph.library import VALUES, Bound, callable_setting, framework_of
from backproplint.graph.machine import CALLS, Machine, registers
from backproplint.graph.nodes import Const, Dict, Func, Instance, Node, Seq, Thing
from backproplint.rule import Site


def constant(node: Node | None) -> Any:
    """The Python value of a constant node, None for anything else."""
    return node.value if isinstance(node, Const) else None


@registers(VALUES, "identity", "cast", "wrap", "custom_gradient")
def _keeps(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A wrapper whose result is, to a gradient, what it was given. A custom gradient is nobody's guess."""
    if row.op == "custom_gradient":
        return m.node("custom_gradient", bound, site, framework)
    given = bound.get("x") or bound.get("function")
    if given is not None and isinstance(given, Const) and row.op == "wrap":
        return Const(None)
    return given if given is not None else Decorator(row)


class Decorator(Node):
    """A wrapper called with options only: `@partial(jit, ...)`, `@tf.function(...)`."""

    __slots__ = ("row",)

    def __init__(self, row: Row) -> None:
        super().__init__("function", {})
        self.row = row


@registers(CALLS, Decorator)
def _decorate(m: Machine, node: Decorator, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    return m.apply_row(node.row, args, kwargs, site, "")


@registers(VALUES, "squared_difference")
def _squared_difference(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    return m.node("square", {"x": m.node("subtract", bound, site, framework)}, site, framework)


@registers(VALUES, "l2_loss")
def _l2_loss(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    return m.node("sum", {"x": m.node("square", bound, site, framework)}, site, framework)


@registers(VALUES, "sampled_loss")
def _sampled_loss(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A loss over many classes that makes its logits itself: `inputs` times the transposed weights of some of them."""
    sides = {"a": bound.get("x") or Const(None), "b": m.node("shape", {"x": bound.get("weight") or Const(None)}, site)}
    logits = m.node("matmul", sides, site, framework)
    return m.node("other_loss", {"prediction": logits, "target": bound.get("target") or Const(None)}, site, framework)


@registers(VALUES, "moments")
def _moments(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    return Seq("tuple", (m.node("mean", bound, site, framework), m.node("variance", bound, site, framework)), site)


@registers(VALUES, "pad_packed")
def _pad_packed(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    return Seq("tuple", (bound["x"], m.node("lengths", {}, site)), site)


@registers(VALUES, "group", "prepare")
def _group(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    xs = bound.get("xs")
    return xs.items[0] if row.op == "prepare" and isinstance(xs, Seq) and len(xs.items) == 1 else xs or Const(None)


@registers(VALUES, "variable")
def _variable(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A trainable array. An initializer given by name or as an object draws its first value."""
    if "initial" not in bound:
        initializer = callable_setting("initializer", bound.get("initializer"))
        shape = bound.get("shape")
        if initializer is not None and shape is not None:
            bound["initial"] = _drawn(m, initializer, shape, site)
    elif isinstance(bound["initial"], (Func, Instance)):
        bound["initial"] = m.call(bound["initial"], [], {}, site)
    return m.node("variable", bound, site, framework or framework_of(bound))


def _drawn(m: Machine, initializer: Node, shape: Node, site: Site) -> Node:
    if isinstance(initializer, Thing):
        return m.node(initializer.row.op, {**initializer.args, "shape": shape}, initializer.site or site)
    return m.call(initializer, [shape], {}, site)


@registers(VALUES, "grad_function")
def _grad_function(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`jax.grad(f)`: calling it follows f to its loss."""
    function = bound.get("function")
    if function is None:
        return Decorator(row)
    return GradFunction(function, bool(row.constants.get("value")), constant(bound.get("has_aux")) is True, bound)


class GradFunction(Node):
    """A function that returns the gradient of another, by one of its arguments."""

    __slots__ = ("aux", "function", "value")

    def __init__(self, function: Node, value: bool, aux: bool, bound: Bound) -> None:
        super().__init__("function", {"argnums": bound.get("argnums") or Const(0)})
        self.function, self.value, self.aux = function, value, aux


@registers(CALLS, GradFunction)
def _call_grad(m: Machine, node: GradFunction, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    result = m.call(node.function, args, kwargs, site)
    loss = result.items[0] if node.aux and isinstance(result, Seq) and result.items else result
    wanted = node.args["argnums"]
    numbers = [constant(item) for item in wanted.items] if isinstance(wanted, Seq) else [constant(wanted)]
    chosen = [args[k] for k in numbers if isinstance(k, int) and -len(args) <= k < len(args)]
    parameters: Node = Seq("tuple", tuple(chosen)) if isinstance(wanted, Seq) else chosen[0] if chosen else Const(None)
    m.emit("gradient", {"loss": loss, "parameters": parameters}, site, "jax")
    gradient = mirror(m, parameters, loss, site, "jax")
    if not node.value:
        return Seq("tuple", (gradient, result), site) if node.aux else gradient
    return Seq("tuple", (result, gradient), site)


def mirror(m: Machine, parameters: Node, loss: Node, site: Site, framework: str) -> Node:
    """The gradient of a loss by parameters, in the parameters' own structure."""
    if isinstance(parameters, Seq) and parameters.items:
        parts = tuple(mirror(m, item, loss, site, framework) for item in parameters.items)
        result = Seq(parameters.kind, parts, site)
        result.state["open"] = parameters.state["open"]
        return result
    if isinstance(parameters, Dict):
        entries = {key: mirror(m, node, loss, site, framework) for key, node in parameters.entries.items()}
        return Dict(entries, site)
    return m.node("gradient", {"loss": loss, "by": parameters}, site, framework)


@registers(VALUES, "tree_map")
def _tree_map(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    rest = bound.get("rest")
    trees = [bound.get("tree") or Const(None), *(rest.items if isinstance(rest, Seq) else ())]
    return _over_trees(m, bound["function"], trees, site, 4)


def _over_trees(m: Machine, function: Node, trees: list[Node], site: Site, depth: int) -> Node:
    first = trees[0]
    if isinstance(first, Seq) and depth:
        rows = [[_leaf(tree, k) for tree in trees] for k in range(len(first.items))]
        return Seq(first.kind, tuple(_over_trees(m, function, row, site, depth - 1) for row in rows), site)
    if isinstance(first, Dict) and depth:
        parts = {
            key: _over_trees(m, function, [_entry(tree, key) for tree in trees], site, depth - 1)
            for key in first.entries
        }
        return Dict(parts, site)
    result = m.call(function, trees, {}, site)
    moved = result.op in ("subtract", "add") and algebra.is_gradient(result.args["b"])
    return first if moved else result  # parameters after a step are, to whoever reads them, the same parameters


def _leaf(tree: Node, k: int) -> Node:
    return tree.items[k] if isinstance(tree, Seq) and k < len(tree.items) else tree


def _entry(tree: Node, key: object) -> Node:
    return tree.entries.get(key, tree) if isinstance(tree, Dict) else tree


@registers(VALUES, "scan", "fori_loop", "while_loop", "map")
def _loops(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A loop given as a function: its state meets itself."""
    function = bound.get("step")
    if function is None:
        return m.node("unknown", bound, site, framework)
    x = m.node("next", {"x": bound["xs"]} if "xs" in bound else {}, site, framework)
    if row.op == "map":
        return m.call(function, [x], {}, site)
    if row.op == "fori_loop":
        return step(m, Partial(function, [x], {}), x, bound.get("initial"), site)
    if row.op == "while_loop":
        return step(m, function, bound.get("initial") or x, bound.get("initial"), site)
    return _scan(m, row, function, x, bound.get("initial"), site)


def _scan(m: Machine, row: Row, function: Node, x: Node, initial: Node | None, site: Site) -> Node:
    carry = carried(initial or x)
    outer, m.loops = m.loops, (*m.loops, site)
    result = m.call(function, [carry, x], {}, site)
    m.loops = outer
    both = row.constants.get("returns") == "carry_and_outputs" and isinstance(result, Seq) and len(result.items) == 2
    after = result.items[0] if both and isinstance(result, Seq) else result
    close(carry, after)
    return result


@registers(VALUES, "unroll")
def _unroll(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    x, state = bound.get("x") or Const(None), bound.get("state")
    result = unroll(m, bound.get("cell"), x, state, site, framework)
    if result.op in ("rnn", "unknown"):
        return Seq("tuple", (result, result), site)
    return result


@registers(VALUES, "cond")
def _cond(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    operands = bound.get("operands")
    args = list(operands.items) if isinstance(operands, Seq) else []
    ways = [bound[name] for name in ("yes", "no") if name in bound]
    flat = [way for item in ways for way in (known_items(item) or [item])]
    return merge([m.call(way, args, {}, site) for way in flat]) if flat else m.node("unknown", bound, site)
