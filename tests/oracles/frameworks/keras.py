"""Keras 3 on TensorFlow: the demos run on keras.ops, the cures are layers' and optimizers' own arguments."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops
from numpy.typing import NDArray

Array = NDArray[np.float64]

xp = SimpleNamespace(
    asarray=ops.convert_to_tensor, where=ops.where, sum=ops.sum, abs=ops.absolute, exp=ops.exp, tanh=ops.tanh
)
relu = ops.relu


def gradient(function: Callable[[Any, Any], Any], x: Array) -> Array:
    leaf = ops.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(leaf)
        result = function(xp, leaf)
    return np.asarray(tape.gradient(result, leaf))


def huber(error: Any) -> Any:
    loss = keras.losses.Huber(delta=1.0, reduction="sum", dtype="float64")
    return loss(ops.zeros_like(error)[..., None], error[..., None])


def clip(gradient: Array) -> Array:
    """What `SGD(1.0, clipnorm=1.0)` takes from a weight of zero is the gradient that it clipped."""
    weight = keras.Variable(np.zeros_like(gradient), dtype="float64")
    keras.optimizers.SGD(1.0, clipnorm=1.0).apply([ops.convert_to_tensor(gradient)], [weight])
    return -np.asarray(weight)


def xavier(size: int) -> Array:
    return _kernel("glorot_uniform", size)


def he(size: int) -> Array:
    return _kernel("he_normal", size)


def orthogonal(size: int) -> Array:
    """The recurrent kernel of a SimpleRNN that was told nothing."""
    cell = keras.layers.SimpleRNNCell(size, dtype="float64")
    cell.build((1, 1))
    return np.asarray(cell.recurrent_kernel)


def _kernel(initializer: str, size: int) -> Array:
    layer = keras.layers.Dense(size, kernel_initializer=initializer, dtype="float64")
    layer.build((1, size))
    return np.asarray(layer.kernel)


def adam(loss: Callable[[Any, list[Any]], Any], parameters: list[Array], rate: float, steps: int) -> list[Array]:
    weights = [keras.Variable(p, dtype="float64") for p in parameters]
    optimizer = keras.optimizers.Adam(rate)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            result = loss(xp, [ops.convert_to_tensor(w) for w in weights])
        optimizer.apply(tape.gradient(result, [w.value for w in weights]), weights)
    return [np.asarray(w) for w in weights]
