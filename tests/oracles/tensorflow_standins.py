"""Small stand-ins for packages that a story imports and its gradients do not depend on: data, pictures, wrappers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np


class LabelBinarizer:
    def fit_transform(self, labels: Any) -> Any:
        return np.eye(10)[labels]


def load_digits() -> SimpleNamespace:
    """Random pictures in the shape, dtype and range of scikit-learn's."""
    rng = np.random.default_rng(0)
    return SimpleNamespace(data=rng.integers(0, 17, (1797, 64)).astype(float), target=rng.integers(0, 10, 1797))


def train_test_split(x: Any, y: Any, test_size: float) -> tuple[Any, Any, Any, Any]:
    held_out = int(test_size * len(x))
    return x[held_out:], x[:held_out], y[held_out:], y[:held_out]


def threshold(image: Any, bound: float, high: float, kind: str) -> tuple[float, Any]:
    kept = image if kind == "to zero" else np.full_like(image, high)
    return bound, np.where(image > bound, kept, np.zeros_like(image))


SKLEARN = {
    "sklearn": MagicMock(),
    "sklearn.datasets": SimpleNamespace(load_digits=load_digits),
    "sklearn.ensemble": MagicMock(),
    "sklearn.model_selection": MagicMock(train_test_split=train_test_split),
    "sklearn.preprocessing": SimpleNamespace(LabelBinarizer=LabelBinarizer),
}
WRAPPERS = {  # hand models to scikit-learn; the functions that build the models are driven without them
    name: MagicMock() for name in ("keras.wrappers", "keras.wrappers.scikit_learn", "scikeras", "scikeras.wrappers")
}
CV2 = SimpleNamespace(
    COLOR_BGR2GRAY="grey",
    THRESH_BINARY="binary",
    THRESH_TOZERO="to zero",
    cvtColor=lambda image, code: image.mean(axis=-1).astype(np.uint8),
    resize=lambda image, size: image[: size[1], : size[0]],
    threshold=threshold,
)
PACKAGES: dict[str, Any] = {**SKLEARN, **WRAPPERS, "cv2": CV2}
