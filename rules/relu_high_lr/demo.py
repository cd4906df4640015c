"""A learning rate so large that the first updates push ReLU units below 0 on every example: they never come back."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backproplint.demos import print_table, tabulate
from backproplint.rule import Curves, Evidence

Array = NDArray[np.float64]
State = list[Array]  # the optimizer's running averages

WIDEST = (100, 64)  # fan-in and width: larger nets are measured at this size
EXAMPLES, BATCH, STEPS = 256, 32, 24
WATCHED = (0, 1, 2, 4, 8, 16, STEPS)  # updates after which the dead units are counted
BLOWN = 1e30  # a loss that ends the run


def weights(fan_in: int, units: int, seed: int = 0) -> Array:
    """He's normal weights (fan_in, units), always the same ones."""
    return np.random.default_rng(seed).normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, units))


POINTS = [np.random.default_rng(seed).standard_normal((4, 8)) for seed in (1, 2)]


def forward(xp: Any, x: Any, bias: float = 0.3) -> Any:
    """Mean square of the output of 8 ReLU units and a linear unit: inputs (examples, 8) in, a scalar out."""
    z = x @ xp.asarray(weights(8, 8)) + bias
    output = xp.where(z > 0.0, z, 0.0 * z) @ xp.asarray(weights(8, 1, seed=1))
    return xp.sum(output * output) / x.shape[0]


def backward(x: Array, upstream: float, bias: float = 0.3) -> Array:
    """A unit that is off for an example hands back nothing there; one that is off for all examples is dead."""
    w, v = weights(8, 8), weights(8, 1, seed=1)
    z = x @ w + bias
    push = upstream * 2.0 * np.maximum(z, 0.0) @ v / len(x)
    return np.where(z > 0.0, push @ v.T, 0.0) @ w.T


def _sgd(gradient: Array, state: State, step: int) -> tuple[Array, State]:
    return gradient, state


def _momentum(gradient: Array, state: State, step: int) -> tuple[Array, State]:
    velocity = 0.9 * state[0] + gradient
    return velocity, [velocity, state[1]]


def _adam(gradient: Array, state: State, step: int) -> tuple[Array, State]:
    first, second = 0.9 * state[0] + 0.1 * gradient, 0.999 * state[1] + 0.001 * gradient**2
    scale = np.sqrt(second / (1.0 - 0.999**step)) + 1e-8
    return first / (1.0 - 0.9**step) / scale, [first, second]


def _rmsprop(gradient: Array, state: State, step: int) -> tuple[Array, State]:
    second = 0.9 * state[0] + 0.1 * gradient**2
    return gradient / (np.sqrt(second) + 1e-8), [second, state[1]]


def _adagrad(gradient: Array, state: State, step: int) -> tuple[Array, State]:
    total = state[0] + gradient**2
    return gradient / (np.sqrt(total) + 1e-8), [total, state[1]]


def _adadelta(gradient: Array, state: State, step: int) -> tuple[Array, State]:
    second = 0.9 * state[0] + 0.1 * gradient**2
    move = np.sqrt((state[1] + 1e-6) / (second + 1e-6)) * gradient
    return move, [second, 0.9 * state[1] + 0.1 * move**2]


OPTIMIZERS: dict[str, Callable[[Array, State, int], tuple[Array, State]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "adam": _adam,
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adadelta": _adadelta,
}
USUAL = {"sgd": 0.01, "momentum": 0.001, "adam": 0.001, "rmsprop": 0.001, "adagrad": 0.01, "adadelta": 1.0}


def measure(
    *, lr: float = 1.0, optimizer: str = "sgd", fan_in: int = 100, width: int = 256, loss: str = "mse"
) -> Evidence:
    """Dead units and loss of a two-layer ReLU net after 24 steps on batches of 32: at this rate, at a usual one.

    256 standardised inputs, targets from a linear teacher, He's weights, `loss` "mse" or "cross_entropy" (10 classes).
    Dead means 0 on all 256. A fan-in above 100 or a width above 64 is measured at that size. The loss is reported as
    its log10; where it passes 1e30, training stops.
    """
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {optimizer!r}")
    if loss not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, not {loss!r}")
    usual = USUAL[optimizer]
    rates = [(f"this code, lr {lr:g}", lr), (f"a usual rate for {optimizer}, lr {usual:g}", usual)]
    rows, series, updates = [], [], [float(step) for step in WATCHED]
    for label, rate in rates:
        with np.errstate(over="ignore", invalid="ignore"):
            watched = train(rate, optimizer, loss, min(fan_in, WIDEST[0]), min(width, WIDEST[1]))
        shares, losses = [dead for dead, _ in watched], [_log10(value) for _, value in watched]
        rows.append((label, [*shares[-1], losses[0], losses[-1]]))
        series.append((label, updates, [50.0 * (first + second) for first, second in shares]))
    return Evidence(
        columns=["first layer dead", "second layer dead", "log10 loss at start", "log10 loss, 24 steps"],
        rows=rows,
        curves=Curves(
            title="A learning rate so high that it kills ReLU units",
            x="update",
            y="dead units of both layers, %",
            series=series,
        ),
    )


def train(
    lr: float, optimizer: str, loss: str, fan_in: int, width: int, seed: int = 0
) -> list[tuple[list[float], float]]:
    """Shares of dead units in the two layers, and loss over all examples, after each number of updates in WATCHED.

    Once the loss has passed 1e30 the network stays as it is.
    """
    rng = np.random.default_rng(seed + 9)
    x = rng.standard_normal((EXAMPLES, fan_in))
    targets = x @ rng.standard_normal((fan_in, 10)) / np.sqrt(fan_in)
    params = []
    for layer, shape in enumerate([(fan_in, width), (width, width), (width, 1 if loss == "mse" else 10)]):
        params += [weights(*shape, seed=3 * seed + layer), np.zeros(shape[1])]
    flat, shapes = _flat(params), [p.shape for p in params]
    state: State = [0.0 * flat, 0.0 * flat]
    watched = []
    for step in range(STEPS + 1):
        if step in WATCHED:
            watched.append(judge(params, x, targets, loss))
        batch = np.arange((step + 1) * BATCH, (step + 2) * BATCH) % EXAMPLES
        last, grads = gradients(params, x[batch], targets[batch], loss)
        if not last < BLOWN:
            break
        move, state = OPTIMIZERS[optimizer](_flat(grads), state, step + 1)
        flat = flat - lr * move
        params = _unflat(flat, shapes)
    blown = [judge(params, x, targets, loss)] if len(watched) < len(WATCHED) else []
    return watched + blown * (len(WATCHED) - len(watched))


def _flat(arrays: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


def _unflat(flat: Array, shapes: list[tuple[int, ...]]) -> list[Array]:
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]


def judge(params: list[Array], x: Array, targets: Array, loss: str) -> tuple[list[float], float]:
    """Share of units that are off for all of `x` in each layer, and mean loss."""
    hidden = activations(params, x)
    value, _ = LOSSES[loss](hidden[2] @ params[4] + params[5], targets)
    return [float((~(h > 0.0).any(axis=0)).mean()) for h in hidden[1:]], value


def activations(params: list[Array], x: Array) -> list[Array]:
    """Inputs of the three layers."""
    hidden = [x]
    for w, b in ((params[0], params[1]), (params[2], params[3])):
        hidden.append(np.maximum(hidden[-1] @ w + b, 0.0))
    return hidden


def gradients(params: list[Array], x: Array, targets: Array, loss: str) -> tuple[float, list[Array]]:
    """Mean loss and its gradients by the parameters."""
    hidden = activations(params, x)
    value, push = LOSSES[loss](hidden[2] @ params[4] + params[5], targets)
    back: list[Array] = []
    for w, h in zip(params[-2::-2], hidden[::-1], strict=True):
        back = [h.T @ push, push.sum(axis=0), *back]
        if h is not x:
            push = np.where(h > 0.0, push @ w.T, 0.0)
    return value, back


def _mse(output: Array, targets: Array) -> tuple[float, Array]:
    error = output - targets[:, :1]
    return float((error**2).mean()), 2.0 * error / len(error)


def _cross_entropy(output: Array, targets: Array) -> tuple[float, Array]:
    rows, labels = np.arange(len(output)), targets.argmax(axis=1)
    shifted = output - output.max(axis=1, keepdims=True)
    exps = np.exp(shifted)
    total = exps.sum(axis=1, keepdims=True)
    push = exps / total
    push[rows, labels] -= 1.0
    return float((np.log(total[:, 0]) - shifted[rows, labels]).mean()), push / len(output)


LOSSES = {"mse": _mse, "cross_entropy": _cross_entropy}


def _log10(loss: float) -> float:
    return float(np.log10(min(max(loss, 1e-30), BLOWN))) if np.isfinite(loss) else 30.0


def claim() -> None:
    """Adam at 0.3 kills the whole second layer, SGD at 1 blows up or kills; at usual rates all units live and learn."""
    for optimizer, lr in (("adam", 0.3), ("momentum", 0.3), ("sgd", 1.0)):
        (_, hazard), (_, cure) = measure(lr=lr, optimizer=optimizer).rows
        assert hazard[1] > 0.5 and hazard[3] > cure[3], (optimizer, hazard)
        assert cure[1] < 0.05 and cure[3] < cure[2], (optimizer, cure)
    (_, hazard), _ = measure(lr=0.3, optimizer="adam").rows
    assert hazard[1] > 0.9 and hazard[3] > -0.1, hazard


if __name__ == "__main__":
    claim()
    print_table(tabulate(measure, {}))
