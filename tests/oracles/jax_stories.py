"""How each JAX story is driven: what its functions are called with. Data is small and seeded; targets lie within reach
of the network, save for clip-before-loss, where every error must lie beyond the bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

FAR = 1e4  # a target that no network reaches, so that errors are beyond the bounds of any clip


@dataclass(frozen=True)
class Driver:
    """`call` is given the story's module; `gradients` are as many as are recorded before the story ends. Flax's
    recurrent cells keep a state in single precision, whatever goes in, so they are run in that (`double`)."""

    call: Callable[[Any], object]
    gradients: int = 1
    double: bool = True


def normal(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def labels(size: int, classes: int = 10) -> NDArray[np.int32]:
    return np.random.default_rng(1).integers(0, classes, size, dtype=np.int32)


def one_hot(size: int, classes: int = 10) -> NDArray[np.float32]:
    return np.eye(classes, dtype=np.float32)[labels(size, classes)]


def key() -> Any:
    import jax

    return jax.random.PRNGKey(0)


def main(*args: Any) -> Callable[[Any], object]:
    return lambda story: story.main(*args)


def endless(x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Batches for a story that trains until it is ended."""
    while True:
        yield x, y


def load_data() -> Any:
    """In place of MNIST's: as many images as its training set holds, random bytes."""
    images = np.random.default_rng(2).integers(0, 256, (60000, 28, 28), dtype=np.uint8)
    return (images, labels(60000)), (images, labels(60000))


def q_learning(story: Any) -> None:
    network, optimizer, states = story.QNetwork(), story.optax.adam(1e-3), normal(16, 6)
    params = network.init(key(), states)
    batch = states, labels(16, 4), np.full(16, FAR, np.float32), states
    story.train_step(network, optimizer, params, params, optimizer.init(params), batch)


def outside(story: Any) -> None:
    """The clip on the targets keeps them small, so here it is the weights that make the errors large."""
    params = story.init(key())
    story.step({**params, "w2": FAR * params["w2"]}, normal(16, 8), FAR * normal(16), normal(16, 8))


CLIPPING = {
    "jax_clips_outside_the_loss.py": Driver(outside),
    "jax_q_learning_optax.py": Driver(q_learning),
    "jax_robust_regression.py": Driver(
        lambda s: s.update(s.init(key()), normal(16, 5), np.full((16, 1), FAR, np.float32))
    ),
}
CLASSES = main(endless(normal(32, 784), one_hot(32)))
SPARSE = main(endless(normal(32, 784), labels(32)))
STACKS = {
    "jax_equinox_mlp.py": Driver(CLASSES),
    "jax_equinox_shallow.py": Driver(main([(normal(32, 784), one_hot(32))]), gradients=2),
    "jax_flax_residual.py": Driver(main()),
    "jax_haiku_mlp.py": Driver(SPARSE),
    "jax_haiku_two_hidden.py": Driver(SPARSE),
    "jax_haiku_with_state.py": Driver(SPARSE),
    "jax_nnx_list.py": Driver(main([{"x": normal(32, 784), "y": labels(32)}])),
    "jax_nnx_normed.py": Driver(main(endless(normal(32, 256), normal(32, 1)))),
    "jax_stax_own_activation.py": Driver(main(normal(32, 8), normal(32, 1))),
    "jax_stax_relu_between.py": Driver(CLASSES),
    "jax_stax_serial.py": Driver(CLASSES),
    "jax_three_sigmoids.py": Driver(main()),
}
DEAD = {
    "jax_flax_dead_bias.py": Driver(main()),
    "jax_flax_zero_kernel.py": Driver(main(endless(normal(32, 12), normal(32, 1)))),
    "jax_he_mlp.py": Driver(main()),
    "jax_std_one_mlp.py": Driver(main()),
    "jax_zero_params_optax.py": Driver(lambda s: s.fit(endless(normal(32, 784), labels(32)))),
}
RATES = {
    "jax_hand_update_ten.py": Driver(main(), gradients=20),
    "jax_optax_sgd.py": Driver(main(), gradients=20),
    "jax_rates_in_chains.py": Driver(main(normal(64, 20), normal(64, 1)), gradients=18),
    "jax_scheduled_rate.py": Driver(main(), gradients=40),
}
SEQUENCES = main(endless(normal(8, 50, 3), normal(8, 1)))  # examples first
TIME_FIRST = main(endless(normal(40, 8, 1), normal(40, 8, 1)))
NO_CLIP = {
    "jax_equinox_gru.py": Driver(main(endless(normal(8, 50, 2), np.ones((8, 1), np.float32)))),
    "jax_example_optimizers.py": Driver(main(), gradients=6),
    "jax_flax_scanned_cell.py": Driver(SEQUENCES, double=False),
    "jax_flax_scanned_lstm.py": Driver(SEQUENCES, double=False),
    "jax_flax_simple_cell.py": Driver(main(), double=False),
    "jax_haiku_deep_core.py": Driver(main(endless(normal(10, 8, 1), normal(10, 8, 1)))),
    "jax_haiku_lstm.py": Driver(TIME_FIRST),
    "jax_haiku_unroll.py": Driver(TIME_FIRST),
    "jax_nnx_simple_cell.py": Driver(SEQUENCES),
    "jax_optax_chain.py": Driver(main()),
    "jax_scan_optax.py": Driver(main()),
    "jax_steps_in_scan.py": Driver(main(), gradients=20),
    "jax_train_state_and_nnx.py": Driver(main(), gradients=4, double=False),
}
UNSCALED_MATRICES = {
    "jax_equinox_own_cell.py": Driver(main(endless(normal(8, 40, 4), normal(8, 1)))),
    "jax_haiku_own_core.py": Driver(main(endless(normal(40, 8, 3), normal(8, 1)))),
    "jax_identity_recurrence.py": Driver(main()),
    "jax_scan_standard_normal.py": Driver(main()),
}
EIGHT = main(endless(normal(40, 8), normal(40, 1)))
IMAGES = main(endless(normal(16, 28, 28), normal(16, 10)))
SATURATING = {
    "jax_equinox_tree_at.py": Driver(main(endless(normal(32, 300), one_hot(32, 7)))),
    "jax_flax_wide_kernel.py": Driver(main()),
    "jax_haiku_get_parameter.py": Driver(EIGHT),
    "jax_haiku_scaled_parameter.py": Driver(EIGHT),
    "jax_nnx_kernel.py": Driver(main(endless(normal(32, 256), normal(32, 1)))),
    "jax_scaled_mlp.py": Driver(main()),
    "jax_stax_default_kernel.py": Driver(IMAGES),
    "jax_stax_kernel.py": Driver(IMAGES),
    "jax_tanh_mlp.py": Driver(main()),
}
RAW = {
    "jax_raw_digits.py": Driver(main()),
    "jax_scaled_digits.py": Driver(main()),
    "jax_stax_raw_digits.py": Driver(main()),
}
DRIVERS: dict[str, Driver] = {
    f"{folder}/{name}": driver
    for folder, drivers in {
        "clip_before_loss": CLIPPING,
        "deep_sigmoid_stack": STACKS,
        "relu_dead_init": DEAD,
        "relu_high_lr": RATES,
        "rnn_no_clip": NO_CLIP,
        "rnn_unscaled_recurrence": UNSCALED_MATRICES,
        "saturating_init": SATURATING,
        "unscaled_input": RAW,
    }.items()
    for name, driver in drivers.items()
}
EXEMPT: dict[str, str] = {}
DATASETS = SimpleNamespace(mnist=SimpleNamespace(load_data=load_data))
PACKAGES = {"tensorflow.keras.datasets": DATASETS, "keras.datasets": DATASETS}
