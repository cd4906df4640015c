"""Stories of clip-before-loss: with every error far beyond the bounds, a hazard leaves no gradient at all."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from tests.oracles import story
from tests.oracles.story import Drivers, cells
from tests.oracles.torch_stories.data import descend, pairs

FAR = 1e6
FOLDER = "clip_before_loss"

hazard = functools.partial(story.hazard, "clip-before-loss")
healthy = functools.partial(story.healthy, "clip-before-loss")


def far(x: tuple[int, ...], y: tuple[int, ...]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return pairs(x, y, FAR)


def dqn(s: Any) -> None:
    learner = s.Learner(SimpleNamespace(lr=1e-3, gamma=0.99))
    for _ in range(40):
        learner.memory.append((torch.randn(4), torch.randint(2, (1,)), torch.tensor(FAR), torch.randn(4)))
    learner.learn()


def agent(s: Any, kind: str) -> None:
    values = nn.Linear(5, 3)
    getattr(s, kind)(values).learn((torch.randn(16, 5), torch.randint(3, (16, 1)), FAR * torch.randn(16, 1)))


def off_the_path(s: Any) -> None:
    model = s.net(3)
    s.tame(model)
    batch = torch.randn(16, 6), torch.randint(3, (16,)), FAR * torch.randn(16), torch.randn(16, 6)
    s.learn(model, s.net(3), torch.optim.RMSprop(model.parameters(), lr=5e-4), batch)


def critic(s: Any) -> None:
    model = s.net(1)
    s.critic_step(model, torch.optim.RMSprop(model.parameters()), FAR * torch.randn(16, 6), torch.randn(16, 6))


def keeps(s: Any, loss: Any) -> None:
    model = nn.Linear(5, 1)
    descend(model.parameters(), lambda: loss(FAR * model(torch.randn(16, 5))))


def ppo(s: Any) -> None:
    """Far outside the trusted region, where a bounded ratio alone would have no gradient."""
    net = s.ActorCritic()
    batch = (torch.randn(64, 8), torch.randint(4, (64,)), torch.full((64,), -14.0))
    values = -torch.rand(64), FAR * torch.randn(64), FAR * torch.randn(64)
    descend(net.parameters(), lambda: s.ppo_loss(net, (*batch, *values)))


def part(s: Any, loss: Any) -> None:
    """A story's own part of the loss, without the size of the weights that another part adds."""
    model, (x, y) = nn.Linear(6, 1), far((16, 6), (16, 1))[0]
    descend(model.parameters(), lambda: loss(s, model, x, y))


def named(s: Any, fit: str, outputs: int, **options: Any) -> None:
    model = nn.Linear(6, outputs)
    getattr(s, fit)(model, torch.optim.SGD(model.parameters(), lr=0.1), far((16, 6), (16, 1)), **options)


def trainer_loss(s: Any) -> None:
    model = s.network()
    x, y = far((16, 20), (16, 1))[0]
    descend(model.parameters(), lambda: s.Capped().compute_loss(model, {"x": x, "y": y}))


def learner_loss(s: Any) -> None:
    model = s.network()
    x, y = far((16, 20), (16, 1))[0]
    descend(model.parameters(), lambda: s.capped_square(model(x), y))


def lightning_loss(s: Any) -> None:
    system, batch = s.System(), far((16, 20), (16, 1))[0]
    descend(system.parameters(), lambda: system.training_step(batch, 0)["loss"])


DRIVERS: Drivers = {
    f"{FOLDER}/torch_clamp_in_place.py": [hazard(lambda s: s.train(s.OffsetHead(), far((16, 32), (16, 2))))],
    f"{FOLDER}/torch_clips_off_the_path.py": [healthy(off_the_path), healthy(critic)],
    f"{FOLDER}/torch_clips_that_keep_a_gradient.py": [
        healthy(lambda s: keeps(s, lambda error: s.straight_through(error).pow(2).mean())),
        healthy(lambda s: keeps(s, lambda error: s.PassThrough.apply(error).abs().mean())),
        healthy(lambda s: keeps(s, s.range_penalty)),
        healthy(lambda s: s.main(), far=FAR),
    ],
    f"{FOLDER}/torch_dqn_clamp_pow.py": [hazard(dqn)],
    f"{FOLDER}/torch_dqn_walkthrough.ipynb": [hazard(cells, far=FAR)],
    f"{FOLDER}/torch_huber_and_hinge.py": [
        healthy(lambda s: keeps(s, s.huber)),
        healthy(lambda s: keeps(s, lambda gap: s.hinge(gap, gap.abs() + FAR))),
        healthy(lambda s: s.main()),
    ],
    f"{FOLDER}/torch_max_min_huber.py": [
        hazard(lambda s: s.fit(nn.Linear(12, 1), torch.randn(50, 12), FAR * torch.randn(50)))
    ],
    f"{FOLDER}/torch_mixin_order.py": [hazard(lambda s: s.main(far((16, 6), (16, 1))))],
    f"{FOLDER}/torch_named_parts.py": [
        hazard(lambda s: part(s, lambda s, model, x, y: s.parts(model, x, y).fit)),
        hazard(lambda s: named(s, "fit_far", 2)),
        hazard(lambda s: named(s, "fit_fields", 1, measure=s.bounded)),
        healthy(lambda s: named(s, "fit_fields", 1)),
        healthy(lambda s: named(s, "fit_near", 2)),
    ],
    f"{FOLDER}/torch_ppo_clips.py": [healthy(ppo)],
    f"{FOLDER}/torch_perturbed_images.py": [
        healthy(
            lambda s: descend(
                [step := torch.zeros(2, 3, 8, 8, requires_grad=True)],
                lambda: s.strength(nn.Conv2d(3, 1, 3), torch.rand(2, 3, 8, 8), step),
            )
        )
    ],
    f"{FOLDER}/torch_template_agent.py": [hazard(lambda s: agent(s, "Tabled")), healthy(lambda s: agent(s, "Robust"))],
    f"{FOLDER}/torch_trainers_losses.py": [
        hazard(trainer_loss),
        hazard(learner_loss),
        hazard(lightning_loss),
        hazard(lambda s: s.closed(*far((16, 20), (16, 1))[0])),
    ],
}
EXEMPT: dict[str, str] = {}
