"""Every squash inside a loss, as JAX computes it: pre-activations, and the loss's gradients by what comes out.

Whatever library built the network (flax, haiku, equinox, stax or nobody) and whatever name a squash has there, in the
jaxpr of the loss it is `tanh`, `logistic` or a `max` with 0. So the jaxpr is run here, one primitive after the other,
and a zero is added to the output of each squash: the gradient by that zero is the gradient by the output.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, jaxpr_as_fun

from tests.oracles.witness import Array

SQUASHES = {"tanh": "tanh", "logistic": "sigmoid", "max": "relu"}
JIT, VALUE_AND_GRAD, SCAN = jax.jit, jax.value_and_grad, jax.lax.scan  # the recorder patches them

Site = tuple[tuple[str, int], ...]  # files and lines on the way to a primitive
Zeros = Iterator[Any] | None
SEEN: dict[str, Jaxpr] = {}


@dataclass
class Squash:
    """One squash, by step where a scan repeats it (else there is one step): pre-activation and gradient by output."""

    kind: str
    site: Site
    z: Array
    gradient: Array


def known(graph: ClosedJaxpr) -> Jaxpr:
    """The first jaxpr that reads like this one: what was compiled for a step serves the next one too."""
    return SEEN.setdefault(str(graph.jaxpr), graph.jaxpr)


@partial(JIT, static_argnums=0)
def differentiate(jaxpr: Jaxpr, scale: Any, consts: Any, leaves: Any) -> Any:
    """All outputs, the first of them `scale` times as large, and its gradient by the leaves."""

    def loss(leaves: Any) -> Any:
        first, *rest = jaxpr_as_fun(ClosedJaxpr(jaxpr, consts))(*leaves)
        return scale * first, rest

    (first, rest), gradients = VALUE_AND_GRAD(loss, has_aux=True)(leaves)
    return [first, *rest], gradients


def squashes(graph: ClosedJaxpr, leaves: Sequence[Any]) -> list[Squash]:
    """The squashes of a loss in the order they run."""
    zs, gradients = by_outputs(known(graph), graph.consts, leaves)
    return [
        Squash(place.kind, place.site, *(np.asarray(a) if place.scanned else np.asarray(a)[None] for a in arrays))
        for place, *arrays in zip(places(graph), zs, gradients, strict=True)
    ]


@partial(JIT, static_argnums=0)
def by_outputs(jaxpr: Jaxpr, consts: Any, leaves: Any) -> Any:
    """The pre-activations of all squashes, and the loss's gradients by their outputs."""
    graph = ClosedJaxpr(jaxpr, consts)
    shapes = jax.eval_shape(lambda: run(graph, leaves)[1])

    def loss(zeros: Any) -> Any:
        outputs, zs = run(graph, leaves, iter(zeros))
        return outputs[0], zs

    (_, zs), gradients = VALUE_AND_GRAD(loss, has_aux=True)([jnp.zeros(s.shape, s.dtype) for s in shapes])
    return zs, gradients


@dataclass
class Place:
    """Where a primitive stands: a squash (or none), and whether a scan repeats it."""

    kind: str | None
    site: Site
    scanned: bool


def walk(graph: ClosedJaxpr, outer: Site = (), scanned: bool = False) -> Iterator[Place]:
    """The places of all primitives, those of inner functions in the place of their call."""
    for eqn in graph.jaxpr.eqns:
        trace = eqn.source_info.traceback
        site = outer + (tuple((frame.file_name, frame.line_num) for frame in trace.frames) if trace else ())
        if (inner := inner_of(eqn)) is not None:
            yield from walk(inner, site, scanned or eqn.primitive.name == "scan")
        else:
            yield Place(SQUASHES[eqn.primitive.name] if squashed(eqn) is not None else None, site, scanned)


def places(graph: ClosedJaxpr) -> list[Any]:
    """The places of the squashes."""
    return [place for place in walk(graph) if place.kind]


def inner_of(eqn: JaxprEqn) -> ClosedJaxpr | None:
    """The function that a jit, a scan or a custom derivative calls."""
    inner = eqn.params.get("jaxpr", eqn.params.get("call_jaxpr"))
    return inner if isinstance(inner, ClosedJaxpr) else None


def squashed(eqn: JaxprEqn) -> int | None:
    """The position of what goes into a squash; nothing where the primitive is none, as a `max` of two arrays."""
    if eqn.primitive.name in ("tanh", "logistic"):
        return 0
    zeros = [isinstance(atom, Literal) and not np.any(atom.val) for atom in eqn.invars]
    return zeros.index(False) if eqn.primitive.name == "max" and any(zeros) else None


def run(graph: ClosedJaxpr, values: Sequence[Any], zeros: Zeros = None) -> tuple[list[Any], list[Any]]:
    """The outputs of a graph for `values`, and the pre-activations of its squashes; `zeros` are added behind them."""
    known = dict(zip([*graph.jaxpr.constvars, *graph.jaxpr.invars], [*graph.consts, *values], strict=True))
    zs: list[Any] = []

    def read(atom: Any) -> Any:
        return atom.val if isinstance(atom, Literal) else known[atom]

    for eqn in graph.jaxpr.eqns:
        outputs, inside = apply(eqn, [read(atom) for atom in eqn.invars], zeros)
        known.update(zip(eqn.outvars, outputs, strict=True))
        zs += inside
    return [read(atom) for atom in graph.jaxpr.outvars], zs


def apply(eqn: JaxprEqn, values: list[Any], zeros: Zeros) -> tuple[list[Any], list[Any]]:
    """The same for one primitive."""
    if (inner := inner_of(eqn)) is not None:
        return scan(eqn, inner, values, zeros) if eqn.primitive.name == "scan" else run(inner, values, zeros)
    output = eqn.primitive.bind(*values, **eqn.primitive.get_bind_params(eqn.params))
    if (position := squashed(eqn)) is not None:
        return [output if zeros is None else output + next(zeros)], [values[position]]
    return output if eqn.primitive.multiple_results else [output], []


def scan(eqn: JaxprEqn, body: ClosedJaxpr, values: list[Any], zeros: Zeros) -> tuple[list[Any], list[Any]]:
    """The same for a scan; pre-activations and zeros have one more axis, the steps."""
    constants, width = eqn.params["num_consts"], eqn.params["num_carry"]
    fixed, carry, sequences = values[:constants], values[constants : constants + width], values[constants + width :]
    added = None if zeros is None else [next(zeros) for _ in places(body)]

    def step(carry: Any, slices: Any) -> Any:
        xs, added = slices
        outputs, zs = run(body, [*fixed, *carry, *xs], None if added is None else iter(added))
        return outputs[:width], (outputs[width:], zs)

    options = {name: eqn.params[name] for name in ("length", "reverse")}
    carry, (ys, zs) = SCAN(step, carry, (sequences, added), **options)
    return [*carry, *ys], zs
