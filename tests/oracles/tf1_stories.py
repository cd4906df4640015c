"""What drives the stories that are written for TensorFlow 1: what to call, with which data, and what must be seen."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.oracles import witness
from tests.oracles.story import Drivers, hazard, healthy
from tests.oracles.tensorflow_steps import Recording, erupting, integers, main, normal, one_hot, states


def digits(story: Any) -> None:
    story.main([(normal(64, 784), one_hot(10, 64))])


def series(story: Any) -> None:
    story.main([(normal(16, 40, 5), normal(16, 1))])


def with_flags(story: Any) -> None:
    story.FLAGS(["story"])
    story.main(None)


def from_bytes(story: Any) -> None:
    """The files of digits hold a header of 16 or 8 bytes, then pixels or labels."""
    files = {"train-images-idx3-ubyte.gz": (16 + 64 * 784, 256), "train-labels-idx1-ubyte.gz": (8 + 64, 10)}
    contents = {name: integers(high, size).astype(np.uint8).tobytes() for name, (size, high) in files.items()}
    story.gzip = SimpleNamespace(open=lambda name, mode: io.BytesIO(contents[name]))
    story.main()


class Game:
    """Coloured noise as a game's pictures."""

    def screen(self) -> Any:
        return integers(256, 80, 80, 3).astype(np.uint8)

    def act(self, action: Any) -> tuple[Any, float]:
        return self.screen(), 1.0


def played_raw(story: Any) -> None:
    with story.tf.Session() as session:
        story.play_raw(Game(), session, 34)  # a batch is drawn once the memory holds more than 32


def played(prepare: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Play with the frames that the function `prepare(story)` makes."""

    def play(story: Any) -> None:
        with story.tf.Session() as session:
            story.play_scaled(Game(), session, 1, prepare(story))

    return play


def moves_the_memory(recording: Recording) -> bool:
    """Whether any optimizer moves the recurrent weights at all."""
    return any("memory/" in name for name in recording()[0].gradients)


def sigmoids_erupt(recording: Recording) -> bool:
    return witness.erupting(states(recording, "sigmoid"))


DRIVERS: Drivers = {
    "clip_before_loss/tf1_article_dqn.py": [hazard("clip-before-loss", main)],
    "clip_before_loss/tf1_clipped_gradients_and_priorities.py": [healthy("clip-before-loss", main)],
    "clip_before_loss/tf1_error_helper.py": [hazard("clip-before-loss", main)],
    "clip_before_loss/tf1_huber_by_hand.py": [healthy("clip-before-loss", main)],
    "clip_before_loss/tf1_loss_collection.py": [
        hazard("clip-before-loss", main, model=0),
        healthy("clip-before-loss", main, model=1),
    ],
    "clip_before_loss/tf1_py2_dqn_prints.py": [hazard("clip-before-loss", main)],
    "deep_sigmoid_stack/tf1_logistic_helper.py": [healthy("deep-sigmoid-stack", main)],
    "deep_sigmoid_stack/tf1_slim_arg_scope.py": [hazard("deep-sigmoid-stack", digits)],
    "deep_sigmoid_stack/tf1_slim_normalised.py": [healthy("deep-sigmoid-stack", digits)],
    "deep_sigmoid_stack/tf1_two_functions.py": [hazard("deep-sigmoid-stack", main)],
    "relu_dead_init/tf1_he_dict.py": [healthy("relu-dead-init", main)],
    "relu_dead_init/tf1_slim_scope_function.py": [hazard("relu-dead-init", digits)],
    "relu_dead_init/tf1_slim_small_start.py": [healthy("relu-dead-init", digits)],
    "relu_dead_init/tf1_weights_by_key.py": [hazard("relu-dead-init", main)],
    "relu_dead_init/tf1_zero_layer_helper.py": [hazard("relu-dead-init", main)],
    "relu_dead_init/tf1_zero_weights_drawn_biases.py": [
        healthy("relu-dead-init", lambda story: story.main([(normal(64, 20), normal(64, 1))]))
    ],
    "relu_high_lr/tf1_descent_ten.py": [hazard("relu-high-lr", with_flags)],
    "relu_high_lr/tf1_embedding_rate_one.py": [
        healthy("relu-high-lr", main, model=0),
        healthy("relu-high-lr", main, model=1),
    ],
    "rnn_no_clip/tf1_basic_cell_minimize.py": [hazard("rnn-no-clip", main)],
    "rnn_no_clip/tf1_collected_losses.py": [
        hazard("rnn-no-clip", main, model=0),
        healthy("rnn-no-clip", main, model=1),
        healthy("rnn-no-clip", main, model=2),
        hazard("rnn-no-clip", main, model=3),
    ],
    "rnn_no_clip/tf1_global_norm.py": [healthy("rnn-no-clip", main)],
    "rnn_no_clip/tf1_lazy_property_apply.py": [hazard("rnn-no-clip", main)],
    "rnn_no_clip/tf1_own_cell.py": [hazard("rnn-no-clip", series)],
    "rnn_no_clip/tf1_own_gated_cell.py": [healthy("rnn-no-clip", series, erupting, unrolled=True)],
    "rnn_no_clip/tf1_scan_sampled_words.py": [
        hazard("rnn-no-clip", main, model=0),
        healthy("rnn-no-clip", main, model=1),
    ],
    "rnn_no_clip/tf1_sigmoid_cell.py": [healthy("rnn-no-clip", main, sigmoids_erupt, unrolled=True)],
    "rnn_no_clip/tf1_towers.py": [
        hazard("rnn-no-clip", main, model=0),
        healthy("rnn-no-clip", main, model=1),
    ],
    "rnn_no_clip/tf1_weights_by_scope.py": [
        healthy("rnn-no-clip", main, moves_the_memory, model=0),
        healthy("rnn-no-clip", main, moves_the_memory, model=1),
    ],
    "rnn_unscaled_recurrence/tf1_scaled_recurrence.py": [healthy("rnn-unscaled-recurrence", main, unrolled=True)],
    "rnn_unscaled_recurrence/tf1_scan_random_normal.py": [hazard("rnn-unscaled-recurrence", main, unrolled=True)],
    "saturating_init/tf1_add_layer_helper.py": [hazard("saturating-init", main)],
    "saturating_init/tf1_autoencoder_dicts.py": [hazard("saturating-init", main)],
    "saturating_init/tf1_shape_of_input.py": [hazard("saturating-init", digits)],
    "saturating_init/tf1_slim_initializer.py": [hazard("saturating-init", digits)],
    "saturating_init/tf1_softmax_regression.py": [healthy("saturating-init", main)],
    "saturating_init/tf1_xavier_and_normed.py": [healthy("saturating-init", main)],
    "unscaled_input/tf1_digits_tanh.py": [hazard("unscaled-input", main)],
    "unscaled_input/tf1_divided_in_graph.py": [healthy("unscaled-input", main)],
    "unscaled_input/tf1_idx_bytes.py": [hazard("unscaled-input", from_bytes)],
    "unscaled_input/tf1_standardised_images.py": [healthy("unscaled-input", main)],
    "unscaled_input/tf1_thresholded_frames.py": [
        hazard("unscaled-input", played_raw),
        healthy("unscaled-input", played(lambda story: story.zero_and_one)),
        healthy("unscaled-input", played(lambda story: story.without_noise)),
        healthy("unscaled-input", played(lambda story: lambda image: story.black_and_white(image) / 255.0)),
    ],
}
EXEMPT = {
    "deep_sigmoid_stack/tf1_layer_by_layer.py": "the stack's own gradient does vanish; its layers learn from their own",
}
