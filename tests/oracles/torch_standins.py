"""What stories import beside torch, as far as they touch it before their gradients are seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from torch import nn


class Trainer:
    """The base of a story's trainer: its compute_loss is called by the driver."""


class LightningModule(nn.Module):
    """The base of a story's module: its training_step is called by the driver."""

    def log(self, *_: Any, **__: Any) -> None:
        pass


class MNIST:
    """Eighty digits of noise, in the bytes that torchvision's data attribute holds."""

    def __init__(self, root: str, train: bool = True, download: bool = False, transform: Any = None) -> None:
        self.data = torch.randint(0, 256, (80, 28, 28), dtype=torch.uint8)
        self.targets = torch.randint(10, (80,))


def get_linear_schedule_with_warmup(optimizer: Any, warmup: int, total: int) -> Any:
    """As transformers documents it: up from 0 in a line, and down again."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(step / warmup, (total - step) / (total - warmup))
    )


class GradualWarmupScheduler:
    """As warmup_scheduler documents it for a multiplier of 1: up from 0 in a line; its first epoch has rate 0."""

    def __init__(self, optimizer: Any, multiplier: float, total_epoch: int) -> None:
        self.schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / total_epoch))

    def step(self) -> None:
        self.schedule.step()


def balanced(size: int) -> torch.Tensor:
    """A matrix that carries a state on without changing its size."""
    return torch.eye(size)


PACKAGES: dict[str, Any] = {
    "fastai.basics": SimpleNamespace(Learner=object),
    "matrices": SimpleNamespace(balanced=balanced),
    "pytorch_lightning": SimpleNamespace(LightningModule=LightningModule),
    "torchvision": SimpleNamespace(datasets=SimpleNamespace(MNIST=MNIST), transforms=None),
    "torchvision.datasets": SimpleNamespace(MNIST=MNIST),
    "transformers": SimpleNamespace(
        Trainer=Trainer, TrainingArguments=object, get_linear_schedule_with_warmup=get_linear_schedule_with_warmup
    ),
    "warmup_scheduler": SimpleNamespace(GradualWarmupScheduler=GradualWarmupScheduler),
}
