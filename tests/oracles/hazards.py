"""The hazard of each rule in a framework's own gradients, and beside it the cure that the rule's page recommends.

Each function is named after its rule's folder and takes a module of `frameworks`; it asserts both.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint import demos
from tests.oracles import witness

Array = NDArray[np.float64]

PIXELS = np.random.default_rng(1).uniform(0.0, 255.0, (16, 784))
NORMAL = np.random.default_rng(1).standard_normal((16, 784))
START = np.random.default_rng(0).standard_normal((784, 784))  # std 1, whatever the fan-in


def sigmoid(xp: Any, z: Any) -> Any:
    """In the form that cannot overflow."""
    return 0.5 * (1.0 + xp.tanh(0.5 * z))


def rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def clip_before_loss(framework: Any) -> None:
    demo, outside = demos.load("clip-before-loss"), np.array([[-20.0, -1.1, 1.1, 5.0]])
    for loss in ("square", "abs"):
        assert not framework.gradient(lambda xp, x, loss=loss: demo.forward(xp, x, loss=loss), outside).any()
    cured = framework.gradient(lambda xp, x: framework.huber(x), outside)
    np.testing.assert_allclose(cured, demo.huber_backward(outside, 1.0), rtol=1e-6)


def deep_sigmoid_stack(framework: Any) -> None:
    demo = demos.load("deep-sigmoid-stack")
    x = np.random.default_rng(1).standard_normal((32, 8))

    def left(squash: str) -> float:
        """How much of one layer's gradient four layers leave."""
        one, four = (
            framework.gradient(lambda xp, x, depth=depth: demo.forward(xp, x, depth, squash), x) for depth in (1, 4)
        )
        return rms(four) / rms(one)

    assert left("sigmoid") < 0.05 < 0.2 < left("tanh")


def relu_dead_init(framework: Any) -> None:
    demo = demos.load("relu-dead-init")
    x = np.random.default_rng(1).standard_normal((16, 8))
    assert not framework.gradient(lambda xp, x: demo.forward(xp, x, std=0.5, bias=-10.0), x).any()
    assert not framework.gradient(lambda xp, x: demo.forward(xp, x, std=0.0, bias=0.0), x).any()
    assert framework.gradient(lambda xp, x: demo.forward(xp, x, std=0.5, bias=0.0), x).any(axis=0).all()

    def growth(w: Array) -> float:
        """How much larger than it came in the gradient leaves two layers of 784 ReLU units."""

        def layers(xp: Any, x: Any) -> Any:
            return xp.sum(framework.relu(framework.relu(x @ xp.asarray(w)) @ xp.asarray(w)) * xp.asarray(NORMAL))

        return rms(framework.gradient(layers, NORMAL)) / rms(NORMAL)

    assert growth(START) > 100.0
    assert 0.5 < growth(framework.he(784)) < 2.0


def relu_high_lr(framework: Any) -> None:
    """The second of two ReLU layers that learn a linear teacher, under the framework's own Adam."""
    demo, rng = demos.load("relu-high-lr"), np.random.default_rng(9)
    x = rng.standard_normal((256, 64))
    y = x @ rng.standard_normal((64, 1)) / 8.0
    start = [demo.weights(64, 64, seed=0), np.zeros(64), demo.weights(64, 64, seed=1), np.zeros(64)]
    head = demo.weights(64, 1, seed=2)

    def second(xp: Any, weights: list[Any]) -> Any:
        w1, b1, w2, b2 = weights
        return framework.relu(xp.asarray(x) @ w1 + b1) @ w2 + b2

    def loss(xp: Any, weights: list[Any]) -> Any:
        error = framework.relu(second(xp, weights)) @ xp.asarray(head) - xp.asarray(y)
        return xp.sum(error * error) / len(x)

    knocked, healthy = (framework.adam(loss, start, rate, steps=24) for rate in (0.3, 0.001))
    assert witness.dead(_units(knocked, x)) and not witness.dead(_units(healthy, x))
    by_second = [
        framework.gradient(
            lambda xp, w, end=end: loss(xp, [xp.asarray(end[0]), xp.asarray(end[1]), w, xp.asarray(end[3])]), end[2]
        )
        for end in (knocked, healthy)
    ]
    assert (~by_second[0].any(axis=0)).mean() > 0.5 > 0.05 > (~by_second[1].any(axis=0)).mean()


def _units(weights: list[Array], x: Array) -> Array:
    """Pre-activations (examples, units) of the second layer."""
    w1, b1, w2, b2 = weights
    return np.asarray(np.maximum(x @ w1 + b1, 0.0) @ w2 + b2)


def rnn_no_clip(framework: Any) -> None:
    """The gradient by the recurrent matrix of a net that has trained, 50 steps to remember its first input."""
    demo = demos.load("rnn-no-clip")
    drive, readout, y = demo.task(50, 32)
    for kind, gain in demo.GROWN.items():
        w = demo.weights(32, gain, kind)

        def loss(xp: Any, w: Any, kind: str = kind) -> Any:
            h = xp.asarray(0.0 * drive[0])
            for x in drive:
                z = xp.asarray(x) + h @ w
                h = xp.tanh(z) if kind == "tanh" else framework.relu(z)
            error = h @ xp.asarray(readout) - xp.asarray(y)
            return xp.sum(error * error) / len(y)

        slope = framework.gradient(loss, w)
        np.testing.assert_allclose(slope, demo.loss_and_gradient(w, drive, readout, y, kind)[1], rtol=1e-6)
        clipped = framework.clip(slope)
        assert np.linalg.norm(slope) > 100.0, kind
        np.testing.assert_allclose(clipped, slope / np.linalg.norm(slope), rtol=1e-5, atol=1e-12)


def rnn_unscaled_recurrence(framework: Any) -> None:
    demo, steps = demos.load("rnn-unscaled-recurrence"), 30
    h = np.random.default_rng(1).standard_normal((4, 8))
    for cell in ("linear", "tanh"):
        slope = framework.gradient(lambda xp, x, cell=cell: demo.forward(xp, x, steps, 3.0 / 8**0.5, cell), 0.0 * h)
        assert rms(slope) > 1e4, cell
    recurrent = framework.orthogonal(8)

    def linear(xp: Any, x: Any) -> Any:
        for _ in range(steps):
            x = x @ xp.asarray(recurrent)
        return xp.sum(x)

    np.testing.assert_allclose(np.linalg.norm(framework.gradient(linear, h), axis=1), 8**0.5, rtol=1e-6)


def saturating_init(framework: Any) -> None:
    for squash in (sigmoid, lambda xp, z: xp.tanh(z)):
        assert _flat(framework, squash, NORMAL @ START) > 0.5
        assert _flat(framework, squash, NORMAL @ framework.xavier(784)) < 0.05


def unscaled_input(framework: Any) -> None:
    weights = framework.xavier(784)
    for squash in (sigmoid, lambda xp, z: xp.tanh(z)):
        assert _flat(framework, squash, PIXELS @ weights) > 0.5
        assert _flat(framework, squash, PIXELS / 255.0 @ weights) < 0.05


def _flat(framework: Any, squash: Any, z: Array) -> float:
    """Share of the units whose slope at `z` is below 0.01."""
    return float((framework.gradient(lambda xp, z: xp.sum(squash(xp, z)), z) < witness.FLAT).mean())
