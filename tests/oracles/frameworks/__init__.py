"""Each framework as the demos' oracle: one module a framework, all with the same nine names.

- `xp`: what a demo's `forward(xp, x)` computes with;
- `gradient(function, x)`: the gradient of the scalar `function(xp, x)` by `x`, in float64, as the framework finds it;
- the cures of the rules' pages, as the framework itself spells them: `huber(error)` (a scalar, delta 1),
  `clip(gradient)` (to norm 1), `relu(z)`, `xavier(size)`, `he(size)`, `orthogonal(size)` (square starting weights) and
  `adam(loss, parameters, rate, steps)` (the parameters after so many steps down the scalar `loss(xp, parameters)`).

Arrays that go in and come out are NumPy's; inside of `function` and `loss` they are the framework's.
"""

from __future__ import annotations

import functools
import importlib
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

NAMES = ("torch", "tf2", "keras", "tf1", "jax")


def framework(name: str) -> Any:
    """The module that speaks for a framework, which it imports."""
    return importlib.import_module(f"tests.oracles.frameworks.{name}")


def call(name: str, function: Callable[..., None], *arguments: object) -> None:
    """Call `function(framework, *arguments)`; for TensorFlow 1 in a process of its own, where version 2 is off."""
    if name == "tf1":
        _process().submit(_call, name, function, *arguments).result()
    else:
        _call(name, function, *arguments)


def _call(name: str, function: Callable[..., None], *arguments: object) -> None:
    function(framework(name), *arguments)


@functools.cache
def _process() -> ProcessPoolExecutor:
    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=_legacy)


def _legacy() -> None:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported: Keras 3 dropped the layers of version 1
