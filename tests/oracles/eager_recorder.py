"""Records the training of TensorFlow 2 and Keras 3, whatever writes it: fit, train_on_batch or a tape.

Functions run eagerly, so all that happens inside a step are values: a callback on each operation sees the squashes and
the first product, the tape gives the gradients by their outputs along with those by the weights, and what an optimizer
uses is read where it updates, behind its own clipping.
"""

from __future__ import annotations

import importlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is loaded: it finds no GPU and says so at length
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_callbacks

from tests.oracles import story, tensorflow_steps
from tests.oracles.tensorflow_steps import PRODUCTS, SQUASHES, Circumstances, Enough, Squash, Step, Steps, through

ROWS = 64  # of the data of a fit: one batch, used in every step
SHAPES = {"mnist": (28, 28), "fashion_mnist": (28, 28), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}


class Recorder:
    """Watches a story: `models` are the steps that were made, by their optimizers, in the order of their beginnings."""

    def __init__(self, under: Circumstances, rows: int) -> None:
        self.under, self.rows = under, rows
        self.models: dict[Any, Steps] = {}
        self.ops: list[tuple[str, Any, Any]] = []  # (type, first input, output) of a forward pass
        self.fitted: Any = None
        self.passed: tuple[Any, ...] = ()  # loss, ops, gradients by the squashes' outputs

    def see(
        self, kind: Any, inputs: Any, attributes: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> None:
        """Called by TensorFlow after each operation, with these names; those with a graph have no values yet."""
        kind = kind.decode() if isinstance(kind, bytes) else kind
        if graph is None and kind in PRODUCTS + SQUASHES:
            self.ops.append((kind, inputs[0], outputs[0]))

    def enter(self, original: Callable[..., Any], tape: Any) -> Any:
        """A forward pass begins; it is watched until its gradient is asked for."""
        if self.under.grown and not self.models:
            grow(self.fitted, self.under.grown)
        self.ops = []
        op_callbacks.clear_op_callbacks()
        op_callbacks.add_op_callback(self.see)
        return original(tape)

    def gradient(self, original: Callable[..., Any], tape: Any, loss: Any, sources: Any, **options: Any) -> Any:
        op_callbacks.remove_op_callback(self.see)
        ops = self.ops
        outputs = [output for kind, _, output in ops if kind in SQUASHES]
        upstream = tf.fill(tf.shape(loss), tf.cast(self.under.steep, loss.dtype))
        gradients, slopes = original(tape, loss, [sources, outputs], output_gradients=upstream, **options)
        self.passed = loss, ops, slopes
        return gradients

    def update(self, original: Callable[..., Any], optimizer: Any, gradients: Any, weights: Any, rate: Any) -> None:
        steps = self.models.setdefault(optimizer, [])
        steps.append(self.step(gradients, weights))
        if len(steps) >= self.under.steps:
            raise Enough
        original(optimizer, gradients, weights, rate)

    def step(self, gradients: Any, weights: Any) -> Step:
        loss, ops, slopes = self.passed
        seen = [(kind, z) for kind, z, _ in ops if kind in SQUASHES]
        return Step(
            loss=float(np.mean(loss)),
            inputs=next(np.asarray(x) for kind, x, _ in ops if kind in PRODUCTS),
            squashes=[
                Squash(kind.lower(), np.asarray(z), None if slope is None else np.asarray(slope))
                for (kind, z), slope in zip(seen, slopes, strict=True)
            ],
            gradients={
                f"{i} {getattr(w, 'name', '')}": dense(g)
                for i, (g, w) in enumerate(zip(gradients, weights, strict=True))
            },
        )

    def update_of_keras_2(self, original: Callable[..., Any], optimizer: Any, pairs: Any) -> None:
        pairs = list(pairs)
        gradients, weights = zip(*pairs, strict=True)
        self.update(lambda *_: original(optimizer, pairs), optimizer, gradients, weights, None)

    def fit(self, original: Callable[..., Any], model: Any, x: Any, y: Any = None, **options: Any) -> None:
        """One epoch of the wanted steps, all on one batch; validation and the like have no part in the gradients."""
        self.fitted = model
        options = {"callbacks": options.get("callbacks"), "verbose": 0, "shuffle": False}
        with suppress(Enough):  # another model may come
            if not hasattr(x, "shape"):
                original(model, x, steps_per_epoch=self.under.steps, **options)
            else:
                x, y = (np.concatenate([np.asarray(data[:ROWS])] * self.under.steps) for data in (x, y))
                original(model, x, self.far_off(y), batch_size=len(x) // self.under.steps, **options)

    def far_off(self, y: Any) -> Any:
        return y + self.under.far if self.under.far else y

    def train_on_batch(self, original: Callable[..., Any], model: Any, x: Any, y: Any) -> Any:
        return original(model, x, self.far_off(y))

    def load_data(self, shape: tuple[int, ...]) -> Any:
        """Random bytes as pictures; scaled to one for a twin of unscaled-input."""
        rng = np.random.default_rng(0)
        images: Any = np.resize(rng.integers(0, 256, (ROWS, *shape), dtype=np.uint8), (self.rows, *shape))
        labels = rng.integers(0, 10, (self.rows, 1) if len(shape) == 3 else self.rows, dtype=np.uint8)
        if self.under.scaled:
            images = images.astype(np.float32) / np.float32(255)
        return (images, labels), (images[: self.rows // 6], labels[: self.rows // 6])


def grow(model: Any, radius: float) -> None:
    """Give the recurrent kernels this spectral radius."""
    for weight in model.weights:
        if weight.name == "recurrent_kernel":
            weight.assign(weight * (radius / np.abs(np.linalg.eigvals(weight)).max()))


def dense(gradient: Any) -> Any:
    return np.asarray(tf.convert_to_tensor(gradient))


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """While it lasts, TensorFlow and Keras go through the recorder, eagerly."""
    with ExitStack() as stack:
        for hook in (
            through(tf.GradientTape, "__enter__", recorder.enter),
            through(tf.GradientTape, "gradient", recorder.gradient),
            through(keras.optimizers.Optimizer, "_backend_update_step", recorder.update),
            through(keras.Model, "fit", recorder.fit),
            through(keras.Model, "train_on_batch", recorder.train_on_batch),
            patch.object(keras.Model, "evaluate", lambda *_: 0.0),
            patch.object(keras.Model, "predict", lambda model, x: np.asarray(model(x[:5]))),
            *data_sets(recorder),
            *names_of_keras_2(),
            *(keras_2(recorder) if recorder.under.keras == 2 else ()),
        ):
            stack.enter_context(hook)
        tf.config.run_functions_eagerly(True)
        stack.callback(tf.config.run_functions_eagerly, False)
        stack.callback(op_callbacks.clear_op_callbacks)
        yield


def data_sets(recorder: Recorder) -> Iterator[Any]:
    for library in (keras, tf.keras):
        for name, shape in SHAPES.items():
            yield patch.object(
                getattr(library.datasets, name), "load_data", lambda shape=shape: recorder.load_data(shape)
            )


def names_of_keras_2() -> Iterator[Any]:
    """What Keras 3 still keeps under `tf.keras`, has renamed, or keeps and breaks (its set_value)."""
    yield patch.object(keras, "backend", tf.keras.backend)
    yield patch.object(tf.keras.backend, "set_value", lambda variable, value: variable.assign(value))
    rate = property(lambda optimizer: optimizer._learning_rate)
    yield patch.object(keras.optimizers.Optimizer, "lr", rate, create=True)


def keras_2(recorder: Recorder) -> Iterator[Any]:
    """Keras 2 as `tf.keras`; its optimizers clip before this method."""
    library = importlib.import_module("tf_keras")
    yield patch.object(tf, "keras", library)
    yield through(library.optimizers.Optimizer, "_internal_apply_gradients", recorder.update_of_keras_2)


@lru_cache(maxsize=2)  # a story whose models are looked at one by one is run once
def record(key: str, call: Callable[[Any], object], under: Circumstances) -> list[Steps]:
    """Load and drive a story: the steps of each model that it trains, in the order in which they begin."""
    keras.utils.set_random_seed(0)
    rows = 60000 if "60000" in story.source(key) else 10 * ROWS  # the full number where a story relies on it
    recorder = Recorder(under, rows)
    with recording(recorder), suppress(Enough):
        call(tensorflow_steps.load(key))
    return list(recorder.models.values())


def observe(key: str, run: story.Run) -> bool:
    """Whether the hazard of the run's rule is seen in the story's gradients."""
    return tensorflow_steps.observe(record, key, run)
