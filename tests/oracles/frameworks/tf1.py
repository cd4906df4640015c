"""TensorFlow 1: graphs and sessions through compat.v1, with all that came with version 2 off."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from numpy.typing import NDArray

Array = NDArray[np.float64]

tf.disable_v2_behavior()
tf.enable_v2_tensorshape()  # the demos read x.shape[0] as a number
xp = SimpleNamespace(asarray=tf.constant, where=tf.where, sum=tf.reduce_sum, abs=tf.abs, exp=tf.exp, tanh=tf.tanh)
relu = tf.nn.relu


def gradient(function: Callable[[Any, Any], Any], x: Array) -> Array:
    with tf.Graph().as_default(), tf.Session() as session:
        leaf = tf.placeholder(tf.float64, x.shape)
        (slope,) = tf.gradients(function(xp, leaf), [leaf])
        return np.asarray(session.run(slope, {leaf: x}))


def huber(error: tf.Tensor) -> tf.Tensor:
    return tf.losses.huber_loss(tf.zeros_like(error), error, reduction=tf.losses.Reduction.SUM)


def clip(gradient: Array) -> Array:
    (clipped,) = _run(lambda: tf.clip_by_global_norm([tf.constant(gradient)], 1.0)[0])
    return np.asarray(clipped)


def xavier(size: int) -> Array:
    return _drawn(tf.glorot_uniform_initializer, size)


def he(size: int) -> Array:
    return _drawn(lambda **options: tf.variance_scaling_initializer(2.0, **options), size)


def orthogonal(size: int) -> Array:
    return _drawn(tf.orthogonal_initializer, size)


def _drawn(initializer: Callable[..., Any], size: int) -> Array:
    options = {"seed": 0, "dtype": tf.float64}
    return np.asarray(_run(lambda: tf.get_variable("w", [size, size], tf.float64, initializer(**options))))


def _run(build: Callable[[], Any]) -> Any:
    with tf.Graph().as_default(), tf.Session() as session:
        built = build()
        session.run(tf.global_variables_initializer())
        return session.run(built)


def adam(loss: Callable[[Any, list[Any]], Any], parameters: list[Array], rate: float, steps: int) -> list[Array]:
    with tf.Graph().as_default(), tf.Session() as session:
        weights = [tf.Variable(p) for p in parameters]
        train = tf.train.AdamOptimizer(rate).minimize(loss(xp, weights))
        session.run(tf.global_variables_initializer())
        for _ in range(steps):
            session.run(train)
        return [np.asarray(w) for w in session.run(weights)]
