"""Small data for the stories, and the training loops that stand around a story's own loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch

COUNT = 40  # batches, as many as any story is driven for


def pairs(x: tuple[int, ...], y: tuple[int, ...], far: float = 1.0) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of normal inputs and targets of these shapes; the targets `far` times as large."""
    return [(torch.randn(x), far * torch.randn(y)) for _ in range(COUNT)]


def classes(x: tuple[int, ...], count: int, *more: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Batches of normal inputs and labels, one an input (or of shape (inputs, *more))."""
    return [(torch.randn(x), torch.randint(count, (x[0], *more))) for _ in range(COUNT)]


def words(vocabulary: int, *shape: int) -> list[torch.Tensor]:
    return [torch.randint(vocabulary, shape) for _ in range(COUNT)]


def descend(parameters: Iterable[torch.Tensor], loss: Callable[[], Any], steps: int = COUNT) -> None:
    """Minimise a story's loss where the loop around it is a library's."""
    optimizer = torch.optim.SGD(parameters, lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
