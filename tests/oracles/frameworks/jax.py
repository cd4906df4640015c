"""JAX, with optax for what it leaves to others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import NDArray

Array = NDArray[np.float64]

xp = jnp
relu = jax.nn.relu
KEY = jax.random.key(0)


def gradient(function: Callable[[Any, Any], Any], x: Array) -> Array:
    with jax.enable_x64(True):
        return np.asarray(jax.grad(lambda x: function(xp, x))(jnp.asarray(x)))


def huber(error: jax.Array) -> jax.Array:
    return optax.huber_loss(error, jnp.zeros_like(error), delta=1.0).sum()


def clip(gradient: Array) -> Array:
    with jax.enable_x64(True):
        cure = optax.clip_by_global_norm(1.0)
        clipped, _ = cure.update(jnp.asarray(gradient), cure.init(jnp.asarray(gradient)))
        return np.asarray(clipped)


def xavier(size: int) -> Array:
    return _drawn(jax.nn.initializers.glorot_normal(), size)


def he(size: int) -> Array:
    return _drawn(jax.nn.initializers.he_normal(), size)


def orthogonal(size: int) -> Array:
    return _drawn(jax.nn.initializers.orthogonal(), size)


def _drawn(initializer: Callable[..., jax.Array], size: int) -> Array:
    with jax.enable_x64(True):
        return np.asarray(initializer(KEY, (size, size), jnp.float64))


def adam(loss: Callable[[Any, list[Any]], Any], parameters: list[Array], rate: float, steps: int) -> list[Array]:
    with jax.enable_x64(True):
        weights = [jnp.asarray(p) for p in parameters]
        optimizer = optax.adam(rate)
        state, slope = optimizer.init(weights), jax.jit(jax.grad(lambda weights: loss(xp, weights)))
        for _ in range(steps):
            moves, state = optimizer.update(slope(weights), state)
            weights = optax.apply_updates(weights, moves)
        return [np.asarray(w) for w in weights]
