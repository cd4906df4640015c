"""What training code does: gradients computed, cleared, clipped and applied, models compiled and fitted."""

from __future__ import annotations

from backproplint.frameworks.rows import Row
from backproplint.graph import algebra
from backproplint.graph.choices import options
from backproplint.graph.control import STRUCTURAL
from backproplint.graph.hooks import run_before_step
from backproplint.graph.initial import option_of
from backproplint.graph.layers import feed
from backproplint.graph.library import EFFECTS, MAKERS, VALUES, Bound, framework_of, row_for_string
from backproplint.graph.machine import Machine, registers
from backproplint.graph.nodes import Const, Dict, Func, Instance, Lib, Node, Seq, Thing
from backproplint.graph.parts import modules_of
from backproplint.graph.special import constant, mirror
from backproplint.graph.steps import append
from backproplint.rule import Site

_NONE = Const(None)


@registers(EFFECTS, "backward", "step", "zero_grad", "unscale")
@registers(EFFECTS, "apply_gradients", "minimize")
def _event(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """An event like any other; a step with a closure runs it first, an optimizer by name becomes one."""
    closure = bound.get("closure")
    if isinstance(closure, Func):
        m.call(closure, [], {}, site)
    optimizer = bound.get("optimizer")
    if row.op == "step" and not isinstance(optimizer, Thing) and not _may_be_closure(closure):
        return m.node("unknown", bound, site)  # env.step(action): a step of something else
    if row.op == "minimize":
        optimizer = bound["optimizer"] = _made_here(m, optimizer or _NONE, bound.pop("lr", None), site, framework)
    if row.op == "minimize" and isinstance(bound.get("loss"), Func):  # tf2: minimize(lambda: loss, variables)
        bound["loss"] = m.call(bound["loss"], [], {}, site)
    if row.op == "apply_gradients" and "gradients" not in bound and "model" in bound:
        bound["gradients"] = bound["model"]  # nnx's update took the gradients alone before it took the model too
    if row.op == "step":
        run_before_step(m, optimizer, site)
    m.emit(row.op, bound, site, framework or framework_of(bound))
    kept = bound.get(str(row.constants.get("returns", "state")))
    if row.op == "apply_gradients" and kept is not None:
        return kept
    return m.node("train_op", {}, site)


def _may_be_closure(node: Node | None) -> bool:
    return node is None or isinstance(node, Func) or (isinstance(node, Const) and node.value is None)


@registers(EFFECTS, "add_loss")
def _add_loss(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """TensorFlow 1 keeps the losses of a graph in a collection."""
    if row.constants.get("collected") and "loss" in bound:
        m.emit("add_loss", {"loss": bound["loss"]}, site, framework)
    return _NONE


@registers(VALUES, "losses_so_far")
def _total_loss(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    losses = [event.args["loss"] for event in m.events if event.kind == "add_loss" and event.root == m.root]
    if not losses:
        return m.node("unknown", {}, site, framework)
    return m.node("sum", {str(k): loss for k, loss in enumerate(losses)}, site, framework)


def _made_here(m: Machine, optimizer: Node, lr: Node | None, site: Site, framework: str) -> Node:
    """The optimizer that optimize_loss makes from a name, a class or a function, and the rate beside it."""
    named = row_for_string("optimizer", optimizer)
    if named is not None:
        return Thing(named, {} if lr is None else {"lr": lr}, site, framework)
    if lr is not None and isinstance(optimizer, (Lib, Func)):
        return m.call(optimizer, [lr], {}, site)
    return optimizer


@registers(EFFECTS, "gradient")
def _gradient(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    loss, parameters = bound.get("loss") or _NONE, bound.get("parameters") or _NONE
    framework = framework or loss.framework
    m.emit("gradient", {"loss": loss, "parameters": parameters}, site, framework)
    return mirror(m, parameters, loss, site, framework)


@registers(EFFECTS, "compute_gradients")
def _compute_gradients(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """Pairs of gradient and variable, as many as there are."""
    loss, parameters = bound.get("loss") or _NONE, bound.get("parameters") or _NONE
    m.emit("gradient", {"loss": loss, "parameters": parameters}, site, framework)
    gradient = m.node("gradient", {"loss": loss, "by": parameters}, site, framework)
    pairs = Seq("list", (Seq("tuple", (gradient, parameters), site),), site)
    pairs.state["open"] = True
    return pairs


@registers(EFFECTS, "clip_gradients")
def _clip_gradients(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """Clipping: torch's in place is an event, TensorFlow's returns what it clipped and the norm."""
    m.emit("clip_gradients", bound, site, framework)
    clipped = m.node("clip_gradients", bound, site, framework)
    return clipped if framework == "torch" else Seq("tuple", (clipped, m.node("norm", bound, site)), site)


@registers(EFFECTS, "transform_gradients")
def _transform(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    given: Bound = {name: bound[name] for name in ("optimizer", "gradients") if name in bound}
    updates = m.node("updates", given, site, "jax")
    return Seq("tuple", (updates, bound.get("state") or _NONE), site)


@registers(EFFECTS, "apply_updates")
def _apply_updates(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    m.emit("apply_updates", bound, site, "jax")
    return bound.get("parameters") or _NONE


@registers(EFFECTS, "init_optimizer")
def _init_optimizer(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    optimizer = bound.get("optimizer")
    if isinstance(optimizer, Thing) and "parameters" in bound:
        m.write(optimizer.args, "parameters", bound["parameters"])
    if optimizer is not None and row.constants.get("returns"):
        return optimizer
    return m.node("optimizer_state", {}, site, "jax")


@registers(VALUES, "optimizer_parameters")
def _optimizer_parameters(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`get_params(state)`: those that the optimizer was started with; a step leaves them the parameters they are."""
    optimizer = bound.get("optimizer")
    known = optimizer.args.get("parameters") if isinstance(optimizer, Thing) else None
    return known or m.node("unknown", bound, site, framework)


@registers(EFFECTS, "initialize")
def _initialize(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """Weights overwritten in place: later reads of the variable see what it was overwritten with."""
    kind = str(row.constants.get("init"))
    for target in options(bound.get("target") or _NONE):
        base = _variable_behind(target)
        settings = {name: node for name, node in bound.items() if name != "target"}
        old = base.args.get("initial", base)
        if "shape" in old.args:
            settings["shape"] = old.args["shape"]
        _overwrite(m, base, m.node(kind, settings, site, framework))
    return bound.get("target") or _NONE


def _overwrite(m: Machine, variable: Node, initial: Node) -> None:
    """A variable, and the layer that it belongs to, starts from something else."""
    if variable.layer is None or variable.op != "variable":
        m.write(variable.args, "initial", initial)
        return
    layer, option = variable.layer, option_of(variable)
    if option in layer.args:  # beside a branch that nobody can decide, the old start stays possible
        layer.attrs.setdefault(option, layer.args[option])
    m.write(layer.attrs, option, initial)


@registers(VALUES, "tree_at")
def _tree_at(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`eqx.tree_at(lambda net: net.head.weight, net, new)`: the model with other weights in that place."""
    where, tree = bound.get("where"), bound.get("tree") or _NONE
    found = m.call(where, [tree], {}, site) if where is not None else _NONE
    places = list(found.items) if isinstance(found, Seq) else [found]
    new = bound.get("replace") or _NONE
    for k, place in enumerate(places):
        value = new.items[k] if isinstance(new, Seq) and k < len(new.items) else new
        if "function" in bound:
            value = m.call(bound["function"], [place], {}, site)
        if place.op == "variable":
            _overwrite(m, place, value)
    return tree


def _variable_behind(node: Node) -> Node:
    while node.op in ("stop_gradient", "shape", "index") and "x" in node.args:
        node = node.args["x"]
    return node


@registers(EFFECTS, "append")
def _append(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`model.add(layer)`, `layers.append(layer)`."""
    container, item = bound.get("container"), bound.get("item")
    if isinstance(container, Thing) and item is not None:
        items = container.args.get("items")
        kept = items if container.row.op == "container" and isinstance(items, Seq) else container.added
        append(m, kept, item, m.frames[-1] if m.frames else None)
    name = constant(bound.get("name"))
    if isinstance(container, Instance) and item is not None and isinstance(name, str):
        m.write(container.attrs, name, item)
    if m.frames and item is not None and item.op in STRUCTURAL:
        m.frames[-1].structural = True
    return _NONE


@registers(EFFECTS, "apply_modules")
def _apply_modules(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`model.apply(init)` calls the function on each layer inside."""
    function = bound.get("function")
    for layer in modules_of(bound.get("module")):
        if function is not None:
            m.call(function, [layer], {}, site)
    return bound.get("module") or _NONE


@registers(MAKERS, "container")
def _make_container(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A ModuleList is its list, a ModuleDict its dict."""
    items = bound.get("items")
    if "keyed" in bound:
        pairs = [item.items for item in items.items if isinstance(item, Seq)] if isinstance(items, Seq) else []
        known = {pair[0].value: pair[1] for pair in pairs if len(pair) == 2 and isinstance(pair[0], Const)}
        return items if isinstance(items, Dict) else Dict(dict(known.items()), site)
    return items if isinstance(items, (Seq, Dict)) else Seq("list", (), site)


@registers(MAKERS, "lr_scheduler")
def _make_scheduler(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A schedule takes the learning rate into its own hands."""
    for optimizer in options(bound.get("optimizer") or _NONE):
        if isinstance(optimizer, Thing):
            m.write(optimizer.attrs, "schedule", Node("schedule", {}, site))
    return Thing(row, bound, site, framework)


@registers(MAKERS, "functional_model")
def _make_model(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    return Thing(row, bound, site, "keras")


@registers(EFFECTS, "run")
def _run(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`session.run(op, feed_dict={x: batch})` says what the placeholder x is given."""
    feeds = bound.get("feed_dict")
    if isinstance(feeds, Dict):
        for key, node in list(feeds.entries.items()):
            if isinstance(key, Node):
                feed(m, key, node, site)
    return m.node("fetched", {}, site)


@registers(EFFECTS, "assign")
def _assign(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`variable.assign_sub(step)`, `p.copy_(value)`."""
    how = row.constants.get("how")
    target, value = bound.get("target"), bound.get("value")
    if target is not None and target.op == "setting" and isinstance(target.args["of"], Thing):
        m.write(target.args["of"].attrs, "schedule", m.node("schedule", {}, site))
    if how and target is not None and value is not None and algebra.is_gradient(value):
        new = m.node(str(how), {"a": target, "b": value}, site, framework)
        m.emit("update", {"target": target, "delta": value, "new": new}, site, framework or target.framework)
    return target or _NONE
