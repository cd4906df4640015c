"""The lowered form of one file: scopes of values in program order. Plain data, free of syntax and of libraries.

A scope's `values` are a flat list. An operand is an index into that list, or, below zero, into `constants` counted from
the end (-1 is `constants[0]`), so that `results[operand]` reads either. Structured control is a value too: its block is
the values that follow it, up to an index in its `data`.

    load path                     read `a.b.c`                    store path [value]
    attr path [base]              read `.b.c` of a value          setattr name [base value]
    item [base index]             slice [low high step]           setitem [base index value]
    call names [callee args...]   names: '' positional, '*', '**' or a keyword; None when all are positional
    binary operator [a b]         augment operator [a b]          unary operator [x]    compare operator [a b]
    and or [a b]                  ifexp [test a b]                text [pieces...]      unknown [parts...]
    tuple list set [items...]     star [items]: unpacked in a display, call or comprehension
    dict [key value ...]          append [list item]              element [k n star] [value]: unpacking
    if [else end] [test]          loop end [iterable]             next [loop]           while_test [test]
    handler end                   with end [context]              return [x]   yield [x]   raise break continue
    module path                   from [module name level]        star_import [module level]
    function scope [defaults... decorators...]                    class scope [bases... keywords... decorators...]
    global [names]               field name: what a class annotates, in the order of its constructor's arguments
"""

from __future__ import annotations

from typing import Any

import msgspec

Constant = int | float | str | bool | None


class Value(msgspec.Struct, array_like=True, gc=False):
    """One step of a scope: what is done, to which earlier values, and the names or indices that go with it."""

    op: str
    operands: list[int]
    data: str | int | list[str | int] | None = None

    @property
    def text(self) -> str:
        """The name, path or operator that goes with the value."""
        return str(self.data)

    @property
    def number(self) -> int:
        """The index that goes with the value: the end of its block, or a scope."""
        return self.data if isinstance(self.data, int) else 0

    @property
    def parts(self) -> list[Any]:
        """The names and indices that go with the value."""
        return self.data if isinstance(self.data, list) else []


class Param(msgspec.Struct, array_like=True, gc=False):
    """A parameter: kind is 'pos', 'kw' (keyword only), '*' or '**'; `default` says whether one is given."""

    name: str
    kind: str
    default: bool


class Scope(msgspec.Struct, array_like=True):
    """A module, function or class body. `decorators` and `keywords` split the operands of its definition."""

    kind: str
    name: str
    params: list[Param]
    values: list[Value]
    constants: list[Constant]
    keywords: list[str]
    decorators: int
    generator: bool


class Graph(msgspec.Struct, array_like=True, eq=False):
    """One file, lowered: `scopes[0]` is the module."""

    filename: str
    scopes: list[Scope]

    @property
    def size(self) -> int:
        """How many values all scopes have."""
        return sum(len(scope.values) for scope in self.scopes)
