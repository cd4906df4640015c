"""How a framework table is written: one row a qualified name, read by link when it resolves a call.

A row says which canonical op a name means and how its arguments are spelled. The signature is a string of parameters in
positional order, each `canonical`, `canonical=spelled` or either with `:default`, for example

    op("clip", "x=input low=min:None high=max:None")        # torch.clamp(input, min=None, max=None)

A parameter whose canonical name nobody reads is written `_name` (it only holds a position). Spellings that changed
between versions stand side by side, `lr=learning_rate/lr`, `axis/dim`. `*name` takes the remaining positional
arguments, `**name` the remaining keywords, and what follows `*name` or a bare `*` can only be given by keyword.
Keywords that a signature does not list are of no interest.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Literal, NamedTuple

Makes = Literal["value", "layer", "loss", "optimizer", "object", "effect"]
Kind = Literal["plain", "rest", "keyword", "options"]


class Param(NamedTuple):
    """One parameter: the canonical name, how the library spells it, and the library's default if it has one."""

    name: str
    spelled: str
    default: object = ...
    also: tuple[str, ...] = ()  # other spellings of the same parameter
    kind: Kind = "plain"


class Row(NamedTuple):
    """What one qualified name means: the op, its parameters in order, constants that the name implies."""

    op: str
    params: tuple[Param, ...]
    makes: Makes
    constants: dict[str, object]
    call: tuple[Param, ...] = ()  # for a layer or a loss: the parameters of the object's own call


_literal = cache(ast.literal_eval)


def _param(word: str, kind: Kind) -> Param:
    names, colon, default = word.partition(":")
    name, _, spelled = names.partition("=")
    first, *also = (spelled or name).split("/")
    return Param(name.split("/")[0], first, _literal(default) if colon else ..., tuple(also), kind)


@cache
def _params(signature: str) -> tuple[Param, ...]:
    params: list[Param] = []
    kind: Kind = "plain"
    for word in signature.split():
        if word.startswith("**"):
            params.append(_param(word[2:], "options"))
        elif word.startswith("*"):
            params += [_param(word[1:], "rest")] if word[1:] else []
            kind = "keyword"
        else:
            params.append(_param(word, kind))
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


def rows(prefix: str, table: dict[str, Row]) -> dict[str, Row]:
    """Spell a table out: a key may list several names that mean the same, `{"clamp clip": ...}`; each gets `prefix`."""
    return {prefix + name: row for names, row in table.items() for name in names.split()}


def alike(names: str, signature: str = "x") -> dict[str, Row]:
    """Functions that a library calls by the canonical name."""
    return {name: op(name, signature) for name in names.split()}


def in_place(row: Row) -> Row:
    """The variant of a function that overwrites its first operand with the result."""
    return row._replace(constants={**row.constants, "inplace": True})
