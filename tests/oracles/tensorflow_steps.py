"""What is recorded of a training in TensorFlow or Keras, and what it must show of a rule's hazard.

The recorders, one for eager code and one for graphs, fill in the same `Step`s, so each rule is judged in one place.
"""

from __future__ import annotations

import ast
import importlib
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.oracles import story, witness
from tests.oracles.tensorflow_standins import PACKAGES
from tests.oracles.witness import Array

STEEP = 1e6  # how much steeper the loss of the second run is, for rnn-no-clip
FAR = 1000.0  # added to targets for clip-before-loss: every error lies beyond its bounds
STEPS = 8  # are enough to knock units dead, or to see that none is
PRODUCTS = ("MatMul", "Conv2D")  # names of operations, the same in eager code and in graphs
SQUASHES = ("Sigmoid", "Tanh", "Relu")
GROWN = 2.0  # how far training takes the spectral radius of tanh nets, by the page of rnn-no-clip
BETWEEN = 0.1  # of the gradient passes two sigmoids (0.22) but not three (0.048, by the rule's page)


class Enough(BaseException):
    """All steps that are wanted have been recorded; no `except Exception` of a story shall catch it."""


@dataclass(frozen=True)
class Circumstances:
    """How a recorder runs a story: how long, and what it changes about the loss and the data."""

    steps: int = 1
    steep: float = 1.0  # the loss is multiplied by this
    far: float = 0.0  # this is added to the targets
    scaled: bool = False  # raw inputs are scaled to one
    grown: float = 0.0  # recurrent kernels start with this spectral radius; 0: as they are
    slopes: bool = False  # the gradients by the squashes' outputs are wanted
    keras: int = 3  # 2 for code that Keras 3 has left behind
    unrolled: bool = False  # TensorFlow 1: loops over time are unrolled, so that their states can be looked at


@dataclass(frozen=True)
class Squash:
    """One use of a sigmoid, tanh or relu in the forward pass: its inputs, and the loss's gradient by its outputs."""

    kind: str
    z: Array
    gradient: Array | None = None

    def behind(self) -> Array:
        """The gradient by `z`: what is left of it behind the squash."""
        assert self.gradient is not None
        return np.asarray(self.gradient * witness.SLOPES[self.kind](self.z))


@dataclass(frozen=True)
class Step:
    """One step of a training; `gradients` are those that move the weights, all clipping done, in their order."""

    loss: float
    inputs: Array  # what the first matrix product or convolution of the model is given
    squashes: Sequence[Squash]
    gradients: Mapping[str, Array]

    def of(self, *kinds: str) -> list[Squash]:
        return [squash for squash in self.squashes if squash.kind in kinds]

    def trained(self, *kinds: str) -> list[Squash]:
        """Those that the loss depends on, as they are: an output sigmoid melts into its cross-entropy."""
        return [squash for squash in self.of(*kinds) if squash.gradient is not None]

    def first_matrix(self) -> Array:
        return next(gradient for gradient in self.gradients.values() if gradient.ndim >= 2)


Steps = list[Step]
Record = Callable[[str, Callable[[Any], object], Circumstances], Sequence[Steps]]  # the steps of each model trained
Recording = Callable[..., Steps]  # of the one model that is looked at; takes circumstances


def observe(record: Record, key: str, run: story.Run) -> bool:
    """Whether the hazard is seen in the story's gradients; where it is not, there must be gradients to learn from.

    Of several models that a run trains, its option `model` tells which one is meant, in the order of their first steps.
    """
    options = dict(run.options)
    model = options.pop("model", 0)
    seen: list[Steps] = []

    def recording(**more: Any) -> Steps:
        seen.append(record(key, run.call, Circumstances(**{**more, **options}))[model])
        return seen[-1]

    found = (run.scene or MEASURES[run.rule])(recording)
    assert found or 0.0 < witness.norm(seen[0][0].gradients) < np.inf, "no hazard is seen, and yet nothing is learned"
    return found


def blind(recording: Recording) -> bool:
    return witness.blind(recording(far=FAR)[0].gradients)


def starved(recording: Recording) -> bool:
    sigmoids = recording(slopes=True)[0].trained("sigmoid")
    ends = {"first": sigmoids[0].behind(), "last": sigmoids[-1].behind()} if sigmoids else {}
    return bool(ends) and witness.starved(ends, BETWEEN)


def dead_or_grown(recording: Recording) -> bool:
    units = recording()[0].of("relu")
    return any(witness.dead(unit.z) for unit in units) or witness.grown(units[0].z, units[-1].z)


def knocked(recording: Recording) -> bool:
    steps = recording(steps=STEPS)
    return witness.wrecked([unit.z for unit in steps[-1].of("relu")], [step.loss for step in steps])


def unclipped(recording: Recording) -> bool:
    as_is, steep = recording(), recording(steep=STEEP)
    return witness.unclipped(steep[0].gradients, as_is[0].gradients, STEEP)


def erupting(recording: Recording) -> bool:
    return witness.erupting(states(recording))


def erupts_when_grown(recording: Recording) -> bool:
    """rnn-no-clip, unclipped but short: is there a gradient that a clip must catch, once the weights are trained?"""
    return witness.erupting(states(partial(recording, grown=GROWN)))


def states(recording: Recording, squash: str = "tanh") -> list[Array]:
    """The gradients by the states of a recurrence, first state first."""
    return [np.asarray(cell.gradient) for cell in recording(slopes=True)[0].trained(squash)]


def saturated(recording: Recording) -> bool:
    return any(witness.saturated(squash.kind, squash.z) for squash in recording()[0].of("sigmoid", "tanh"))


def unscaled(recording: Recording) -> bool:
    """The gradients of the first weights blow up, or squashes saturate that would not on scaled inputs."""
    raw, scaled = recording()[0], recording(scaled=True)[0]
    if np.max(np.abs(raw.inputs)) > 10.0 and saturated(recording):
        return not saturated(lambda: recording(scaled=True))
    return witness.unscaled(raw.inputs, raw.first_matrix(), scaled.first_matrix())


MEASURES: dict[str, Callable[[Recording], bool]] = {
    "clip-before-loss": blind,
    "deep-sigmoid-stack": starved,
    "relu-dead-init": dead_or_grown,
    "relu-high-lr": knocked,
    "rnn-no-clip": unclipped,
    "rnn-unscaled-recurrence": erupting,
    "saturating-init": saturated,
    "unscaled-input": unscaled,
}


def through(owner: Any, name: str, method: Callable[..., Any]) -> Any:
    """A patch that puts `method(original, ...)` in place of `owner.name(...)`."""
    original = getattr(owner, name)
    return patch.object(owner, name, lambda *args, **options: method(original, *args, **options))


def load(key: str) -> ModuleType:
    """A story as a module; notebooks without any magic lines, Python 2 brought up to date."""
    text = story.source(key)
    if key.endswith(".ipynb"):
        text = re.sub(r"(?m)^%.*$", "", text)
    return story.load(key, PACKAGES, ast.parse(modern(text) if "# Python 2" in text else text))


def modern(text: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        refactor = importlib.import_module("lib2to3.refactor")
    tool = refactor.RefactoringTool(["lib2to3.fixes.fix_print", "lib2to3.fixes.fix_xrange"])
    return str(tool.refactor_string(text, "story"))


def main(module: Any) -> object:
    return module.main()


def normal(*shape: int) -> Any:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def integers(high: int, *shape: int) -> Any:
    return np.random.default_rng(1).integers(high, size=shape)


def one_hot(classes: int, rows: int) -> Any:
    return np.eye(classes, dtype=np.float32)[integers(classes, rows)]


def regression(rows: int, *shape: int) -> tuple[Any, Any]:
    return normal(rows, *shape), normal(rows, 1)
