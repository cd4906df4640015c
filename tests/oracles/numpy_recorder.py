"""Runs a NumPy story, whose backward pass is written by hand, and writes down what it computes on the way.

There is nothing to differentiate and no optimizer to hook into. So the story gets a NumPy that remembers what its
squashes and outer products are given, and what is subtracted from an array (`w -= step`, `net.w = net.w - step`) is
written down: it is a gradient times the rate.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.oracles import story, witness

Array = NDArray[np.float64]
Recording = Callable[..., "Recorder"]

STEEP = 1e6  # how much steeper the loss is made to see whether gradients are clipped


class Enough(Exception):
    """The story has made as many updates as are looked at."""


class Recorder(ModuleType):
    """NumPy for a story: `squashes` are kinds and pre-activations, `deltas` the gradients by a step's pre-activation
    that a recurrence multiplies with its inputs, the last step first, `updates` what was subtracted from weights.
    `result` is what the call returned.
    """

    def __init__(self, writes: int = 1) -> None:
        super().__init__("numpy")
        self.writes = writes
        self.squashes: list[tuple[str, Array]] = []
        self.deltas: list[Array] = []
        self.updates: list[Array] = []
        self.result: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def tanh(self, z: Array) -> Array:
        self.squashes.append(("tanh", z))
        return np.tanh(z)

    def exp(self, negated: Array) -> Array:
        """Taken for that of a sigmoid; a softmax's, of scores that are not yet large, is no flatter than one."""
        self.squashes.append(("sigmoid", -negated))
        return np.exp(negated)

    def maximum(self, one: Any, other: Any) -> Array:
        self.squashes.append(("relu", other if np.ndim(one) == 0 else one))
        return np.asarray(np.maximum(one, other))

    def outer(self, delta: Array, x: Array) -> Array:
        self.deltas.append(delta)
        return np.outer(delta, x)

    def dot(self, one: Array, other: Array) -> Array:
        if np.ndim(one) == 2 and one.shape[1] == 1:
            self.deltas.append(one)
        return np.asarray(np.dot(one, other))

    def written(self, step: Any) -> Any:
        """Called with what a story subtracts; numbers (of labels, say) are no gradients."""
        if np.ndim(step) > 0:
            if len(self.updates) == self.writes:
                raise Enough
            self.updates.append(np.array(step, np.float64))
        return step

    def of(self, kind: str) -> list[Array]:
        return [np.atleast_2d(z.T if z.ndim == 2 and z.shape[1] == 1 else z) for k, z in self.squashes if k == kind]

    def by_width(self, kind: str) -> list[Array]:
        """One array for each width of layer: a story that trains on one example at a time shows several."""
        layers = self.of(kind)
        return [np.concatenate([z for z in layers if z.shape[-1] == width]) for width in {z.shape[-1] for z in layers}]


class Watched(ast.NodeTransformer):
    """A story that computes with the recorder and tells it what it subtracts."""

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        return None if node.names[0].name == "numpy" else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if isinstance(node.op, ast.Sub):
            node.value = self.told(node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        match node.value:
            case ast.BinOp(left=left, op=ast.Sub()) if ast.unparse(node.targets[0]) == ast.unparse(left):
                node.value.right = self.told(node.value.right)
        return node

    def told(self, step: ast.expr) -> ast.expr:
        return ast.parse(f"np.written({ast.unparse(step)})", mode="eval").body


def logistic(z: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * z)))


def record(key: str, call: Callable[[Any], object], scale: float = 1.0, **options: Any) -> Recorder:
    """Load a story and drive it with `call(story)` until it has made its updates; drivers look at story.SCALE."""
    recorder = Recorder(**options)
    tree = ast.fix_missing_locations(Watched().visit(ast.parse(story.source(key))))
    np.random.seed(0)
    packages = {"activations": SimpleNamespace(logistic=logistic)}
    with contextlib.suppress(Enough):
        recorder.result = call(story.load(key, packages, tree, np=recorder, SCALE=scale))
    return recorder


def observe(key: str, run: story.Run) -> bool:
    """Whether the hazard of the run's rule is seen in what the story computes."""
    measure = run.scene or MEASURES[run.rule]
    with np.errstate(all="ignore"):  # what explodes shall explode
        return measure(lambda **options: record(key, run.call, **run.options, **options))


def moves(recorder: Recorder) -> dict[str, Array]:
    """The updates, first layer first: a backward pass written by hand ends there."""
    return {str(place): step for place, step in enumerate(reversed(recorder.updates))}


def blind(recording: Recording) -> bool:
    return witness.blind(moves(recording()))


def starved(recording: Recording) -> bool:
    """From the first layer to the last before the head, or to the head where it is all that follows."""
    matrices = list(moves(recording()).items())
    return witness.starved(dict(matrices[: max(2, len(matrices) - 1)]))


def saturated(recording: Recording) -> bool:
    seen = recording()
    return any(witness.saturated(kind, z) for kind in ("tanh", "sigmoid") for z in seen.by_width(kind))


def dead_or_grown(recording: Recording) -> bool:
    units = recording().of("relu")
    return any(map(witness.dead, units)) or witness.grown(units[0], units[-1])


def knocked(recording: Recording) -> bool:
    """No loss is computed where gradients are written by hand; it blows up when they do."""
    seen = recording()
    return witness.wrecked(seen.of("relu")[-1:], [witness.norm({"": step}) for step in seen.updates])


def unclipped(recording: Recording) -> bool:
    return witness.unclipped(moves(recording(scale=STEEP)), moves(recording()), STEEP)


def erupting(recording: Recording) -> bool:
    deltas = recording().deltas
    return witness.erupting([delta for delta in reversed(deltas) if delta.shape == deltas[-1].shape])


def unscaled(recording: Recording) -> bool:
    """The gradient of the first layer is far larger than on scaled inputs, or its squash passes none."""
    raw = recording()
    scaled = recording(scale=1.0 / float(np.abs(raw.result).max()))
    flat = any(witness.saturated("tanh", z) for z in raw.of("tanh"))
    return flat or witness.unscaled(raw.result, raw.updates[-1], scaled.updates[-1])


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
