"""Runs a story that uses JAX and records each gradient that it takes, and what of it reaches the optimizer.

Patched are `jax.grad` and `value_and_grad` (flax's, haiku's and equinox's twins call them), `jax.jit` (so that all
arrays are at hand), the optimizers of optax and of JAX, random draws (only for speed), and names that are gone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property, wraps
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import jax
import jax.experimental
import numpy as np
import optax
from flax import nnx
from jax._src import random as inner_random  # where JAX's own initializers draw
from jax.example_libraries import optimizers, stax
from jax.extend.core import ClosedJaxpr

from tests.oracles.jax_draws import DRAWS
from tests.oracles.jax_trace import SCAN, Site, Squash, differentiate, known, squashes, walk
from tests.oracles.witness import Array, Gradients

OPTIMIZER = nnx.Optimizer
GONE = {"jax.experimental.stax": stax, "jax.experimental.optimizers": optimizers}


class EnoughError(Exception):
    """Ends a story that would go on training."""


@dataclass
class Call:
    """One gradient that a story took of a loss, by its parameters."""

    graph: ClosedJaxpr  # takes the parameters, gives the loss first; the data is among its constants
    parameters: Any  # a tree
    scale: float  # how much steeper the loss was made
    stack: frozenset[int]  # the story's lines that were active when it asked for the gradient
    lines: set[int]  # these, those the loss ran, and those of the optimizer
    arrived: Gradients | None = None  # what reached the optimizer

    @cached_property
    def derived(self) -> tuple[list[Any], list[Any]]:
        """All that the loss gives, itself first, and its gradients by the leaves."""
        outputs, gradients = differentiate(known(self.graph), self.scale, self.graph.consts, self.leaves)
        return outputs, gradients

    @property
    def leaves(self) -> list[Any]:
        return list(jax.tree.leaves(self.parameters))

    @property
    def loss(self) -> float:
        return float(self.derived[0][0])

    @property
    def gradients(self) -> Gradients:
        return named(jax.tree.unflatten(jax.tree.structure(self.parameters), self.derived[1]))

    def squashes(self, gain: float = 1.0) -> list[Squash]:
        """Everything squashed on the way to the loss, with all parameters `gain` times as large."""
        return squashes(self.graph, [gain * np.asarray(leaf) for leaf in self.leaves])

    def scaled(self, size: float) -> tuple[Array, Gradients]:
        """The batch, and the gradients on the same batch with `size` for its largest entry."""
        floats = [c for c in self.graph.consts if np.ndim(c) > 1 and np.issubdtype(c.dtype, np.floating)]
        batch = max(floats, key=lambda c: float(np.max(np.abs(c))))
        smaller = [c / np.max(np.abs(c)) * size if c is batch else c for c in self.graph.consts]
        gradients = differentiate(known(self.graph), self.scale, smaller, self.leaves)[1]
        return np.asarray(batch), dict(zip(self.gradients, map(np.asarray, gradients), strict=True))


@dataclass
class Recorder:
    """Records a story. `packages` stand in for imports, the loss is made `scale` times as steep. The story ends when it
    asks for the last of `limit` gradients, or, if `arrival` is all that is looked at, when that has reached the
    optimizer, which then takes no steps."""

    path: Path
    packages: Mapping[str, Any] = field(default_factory=dict)
    scale: float = 1.0
    limit: int = 1
    arrival: bool = False
    inside: bool = False  # of a loss
    calls: list[Call] = field(default_factory=list)

    def run(self, drive: Callable[[Any], object]) -> list[Call]:
        """Load the story, drive it; the calls it made come out."""
        np.random.seed(0)  # for stories that draw their batches
        story = ModuleType(self.path.stem)
        with self.patched(), suppress(EnoughError), mock.patch.dict(sys.modules, {story.__name__: story}):
            exec(compile(self.path.read_text(), str(self.path), "exec"), vars(story))
            drive(story)
        return self.calls

    @contextmanager
    def patched(self) -> Iterator[None]:
        gradients = {"value_and_grad": self.value_and_grad, "grad": self.grad}
        of_optax = {name: self.optax_twin(getattr(optax, name)) for name in ("adam", "adamw", "sgd")}
        own = {name: self.own_twin(getattr(optimizers, name)) for name in ("adam", "momentum", "sgd")}
        with ExitStack() as stack:
            for module, names in (
                (jax, {**gradients, "jit": as_is}),
                (jax.lax, {"scan": self.scan}),
                (jax.random, DRAWS),
                (inner_random, DRAWS),
                (optax, of_optax),
                (optimizers, own),
                (nnx, {"Optimizer": either_optimizer}),
            ):
                stack.enter_context(replaced(module, names))
            stack.enter_context(mock.patch.multiple(jax.experimental, create=True, stax=stax, optimizers=optimizers))
            stack.enter_context(mock.patch.dict(sys.modules, {**GONE, **self.packages}))
            yield

    def value_and_grad(self, fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, **_: Any) -> Any:
        """As jax.value_and_grad, recorded."""

        @wraps(fun)
        def taken(*args: Any, **kwargs: Any) -> Any:
            numbers = [argnums] if isinstance(argnums, int) else argnums

            def loss(*chosen: Any) -> Any:
                given = dict(zip(numbers, chosen, strict=True))
                return fun(*(given.get(i, arg) for i, arg in enumerate(args)), **kwargs)

            values, gradients = self.record(loss, [args[i] for i in numbers])
            return values, gradients[0] if isinstance(argnums, int) else gradients

        return taken

    def record(self, loss: Callable[..., Any], chosen: Sequence[Any]) -> tuple[Any, Any]:
        """What the loss gives (with auxiliary values, if it has them), and its gradients by all it takes."""
        self.inside = True
        graph, shape = jax.make_jaxpr(loss, return_shape=True)(*chosen)
        self.inside = False
        stack = frozenset(self.active())
        lines = stack | {line for place in walk(graph) for line in self.own(place.site)}
        call = Call(graph, tuple(chosen), self.scale, stack, set(lines))
        self.calls.append(call)
        self.end(not self.arrival)
        outputs, gradients = call.derived
        return (
            jax.tree.unflatten(jax.tree.structure(shape), outputs),
            jax.tree.unflatten(jax.tree.structure(call.parameters), gradients),
        )

    def end(self, now: bool) -> None:
        if now and len(self.calls) == self.limit:
            raise EnoughError

    def grad(self, fun: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, **_: Any) -> Any:
        """As jax.grad, recorded."""
        both = self.value_and_grad(fun, argnums)

        @wraps(fun)
        def taken(*args: Any, **kwargs: Any) -> Any:
            values, gradients = both(*args, **kwargs)
            return (gradients, values[1]) if has_aux else gradients

        return taken

    def scan(self, body: Callable[..., Any], carry: Any, xs: Any, *args: Any, **options: Any) -> Any:
        """As jax.lax.scan; where the story itself calls it outside of any loss, it may be the training: a loop then."""
        if sys._getframe(1).f_code.co_filename != str(self.path) or self.inside:
            return SCAN(body, carry, xs, *args, **options)
        rows = []
        for i in range(len(jax.tree.leaves(xs)[0])):
            carry, row = body(carry, jax.tree.map(lambda a, i=i: a[i], xs))
            rows.append(row)
        return carry, jax.tree.map(lambda *column: jax.numpy.stack(column), *rows)

    def optax_twin(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """One of optax's optimizers; what arrives there, behind all that is chained before it, is recorded."""

        @wraps(make)
        def made(*args: Any, **kwargs: Any) -> Any:
            real, born = make(*args, **kwargs), set(self.active())

            def update(updates: Any, state: Any, params: Any = None, **extra: Any) -> Any:
                self.arrive(updates, born)
                if self.arrival:
                    return jax.tree.map(np.zeros_like, updates), state
                return real.update(updates, state, params, **extra)

            return optax.GradientTransformationExtraArgs(real.init, update)

        return made

    def own_twin(self, make: Callable[..., Any]) -> Callable[..., Any]:
        """The same for JAX's own optimizers, each of them three functions."""

        @wraps(make)
        def made(*args: Any, **kwargs: Any) -> Any:
            real, born = make(*args, **kwargs), set(self.active())

            def update(step: int, gradients: Any, state: Any) -> Any:
                self.arrive(gradients, born)
                return state if self.arrival else real.update_fn(step, gradients, state)

            return optimizers.Optimizer(real.init_fn, update, real.params_fn)

        return made

    def arrive(self, gradients: Any, born: set[int]) -> None:
        self.calls[-1].arrived = named(gradients)
        self.calls[-1].lines |= born | set(self.active())
        self.end(self.arrival)

    def own(self, site: Site) -> Iterator[int]:
        return (line for file, line in site if file == str(self.path))

    def active(self) -> Iterator[int]:
        """The story's lines on the stack."""
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == str(self.path):
                yield frame.f_lineno
            frame = frame.f_back  # type: ignore[assignment]


def replaced(module: Any, names: dict[str, Any]) -> Any:
    return mock.patch.multiple(module, **names)


def named(tree: Any) -> Gradients:
    """The arrays of a tree by their paths, in the tree's order."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def as_is(fun: Any = None, **_: Any) -> Any:
    """In place of jax.jit."""
    return fun or as_is


def either_optimizer(model: Any, tx: Any, wrt: Any = None) -> Any:
    """nnx.Optimizer as it is now; without `wrt` as it was: it holds the model, and update takes gradients alone."""
    return OPTIMIZER(model, tx, wrt=wrt) if wrt else nnx.ModelAndOptimizer(model, tx)
