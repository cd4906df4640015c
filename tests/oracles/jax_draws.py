"""Random arrays as jax.random gives them, but drawn by NumPy.

JAX compiles a program for each shape that a story draws, which takes longer than all the rest of the story.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import jax
import numpy as np

from tests.oracles.witness import Array

Draw = Callable[[np.random.Generator, dict[str, Any]], Array]


def drawn(real: Callable[..., Any], draw: Draw) -> Callable[..., Any]:
    """`draw` in place of `real`; where something is only traced (flax asks for shapes so), the real one."""

    @wraps(real)
    def drawing(key: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(key, jax.core.Tracer):
            return real(key, *args, **kwargs)
        asked = signature(real).bind(key, *args, **kwargs)
        asked.apply_defaults()
        random = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
        return jax.numpy.asarray(draw(random, asked.arguments), asked.arguments["dtype"])

    return drawing


def truncated_normal(random: np.random.Generator, asked: dict[str, Any]) -> Array:
    draws = np.asarray(random.normal(size=asked["shape"]))
    while np.any(out := (draws < asked["lower"]) | (draws > asked["upper"])):
        draws[out] = random.normal(size=np.sum(out))
    return draws


DRAWS = {
    "normal": drawn(jax.random.normal, lambda random, asked: np.asarray(random.normal(size=asked["shape"]))),
    "truncated_normal": drawn(jax.random.truncated_normal, truncated_normal),
    "uniform": drawn(
        jax.random.uniform,
        lambda random, asked: np.asarray(random.uniform(asked["minval"], asked["maxval"], asked["shape"])),
    ),
}
