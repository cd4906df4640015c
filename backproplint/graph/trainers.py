"""Training loops that others wrote: Lightning's, Hugging Face's and fastai's trainers, TensorFlow's estimators."""

from __future__ import annotations

from collections.abc import Iterator

from backproplint import frameworks
from backproplint.frameworks.rows import Row
from backproplint.graph.choices import merge, options
from backproplint.graph.library import EFFECTS, VALUES, Bound
from backproplint.graph.machine import Machine, registers
from backproplint.graph.nodes import Class, Const, Dict, Func, Instance, Lib, Node, Seq, Thing
from backproplint.graph.numbers import number
from backproplint.graph.objects import class_attribute
from backproplint.graph.special import constant
from backproplint.rule import Site

_NONE = Const(None)


@registers(EFFECTS, "trainer_fit")
def _fit(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """The loop is the library's; the step, the loss and the optimizer are the module's or those it was given."""
    for trainer in options(bound.get("trainer") or _NONE):
        kind = trainer.row.op if isinstance(trainer, Thing) else trainer.kind if isinstance(trainer, Instance) else ""
        if isinstance(trainer, Thing) and kind == "estimator":
            _estimate(m, trainer, bound, site)
        elif kind == "hf_trainer":
            _transformers(m, trainer, site)
        elif isinstance(trainer, Thing) and kind == "learner":
            _learn(m, trainer, bound, bool(row.constants.get("scheduled")), site)
        else:
            for module in options(bound.get("model") or _NONE):
                _lightning(m, module, trainer, bound, site)
    return m.node("side", {}, site)


def _given(trainer: Node, name: str) -> Node | None:
    """What a trainer was given under a name: a subclass of the library's keeps it as its attribute."""
    if isinstance(trainer, Thing):
        return trainer.setting(name)
    return trainer.attrs.get(name) if isinstance(trainer, Instance) else None


@registers(EFFECTS, "construct")
def _construct(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """The library's own `__init__`, run for a subclass: it keeps what it is given."""
    instance = bound.get("instance")
    if isinstance(instance, Instance):
        for name, node in bound.items():
            m.write(instance.attrs, name, node)
    return _NONE


@registers(EFFECTS, "add_callbacks")
def _add_callbacks(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    trainer, more = bound.get("trainer"), bound.get("callbacks")
    if isinstance(trainer, Thing) and more is not None:
        known = Seq("list", (*_all(trainer.setting("callbacks")), *_all(more)), site)
        m.write(trainer.attrs, "callbacks", known)
    return trainer or _NONE


def _all(node: Node | None) -> list[Node]:
    """The callbacks in an argument: a list of them, or one."""
    if node is None or (isinstance(node, Const) and node.value is None):
        return []
    return list(node.items) if isinstance(node, Seq) else [node]


Hook = tuple[Node, str, list[Node]]  # whose method, its name, its arguments


def _step(m: Machine, hooks: list[Hook], given: Bound, site: Site) -> None:
    """One step of a trainer: backward, whatever runs between it and the step, then the step itself."""
    m.emit("trainer backward", {"loss": given["loss"]}, site, "torch")
    for owner, name, args in hooks:
        _method(m, owner, name, args, site)
    m.emit("fit", given, site, "torch")


def _method(m: Machine, owner: Node, name: str, args: list[Node], site: Site) -> Node | None:
    """What the project's own method of this name gives, if the object's class has one."""
    found = class_attribute(owner.cls, name) if isinstance(owner, Instance) else None
    return m.call(found.bind(owner), args, {}, site) if isinstance(found, Func) else None


def loss_in(m: Machine, result: Node | None, site: Site) -> Node:
    """The loss in what a step returns: itself, under its name, or the first of a tuple."""
    found: list[Node] = []
    for option in options(result) if result is not None else []:
        if isinstance(option, Dict):
            found += [option.entries["loss"]] if "loss" in option.entries else []
        elif isinstance(option, Seq):
            found += option.items[:1]
        elif option.op == "unknown" and "loss" in option.args:  # an output class of the library
            found.append(option.args["loss"])
        elif not isinstance(option, Const):
            found.append(option)
    known = [part for node in found for part in options(node) if not isinstance(part, Const)]
    return merge(known) if known else m.node("unknown", {}, site)


# -- Lightning ------------------------------------------------------------------------------------------------------


def _lightning(m: Machine, module: Node, trainer: Node, bound: Bound, site: Site) -> None:
    batch = m.node("next", {"x": bound.get("dataset") or _NONE}, site, "torch")
    result = _method(m, module, "training_step", [batch, *[m.node("counter", {}, site)] * 2], site)
    if isinstance(module, Instance) and constant(module.attrs.get("automatic_optimization")) is False:
        return
    given: Bound = {"loss": loss_in(m, result, site), "model": module, "trainer": trainer}
    for name, known in (("clip", "gradient_clip_val"), ("callbacks", "callbacks")):
        given |= {name: node} if (node := _given(trainer, known)) is not None else {}
    for optimizer in _each_optimizer(m, module, site):
        _own_step(m, module, optimizer, site)
        _step(m, _lightning_hooks(m, module, given, optimizer, site), {**given, "optimizer": optimizer}, site)


def _own_step(m: Machine, module: Node, optimizer: Node, site: Site) -> None:
    """A module's own `optimizer_step`: what it does to the rate counts, its step is the one that follows."""
    start = len(m.events)
    counters = [m.node("counter", {}, site), m.node("counter", {}, site)]
    _method(m, module, "optimizer_step", [*counters, optimizer, m.node("rest", {}, site)], site)
    m.events[start:] = [event for event in m.events[start:] if event.kind != "step"]


def _each_optimizer(m: Machine, module: Node, site: Site) -> list[Node]:
    return [*configured(m, module, site)] or [m.node("unknown", {}, site)]


def _lightning_hooks(m: Machine, module: Node, given: Bound, optimizer: Node, site: Site) -> list[Hook]:
    """What Lightning calls between backward and step; a module that clips by itself is handed the trainer's bound."""
    found: list[Hook] = [(module, "on_after_backward", []), (module, "on_before_optimizer_step", [optimizer])]
    for callback in _all(given.get("callbacks")):
        both = [given["trainer"], module]
        found.append((callback, "on_after_backward", both))
        found.append((callback, "on_before_optimizer_step", [*both, optimizer]))
    if isinstance(module, Instance) and isinstance(class_attribute(module.cls, "configure_gradient_clipping"), Func):
        bound = given.pop("clip", _NONE)
        found.append((module, "configure_gradient_clipping", [optimizer, bound]))
    return found


def configured(m: Machine, module: Node, site: Site) -> list[Thing]:
    """The optimizers that `configure_optimizers` gives: one, several, in a dict, or paired with their schedules."""
    return list(_optimizers(m, _method(m, module, "configure_optimizers", [], site), site))


def _optimizers(m: Machine, node: Node | None, site: Site, depth: int = 4) -> Iterator[Thing]:
    for option in options(node) if node is not None else []:
        if isinstance(option, Thing) and option.makes == "optimizer":
            yield option
        elif isinstance(option, Dict) and depth:
            yield from _optimizers(m, option.entries.get("optimizer"), site, depth - 1)
        elif isinstance(option, Seq) and depth:
            for item in option.items:
                yield from _optimizers(m, item, site, depth - 1)


@registers(VALUES, "own_optimizers")
def _own_optimizers(m: Machine, row: Row, bound: Bound, site: Site, framework: str) -> Node:
    """`self.optimizers()`: those of `configure_optimizers`, the same at each call."""
    module = bound.get("module")
    if not isinstance(module, Instance):
        return m.node("unknown", bound, site, framework)
    known = module.attrs.get("own optimizers")
    if known is None:
        found = configured(m, module, site)
        known = found[0] if len(found) == 1 else Seq("list", tuple(found), site)
        module.attrs["own optimizers"] = known
    return known if not isinstance(known, Seq) or known.items else m.node("unknown", bound, site, framework)


# -- Hugging Face ---------------------------------------------------------------------------------------------------


def _transformers(m: Machine, trainer: Node, site: Site) -> None:
    """Its loss is `compute_loss`'s, or what the model says is its loss; it clips unless it is told not to."""
    model = _given(trainer, "model") or _NONE
    batch = m.node("next", {"x": _given(trainer, "dataset") or _NONE}, site, "torch")
    result = _method(m, trainer, "compute_loss", [model, batch], site)
    if result is None and isinstance(model, Instance):
        result = m.call(model, [m.node("rest", {"x": batch}, site)], {}, site)
    settings = _given(trainer, "args")
    known = settings if isinstance(settings, Thing) else None
    given: Bound = {"loss": loss_in(m, result, site), "model": model, "trainer": trainer}
    given["optimizer"] = _adam(m, trainer, known, model, site)
    given["clip"] = (known.setting("max_grad_norm") if known is not None else None) or Const(1.0)
    given["callbacks"] = _given(trainer, "callbacks") or _NONE
    hooks: list[Hook] = [(one, "on_pre_optimizer_step", [m.node("rest", {}, site)]) for one in _all(given["callbacks"])]
    _step(m, hooks, given, site)


def _adam(m: Machine, trainer: Node, settings: Thing | None, model: Node, site: Site) -> Node:
    """The optimizer it was given, or the AdamW that it makes for itself."""
    passed = next(_optimizers(m, _given(trainer, "optimizers"), site), None)
    own = passed or _method(m, trainer, "create_optimizer", [], site)
    row = frameworks.row("transformers.AdamW")
    if own is not None or row is None or settings is None:
        return own if own is not None else m.node("unknown", {}, site)
    made = Thing(row, {"parameters": m.node("parameters", {"module": model}, site)}, settings.site, "torch")
    made.args["lr"] = settings.setting("learning_rate") or Const(None)
    if any(number(settings.setting(name)) != 0 for name in ("warmup_steps", "warmup_ratio")):
        made.attrs["schedule"] = m.node("schedule", {}, site)
    return made


# -- fastai ---------------------------------------------------------------------------------------------------------


def _learn(m: Machine, learner: Thing, bound: Bound, scheduled: bool, site: Site) -> None:
    """A Learner: data through the model, its output into the loss, the optimizer that `opt_func` makes."""
    model, batch = learner.setting("model") or _NONE, learner.setting("dataset") or _NONE
    x, y = (m.node("next", {"x": batch}, site, "torch") for _ in range(2))
    loss, make = learner.setting("loss"), learner.setting("optimizer")
    prediction = m.call(model, [x], {}, site)
    value = m.call(loss, [prediction, y], {}, site) if loss is not None and not isinstance(loss, Const) else _NONE
    given: Bound = {"loss": loss_in(m, value, site), "model": model, "trainer": learner}
    given["optimizer"] = _opt_func(m, learner, make, model, bound.get("lr"), site)
    if scheduled and isinstance(given["optimizer"], Thing):
        given["optimizer"].attrs["schedule"] = m.node("schedule", {}, site)
    callbacks = [*_all(learner.setting("callbacks")), *_all(bound.get("callbacks"))]
    callbacks = [m.call(one, [], {}, site) if isinstance(one, (Class, Lib)) else one for one in callbacks]
    given["callbacks"] = Seq("list", tuple(callbacks), site)
    for callback in callbacks:
        if isinstance(callback, Instance):
            m.write(callback.attrs, "learn", learner)
            m.write(callback.attrs, "model", model)
    _step(m, [(one, name, []) for one in callbacks for name in ("after_backward", "before_step")], given, site)


def _opt_func(m: Machine, learner: Thing, make: Node | None, model: Node, lr: Node | None, site: Site) -> Node:
    """The optimizer of a Learner: its rate is given to fit, or else to the Learner."""
    told = lr is not None and constant(lr) is not None
    rate = lr if told and lr is not None else learner.setting("lr") or _NONE
    maker = make if make is not None and not isinstance(make, Const) else m.lib("fastai.optimizer.Adam")
    place = site if told else learner.site or site
    return m.call(maker, [m.node("parameters", {"module": model}, site)], {"lr": rate}, place)


# -- estimators -----------------------------------------------------------------------------------------------------


def _estimate(m: Machine, estimator: Thing, bound: Bound, site: Site) -> None:
    """TensorFlow's Estimator calls the model function on what the input function yields; the training is in there."""
    function, given = estimator.args.get("model_fn"), bound.get("input_fn") or _NONE
    data = m.call(given, [], {}, site) if isinstance(given, Func) else given
    parts = list(data.items) if isinstance(data, Seq) else [m.node("next", {"x": data}, site)]
    mode = m.node("param", {"name": Const("mode")}, site)
    if function is not None:
        m.call(function, [*parts[:2], *[_NONE] * (2 - len(parts)), mode], {}, site)
