"""Stories of rnn-no-clip and rnn-unscaled-recurrence."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.oracles import story, witness
from tests.oracles.story import Drivers, cells
from tests.oracles.torch_stories.data import classes, pairs, words

bare = functools.partial(story.hazard, "rnn-no-clip")
clipped = functools.partial(story.healthy, "rnn-no-clip")
unscaled = functools.partial(story.hazard, "rnn-unscaled-recurrence")
steady = functools.partial(story.healthy, "rnn-unscaled-recurrence")

GROWN = 2.0  # how far training takes the spectral radius of tanh nets, by the demo of rnn-no-clip


def calm(model: Callable[[Any], Any]) -> story.Run:
    """Nobody clips, and no gradient needs it: even with recurrent weights as large as training makes them, the one by
    the first input is no hundred times that by the last.

    `model(story)` is a recurrent module, its input, the axis of time, and the function that runs it.
    """
    return clipped(model, bursting)


def bursting(recording: Callable[..., Any]) -> bool:
    module, x, time, forward = recording().result
    for name, p in module.named_parameters():
        if "weight_hh" in name:
            square = p.detach()[: p.shape[1]].numpy()  # of a gated cell the first gate's
            p.data *= GROWN / np.abs(np.linalg.eigvals(square)).max()
    x.requires_grad_()
    forward(x).sum().backward()
    return witness.erupting([np.asarray(g) for g in x.grad.unbind(time)])


def recurrence_unclipped(recording: Callable[..., Any]) -> bool:
    """The usual measure, of the recurrent matrix alone: the hooks sit on the recurrent layer."""
    steep, as_is = ({"w": _square(recording(scale=scale))} for scale in (1e6, 1.0))
    return witness.unclipped(steep, as_is, 1e6)


def _square(recorder: Any) -> Any:
    return next(g for g in recorder.updates[0].values() if g.ndim == 2 and g.shape[0] == g.shape[1])


def recurrence_stepped(recording: Callable[..., Any]) -> bool:
    """Whether the optimizer was given any square matrix at all."""
    return any(g.ndim == 2 and g.shape[0] == g.shape[1] for g in recording().updates[0].values())


def gated(s: Any, name: str) -> Any:
    model = s.NETWORKS[name]()
    return model, torch.randn(8, 40, 16), 1, model


def of_class(s: Any) -> Any:
    model = s.RNN()
    return model, torch.randn(16, 25, 10), 1, model


def spelled(s: Any) -> Any:
    def forward(word: torch.Tensor) -> torch.Tensor:
        state = torch.zeros(1, 32, dtype=word.dtype)
        for letter in word:
            state = s.cell(letter, state)
        return state

    return s.cell, s.word, 0, forward


def parity(s: Any) -> Any:
    model = s.Parity()
    return model, torch.randn(16, s.STEPS), 1, model


def plural(s: Any) -> Any:
    rnn = s.Batched().rnn
    return rnn, torch.randn(3, 5, 6), 1, lambda x: rnn(x)[0][:, -1]


def stepwise_plural(s: Any) -> Any:
    rnn = s.Stepwise().rnn
    return rnn, torch.randn(5, 1, 6), 0, lambda x: rnn(x)[0][-1]


def line(s: Any) -> None:
    codes = torch.randint(40, (61, 4))
    letters = nn.functional.one_hot(codes[:-1], 40).float()
    s.train_on_line(s.HandmadeRNN(40, 96), letters, codes[1:], nn.CrossEntropyLoss())


def waves(s: Any) -> Any:
    t = torch.linspace(0, 20, 121)
    return [(torch.sin(t[:-1]).reshape(-1, 1, 1), torch.sin(t[1:]).reshape(-1, 1, 1))]


def names(s: Any) -> None:
    model = s.NameClassifier()
    s.run_epoch(model, s.random_names(2), torch.optim.SGD(model.parameters(), lr=0.01), nn.CrossEntropyLoss())


def forecast(s: Any) -> None:
    s.fit(s.Forecaster(), torch.randn(16, 48), torch.randn(16, 1))


def tags(s: Any) -> None:
    s.train(s.Tagger(), [(torch.randn(8, 50, 12), torch.randint(5, (8, 50)))])


SERIES, LOOP = (16, 30, 8), "the training loop, and with it the clip, belongs to {}"
DRIVERS: Drivers = {
    "rnn_no_clip/torch_class_named_rnn.py": [calm(of_class)],
    "rnn_no_clip/torch_clip_by_groups.py": [
        bare(lambda s: s.train_with_the_wrong_helper(words(1200, 4, 40))),
        clipped(lambda s: s.train(words(1200, 4, 40))),
    ],
    "rnn_no_clip/torch_clip_by_hand.py": [clipped(lambda s: s.train(s.CharRNN()))],
    "rnn_no_clip/torch_derived_rnn.py": [bare(lambda s: s.train(pairs(SERIES, (16, 1))))],
    "rnn_no_clip/torch_forward_demo.py": [clipped(lambda s: s.main(), recurrence_stepped)],
    "rnn_no_clip/torch_gradient_hooks.py": [
        bare(lambda s: s.watched(waves(s))),
        clipped(lambda s: s.with_hooks(waves(s)), recurrence_unclipped),
        clipped(lambda s: s.with_a_hook_before_each_step(waves(s))),
    ],
    "rnn_no_clip/torch_gradients_written_over.py": [
        bare(lambda s: s.cleared(words(128, 8, 64))),
        bare(lambda s: s.averaged(words(128, 8, 64))),
        bare(lambda s: s.measured(words(128, 8, 64))),
        clipped(lambda s: s.limited(words(128, 8, 64))),
    ],
    "rnn_no_clip/torch_handmade_rnn.py": [bare(line)],
    "rnn_no_clip/torch_long_words.py": [bare(lambda s: s.main())],
    "rnn_no_clip/torch_masked_recurrence.py": [bare(lambda s: s.train(pairs((30, 16, 12), (16, 1))))],
    "rnn_no_clip/torch_registered_models.py": [
        bare(lambda s: s.fit_plain(classes((8, 40, 16), 5))),
        clipped(lambda s: s.fit_plain_clipped(classes((8, 40, 16), 5))),
        calm(lambda s: gated(s, "gated")),
    ],
    "rnn_no_clip/torch_reviews_clipped_in_base.py": [clipped(lambda s: s.main())],
    "rnn_no_clip/torch_rnn_cell_loop.py": [bare(forecast)],
    "rnn_no_clip/torch_rnn_loop_elsewhere.py": [bare(names)],
    "rnn_no_clip/torch_scaler_unscale.py": [
        bare(lambda s: s.train(words(400, 8, 60))),
        clipped(lambda s: s.train_clipped(words(400, 8, 60))),
    ],
    "rnn_no_clip/torch_series_cells.ipynb": [bare(cells)],
    "rnn_no_clip/torch_short_toy.py": [calm(parity)],
    "rnn_no_clip/torch_short_words.py": [calm(plural), calm(stepwise_plural)],
    "rnn_no_clip/torch_spelled_word.py": [calm(spelled)],
    "rnn_unscaled_recurrence/torch_named_orthogonal.py": [steady(lambda s: s.train(pairs((16, 30, 20), (16, 1))))],
    "rnn_unscaled_recurrence/torch_named_weight_hh.py": [unscaled(lambda s: s.train(pairs((16, 30, 20), (16, 1))))],
    "rnn_unscaled_recurrence/torch_normal_weight_hh.py": [unscaled(tags)],
    "rnn_unscaled_recurrence/torch_parameter_recurrence.py": [unscaled(lambda s: s.main())],
    "rnn_unscaled_recurrence/torch_recurrence_cells.ipynb": [unscaled(cells)],
    "rnn_unscaled_recurrence/torch_square_but_not_recurrent.py": [steady(lambda s: s.main())],
}
EXEMPT = {
    "rnn_no_clip/torch_accelerate_and_fabric.py": LOOP.format("accelerate and Fabric"),
    "rnn_no_clip/torch_fastai_learner.py": LOOP.format("fastai"),
    "rnn_no_clip/torch_hf_compute_loss.py": LOOP.format("transformers"),
    "rnn_no_clip/torch_hf_trainer.py": LOOP.format("transformers"),
    "rnn_no_clip/torch_lightning_clip_val.py": LOOP.format("Lightning"),
    "rnn_no_clip/torch_lightning_manual.py": LOOP.format("Lightning"),
    "rnn_no_clip/torch_lightning_own_clip.py": LOOP.format("Lightning"),
}
