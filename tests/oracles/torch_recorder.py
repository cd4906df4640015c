"""Runs a torch story and writes down what the witnesses need: squashes, gradients, losses, the first layer's input."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.overrides import TorchFunctionMode

from tests.oracles import story, witness
from tests.oracles.torch_standins import PACKAGES

Array = NDArray[np.floating]
Gradients = dict[str, Array]

SQUASHES = {"tanh", "sigmoid", "relu"}
LAYERS = {"linear", "conv2d", "matmul", "__matmul__", "mm"}
BY_HAND = {"__iadd__", "__isub__", "add_", "sub_"}
STEPS = 30  # as the demo of relu-high-lr
SCALE = 1e6  # how much steeper the loss is made to see whether gradients are clipped


class Enough(Exception):
    """The story has trained for long enough."""


@dataclass
class Squash:
    kind: str
    z: torch.Tensor
    h: torch.Tensor  # its gradient is the one by the unit's output, once the story has called backward

    @property
    def units(self) -> Array:
        """Pre-activations with the units, or the channels of a convolution, in the last place."""
        z = self.z.detach().float()
        return np.asarray(z.movedim(1, -1) if z.ndim == 4 else z)


class Recorder(TorchFunctionMode):
    """What is seen while it is entered.

    `passes` holds the squashes before each backward pass, `losses` what it started from, `updates` the gradients that
    arrived at each step of an optimizer (or of a hand that writes the weights), by the weights' places, `x` the input
    of the first layer, `result` what the call returned. The loss is made `scale` times as steep, the first layer's
    input divided by its largest entry (`shrink`), and what the story draws itself multiplied (`far`).
    """

    def __init__(self, steps: int = 1, scale: float = 1.0, shrink: bool = False, far: float = 1.0) -> None:
        super().__init__()
        self.steps, self.scale, self.shrink, self.far = steps, scale, shrink, far
        self.passes: list[list[Squash]] = [[]]
        self.losses: list[float] = []
        self.updates: list[Gradients] = []
        self.written: Gradients = {}
        self.x: torch.Tensor | None = None
        self.result: Any = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name, kwargs = getattr(func, "__name__", ""), kwargs or {}
        if name in SQUASHES or (name == "clamp" and kwargs == {"min": 0}):
            return self.squash("relu" if name == "clamp" else name, func, *args, **kwargs)
        if name == "rnn_tanh":
            return self.unroll(*args)
        if name == "backward":
            return self.backward(func, *args, **kwargs)
        if name in LAYERS and not args[0].requires_grad:
            args = (self.enter(args[0]), *args[1:])
        if name in BY_HAND and isinstance(args[1], torch.Tensor) and args[0].shape == args[1].shape:
            self.written[str(args[0].data_ptr())] = np.asarray(args[1].detach()).copy()
        if name == "randn" and self.far != 1.0:
            return func(*args, **kwargs) * self.far
        return func(*args, **kwargs)

    def squash(self, kind: str, func: Any, z: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        h: torch.Tensor = func(z, *args, **kwargs)
        if h.requires_grad:
            h.retain_grad()
            self.passes[-1].append(Squash(kind, z, h))
        return h

    def unroll(self, x: Any, start: Any, weights: Any, biased: bool, layers: int, *rest: Any) -> Any:
        """nn.RNN, step by step, so that the gradient by each of its states is there to be seen."""
        batch_first, last = rest[-1], []
        steps = x.unbind(1 if batch_first else 0)
        for layer in range(layers):
            inward, around, *biases = weights[4 * layer : 4 * layer + 4]
            h, states = start[layer], []
            for step in steps:
                h = self.squash("tanh", torch.tanh, step @ inward.T + h @ around.T + sum(biases))
                states.append(h)
            steps = states
            last.append(h)
        return torch.stack(list(steps), 1 if batch_first else 0), torch.stack(last)

    def backward(self, func: Any, loss: torch.Tensor, gradient: Any = None, **kwargs: Any) -> None:
        if self.written:
            self.step(self.written)
        self.losses.append(float(loss.detach().mean()))
        self.passes.append([])
        func(loss, self.scale * (torch.ones_like(loss) if gradient is None else gradient), **kwargs)

    def enter(self, x: torch.Tensor) -> torch.Tensor:
        """The input of a layer that no weight lies before: that of the first one, if it is data at all."""
        if not x.is_floating_point():
            return x
        if self.x is None:
            self.x = x
        return x / x.abs().max() if self.shrink else x

    def step(self, gradients: Gradients) -> None:
        self.updates.append(gradients)
        self.written = {}
        if len(self.updates) >= self.steps:
            raise Enough

    def stepped(self, optimizer: torch.optim.Optimizer, *_: Any) -> None:
        weights = [p for group in optimizer.param_groups for p in group["params"]]
        self.written = {}
        self.step({str(k): np.asarray(p.grad).copy() for k, p in enumerate(weights) if p.grad is not None})


def record(key: str, call: Callable[[Any], object], **options: Any) -> Recorder:
    """Load a story, drive it with `call(story)` until it has made its steps, and return what was seen.

    A notebook trains while it is loaded.
    """
    recorder = Recorder(**options)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    hook = register_optimizer_step_post_hook(recorder.stepped)
    try:
        with recorder, mock.patch.object(sys, "argv", ["story"]), contextlib.suppress(Enough):
            recorder.result = call(story.load(key, PACKAGES))
            recorder.step(recorder.written)
    finally:
        hook.remove()
    return recorder


def observe(key: str, run: story.Run) -> bool:
    """Whether the hazard of the run's rule is seen in the story's gradients."""
    measure = run.scene or MEASURES[run.rule]
    return measure(lambda **options: record(key, run.call, **run.options, **options))


Recording = Callable[..., Recorder]


def blind(recording: Recording) -> bool:
    return witness.blind(recording().updates[0])


def starved(recording: Recording) -> bool:
    """From the first layer to the last one of the chain; what follows that is the head, and has no squash to pass."""
    matrices = [(name, g) for name, g in recording().updates[0].items() if g.ndim > 1]
    return witness.starved(dict(matrices[:-1]))


def saturated(recording: Recording) -> bool:
    seen = [squash for squash in recording().passes[0] if squash.kind != "relu"]
    return any(witness.saturated(squash.kind, squash.units) for squash in seen)


def dead_or_grown(recording: Recording) -> bool:
    units = [squash.units for squash in recording().passes[0] if squash.kind == "relu"]
    return any(map(witness.dead, units)) or witness.grown(units[0], units[-1])


def knocked(recording: Recording) -> bool:
    seen = recording(steps=STEPS)
    units = [squash.units for squash in seen.passes[-2] if squash.kind == "relu"]
    return witness.wrecked(units, seen.losses)


def unclipped(recording: Recording) -> bool:
    return witness.unclipped(recording(scale=SCALE).updates[0], recording().updates[0], SCALE)


def erupting(recording: Recording) -> bool:
    states = [squash.h.grad for squash in recording().passes[0] if squash.kind == "tanh"]
    return witness.erupting([np.asarray(g) for g in states if g is not None])


def unscaled(recording: Recording) -> bool:
    seen, scaled = recording(), recording(shrink=True)
    return witness.unscaled(np.asarray(seen.x), seen.updates[0]["0"], scaled.updates[0]["0"])


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
