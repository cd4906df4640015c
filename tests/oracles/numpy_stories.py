"""How each NumPy story is driven; `writes` is how many arrays the updates that are looked at write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.oracles import witness
from tests.oracles.story import Drivers, cells, hazard, healthy

Array = NDArray[np.float64]

DEEP, DEAD, RATE = "deep-sigmoid-stack", "relu-dead-init", "relu-high-lr"
BARE, UNSCALED, FLAT, RAW = "rnn-no-clip", "rnn-unscaled-recurrence", "saturating-init", "unscaled-input"
FAR = 1e6

randn = np.random.randn


def main(s: Any) -> None:
    s.main()


def far_error(s: Any) -> Array:
    agent = s.LinearQ(10, 3)
    agent.update(randn(10), 1, FAR)
    return np.asarray(agent.theta)


def moved(recording: Callable[..., Any]) -> bool:
    """The agent adds its step to the weights, which started at 0."""
    return witness.blind({"theta": recording().result})


def recurrence(s: Any) -> None:
    s.train_recurrence([(randn(30, 16, 30), s.SCALE * randn(16, 100))])


def characters(s: Any) -> None:
    """Cross-entropy cannot be scaled by its targets; the weights of the scores make it steep."""
    model = s.CharacterModel(20)
    model.Why *= 100.0 * s.SCALE
    s.train(model, list(np.random.randint(0, 20, 40)))


def clipped_in_main(s: Any) -> None:
    init = s.init
    s.init = lambda: {**init(), "Wy": s.SCALE * init()["Wy"]}
    s.main()


def states_in_array(s: Any, descent: str) -> None:
    net = s.Recurrent(8, 64, 3)
    getattr(s, descent)(0.01).step(net, net.gradients(randn(60, 8), s.SCALE * randn(60, 3)))


def gates(s: Any) -> tuple[Any, Array]:
    s.around *= 2.0 / np.abs(np.linalg.eigvals(s.around[:, : s.UNITS])).max()  # as far as training goes
    return s.run, randn(30, 8, 20)


def bursting(recording: Callable[..., Any]) -> bool:
    """The last state by each step's input, by central differences: of an open gate the first counts like the last."""
    run, xs = recording().result

    def slope(t: int, step: float = 1e-5) -> Array:
        nudge = np.zeros_like(xs)
        nudge[t] = step
        return np.asarray((run(xs + nudge)[0] - run(xs - nudge)[0]) / (2.0 * step))

    return witness.erupting([slope(t) for t in (0, len(xs) - 1)])


def lesson(s: Any, scale: float) -> None:
    s.train(scale * np.random.rand(1, s.H), np.random.rand(1, s.H))


def letters(s: Any, steep: float = 1.0) -> None:
    model = s.RNN(20)
    model.Why *= steep
    codes = np.eye(20)[np.random.randint(0, 20, 26)][..., None]
    model.train([(list(codes[:-1]), list(codes[1:]))])


def sampled(s: Any) -> None:
    """Many symbols, one after the other, through both levels."""
    states = [np.zeros((1, s.UNITS)) for _ in range(s.LEVELS)]
    for symbol in np.random.randint(0, s.SYMBOLS, 200):
        _, states = s.advance(symbol, states)


def shut(recording: Callable[..., Any], levels: int = 2) -> bool:
    """A level is dead if its units fire at no step."""
    steps = recording().of("relu")
    return any(witness.dead(np.concatenate(steps[level::levels])) for level in range(levels))


def pixels(s: Any) -> Array:
    images: Array = s.SCALE * np.random.randint(0, 256, (50, 784)).astype(np.float64)
    s.TwoLayers().step(images, np.random.randint(0, 10, 50), 0.1)
    return images


def standardised(s: Any) -> Array:
    images = np.asarray(s.standardise(np.random.randint(0, 256, (50, 784)).astype(np.float64)))
    s.train(s.SCALE * images, randn(50, 1))
    return images


DRIVERS: Drivers = {
    "clip_before_loss/numpy_clipped_gradient_by_hand.py": [healthy("clip-before-loss", far_error, moved)],
    "deep_sigmoid_stack/numpy_one_hidden_sigmoid.py": [healthy(DEEP, main, writes=2)],
    "deep_sigmoid_stack/numpy_three_sigmoids.py": [hazard(DEEP, main, writes=4)],
    "relu_dead_init/numpy_article_relu_layer.py": [hazard(DEAD, main)],
    "relu_dead_init/numpy_he_scaled.py": [healthy(DEAD, main)],
    "relu_dead_init/numpy_negative_bias.py": [hazard(DEAD, main)],
    "relu_dead_init/numpy_std_one_two_hidden.py": [hazard(DEAD, main)],
    "relu_dead_init/numpy_zero_states.py": [healthy(DEAD, sampled, shut)],
    "relu_high_lr/numpy_tanh_alpha_two.py": [healthy(RATE, main, writes=600)],
    "relu_high_lr/numpy_update_ten.py": [hazard(RATE, main, writes=40)],
    "rnn_no_clip/numpy_cell_objects.py": [hazard(BARE, recurrence, writes=2)],
    "rnn_no_clip/numpy_character_rnn.py": [hazard(BARE, characters, writes=3)],
    "rnn_no_clip/numpy_gates_from_elsewhere.py": [healthy(BARE, gates, bursting)],
    "rnn_no_clip/numpy_recurrence_clipped.py": [healthy(BARE, clipped_in_main, writes=3)],
    "rnn_no_clip/numpy_states_in_array.py": [
        hazard(BARE, lambda s: states_in_array(s, "Descent"), writes=3),
        healthy(BARE, lambda s: states_in_array(s, "ClippedDescent"), writes=3),
    ],
    "rnn_unscaled_recurrence/numpy_article_rnn_loop.py": [
        hazard(UNSCALED, lambda s: lesson(s, 1.0)),
        hazard(BARE, lambda s: lesson(s, s.SCALE)),
    ],
    "rnn_unscaled_recurrence/numpy_clipped_but_unscaled.py": [hazard(UNSCALED, main)],
    "rnn_unscaled_recurrence/numpy_scaled_and_checked.py": [healthy(UNSCALED, main)],
    "rnn_unscaled_recurrence/numpy_small_recurrence_cells.ipynb": [healthy(UNSCALED, cells)],
    "rnn_unscaled_recurrence/numpy_states_in_a_dict.py": [
        hazard(UNSCALED, letters),
        hazard(BARE, lambda s: letters(s, 100.0 * s.SCALE), writes=3),
    ],
    "saturating_init/numpy_article_sigmoid_layer.py": [hazard(FLAT, main, writes=40)],
    "saturating_init/numpy_layer_objects.py": [hazard(FLAT, lambda s: s.train(randn(20, 784), randn(20, 10)))],
    "saturating_init/numpy_network_class.py": [hazard(FLAT, main)],
    "saturating_init/numpy_positive_uniform.py": [hazard(FLAT, main)],
    "saturating_init/numpy_scaled_next_line.py": [healthy(FLAT, main)],
    "saturating_init/numpy_small_fan_in.py": [
        healthy(FLAT, lambda s: s.train(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.eye(4)[:, :1]))
    ],
    "unscaled_input/numpy_raw_pixels.py": [hazard(RAW, pixels, writes=2)],
    "unscaled_input/numpy_standardised_pixels.py": [healthy(RAW, standardised, writes=3)],
}
SHORT = "its step grows with the error, as any that is not clipped; five steps of a recurrence make no more of it"
EXEMPT = {"rnn_no_clip/numpy_short_windows.py": SHORT, "rnn_no_clip/numpy_truncated.py": SHORT}
