"""PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[np.float64]

xp = torch
relu = torch.relu


def gradient(function: Callable[[Any, Any], Any], x: Array) -> Array:
    leaf = torch.tensor(x, requires_grad=True)
    function(xp, leaf).backward()
    assert leaf.grad is not None
    return np.asarray(leaf.grad)


def huber(error: torch.Tensor) -> torch.Tensor:
    return nn.functional.huber_loss(error, torch.zeros_like(error), reduction="sum", delta=1.0)


def clip(gradient: Array) -> Array:
    parameter = nn.Parameter(torch.zeros(gradient.shape, dtype=torch.float64))
    parameter.grad = torch.tensor(gradient)
    nn.utils.clip_grad_norm_([parameter], 1.0)
    return np.asarray(parameter.grad)


def xavier(size: int) -> Array:
    return np.asarray(nn.init.xavier_uniform_(torch.empty(size, size, dtype=torch.float64)))


def he(size: int) -> Array:
    return np.asarray(nn.init.kaiming_normal_(torch.empty(size, size, dtype=torch.float64), nonlinearity="relu"))


def orthogonal(size: int) -> Array:
    return np.asarray(nn.init.orthogonal_(torch.empty(size, size, dtype=torch.float64)))


def adam(loss: Callable[[Any, list[Any]], Any], parameters: list[Array], rate: float, steps: int) -> list[Array]:
    leaves = [torch.tensor(p, requires_grad=True) for p in parameters]
    optimizer = torch.optim.Adam(leaves, lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(xp, leaves).backward()
        optimizer.step()
    return [np.asarray(leaf.detach()) for leaf in leaves]
