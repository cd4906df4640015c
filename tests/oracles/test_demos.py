"""What the rules claim, against the real frameworks: their gradients are the demos', and so are hazard and cure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backproplint import demos, registry
from tests.oracles import frameworks, hazards

RULES = sorted(rule.name for rule in registry.rules())
EVERY_CELL = [
    pytest.mark.parametrize("rule", RULES),
    pytest.mark.parametrize("framework", frameworks.NAMES),
]
VARIED: dict[str, list[dict[str, Any]]] = {  # constants other than a demo's own
    "clip-before-loss": [{"low": -0.5, "high": 2.0}, {"loss": "abs"}],
    "deep-sigmoid-stack": [{"depth": 1}, {"depth": 3, "squash": "tanh"}],
    "relu-dead-init": [{"std": 0.5, "bias": 0.0}, {"bias": 0.5}],
    "relu-high-lr": [{"bias": -0.4}, {"bias": 1.0}],
    "rnn-no-clip": [{"gain": 0.7}, {"gain": 1.2, "nonlinearity": "relu"}],
    "rnn-unscaled-recurrence": [{"steps": 12, "std": 0.3}, {"cell": "linear"}],
    "saturating-init": [{"std": 0.25}, {"squash": "tanh"}],
    "unscaled-input": [{"squash": "tanh"}, {"squash": "relu"}],
}


def every_cell(test: Any) -> Any:
    for mark in EVERY_CELL:
        test = mark(test)
    return test


@every_cell
def test_backward_equals_the_frameworks_gradient(rule: str, framework: str) -> None:
    frameworks.call(framework, equal, rule)


def equal(framework: Any, rule: str) -> None:
    demo = demos.load(rule)
    for constants in ({}, *VARIED[rule]):
        for x in demo.POINTS:
            found = framework.gradient(lambda xp, x, constants=constants: demo.forward(xp, x, **constants), x)
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, demo.backward(x, 1.0, **constants), rtol=1e-6, atol=1e-15)


@every_cell
def test_the_hazard_is_there_and_the_cure_cures_it(rule: str, framework: str) -> None:
    frameworks.call(framework, getattr(hazards, rule.replace("-", "_")))
