"""Stories of deep-sigmoid-stack, saturating-init and unscaled-input."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import nn

from tests.oracles import story
from tests.oracles.story import Drivers, cells
from tests.oracles.torch_stories.data import classes, descend, pairs

deep = functools.partial(story.hazard, "deep-sigmoid-stack")
shallow = functools.partial(story.healthy, "deep-sigmoid-stack")
saturating = functools.partial(story.hazard, "saturating-init")
open_ = functools.partial(story.healthy, "saturating-init")
raw = functools.partial(story.hazard, "unscaled-input")
scaled = functools.partial(story.healthy, "unscaled-input")


def embedded(s: Any) -> None:
    s.train([(torch.randint(1000, (16,)), torch.randint(4, (16,)))])


def picked(s: Any) -> None:
    codes = torch.randint(27, (500, 4))
    s.train(s.init(), codes[:, :3], codes[:, 3])


def bytes_divided(s: Any) -> None:
    net = s.ByteNet()
    frames = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8)
    s.learn(net, torch.optim.Adam(net.parameters()), frames, torch.randint(4, (8,)))


def to_tensor(s: Any) -> None:
    """ToTensor's own arithmetic: bytes divided by 255."""
    images = torch.randint(0, 256, (16, 1, 28, 28)).float() / 255
    s.train(s.Net(), [((images - 0.1307) / 0.3081, torch.randint(10, (16,)))])


def frames(s: Any) -> None:
    memory, net = s.FrameMemory(capacity=16), s.ValueNet()
    for _ in range(16):
        memory.store(torch.randint(0, 256, (4, 84, 84)).numpy(), 1.0)
    x, returns = memory.sample(8)
    descend(net.parameters(), lambda: nn.functional.smooth_l1_loss(net(x), returns))


def digits(s: Any) -> None:
    s.train(nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)), s.make_loader("data"))


SATURATING = "saturating_init/torch_"
DRIVERS: Drivers = {
    "deep_sigmoid_stack/torch_derived_sequential.py": [deep(lambda s: s.train(pairs((16, 10), (16, 1))))],
    "deep_sigmoid_stack/torch_layers_by_name.py": [deep(lambda s: s.fit(pairs((16, 50), (16, 1))))],
    "deep_sigmoid_stack/torch_one_sigmoid_reused.py": [deep(lambda s: s.main())],
    "deep_sigmoid_stack/torch_penalty_per_layer.py": [deep(cells)],
    "deep_sigmoid_stack/torch_sequential_star.py": [deep(lambda s: s.main())],
    "deep_sigmoid_stack/torch_tanh_and_gates.py": [shallow(lambda s: s.main())],
    "deep_sigmoid_stack/torch_tanh_cells.ipynb": [shallow(cells)],
    f"{SATURATING}branch_nobody_knows.py": [open_(lambda s: s.main(classes((16, 100), 2)))],
    f"{SATURATING}derived_linear.py": [saturating(lambda s: s.train(classes((16, 300), 2)))],
    f"{SATURATING}forward_only_histogram.py": [open_(lambda s: s.main())],
    f"{SATURATING}module_list_apply.py": [saturating(lambda s: s.main())],
    f"{SATURATING}modules_by_class.py": [open_(embedded)],
    f"{SATURATING}named_parameters.py": [saturating(lambda s: s.train(classes((16, 300), 2)))],
    f"{SATURATING}names_end_in_bias.py": [open_(lambda s: s.train(classes((16, 300), 2)))],
    f"{SATURATING}normal_init.py": [saturating(lambda s: s.main())],
    f"{SATURATING}parameters_by_rank.py": [open_(lambda s: s.train(classes((16, 300), 2)))],
    f"{SATURATING}randn_parameter.py": [saturating(picked)],
    f"{SATURATING}scaled_randn.py": [open_(lambda s: s.main())],
    f"{SATURATING}table_of_inits.py": [saturating(lambda s: s.main(classes((16, 100), 2)))],
    f"{SATURATING}weights_cells.ipynb": [saturating(cells)],
    "unscaled_input/torch_divided_in_forward.py": [scaled(bytes_divided)],
    "unscaled_input/torch_mnist_data_float.py": [raw(digits)],
    "unscaled_input/torch_raw_frames_conv.py": [raw(frames)],
    "unscaled_input/torch_scaled_cells.ipynb": [scaled(cells)],
    "unscaled_input/torch_to_tensor.py": [scaled(to_tensor)],
}
