"""What drives the stories that are written for TensorFlow 2: what to call, with which data, and what must be seen."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tests.oracles.story import Drivers, hazard, healthy
from tests.oracles.tensorflow_steps import FAR, integers, main, normal


def critic_far_off(story: Any) -> None:
    story.train_step(story.Critic(), tf.keras.optimizers.Adam(1e-3), normal(32, 9), normal(32, 1) + FAR)


def large_errors_of_q(story: Any) -> None:
    """Targets are clipped to 5, what the network says is not: its errors are in the hundreds."""
    batch = normal(16, 5) * FAR, integers(3, 16), normal(16), normal(16, 5)
    story.learn(story.q_model(3), story.q_model(3), tf.keras.optimizers.RMSprop(2.5e-4), batch)


def by_dataset(story: Any) -> None:
    story.main([(normal(64, 784), normal(64, 1))])


def divided_in_numpy(story: Any) -> None:
    story.load = story.load_divided
    story.main()


DRIVERS: Drivers = {
    "clip_before_loss/tf2_clipped_targets.py": [healthy("clip-before-loss", large_errors_of_q)],
    "clip_before_loss/tf2_critic_tape.py": [hazard("clip-before-loss", critic_far_off)],
    "relu_high_lr/tf2_tape_sgd_eight.py": [hazard("relu-high-lr", main)],
    "rnn_no_clip/tf2_simple_rnn_tape.py": [hazard("rnn-no-clip", main)],
    "rnn_no_clip/tf2_tape_clipped.py": [healthy("rnn-no-clip", main)],
    "saturating_init/tf2_default_initializer.py": [healthy("saturating-init", by_dataset, keras=2)],
    "saturating_init/tf2_gates_and_noise.py": [healthy("saturating-init", main)],
    "saturating_init/tf2_unit_initializer.py": [hazard("saturating-init", by_dataset, keras=2)],
    "unscaled_input/tf2_dataset_scaled.py": [
        healthy("unscaled-input", main),
        healthy("unscaled-input", divided_in_numpy),
    ],
    "unscaled_input/tf2_dataset_tape.py": [hazard("unscaled-input", main)],
}
EXEMPT: dict[str, str] = {}
