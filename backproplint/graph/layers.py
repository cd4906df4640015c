"""Layers and models at work: what calling them makes of their input, whatever library built them."""

from __future__ import annotations

from itertools import pairwise

from backproplint.frameworks.rows import Row
from backproplint.graph import idioms
from backproplint.graph.choices import options
from backproplint.graph.library import Bound, bind_row, callable_setting
from backproplint.graph.machine import CALLS, Machine, registers
from backproplint.graph.nodes import Const, Dict, Func, Instance, Loop, Method, Node, Phi, Seq, Thing
from backproplint.ops import SQUASH
from backproplint.rule import Site


@registers(CALLS, Thing)
def call_thing(m: Machine, thing: Thing, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """Call a layer, a loss, or an initializer."""
    if thing.makes not in ("layer", "loss"):
        if thing.row.op in ("no_grad", "enable_grad"):  # used as a decorator
            return args[0] if args else thing
        return _initializer(m, thing, args, kwargs, site)
    bound = bind_row(thing.row.call, args, kwargs, site)
    return call_layer(m, thing, thing.row, bound, site)


def _initializer(m: Machine, thing: Thing, args: list[Node], kwargs: dict[str, Node], site: Site) -> Node:
    """An initializer object called with a shape (in JAX after a key) gives the drawn weights."""
    shapes = [arg for arg in [*args, *kwargs.values()] if isinstance(arg, Seq)]
    settings = {**thing.args, **({"shape": shapes[0]} if shapes else {})}
    return m.node(thing.row.op, settings, thing.site or site, thing.framework)


def call_layer(m: Machine, thing: Thing, row: Row, bound: Bound, site: Site) -> Node:
    """Apply a layer to its bound inputs."""
    special = _SPECIAL.get(row.op)
    if special is not None:
        return special(m, thing, bound, site)
    node = m.node(row.op, {**bound, **_steering(thing)}, site, thing.framework)
    node.layer = thing
    if row.op in SQUASH or row.op == "clip":
        named = idioms.named(m, node)
        m.nodes.append(named)
        return named
    if row.op == "dense" or row.op == "conv":
        normalizer = thing.setting("normalizer")
        if normalizer is not None and not isinstance(normalizer, Const):
            node = m.node("batch_norm", {"x": node}, site, thing.framework)
    return activate(m, thing.setting("activation"), node, (thing.site or site) if thing.makes == "layer" else site)


def _steering(thing: Thing) -> Bound:
    if thing.makes == "loss":
        return {name: node for name, node in thing.args.items() if name in ("from_logits", "reduction", "delta")}
    if thing.row.op == "clip":
        return {name: node for name, node in thing.args.items() if name in ("low", "high")}
    return {}


def activate(m: Machine, activation: Node | None, node: Node, site: Site) -> Node:
    """Apply a layer's activation: a string, a function of a library or of the project, another layer."""
    for option in options(activation) if activation is not None else []:
        function = callable_setting("activation", option)
        if function is not None and function.op != "unknown":
            return m.call(function, [node], {}, site)
    return node


def chain(m: Machine, layers: list[Node], x: Node, site: Site) -> Node:
    """Data through layers in order."""
    entered = False  # the first map stands where the model is called, since there the data enters
    at = site
    for layer in layers:
        at = layer.site or at  # a bare function stands where the layer before it does
        x = m.call(layer, [x], {}, at if entered else site)
        entered = entered or not (isinstance(layer, Thing) and layer.row.op in _BEFORE)
    return x


_BEFORE = frozenset({"shape", "dropout", "pad", "identity", "rescale", "batch_norm", "normalize"})


def layers_of(thing: Thing) -> list[Node]:
    """The layers of a Sequential, from its arguments and later additions."""
    given = thing.args.get("layers")
    found: list[Node] = []
    for item in given.items if isinstance(given, Seq) else []:
        found += list(item.entries.values()) if isinstance(item, Dict) else _flat(item)
    return [*found, *thing.added.items]


def _flat(item: Node, depth: int = 6) -> list[Node]:
    if isinstance(item, Seq) and depth:
        if all(isinstance(part, Method) for part in item.items):  # stax's pair of functions, of one network
            return [part.receiver for part in item.items[:1] if isinstance(part, Method)]
        named = len(item.items) == 2 and isinstance(item.items[0], Const)
        return [item.items[1]] if named else [part for inner in item.items for part in _flat(inner, depth - 1)]
    return [item]


def _sequential(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    layers = layers_of(thing)
    x = bound.get("x") or Const(None)
    if layers and layers[0].op == "placeholder":  # it only says the shape of what enters
        sizes = layers[0].args.get("shape")
        x = shaped(m, x, [Const(-1), *sizes.items]) if isinstance(sizes, Seq) else x
    if (id(thing), "layers") in m.asked:  # it was put into itself
        return m.unknown(thing, [x], {}, site)
    m.asked.add((id(thing), "layers"))
    try:
        return chain(m, [layer for layer in layers if layer.op != "placeholder"], x, site)
    finally:
        m.asked.discard((id(thing), "layers"))


def shaped(m: Machine, x: Node, sizes: list[Node]) -> Node:
    """A value whose number of features the code says elsewhere."""
    if len(sizes) < 2 or isinstance(x, (Const, Seq, Dict)):
        return x
    args: Bound = {"x": x, "_sizes": Seq("tuple", tuple(sizes)), "exact": Const(True)}
    return m.node("shape", args, x.site, x.framework)


def _functional(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    """A Keras functional model: its inputs are fed, its outputs are already made."""
    feed(m, thing.args.get("inputs"), bound.get("x"), site)
    return thing.args.get("outputs") or m.node("unknown", bound, site)


def feed(m: Machine, inputs: Node | None, values: Node | None, site: Site) -> None:
    """Say what a placeholder is given."""
    if inputs is None or values is None:
        return
    if isinstance(inputs, Seq) and isinstance(values, Seq):
        for one, value in zip(inputs.items, values.items, strict=False):
            feed(m, one, value, site)
    elif inputs.op == "placeholder" and values is not inputs:
        known = inputs.args.get("fed")
        fed = known.items if isinstance(known, Seq) else ()
        if "fed at" not in inputs.args:
            m.write(inputs.args, "fed at", Node("fed", {}, site))
        if not any(value is values for value in fed) and len(fed) < 8:
            m.write(inputs.args, "fed", Seq("tuple", (*fed, values)))


def _activation(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    return activate(m, thing.args.get("function"), bound["x"], thing.site or site)


def _lambda(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    function = thing.args.get("function")
    return m.call(function, [bound["x"]], {}, site) if function is not None else bound["x"]


def _wrapped(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    """A layer around a layer; it may be the one that says what enters."""
    inner, sizes = thing.args.get("layer"), thing.setting("input_shape")
    x = shaped(m, bound["x"], [Const(-1), *sizes.items]) if isinstance(sizes, Seq) else bound["x"]
    return m.call(inner, [x], {}, thing.site or site) if inner is not None else x


def _rnn(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    """A recurrent layer; torch hands back outputs and last state, which are one value to a gradient."""
    node = m.node("rnn", bound, site, thing.framework)
    node.layer = thing
    returned = thing.setting("return_state")
    if thing.framework == "torch" or (isinstance(returned, Const) and returned.value is True):
        return Seq("tuple", (node, node), site)
    return node


def _cell(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    node = m.node("rnn_cell", bound, site, thing.framework)
    node.layer = thing
    kind = thing.setting("kind")
    plain_torch = thing.framework == "torch" and not (isinstance(kind, Const) and kind.value == "lstm")
    if plain_torch:
        return node
    if thing.framework == "jax":
        return Seq("tuple", (node, node), site)
    return Seq("tuple", (node, Seq("tuple", (node, node), site) if thing.framework == "torch" else node), site)


def cells(node: Node | None) -> list[Thing]:
    """The cells inside wrappers and stacks of cells."""
    found: list[Thing] = []
    for option in options(node) if node is not None else []:
        if isinstance(option, Seq):
            found += [cell for item in option.items for cell in cells(item)]
        elif isinstance(option, Thing) and option.row.op in ("wrapped_cell", "multi_cell", "wrapped"):
            found += cells(option.args.get("cell") or option.args.get("cells") or option.args.get("layer"))
        elif isinstance(option, Thing) and option.row.op in ("rnn_cell", "rnn"):
            found.append(option)
    return found


def unroll(m: Machine, cell: Node | None, x: Node, state: Node | None, site: Site, framework: str) -> Node:
    """A cell over a sequence: one recurrent value, whichever API does the stepping."""
    inner = cells(cell)
    if inner:
        node = m.node("rnn", {"x": x, **({"state": state} if state is not None else {})}, site, framework)
        node.layer = inner[0]
        node.args["cells"] = Seq("list", tuple(inner))
        return node
    if isinstance(cell, (Instance, Func)):
        return step(m, cell, x, state, site, carry_first=isinstance(cell, Func) or cell.kind == "flax")
    return m.node("unknown", {"x": x}, site, framework)


def step(m: Machine, function: Node, x: Node, state: Node | None, site: Site, carry_first: bool = True) -> Node:
    """A step function over a sequence: its state meets itself around a loop.

    JAX and flax take and give the state first; cells of haiku, Keras and TensorFlow 1 the input and the output.
    """
    carry = Phi([state or m.node("zeros", {}, site)], loop=Loop(traced=True))
    result = m.call(function, [carry, x] if carry_first else [x, carry], {}, site)
    after = result.items[0 if carry_first else -1] if isinstance(result, Seq) and result.items else result
    carry.options.append(after)
    return result


def _wrapped_cell(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    if "unroll" in thing.args:
        return unroll(m, thing.args.get("cell"), bound["x"], bound.get("state"), site, thing.framework)
    inner = cells(thing)
    return _cell(m, inner[0], bound, site) if inner else m.node("unknown", bound, site)


_MADE = "what it is made of"  # no name in Python, so that it meets no attribute


def _mlp(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    """A ready perceptron: haiku is given all sizes, equinox a width and a depth."""
    made = thing.attrs.get(_MADE)
    layers = list(made.operands()) if made is not None else [_dense(thing, *size) for size in _sizes(thing)]
    m.write(thing.attrs, _MADE, Seq("list", tuple(layers)))
    x = bound["x"]
    for k, layer in enumerate(layers):
        x = m.call(layer, [x], {}, thing.site or site)
        last = k == len(layers) - 1
        final = thing.setting("final_activation")
        if last and isinstance(final, Const) and isinstance(final.value, bool):
            last = not final.value
        x = activate(m, thing.setting("final_activation" if last else "activation"), x, thing.site or site)
    return x if layers else m.node("unknown", bound, site)


def _sizes(thing: Thing) -> list[tuple[Node | None, Node]]:
    """Fan-in (None: what comes) and units of each layer of a perceptron; none when the depth is unknown."""
    sizes, depth = thing.args.get("output_sizes"), thing.args.get("layers")
    if isinstance(sizes, Seq) and not sizes.state["open"]:
        return [(None, units) for units in sizes.items]
    count, hidden = depth.value if isinstance(depth, Const) else None, thing.args.get("hidden")
    if not isinstance(count, int) or hidden is None or not 0 <= count <= _DEEPEST:
        return []
    widths = [thing.args.get("fan_in"), *[hidden] * count, thing.args.get("units") or Const(None)]
    return [(wide, units) for wide, units in pairwise(widths) if units is not None]


_DEEPEST = 64  # layers of a ready perceptron


def _dense(thing: Thing, fan_in: Node | None, units: Node) -> Node:
    settings: Bound = {"units": units}
    settings |= {name: thing.args[name] for name in ("initializer", "bias_initializer") if name in thing.args}
    if fan_in is not None:
        settings["fan_in"] = fan_in
    return Thing(thing.row._replace(op="dense"), settings, thing.site, thing.framework)


def _opaque(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    return m.node("unknown", bound, site)


def _identity(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    return bound.get("x") or m.node("unknown", {}, site)


def _dot(m: Machine, thing: Thing, bound: Bound, site: Site) -> Node:
    xs = bound.get("xs")
    parts = xs.items if isinstance(xs, Seq) and len(xs.items) == 2 else ()
    op = "matmul" if thing.row.op == "dot_pair" else "subtract"
    return m.node(op, {"a": parts[0], "b": parts[1]}, site) if parts else m.node("unknown", bound, site)


_SPECIAL = {
    "sequential": _sequential, "functional_model": _functional, "activation": _activation, "lambda": _lambda,
    "wrapped": _wrapped, "rnn": _rnn, "rnn_cell": _cell, "wrapped_cell": _wrapped_cell, "multi_cell": _wrapped_cell,
    "container": _opaque, "identity": _identity, "normalize": _identity, "dot_pair": _dot, "subtract_pair": _dot,
    "mlp": _mlp,
}  # fmt: skip
