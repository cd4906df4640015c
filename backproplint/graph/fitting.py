"""Training loops that a library runs: Keras' compile and fit, Lightning's and Hugging Face's trainers."""

from __future__ import annotations

from backproplint.frameworks.rows import Row
from backproplint.graph.choices import merge, options
from backproplint.graph.library import EFFECTS, VALUES, Bound, bind_row, row_for_string
from backproplint.graph.machine import Machine, registers
from backproplint.graph.nodes import Const, Dict, Func, Instance, Node, Phi, Seq, Thing
from backproplint.graph.objects import class_attribute
from backproplint.rule import Site

_NONE = Const(None)


@registers(EFFECTS, "compile")
def _compile(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    model = bound.get("model")
    bound["optimizer"] = named_optimizer(bound.get("optimizer") or _NONE, site)
    _compiled(m, bound, site)
    for option in options(model) if model is not None else []:
        if isinstance(option, (Thing, Instance)):
            m.write(option.attrs, "optimizer", bound.get("optimizer") or _NONE)
            m.write(option.attrs, "compiled loss", bound.get("loss") or _NONE)
            m.write(option.attrs, "compiled at", Node("compile", {}, site))
    return _NONE


def named_optimizer(node: Node, site: Site) -> Node:
    """An optimizer by its name, or by a dict of its name and settings; any other node as it is."""
    config: Node | None = None
    name = node
    if isinstance(node, Dict):
        name, config = node.entries.get("class_name", node), node.entries.get("config")
    row = row_for_string("optimizer", name)
    if row is None:
        return node
    entries = config.entries if isinstance(config, Dict) else {}
    settings = {str(key): setting for key, setting in entries.items() if isinstance(key, str)}
    return Thing(row, bind_row(row.params, [], settings, site), site, "keras")


@registers(VALUES, "named_optimizer")
def _get_optimizer(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    return named_optimizer(bound.get("identifier") or _NONE, site)


@registers(VALUES, "compiled_loss")
def _compute_loss(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`self.compute_loss(y=y, y_pred=p)` in a training step: the loss that compile was given, of these two."""
    prediction, target = bound.get("prediction") or _NONE, bound.get("target") or _NONE
    models = [option for option in options(bound.get("model") or _NONE) if isinstance(option, (Thing, Instance))]
    losses = [model.attrs.get("compiled loss") for model in models]
    return merge([compiled_loss(m, loss, prediction, target, site) for loss in losses or [None]])


def _compiled(m: Machine, bound: Bound, site: Site) -> None:
    """A loss of the project's own is minimised once a model is compiled with it, wherever fit is called."""
    model, target = bound.get("model"), m.node("param", {"name": Const("y_true")}, site)
    outputs = model.args.get("outputs") if isinstance(model, Thing) else None
    prediction = outputs or m.node("param", {"name": Const("y_pred")}, site)
    for loss in options(bound.get("loss") or _NONE):
        if any(isinstance(part, (Func, Instance)) for part in (loss, *loss.operands())):
            value = compiled_loss(m, loss, prediction, target, site)
            m.emit("compile", {"loss": value, "optimizer": bound.get("optimizer") or _NONE}, site, "keras")


@registers(EFFECTS, "fit")
def _fit(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """Keras trains: data through the model, its output into the compiled loss."""
    for model in _models(m, bound.get("model") or _NONE, site):
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
            _run_callbacks(m, model, bound["callbacks"], site)
        m.emit("fit", given, site, framework or "keras")
    return m.node("history", {}, site)


def _models(m: Machine, node: Node, site: Site, searched: bool = False, depth: int = 4) -> list[Thing | Instance]:
    """The models that fit trains: what a wrapper for scikit-learn builds first, searches over or lets vote."""
    if isinstance(node, (Seq, Phi)):
        parts = options(node) if isinstance(node, Phi) else list(node.items)
        return [model for part in parts if depth for model in _models(m, part, site, searched, depth - 1)]
    if not isinstance(node, Thing) or node.row.op != "scikit_wrapper":
        return [node] if isinstance(node, (Thing, Instance)) else []
    build, settings = node.setting("build"), node.setting("options")
    if build is None:
        searched = searched or node.setting("search") is not None
        return _models(m, node.setting("models") or _NONE, site, searched, depth - 1) if depth else []
    given = {str(key): value for key, value in settings.entries.items()} if isinstance(settings, Dict) else {}
    unknown = [m.node("rest", {}, site)] if searched else []  # a search passes what nobody knows
    return _models(m, m.call(build, unknown, given, site), site, depth=depth - 1) if depth else []


_WHILE_TRAINING = ("on_train_begin", "on_epoch_begin", "on_batch_begin", "on_train_batch_begin")


def _run_callbacks(m: Machine, model: Thing | Instance, callbacks: Node, site: Site) -> None:
    """What callbacks do to the model as it is fitted: a schedule, or a method of the project's own."""
    for callback in callbacks.operands() if isinstance(callbacks, Seq) else options(callbacks):
        optimizer = model.attrs.get("optimizer")
        if isinstance(callback, Thing) and callback.row.op == "lr_callback" and isinstance(optimizer, Thing):
            m.write(optimizer.attrs, "schedule", m.node("schedule", {}, site))
        if isinstance(callback, Instance):
            m.write(callback.attrs, "model", model)
            for name in _WHILE_TRAINING:
                method = class_attribute(callback.cls, name)
                if isinstance(method, Func):
                    m.call(method.bind(callback), [m.node("rest", {}, site)], {}, site)


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
