"""In which order a class's bases are searched."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def linear(lines: list[list[T]]) -> list[T]:
    """Lines of ancestors merged into one, as C3 does: nobody comes before one of its own descendants."""
    merged: list[T] = []
    lines = [list(line) for line in lines if line]
    while lines:
        heads = [line[0] for line in lines]
        free = (head for head in heads if not any(head is node for line in lines for node in line[1:]))
        first = next(free, heads[0])  # Python would refuse these bases
        merged.append(first)
        lines = [kept for line in lines if (kept := [node for node in line if node is not first])]
    return merged
