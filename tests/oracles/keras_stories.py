"""What drives the stories that are written for Keras: what to call, with which data, and what must be seen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.oracles.story import Drivers, cells, hazard, healthy
from tests.oracles.tensorflow_steps import erupts_when_grown, integers, main, normal, one_hot, regression


def words(vocabulary: int, length: int, rows: int = 32) -> tuple[Any, Any]:
    return integers(vocabulary, rows, length), normal(rows, 1)


def no_more_layers(story: Any) -> None:
    """The depth is an argument of the program; with none the network is shallow, which is all that is certain."""
    story.sys = SimpleNamespace(argv=["story", "0"])
    story.main(*regression(64, 20))


def improbable_by_now(story: Any) -> None:
    """Actions that were probable and have become improbable: the ratio lies below the clip, its gradient must live."""
    labels = np.concatenate([np.ones((64, 1)), np.zeros((64, 1)), one_hot(4, 64)], axis=1).astype(np.float32)
    story.build_actor().fit(normal(64, 10), labels)


def rates_set_later(story: Any) -> None:
    story.main(*regression(64, 20))


DRIVERS: Drivers = {
    "clip_before_loss/keras_agent_range_loss.py": [
        hazard("clip-before-loss", lambda story: story.RangeAgent(actions=3).replay(normal(32, 6), normal(32, 3)))
    ],
    "clip_before_loss/keras_closure_loss.py": [hazard("clip-before-loss", main)],
    "clip_before_loss/keras_huber_walkthrough.ipynb": [healthy("clip-before-loss", cells)],
    "clip_before_loss/keras_ppo_actor_loss.py": [healthy("clip-before-loss", improbable_by_now, far=0.0)],
    "deep_sigmoid_stack/keras_functional_blocks.py": [hazard("deep-sigmoid-stack", main)],
    "deep_sigmoid_stack/keras_functional_derived.py": [
        hazard("deep-sigmoid-stack", lambda story: story.main(*regression(64, 10)))
    ],
    "deep_sigmoid_stack/keras_model_add.py": [hazard("deep-sigmoid-stack", main)],
    "deep_sigmoid_stack/keras_scikit_wrappers.py": [
        hazard("deep-sigmoid-stack", lambda story: story.four_sigmoids().fit(normal(64, 20), one_hot(3, 64))),
        hazard("deep-sigmoid-stack", lambda story: story.deep(units=60).fit(*regression(64, 20))),
        healthy("deep-sigmoid-stack", lambda story: story.rectified().fit(normal(64, 20), one_hot(3, 64))),
        healthy("deep-sigmoid-stack", lambda story: story.deep(squash="relu").fit(*regression(64, 20))),
    ],
    "deep_sigmoid_stack/keras_sigmoid_cells.ipynb": [hazard("deep-sigmoid-stack", cells)],
    "deep_sigmoid_stack/keras_two_and_an_output.py": [
        healthy("deep-sigmoid-stack", main, model=0),
        healthy("deep-sigmoid-stack", main, model=1),
    ],
    "deep_sigmoid_stack/keras_unknown_depth.py": [healthy("deep-sigmoid-stack", no_more_layers)],
    "relu_dead_init/keras_negative_bias.py": [hazard("relu-dead-init", main)],
    "relu_dead_init/keras_zero_cells.ipynb": [hazard("relu-dead-init", cells)],
    "relu_dead_init/keras_zero_kernel.py": [hazard("relu-dead-init", main)],
    "relu_dead_init/keras_zero_output_only.py": [healthy("relu-dead-init", main)],
    "relu_high_lr/keras_adadelta_one.py": [
        healthy("relu-high-lr", main, model=0),
        healthy("relu-high-lr", main, model=1),
    ],
    "relu_high_lr/keras_adam_default_argument.py": [hazard("relu-high-lr", main)],
    "relu_high_lr/keras_rate_set_later.py": [
        healthy("relu-high-lr", rates_set_later, model=0),
        healthy("relu-high-lr", rates_set_later, model=1),
        healthy("relu-high-lr", rates_set_later, model=2),
        healthy("relu-high-lr", rates_set_later, model=3),
        hazard("relu-high-lr", rates_set_later, model=4),
    ],
    "relu_high_lr/keras_sane_cells.ipynb": [healthy("relu-high-lr", cells)],
    "relu_high_lr/keras_sgd_ten.py": [hazard("relu-high-lr", main)],
    "rnn_no_clip/keras_clipnorm_in_options.py": [
        healthy("rnn-no-clip", main, model=0),
        healthy("rnn-no-clip", main, model=1),
    ],
    "rnn_no_clip/keras_clipped_cells.ipynb": [healthy("rnn-no-clip", cells)],
    "rnn_no_clip/keras_known_lengths.py": [
        healthy("rnn-no-clip", lambda story: story.parity(*regression(64, 4, 1)), erupts_when_grown),
        healthy("rnn-no-clip", lambda story: story.parity_stacked(*regression(64, 4, 1)), erupts_when_grown),
        healthy("rnn-no-clip", lambda story: story.surnames(integers(30, 64, 5), one_hot(2, 64)), erupts_when_grown),
        hazard("rnn-no-clip", lambda story: story.waves(*regression(64, 40, 1))),
        healthy("rnn-no-clip", lambda story: story.filtered(*regression(64, 8, 1)), erupts_when_grown),
        hazard("rnn-no-clip", lambda story: story.repeated(*regression(64, 8, 1))),
    ],
    "rnn_no_clip/keras_optimizer_choices.py": [
        hazard("rnn-no-clip", lambda story: story.bare("sgd", *words(2000, 20))),
        healthy("rnn-no-clip", lambda story: story.run(story.either_clipped("adam", 1e-3), *words(2000, 20))),
        healthy("rnn-no-clip", lambda story: story.run(story.either_clipped("sgd", 1e-3), *words(2000, 20))),
        healthy("rnn-no-clip", lambda story: story.run(story.Careful(1e-3), *words(2000, 20))),
    ],
    "rnn_no_clip/keras_own_train_step.py": [
        healthy("rnn-no-clip", main, model=0),
        hazard("rnn-no-clip", main, model=1),
        healthy("rnn-no-clip", main, model=2),
    ],
    "rnn_no_clip/keras_rows_train_on_batch.py": [hazard("rnn-no-clip", main)],
    "rnn_no_clip/keras_short_rows.py": [healthy("rnn-no-clip", main, erupts_when_grown)],
    "rnn_no_clip/keras_simple_rnn_fit.py": [hazard("rnn-no-clip", main)],
    "rnn_unscaled_recurrence/keras_orthogonal_default.py": [healthy("rnn-unscaled-recurrence", main)],
    "rnn_unscaled_recurrence/keras_own_cell.py": [
        hazard("rnn-unscaled-recurrence", lambda story: story.main(*regression(64, 40, 5))),
        hazard("rnn-no-clip", lambda story: story.main(*regression(64, 40, 5))),
    ],
    "rnn_unscaled_recurrence/keras_recurrent_initializer.py": [hazard("rnn-unscaled-recurrence", main)],
    "saturating_init/keras_build_default.py": [
        healthy("saturating-init", lambda story: story.main(*regression(64, 256)))
    ],
    "saturating_init/keras_build_weight.py": [
        hazard("saturating-init", lambda story: story.main(*regression(64, 256)))
    ],
    "saturating_init/keras_default_normal.py": [healthy("saturating-init", main)],
    "saturating_init/keras_functional_tanh.py": [hazard("saturating-init", main)],
    "saturating_init/keras_random_normal_object.py": [hazard("saturating-init", main)],
    "unscaled_input/keras_bytes_cells.ipynb": [hazard("unscaled-input", cells)],
    "unscaled_input/keras_cifar_train_on_batch.py": [hazard("unscaled-input", main)],
    "unscaled_input/keras_generator_rescale.py": [healthy("unscaled-input", main)],
    "unscaled_input/keras_layers_of_functional.py": [hazard("unscaled-input", main)],
    "unscaled_input/keras_mnist_fit.py": [hazard("unscaled-input", main)],
    "unscaled_input/keras_norm_behind_selu.py": [healthy("unscaled-input", main)],
    "unscaled_input/keras_norm_undoes_scale.py": [healthy("unscaled-input", lambda story: story.train())],
    "unscaled_input/keras_rescaling_layer.py": [
        healthy("unscaled-input", main, model=0),
        healthy("unscaled-input", main, model=1),
    ],
    "unscaled_input/keras_scaled_in_helper.py": [healthy("unscaled-input", main)],
}
EXEMPT: dict[str, str] = {}
