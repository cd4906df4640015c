"""unscaled-input: data of a known wide range enters the first layer as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backproplint.graph.flow import Flow, marks, undecided
from backproplint.graph.layerwise import trained_units
from backproplint.graph.networks import NORMS, Linear, linear
from backproplint.graph.nodes import Node
from backproplint.graph.ranges import data_range, unranged
from backproplint.ops import SQUASH
from backproplint.rule import Constant, Finding, Rule, Site, Verdict

if TYPE_CHECKING:
    from backproplint.graph.project import Project
    from backproplint.graph.trainings import Training

# The largest input from which more than half of the first slopes fall below 0.01 (tanh, sigmoid), or from which the
# first layer dies at a learning rate of 0.01 (ReLU, also taken for linear outputs); README.md, Thresholds.
TOO_WIDE = {"tanh": 10.0, "sigmoid": 16.0, "relu": 30.0}


class UnscaledInput(Rule):
    """Follows data from its loader to the first linear map of a trained network."""

    name = "unscaled-input"
    family = "saturation"
    severity = "warning"
    summary = "Raw inputs enter the network unscaled, so the first layer saturates or its gradients blow up."

    def check(self, project: Project) -> Iterator[Verdict]:
        """Yield a finding for each training whose first layer sees raw data."""
        for training in project.trainings:
            for loss in training.losses:
                flow = project.flow(loss)
                for node in flow.nodes:
                    found = linear(node)
                    if found is not None and id(node) not in flow.unsure:
                        yield from _judge(found, _squash_after(found, flow), training)
        for unit in trained_units(project, frozenset(TOO_WIDE)):
            if unit.flow is None:
                for found in unit.terms:
                    yield from _judge(found, unit.node.op, unit.training)


def _judge(first: Linear, squash: str | None, training: Training) -> Iterator[Verdict]:
    if squash is None:
        return
    seen = data_range(first.x)
    if seen is None:
        if unranged(first.x):
            yield from undecided(_entry(first, training), "the range of the data is not known")
        return
    (low, high), source = seen
    if max(abs(low), abs(high)) < TOO_WIDE[squash]:
        return
    parameters: dict[str, Constant] = {"low": low, "high": high, "squash": squash}
    if first.fan_in is not None:
        parameters["fan_in"] = first.fan_in
    yield Finding(
        message=f"inputs of {low:g} to {high:g} enter the first layer unscaled, so {_harm(squash, high)}; scale them "
        "to about [-1, 1] or [0, 1] first",
        site=_entry(first, training),
        flow=marks(
            (source, f"data between {low:g} and {high:g}"),
            (first.x, "still unscaled"),
            (first.node, "the first layer"),
            (training.site, "trained here"),
        ),
        framework=training.framework,
        parameters=parameters,
    )


def _entry(first: Linear, training: Training) -> Site:
    """Where the data enters: the call of fit, the feeding of a placeholder, else the first layer."""
    at: Node | None = first.x
    while at is not None:
        if "fed at" in at.args and at.args["fed at"].site is not None:
            return at.args["fed at"].site
        at = at.args.get("x")
    if training.kind == "fit":
        return training.site
    return first.node.site or training.site


def _harm(squash: str, high: float) -> str:
    if squash == "relu":
        return f"the gradient of its weights is some {high:g} times too large"
    return f"its {squash} saturates"


def _squash_after(first: Linear, flow: Flow) -> str | None:
    """What the first layer's output goes through: a saturating squash, a rectifier, or (None) a normalisation.

    A normalisation behind rectifiers undoes the scale too: beside inputs so large, biases hardly count.
    """
    found = None
    for down in flow.way(first.node)[1:]:
        if down.op in NORMS:
            return None
        if down.op in SQUASH and down.op not in _SCALING:
            return found or (down.op if down.op in TOO_WIDE else "relu")
        found = found or ("relu" if down.op in SQUASH else None)
    return "relu"


_SCALING = frozenset({"relu", "leaky_relu", "elu", "selu"})  # of a large input doubled they make about the double
