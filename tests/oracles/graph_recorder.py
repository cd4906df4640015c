"""Records the training of TensorFlow 1: graphs, sessions and optimizers, in a process where `tensorflow` is the old.

The graph is there to be asked: squashes are operations of it, the gradients by their outputs are more of them, and all
of them are evaluated with what the story itself feeds, just before the session runs its training operation. What a
story only builds is run here, fed with random numbers.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # tf.layers and tf.nn.rnn_cell live in Keras 2
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from functools import lru_cache
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import tensorflow
from tensorflow.python.framework import ops as framework

from tests.oracles import story, tensorflow_steps, tf1_stories
from tests.oracles.tensorflow_steps import PRODUCTS, SQUASHES, Circumstances, Enough, Squash, Step, Steps, through

tf = tensorflow.compat.v1
tf.disable_v2_behavior()
framework.Tensor, framework.IndexedSlices = tf.Tensor, tf.IndexedSlices  # where tf_slim, of 2020, looks for them
tf_slim = importlib.import_module("tf_slim")

ROWS = 16  # of the batches for graphs that a story only builds


class Training:
    """A call of apply_gradients, with the loss that was differentiated before it."""

    def __init__(self, op: Any, loss: Any, pairs: Any) -> None:
        self.op, self.loss, self.graph = op, loss, op.graph
        self.pairs = [(gradient, variable) for gradient, variable in pairs if gradient is not None]
        self.steps: Steps = []

    def ops(self) -> list[Any]:
        """What the loss depends on, first things first; what is in a loop cannot be fetched and is left out."""
        needed = ancestors([self.loss.op])
        return [op for op in self.graph.get_operations() if op in needed and self.graph.is_fetchable(op)]


def ancestors(ops: Any) -> set[Any]:
    """The operations that these depend on, and they themselves."""
    seen: set[Any] = set()
    waiting = list(ops)
    while waiting:
        op = waiting.pop()
        if op not in seen:
            seen.add(op)
            waiting += [*(tensor.op for tensor in op.inputs), *op.control_inputs]
    return seen


class Recorder:
    """Watches a story: `trainings` are those that were built, in that order, each with the steps that were made."""

    def __init__(self, under: Circumstances) -> None:
        self.under = under
        self.loss: Any = None
        self.trainings: list[Training] = []
        self.evaluate: Any = tf.Session.run  # without being recorded, as the gradients
        self.slopes: Any = tf.gradients

    def compute(self, original: Callable[..., Any], optimizer: Any, loss: Any, *args: Any, **options: Any) -> Any:
        self.loss = loss
        return original(optimizer, loss * self.under.steep, *args, **options)

    def gradients(self, original: Callable[..., Any], loss: Any, *args: Any, **options: Any) -> Any:
        self.loss = loss
        return original(loss * self.under.steep, *args, **options)

    def apply(self, original: Callable[..., Any], optimizer: Any, pairs: Any, *args: Any, **options: Any) -> Any:
        pairs = list(pairs)
        op = original(optimizer, pairs, *args, **options)
        self.trainings.append(Training(op, self.loss, pairs))
        return op

    def run(self, original: Any, session: Any, fetches: Any, feed_dict: Any = None, **options: Any) -> Any:
        here = [training for training in self.trainings if training.graph is session.graph]
        fetched = [getattr(fetch, "op", fetch) for fetch in tf.nest.flatten(fetches)]
        due = [training for training in here if training.op in ancestors(fetched)]
        feed = self.far_off(feed_dict or {}) if due else feed_dict
        for training in due:
            training.steps.append(self.look(session, training, feed))
        if due and all(len(training.steps) >= self.under.steps for training in here):
            raise Enough
        return original(session, fetches, feed, **options)

    def far_off(self, feed: dict[Any, Any]) -> dict[Any, Any]:
        """Targets are what has one number for each example, and is no integer."""
        arrays = {place: np.asarray(value) for place, value in feed.items()}
        targets = {place for place, a in arrays.items() if a.dtype.kind == "f" and a.size == len(a)}
        return {place: a + self.under.far if place in targets else a for place, a in arrays.items()}

    def look(self, session: Any, training: Training, feed: dict[Any, Any]) -> Step:
        """What the training's next step is going to see and do."""
        ops = training.ops()
        squashes = [op for op in ops if op.type in SQUASHES]
        first = next((op.inputs[0] for op in ops if op.type in PRODUCTS), training.loss)
        with training.graph.as_default():
            gradients = {f"{i} {v.op.name}": tf.convert_to_tensor(g) for i, (g, v) in enumerate(training.pairs)}
            slopes = self.slopes(training.loss, [op.outputs[0] for op in squashes]) if self.under.slopes else []
        if self.under.scaled:
            x = self.evaluate(session, first, feed)
            feed = {**feed, first: x / np.max(np.abs(x))}
        known = {i: slope for i, slope in enumerate(slopes) if slope is not None}
        z = [op.inputs[0] for op in squashes]
        loss, inputs, z, known, gradients = self.evaluate(session, [training.loss, first, z, known, gradients], feed)
        seen = [Squash(op.type.lower(), z[i], known.get(i)) for i, op in enumerate(squashes)]
        return Step(float(np.mean(loss)), inputs, seen, gradients)

    def run_what_is_built(self) -> None:
        for training in self.trainings:
            if not training.steps:
                options = tf.ConfigProto(allow_soft_placement=True)  # towers name devices that are not here
                with suppress(Enough), training.graph.as_default(), tf.Session(config=options) as session:
                    session.run(tf.global_variables_initializer())
                    session.run(training.op, random_feed(training))


def random_feed(training: Training) -> dict[Any, Any]:
    """A batch for each placeholder of the training: standard normal numbers, or the integers 0 and 1."""
    rng = np.random.default_rng(0)
    places = [op.outputs[0] for op in ancestors([training.op]) if op.type == "Placeholder"]
    sizes = [tuple(ROWS if size is None else size for size in place.shape.as_list()) for place in places]
    return {
        place: rng.normal(size=size) if place.dtype.is_floating else rng.integers(2, size=size)
        for place, size in zip(places, sizes, strict=True)
    }


@contextmanager
def recording(under: Circumstances) -> Iterator[Recorder]:
    """A graph of its own, in which sessions and optimizers go through the recorder."""
    recorder = Recorder(under)
    with ExitStack() as stack:
        for hook in (
            through(tf.train.Optimizer, "compute_gradients", recorder.compute),
            through(tf, "gradients", recorder.gradients),
            through(tf.train.Optimizer, "apply_gradients", recorder.apply),
            through(tf.Session, "run", recorder.run),
            *((patch.object(tf, "scan", scan), patch.object(tf.nn, "dynamic_rnn", unroll)) if under.unrolled else ()),
        ):
            stack.enter_context(hook)
        stack.enter_context(tf.Graph().as_default())
        tf.set_random_seed(0)
        np.random.seed(0)
        random.seed(0)
        yield recorder


def scan(step: Callable[..., Any], elements: Any, initializer: Any) -> Any:
    """tf.scan as a Python loop, so that each state stands in the graph and its gradient can be asked for."""
    states = [initializer]
    for element in tf.unstack(elements):
        states.append(step(states[-1], element))
    return tf.stack(states[1:])


def unroll(cell: Any, inputs: Any, dtype: Any) -> Any:
    """tf.nn.dynamic_rnn, likewise."""
    outputs, state = tf.nn.static_rnn(cell, tf.unstack(inputs, axis=1), dtype=dtype)
    return tf.stack(outputs, axis=1), state


def contrib() -> ModuleType:
    """What is left of tf.contrib: slim became a package of its own, in which contrib.layers' optimize_loss lives on."""
    module = ModuleType("tensorflow.contrib")
    vars(module).update(slim=tf_slim, layers=importlib.import_module("tf_slim.layers.optimizers"))
    return module


@lru_cache(maxsize=2)  # a story whose models are looked at one by one is run once
def record(key: str, call: Callable[[Any], object], under: Circumstances) -> list[Steps]:
    """Load and drive a story: the steps of each of its trainings, in the order in which they were built."""
    with recording(under) as recorder:
        with suppress(Enough):
            call(tensorflow_steps.load(key))
        recorder.run_what_is_built()
    return [training.steps for training in recorder.trainings]


def attempt(key: str, run: story.Run) -> bool | str:
    """Whether the hazard of the run's rule is seen in the story's gradients, or what went wrong."""
    try:
        with redirect_stdout(sys.stderr):
            return tensorflow_steps.observe(record, key, run)
    except Exception:
        return traceback.format_exc()


def main() -> None:
    """Observe the stories named in the arguments, and print what was seen of their runs as one JSON object."""
    tf.contrib = contrib()
    sys.modules.update({"tensorflow": tf, "tensorflow.contrib": tf.contrib, "tensorflow.contrib.slim": tf_slim})
    print(json.dumps({key: [attempt(key, run) for run in tf1_stories.DRIVERS[key]] for key in sys.argv[1:]}))


if __name__ == "__main__":
    main()
