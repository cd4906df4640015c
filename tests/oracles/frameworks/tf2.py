"""TensorFlow 2, eager, with a tape; the demos run on its NumPy interface."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow.experimental.numpy as tnp
from numpy.typing import NDArray

Array = NDArray[np.float64]

xp = tnp
relu = tf.nn.relu


def gradient(function: Callable[[Any, Any], Any], x: Array) -> Array:
    leaf = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(leaf)
        result = function(xp, leaf)
    return np.asarray(tape.gradient(result, leaf))


def huber(error: tf.Tensor) -> tf.Tensor:
    loss = tf.keras.losses.Huber(delta=1.0, reduction="sum", dtype="float64")
    return loss(tf.zeros_like(error)[..., None], error[..., None])


def clip(gradient: Array) -> Array:
    (clipped,), _ = tf.clip_by_global_norm([tf.constant(gradient)], 1.0)
    return np.asarray(clipped)


def xavier(size: int) -> Array:
    return _drawn(tf.keras.initializers.GlorotUniform(seed=0), size)


def he(size: int) -> Array:
    return _drawn(tf.keras.initializers.HeNormal(seed=0), size)


def orthogonal(size: int) -> Array:
    return _drawn(tf.keras.initializers.Orthogonal(seed=0), size)


def _drawn(initializer: Callable[..., tf.Tensor], size: int) -> Array:
    return np.asarray(initializer((size, size), dtype="float64"))


def adam(loss: Callable[[Any, list[Any]], Any], parameters: list[Array], rate: float, steps: int) -> list[Array]:
    weights = [tf.Variable(p) for p in parameters]
    optimizer = tf.keras.optimizers.Adam(rate)
    for _ in range(steps):
        with tf.GradientTape() as tape:
            result = loss(xp, weights)
        optimizer.apply_gradients(zip(tape.gradient(result, weights), weights, strict=True))
    return [w.numpy() for w in weights]
