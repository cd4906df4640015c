"""Stories of relu-dead-init and relu-high-lr."""

from __future__ import annotations

import functools
from typing import Any

import torch

from tests.oracles import story
from tests.oracles.story import Drivers, cells
from tests.oracles.torch_stories.data import classes, descend, pairs

dead = functools.partial(story.hazard, "relu-dead-init")
alive = functools.partial(story.healthy, "relu-dead-init")
steep = functools.partial(story.hazard, "relu-high-lr")
gentle = functools.partial(story.healthy, "relu-high-lr")


def rate(s: Any, train: str) -> None:
    getattr(s, train)(learnable(20))


def learnable(features: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(x, x[:, :1]) for x, _ in pairs((16, features), (1,))]


def detected(s: Any) -> None:
    """Images of many colours: of grey noise all pooled features are the same, and so is the sign of each unit."""
    model = s.Detector()
    images = 2.0 * torch.randn(32, 3, 1, 1) + torch.randn(32, 3, 16, 16)
    descend(model.parameters(), lambda: model(images).square().mean())


def argparsed(s: Any) -> None:
    model = s.make_model()
    s.train(model, s.make_optimizer(model, s.options()), [(x, (x[:, 0] > 0).long()) for x, _ in pairs((32, 16), (1,))])


def convolved(s: Any) -> None:
    s.Trainer(s.Net()).fit(classes((8, 1, 14, 14), 10))


def digits(s: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return classes((32, 784), 10)


def started(s: Any, start: str) -> None:
    s.train(s.two_layers(getattr(s, start)), digits(s))


def two_steps(s: Any) -> None:
    s.train([(torch.randn(16, 30), torch.randn(16, 30), torch.randint(10, (16,)))])


DEAD, RATE = "relu_dead_init/torch_", "relu_high_lr/torch_"
DRIVERS: Drivers = {
    f"{DEAD}all_parameters_zero.py": [dead(lambda s: s.train(classes((16, 30), 2)))],
    f"{DEAD}bare_tensors_rescaled.py": [alive(lambda s: s.train(digits(s)))],
    f"{DEAD}he_cells.ipynb": [alive(cells)],
    f"{DEAD}kaiming_and_priors.py": [alive(detected)],
    f"{DEAD}named_modules.py": [
        dead(lambda s: s.train(s.Classifier(), digits(s))),
        alive(lambda s: s.train(s.HeadOnly(), digits(s))),
    ],
    f"{DEAD}one_hidden_randn.py": [alive(lambda s: s.main())],
    f"{DEAD}shut_bias.py": [dead(lambda s: s.main())],
    f"{DEAD}transposed_randn.py": [dead(lambda s: s.train(digits(s)))],
    f"{DEAD}uniform_from_zero.py": [
        dead(lambda s: started(s, "positive")),
        alive(lambda s: started(s, "slightly_positive")),
        alive(lambda s: started(s, "symmetric")),
        alive(lambda s: s.train(s.lone_layer(), classes((32, 256), 10))),
    ],
    f"{DEAD}wide_tower.py": [dead(lambda s: s.main())],
    f"{DEAD}zero_state_own_matrix.py": [alive(two_steps)],
    f"{DEAD}zeroed_by_apply.py": [dead(lambda s: s.main())],
    f"{RATE}adam_half.py": [steep(convolved)],
    f"{RATE}argparse_sgd.py": [steep(argparsed)],
    f"{RATE}linear_and_divided.py": [
        gentle(lambda s: s.linear(x := torch.randn(256, 10), 300 * x[:, :1])),
        gentle(lambda s: s.rectified(torch.randn(256, 10), torch.randint(3, (256,)))),
    ],
    f"{RATE}noam_schedule.py": [gentle(lambda s: s.main())],
    f"{RATE}rate_cells.ipynb": [steep(cells)],
    f"{RATE}rate_in_groups.py": [
        steep(lambda s: rate(s, "constant")),
        steep(lambda s: rate(s, "by_hand")),
        gentle(lambda s: rate(s, "stepwise")),
        gentle(lambda s: rate(s, "warmed_up")),
        gentle(lambda s: rate(s, "linear")),
    ],
}
EXEMPT = {f"{RATE}trainer_rates.py": "the trainers of Lightning, fastai and transformers take the steps"}
