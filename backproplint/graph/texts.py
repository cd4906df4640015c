"""Texts put together from constants: names of layers and keys such as "fc%d" % k, f"W{k}", "layer{}".format(k)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backproplint.graph.nodes import Const, Node, Seq

_LONGEST = 200  # longer texts are prose, and no gradient hangs on them
_WIDE = re.compile(r"\d{3}|\*")  # a width that could build a text of any size


def percent(template: str, values: Node) -> Const | None:
    """`template % values`."""
    parts = values.items if isinstance(values, Seq) else (values,)
    known = _values(template, parts)
    if known is None:
        return None
    try:
        return _text(template % tuple(known), parts)
    except (TypeError, ValueError, OverflowError):
        return None


def braces(template: str, parts: Sequence[Node]) -> Const | None:
    """`template.format(*parts)`."""
    known = _values(template, parts)
    if known is None:
        return None
    try:
        return _text(template.format(*known), parts)
    except (IndexError, KeyError, ValueError, AttributeError, TypeError, OverflowError):
        return None


def joined(parts: Sequence[Node]) -> Const | None:
    """The pieces of an f-string, one after the other."""
    known = _values("", parts)
    return None if known is None else _text("".join(str(value) for value in known), parts)


def _values(template: str, parts: Sequence[Node]) -> list[object] | None:
    known: list[object] = [part.value for part in parts if isinstance(part, Const)]
    return known if len(known) == len(parts) and _WIDE.search(template) is None else None


def _text(text: str, parts: Sequence[Node]) -> Const | None:
    if len(text) > _LONGEST:
        return None
    known = [part for part in parts if isinstance(part, Const)]
    made = Const(text, next((part.assumed for part in known if part.assumed), ""))
    made.varies = any(part.varies for part in known)
    return made
