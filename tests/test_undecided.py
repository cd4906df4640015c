"""Honest unknowns: where a missing piece decides, rules stay silent, and the run counts how often, and why."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backproplint import engine, registry
from backproplint.config import Settings
from backproplint.graph import calls
from backproplint.report import Report

Checked = Callable[..., Report]
TORCH = """
import torch
from torch import nn, optim
import torch.nn.functional as F
"""
TRAIN = """
def train(batches, lr):
    model = Net()
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    for x, y in batches:
        x = x / 255
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
RELUS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.body(x)
"""
DRAWN = """
class Net(nn.Module):
    def __init__(self, inputs=784):
        super().__init__()
        self.w = nn.Parameter(WEIGHTS)
        self.out = nn.Linear(128, 1)

    def forward(self, x):
        return self.out(torch.sigmoid(x @ self.w))
"""
RNN = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(8, 64, batch_first=True)
        self.out = nn.Linear(64, 1)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])
"""
CLIP = """
def train(model, optimizer, x, target, criterion):
    error = torch.clamp(model(x) - target, -1, 1)
    loss = MEASURE
    loss.backward()
    optimizer.step()
"""
CLIPPED = "loss.backward(); nn.utils.clip_grad_norm_(model.parameters(), 1.0)"
RATE = ("relu-high-lr", "the learning rate is not known")
START = ("saturating-init", "how the weights start is not known")
INPUTS = ("saturating-init", "the number of inputs is not known")
OPTIMIZER = ("rnn-no-clip", "the optimizer is not in sight")
CALL = ("clip-before-loss", "a call on the way is not known")
RANGE = ("unscaled-input", "the range of the data is not known")


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checked:
    """Check a text as a file of its own."""
    monkeypatch.chdir(tmp_path)

    def check(text: str, ignored: list[str] | None = None) -> Report:
        Path("story.py").write_text(TORCH + text, encoding="utf-8")
        settings = Settings(root=tmp_path, per_file_ignores={"story.py": ignored or []})
        return engine.check([Path("story.py")], settings, registry.rules(), measure=False)

    return check


def told(report: Report) -> dict[tuple[str, str], int]:
    return {(name, reason): count for (name, _, reason), count in report.undecided.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RELUS + TRAIN, None),
        (RELUS + TRAIN.replace("lr=0.01", "lr=lr"), RATE),
        (RELUS + TRAIN.replace("x = x / 255", "pass"), RANGE),
        (DRAWN.replace("WEIGHTS", "torch.randn(784, 128) * 0.01") + TRAIN, None),
        (DRAWN.replace("WEIGHTS", "torch.randn(784, 128) / inputs ** 0.5") + TRAIN, None),
        (DRAWN.replace("WEIGHTS", "pretrained.load(784, 128)") + TRAIN, START),
        (DRAWN.replace("WEIGHTS", "torch.randn(pretrained.size, 128)") + TRAIN, INPUTS),
        (DRAWN.replace("WEIGHTS", "torch.randn(pretrained.size, 128) * 0.001") + TRAIN, None),
        (RNN + TRAIN.replace("loss.backward()", CLIPPED), None),
        (RNN + TRAIN.replace("optimizer.step()", "applied(model)"), OPTIMIZER),
        (CLIP.replace("MEASURE", "criterion(error)"), CALL),
        (CLIP.replace("MEASURE", "error.mean()"), None),
    ],
)  # fmt: skip
def test_a_missing_piece_is_counted_under_its_reason(
    checked: Checked, text: str, expected: tuple[str, str] | None
) -> None:
    report = checked(text)
    assert [found.name for found in report.diagnostics] == []
    counts = told(report)
    assert counts == {} if expected is None else counts[expected] == 1


def test_known_hazards_are_no_unknowns(checked: Checked) -> None:
    report = checked(DRAWN.replace("WEIGHTS", "torch.randn(784, 128)") + TRAIN)
    assert [found.name for found in report.diagnostics] == ["saturating-init"]
    assert told(report) == {}


def test_rules_that_are_not_asked_leave_nothing_undecided(checked: Checked) -> None:
    text = RELUS + TRAIN.replace("lr=0.01", "lr=lr")
    assert RATE not in told(checked(text, ignored=["relu-high-lr"]))


def test_a_bound_that_was_reached_is_counted_for_the_file(checked: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MAX_DEPTH", 0)
    assert told(checked(RELUS + TRAIN)) == {("ALL", "calls nest too deeply to be followed"): 1}
