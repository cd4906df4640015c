"""How a framework table is written: one row a qualified name, read by link when it resolves a call.

A row says which canonical op a name means and how its arguments are spelled. The signature is a string of parameters in
positional order, each `canonical`, `canonical=spelled` or either with `:default`, for example

    op("clip", "x=input low=min:None high=max:None")        # torch.clamp(input, min=None, max=None)

A parameter whose canonical name nobody reads is written `_name` (it only holds a position).
"""

from __future__ import annotations

import ast
from typing import Literal, NamedTuple

Makes = Literal["value", "layer", "loss", "optimizer", "object", "effect"]


class Param(NamedTuple):
    """One parameter: the canonical name, how the library spells it, and the library's default if it has one."""

    name: str
    spelled: str
    default: object = ...


class Row(NamedTuple):
    """What one qualified name means: the op, its parameters in order, constants that the name implies."""

    op: str
    params: tuple[Param, ...]
    makes: Makes
    constants: dict[str, object]
    call: tuple[Param, ...] = ()  # for a layer or a loss: the parameters of the object's own call


def _params(signature: str) -> tuple[Param, ...]:
    params = []
    for word in signature.split():
        names, colon, default = word.partition(":")
        name, _, spelled = names.partition("=")
        params.append(Param(name, spelled or name, ast.literal_eval(default) if colon else ...))
    return tuple(params)


def op(name: str, signature: str = "x", **constants: object) -> Row:
    """A function of tensors: calling it gives a value of the canonical op."""
    return Row(name, _params(signature), "value", constants)


def layer(name: str, signature: str = "", call: str = "x", **constants: object) -> Row:
    """A constructor of a layer: calling the *result* gives a value of the op, with the settings given here."""
    return Row(name, _params(signature), "layer", constants, _params(call))


def loss(name: str, signature: str = "", call: str = "prediction target", **constants: object) -> Row:
    """A constructor of a loss object; `call` is the order of its own arguments."""
    return Row(name, _params(signature), "loss", constants, _params(call))


def optimizer(kind: str, signature: str, **constants: object) -> Row:
    """A constructor of an optimizer (`parameters lr momentum ...`, keras adds `clipnorm clipvalue global_clipnorm`)."""
    return Row(kind, _params(signature), "optimizer", constants)


def thing(kind: str, signature: str = "", **constants: object) -> Row:
    """A constructor of an object that only its methods give meaning: tape, model, data set, session, parser."""
    return Row(kind, _params(signature), "object", constants)


def effect(name: str, signature: str = "", **constants: object) -> Row:
    """A call that matters for what it does: backward, step, clip_gradients, fit, an initialisation in place."""
    return Row(name, _params(signature), "effect", constants)
