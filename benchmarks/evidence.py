"""What the proof of a finding costs: `python -m benchmarks.evidence`.

Each rule's demo measures over a grid of the constants that a checker can find, the usual ones and far too large or
small ones. Milliseconds are the processor's, on one thread, the fastest of a few rounds, NumPy's own import apart.
Constants that warn, fail or give a number that is not finite are named: there should be none.
"""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when NumPy is imported; a second thread only waits for these sizes

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import isfinite

from backproplint import demos
from backproplint.rule import Constant

ROUNDS, SLOWEST, AGAIN = 3, 5, 20  # the slowest few are measured again, longer
OPTIMIZERS = ["sgd", "momentum", "adam", "rmsprop", "adagrad", "adadelta"]
SIZES = [1, 100, 10**6]
GRIDS: dict[str, Mapping[str, Sequence[Constant]]] = {
    "clip-before-loss": {
        "low": [-1e300, -10.0, -1.0, -1e-300, 0.0], "high": [1e-9, 1, 255.0, 1e5, float("inf")],
        "loss": ["square", "abs"],
    },
    "deep-sigmoid-stack": {"depth": [1, 3, 8, 50, 1000], "width": [1, 64, 4096], "squash": ["sigmoid", "tanh"]},
    "relu-dead-init": {
        "kind": ["normal", "uniform", "zeros", "constant", "negative_bias"], "std": [1e-3, 1.0, 1e300],
        "value": [-1e6, 0.0, 1.0], "fan_in": SIZES, "depth": [1, 100], "optimizer": ["sgd", "adam"],
    },
    "relu-high-lr": {
        "lr": [0.01, 1.0, 1e6, 1e300],
        "optimizer": ["sgd", "momentum", "adam", "rmsprop", "adagrad", "adadelta"],
        "fan_in": SIZES, "width": [1, 4096], "loss": ["mse", "cross_entropy"],
    },
    "rnn-no-clip": {
        "steps": [2, 10, 1000], "hidden": [1, 32, 4096], "nonlinearity": ["tanh", "relu"],
        "recurrent_gain": [1e-3, 1.0, 10.0, 1e6, 1e300], "lr": [0.01, 1e6],
    },
    "rnn-unscaled-recurrence": {
        "hidden": [1, 64, 4096], "std": [0.0, 1e-300, 0.01, 1.0, 1e6, 1e300], "steps": [1, 30, 1000, 10**6],
    },
    "saturating-init": {
        "fan_in": [1, 512, 10**6, 10**9], "std": [1e-300, 0.01, 1.0, 1e6, 1e300], "squash": ["sigmoid", "tanh"],
        "input_std": [1e-3, 1.0, 1e6],
    },
    "unscaled-input": {
        "low": [-1e300, -255.0, 0.0, 5.0], "high": [6.0, 255.0, 65535.0, 1e300], "fan_in": [1, 512, 10**9],
        "squash": ["sigmoid", "tanh", "relu"],
    },
}  # fmt: skip


def grid(rule: str) -> Iterator[dict[str, Constant]]:
    """Yield the demo's own constants (none given), then every combination of the rule's grid."""
    yield {}
    for values in product(*GRIDS[rule].values()):
        yield dict(zip(GRIDS[rule], values, strict=True))


def fault(rule: str, constants: dict[str, Constant]) -> str:
    """Return what is wrong with the evidence for these constants, or nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            table = demos.evidence(rule, constants)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    numbers = [values for _, values in table.rows] + [values for _, *both in table.curves.series for values in both]
    return "" if all(isfinite(value) for values in numbers for value in values) else "not finite"


def milliseconds(rule: str, constants: dict[str, Constant], rounds: int = ROUNDS) -> float:
    """Return the fastest of a few measurements."""
    times = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(rounds):
            started = time.process_time()
            demos.evidence(rule, constants)
            times.append(time.process_time() - started)
    return 1000.0 * min(times)


def main() -> None:
    """Print one line a rule, and below it each row of its grid that is at fault."""
    print(f"{'':<26}{'settings':>10}{'usual':>10}{'median':>10}{'slowest':>10}   with")
    for rule in GRIDS:
        every = list(grid(rule))
        faults = {repr(constants): said for constants in every if (said := fault(rule, constants))}
        whole = [constants for constants in every if repr(constants) not in faults]
        costs = [milliseconds(rule, constants) for constants in whole]
        order = sorted(range(len(costs)), key=costs.__getitem__)
        again = [(milliseconds(rule, whole[place], AGAIN), place) for place in order[-SLOWEST:]]
        slowest, place = max(again)
        numbers = "".join(f"{cost:>8.1f}ms" for cost in (costs[0], costs[order[len(order) // 2]], slowest))
        constants = " ".join(f"{name}={value}" for name, value in whole[place].items())
        print(f"{rule:<26}{len(every):>10}{numbers}   {constants}")
        for setting, said in faults.items():
            print(f"    {setting}: {said}")


if __name__ == "__main__":
    main()
