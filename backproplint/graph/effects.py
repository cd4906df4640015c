"""What training code does: gradients computed, cleared, clipped and applied, models compiled and fitted."""

from __future__ import annotations

from backproplint import frameworks
from backproplint.frameworks.rows import Row
from backproplint.graph import algebra
from backproplint.graph.control import STRUCTURAL
from backproplint.graph.layers import feed
from backproplint.graph.library import EFFECTS, MAKERS, Bound, bind_row, row_for_string
from backproplint.graph.machine import Machine, registers
from backproplint.graph.nodes import Const, Dict, Func, Instance, Lib, Node, Seq, Thing, options
from backproplint.graph.objects import class_attribute
from backproplint.graph.special import constant, mirror
from backproplint.graph.steps import append
from backproplint.rule import Site

_NONE = Const(None)


@registers(EFFECTS, "backward", "step", "zero_grad", "unscale", "clip_weights", "trainer_fit", "apply_gradients", "minimize")
def _event(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """An event like any other; a step with a closure runs it first, an optimizer by name becomes one."""
    closure = bound.get("closure")
    if isinstance(closure, Func):
        m.call(closure, [], {}, site)
    optimizer = bound.get("optimizer")
    if row.op == "minimize" and isinstance(optimizer, Const):
        named = row_for_string("optimizer", optimizer)
        bound["optimizer"] = optimizer if named is None else Thing(named, {}, site, framework)
    if row.op == "minimize" and isinstance(bound.get("loss"), Func):  # tf2: minimize(lambda: loss, variables)
        bound["loss"] = m.call(bound["loss"], [], {}, site)
    if row.op == "trainer_fit":
        return _trainer_fit(m, bound, site, framework)
    m.emit(row.op, bound, site, framework or _framework(bound))
    if row.op == "apply_gradients" and "state" in bound:
        return bound["state"]
    return m.node("train_op", {}, site)


def _framework(bound: Bound) -> str:
    return next((node.framework for node in bound.values() if node.framework), "")


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
    updates = m.node("updates", {name: bound[name] for name in ("optimizer", "gradients") if name in bound}, site, "jax")
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
    return m.node("optimizer_state", {}, site, "jax")


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
        initial = m.node(kind, settings, site, framework)
        if base.layer is not None and base.op == "variable":
            m.write(base.layer.attrs, _option(str(constant(base.args.get("name")))), initial)
        m.write(base.args, "initial", initial)
    return bound.get("target") or _NONE


def _option(name: str) -> str:
    """Which option of a layer its parameter of this name is the start of."""
    if name.startswith("bias"):
        return "bias_initializer"
    return "recurrent_initializer" if name.startswith("weight_hh") else "initializer"


def _variable_behind(node: Node) -> Node:
    while node.op in ("stop_gradient", "shape", "index") and "x" in node.args:
        node = node.args["x"]
    return node


@registers(EFFECTS, "append")
def _append(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`model.add(layer)`, `layers.append(layer)`."""
    container, item = bound.get("container"), bound.get("item")
    if isinstance(container, Thing) and item is not None:
        container.extra = list(container.extra)
        items = container.args.get("items")
        if container.row.op == "container" and isinstance(items, Seq):
            append(m, items, item, m.frames[-1] if m.frames else None)
        else:
            container.extra.append(item)
        if m.frames and item.op in STRUCTURAL:
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


def modules_of(node: Node | None, depth: int = 6) -> list[Node]:
    """Every layer and module inside one, itself included."""
    if node is None or depth == 0:
        return []
    if isinstance(node, Instance):
        return [node, *[part for attr in list(node.attrs.values()) for part in modules_of(attr, depth - 1)]]
    if isinstance(node, Thing) and node.makes == "layer":
        inner = [*node.args.values(), *node.extra]
        return [node, *[part for attr in inner for part in modules_of(attr, depth - 1)]]
    if isinstance(node, (Seq, Dict)):
        return [part for item in node.operands() for part in modules_of(item, depth - 1)]
    return []


@registers(MAKERS, "container")
def _make_container(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """A ModuleList is its list, a ModuleDict its dict."""
    items = bound.get("items")
    if isinstance(items, (Seq, Dict)):
        return items
    return Seq("list", (), site)


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


@registers(EFFECTS, "compile")
def _compile(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    model = bound.get("model")
    optimizer = bound.get("optimizer")
    if isinstance(optimizer, Const):
        named = row_for_string("optimizer", optimizer)
        bound["optimizer"] = optimizer if named is None else Thing(named, defaults(named), site, "keras")
    _compiled(m, bound, site)
    for option in options(model) if model is not None else []:
        if isinstance(option, (Thing, Instance)):
            m.write(option.attrs, "optimizer", bound.get("optimizer") or _NONE)
            m.write(option.attrs, "compiled loss", bound.get("loss") or _NONE)
            m.write(option.attrs, "compiled at", Node("compile", {}, site))
    return _NONE


def _compiled(m: Machine, bound: Bound, site: Site) -> None:
    """A loss of the project's own is minimised once a model is compiled with it, wherever fit is called."""
    model, target = bound.get("model"), m.node("param", {"name": Const("y_true")}, site)
    outputs = model.args.get("outputs") if isinstance(model, Thing) else None
    prediction = outputs or m.node("param", {"name": Const("y_pred")}, site)
    for loss in options(bound.get("loss") or _NONE):
        if any(isinstance(part, (Func, Instance)) for part in (loss, *loss.operands())):
            value = compiled_loss(m, loss, prediction, target, site)
            m.emit("compile", {"loss": value, "optimizer": bound.get("optimizer") or _NONE}, site, "keras")


def defaults(row: Row) -> Bound:
    """A row's parameters at the library's own defaults."""
    return bind_row(row.params, [], {}, Site(0, 0, 0))


@registers(EFFECTS, "fit")
def _fit(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """Keras trains: data through the model, its output into the compiled loss."""
    for model in options(bound.get("model") or _NONE):
        if not isinstance(model, (Thing, Instance)):
            continue
        x, y = data_of(m, bound, site)
        own = class_attribute(model.cls, "train_step") if isinstance(model, Instance) else None
        if isinstance(own, Func):
            m.call(own.bind(model), [Seq("tuple", (x, y), site)], {}, site)
            continue
        prediction = m.call(model, [x], {}, site)
        loss = compiled_loss(m, model.attrs.get("compiled loss"), prediction, y, site)
        given = {"loss": loss, "optimizer": model.attrs.get("optimizer") or _NONE, "model": model, "x": x}
        if "callbacks" in bound:
            given["callbacks"] = bound["callbacks"]
        m.emit("fit", given, site, framework or "keras")
    return m.node("history", {}, site)


def data_of(m: Machine, bound: Bound, site: Site) -> tuple[Node, Node]:
    """What fit trains on: arrays, or the pairs that a generator or data set yields."""
    x, y = bound.get("x") or _NONE, bound.get("y") or _NONE
    if isinstance(y, Const) and isinstance(x, Seq) and x.items and isinstance(x.items[0], Seq):
        x = x.items[0]
    if isinstance(y, Const) and isinstance(x, Seq) and x.kind in ("tuple", "dataset") and len(x.items) >= 2:
        return x.items[0], x.items[1]
    return x, y


def compiled_loss(m: Machine, loss: Node | None, prediction: Node, target: Node, site: Site) -> Node:
    """The value of the loss that compile was given: a string, a loss object, a function, or several of these."""
    if isinstance(loss, (Seq, Dict)):
        parts = list(loss.operands())
        predictions = prediction.items if isinstance(prediction, Seq) else (prediction,) * len(parts)
        pairs = zip(parts, predictions, strict=False)
        losses = [compiled_loss(m, part, out, target, site) for part, out in pairs]
        return m.node("sum", {str(k): part for k, part in enumerate(losses)}, site, "keras")
    row = row_for_string("loss", loss)
    if row is not None:
        return m.apply_row(row, [target, prediction], {}, site, "keras")
    if loss is None or isinstance(loss, Const):
        return m.node("unknown", {"prediction": prediction}, site, "keras")
    if isinstance(prediction, Seq) and prediction.items:
        prediction = prediction.items[0]
    return m.call(loss, [target, prediction], {}, site)


@registers(EFFECTS, "run")
def _run(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`session.run(op, feed_dict={x: batch})` says what the placeholder x is given."""
    feeds = bound.get("feed_dict")
    if isinstance(feeds, Dict):
        for key, node in list(feeds.entries.items()):
            if isinstance(key, tuple) and len(key) == 2 and key[0] == "key":
                feed(m, node, feeds.entries.get(key[1]), site)
    return m.node("fetched", {}, site)


@registers(EFFECTS, "assign")
def _assign(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`variable.assign_sub(step)`, `p.copy_(value)`."""
    how = row.constants.get("how")
    target, value = bound.get("target"), bound.get("value")
    if how and target is not None and value is not None and algebra.is_gradient(value):
        new = m.node(str(how), {"a": target, "b": value}, site, framework)
        m.emit("update", {"target": target, "delta": value, "new": new}, site, framework or target.framework)
    return target or _NONE


def _trainer_fit(m: Machine, bound: Bound, site: Site, framework: str) -> Node:
    """Lightning and Hugging Face: the loop is theirs, the step and the optimizer are the module's."""
    trainer = bound.get("trainer")
    model = bound.get("model") or (trainer.args.get("model") if isinstance(trainer, Thing) else None) or _NONE
    for option in options(model):
        loss: Node = m.node("unknown", {}, site)
        optimizer: Node = m.node("unknown", {}, site)
        if isinstance(option, Instance):
            configured = _method(m, option, "configure_optimizers", [], site)
            optimizer = configured if configured is not None else optimizer
            batch = m.node("next", {"x": bound.get("dataset") or _NONE}, site, "torch")
            stepped = _method(m, option, "training_step", [batch, m.node("counter", {}, site)], site)
            loss = stepped if stepped is not None else loss
        trainer_node = trainer or _NONE
        m.emit("fit", {"loss": loss, "optimizer": optimizer, "model": option, "trainer": trainer_node}, site, "torch")
    return m.node("side", {}, site)


def _method(m: Machine, instance: Instance, name: str, args: list[Node], site: Site) -> Node | None:
    found = class_attribute(instance.cls, name)
    return m.call(found.bind(instance), args, {}, site) if isinstance(found, Func) else None


def is_library(node: Node | None, *tails: str) -> bool:
    """Whether a node is a library name that ends in one of these."""
    return isinstance(node, Lib) and frameworks.canonical(node.name).endswith(tails)
