"""relu-high-lr: a learning rate at which the first updates knock ReLU units dead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.flow import Flow, marks, undecided
from backproplint.graph.layerwise import trained_units
from backproplint.graph.networks import LINEAR, NORMS, terms
from backproplint.graph.nodes import Node, Thing
from backproplint.graph.numbers import assumption, number
from backproplint.graph.rates import rate_of
from backproplint.rule import Constant, Finding, Reason, Rule, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project
    from backproplint.graph.trainings import Training

# The rate from which at least five of six runs lose half of their second ReLU layer or end worse than they began, for
# mean squared error and for cross-entropy (README.md, Thresholds).
TOO_HIGH = {
    "sgd": (0.3, 3.0), "momentum": (0.1, 0.5), "adam": (0.1, 0.1), "rmsprop": (0.3, 0.2), "adagrad": (1.0, 1.0),
    "adadelta": (100.0, 100.0),
}  # fmt: skip
LAYERS = 2  # hidden ReLU layers; a single one on centred inputs survives such a rate
ALONE = 5  # times the rate that a single layer stands


class ReluHighLr(Rule):
    """The rate must be a constant, the loss an average, and the ReLU layers not normalised."""

    name = "relu-high-lr"
    family = "dead-units"
    severity = "warning"
    summary = "The learning rate is so large that the first updates knock ReLU units dead."

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding for each optimizer (or update by hand) whose rate is far too large for its ReLU layers."""
        seen = {id(loss) for training in project.trainings if training.optimizer for loss in training.losses}
        for training in project.trainings:
            rate, missing = _rate(training), _missing(training)
            if rate is not None:
                yield from _judge(project, training, *rate)
                continue
            losses = [loss for loss in training.losses if training.optimizer or id(loss) not in seen]
            if missing and any(_bare_relus(project.flow(loss)) for loss in losses):
                yield from undecided(training.optimizer or training.site, missing)
        for unit in trained_units(project, frozenset({"relu"})):
            rate = _hand_rate(unit.training) if unit.flow is None else None
            if rate is not None and rate[1] >= TOO_HIGH["sgd"][1] * ALONE // 2:
                yield _finding(unit.training, *rate, [unit.node], classifies=False)


def _rate(training: Training) -> tuple[str, float, Node | None, str] | None:
    """Kind, learning rate, where it is set, and the assumption it rests on."""
    if training.optimizer is None:
        return _hand_rate(training)
    rate = rate_of(training.optimizer)
    return None if rate is None else (rate.kind, rate.value, rate.optimizer, assumption(rate.setting))


def _missing(training: Training) -> Reason | None:
    """What keeps the rate from being known, unless it is none of the rates that are judged, or follows a schedule."""
    optimizer = training.optimizer
    if optimizer is None:
        return "the learning rate is not known" if training.kind == "update" else "the optimizer is not in sight"
    judged = optimizer.row.op in TOO_HIGH and optimizer.setting("schedule") is None
    return "the learning rate is not known" if judged else None


def _hand_rate(training: Training) -> tuple[str, float, Node | None, str] | None:
    """`w -= lr * gradient`."""
    if training.kind != "update":
        return None
    delta = training.event.args["delta"]
    for name, other in (("a", "b"), ("b", "a")):
        if delta.op == "multiply" and number(delta.args.get(name)) is not None and other in delta.args:
            setting = delta.args[name]
            return "sgd", abs(number(setting) or 0.0), None, assumption(setting)
    return None


def _judge(
    project: Project, training: Training, kind: str, rate: float, at: Node | None, soft: str
) -> Iterator[Verdict]:
    limits = TOO_HIGH.get(kind)
    if limits is None or rate < min(limits):
        return
    for loss in training.losses:
        flow = project.flow(loss)
        relus = _bare_relus(flow)
        limit = _limit(limits, flow)
        if rate >= limit * (1 if len(relus) >= LAYERS else ALONE) and relus:
            yield _finding(training, kind, rate, at, soft, relus, _classifies(flow))


def _limit(limits: tuple[float, float], flow: Flow) -> float:
    if _classifies(flow):
        return limits[1]
    return limits[0] if any(node.op in ("mse", "square") for node in flow.nodes) else max(limits)


def _bare_relus(flow: Flow) -> list[Node]:
    """Hidden ReLU units fed by a linear map without a normalisation."""
    if any(node.op in NORMS for node in flow.nodes):
        return []
    return [
        node
        for node in flow.nodes
        if node.op == "relu" and id(node) not in flow.unsure and terms(node.args["x"]) and flow.through(node, LINEAR)
    ]


def _classifies(flow: Flow) -> bool:
    return any(node.op in ("cross_entropy", "bce", "nll") for node in flow.nodes)


def _finding(
    training: Training, kind: str, rate: float, at: Node | None, soft: str, relus: list[Node], classifies: bool
) -> Finding:
    parameters: dict[str, Constant] = {"lr": rate, "loss": "cross_entropy" if classifies else "mse"}
    if kind in ("sgd", "momentum", "adam", "rmsprop", "adagrad", "adadelta"):
        parameters["optimizer"] = kind
    name = kind if not isinstance(at, Thing) else at.row.op
    site = at.site if at is not None and at.site is not None else training.site
    return Finding(
        message=f"a learning rate of {rate:g} for {name} throws relu units so far that they never fire again and get "
        "no gradient; use a rate of a hundredth of it",
        site=site,
        flow=marks(
            (site, f"learning rate {rate:g}" + (f" ({soft})" if soft else "")),
            *[(node, "relu that such a step can knock dead") for node in relus[:2]],
            (training.site, "trained here"),
        ),
        framework=training.framework,
        confidence="medium" if soft else "high",
        parameters=parameters,
        unseen=[soft] if soft else [],
    )
