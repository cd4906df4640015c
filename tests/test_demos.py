"""Every rule's demo keeps its contract: the backward pass is the gradient, the claim holds, the program runs."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import autograd
import autograd.numpy
import numpy as np
import pytest

from backproplint import demos
from backproplint.rule import Curves, Evidence

ROOT = Path(__file__).parents[1]
PROGRAMS = sorted((ROOT / "rules").glob("*/demo.py"))
EVERY_DEMO = pytest.mark.parametrize("program", PROGRAMS, ids=[program.parent.name for program in PROGRAMS])
STEP = 1e-6  # of the central differences


def demo_of(program: Path) -> ModuleType:
    return demos.load(program.parent.name.replace("_", "-"))


def central_differences(demo: ModuleType, x: np.ndarray) -> np.ndarray:
    """The gradient of forward at x, one input at a time, with an error of order STEP squared."""
    slopes = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        nudge = np.zeros_like(x)
        nudge[place] = STEP
        slopes[place] = (demo.forward(np, x + nudge) - demo.forward(np, x - nudge)) / (2.0 * STEP)
    return slopes


@EVERY_DEMO
def test_backward_is_the_slope_of_forward(program: Path) -> None:
    demo = demo_of(program)
    assert demo.POINTS
    for x in demo.POINTS:
        gradient = demo.backward(x, 3.0)
        assert gradient.shape == x.shape
        np.testing.assert_allclose(gradient, 3.0 * central_differences(demo, x), rtol=1e-6, atol=1e-7)


@EVERY_DEMO
def test_backward_equals_autograd(program: Path) -> None:
    demo = demo_of(program)
    for x in demo.POINTS:
        differentiated = autograd.grad(lambda x, demo=demo: demo.forward(autograd.numpy, x))(x)
        np.testing.assert_allclose(demo.backward(x, 1.0), differentiated, rtol=1e-11, atol=1e-12)


@EVERY_DEMO
def test_points_tell_a_gradient_from_none(program: Path) -> None:
    demo = demo_of(program)
    assert any(demo.backward(x, 1.0).any() for x in demo.POINTS)


@EVERY_DEMO
def test_the_claim_holds(program: Path) -> None:
    demo_of(program).claim()


@EVERY_DEMO
@pytest.mark.filterwarnings("error")
def test_the_table_is_the_same_twice_and_finite(program: Path) -> None:
    name = program.parent.name.replace("_", "-")
    first, second = demos.evidence(name, {}), demos.evidence(name, {})
    assert first == second
    assert first.assumed == list(first.parameters)
    for _, values in first.rows:
        assert len(values) == len(first.columns)
        assert np.isfinite(values).all()


@EVERY_DEMO
def test_it_runs_as_a_program_from_another_folder(program: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, program], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert run.stdout.isascii()
    assert max(map(len, run.stdout.splitlines())) <= demos.WIDTH


@EVERY_DEMO
def test_the_readme_shows_the_table_that_is_printed(program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demos.print_table(demos.evidence(program.parent.name.replace("_", "-"), {}))
    readme = (program.parent / "README.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out in readme


def test_evidence_names_what_it_assumed() -> None:
    table = demos.evidence("clip-before-loss", {"high": 2.0})
    assert table.parameters == {"low": -1.0, "high": 2.0, "loss": "square"}
    assert table.assumed == ["low", "loss"]


def test_what_makes_no_sense_is_assumed_instead() -> None:
    table = demos.evidence("rnn-no-clip", {"hidden": 0, "steps": 2.5, "lr": float("nan"), "recurrent_gain": 2})
    assert table.assumed == ["steps", "hidden", "nonlinearity", "lr"]


def test_an_unknown_constant_is_refused() -> None:
    with pytest.raises(TypeError, match="delta"):
        demos.evidence("clip-before-loss", {"delta": 1.0})


def test_headings_are_wrapped_above_their_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    curves = Curves(title="", x="", y="", series=[])
    columns, rows = ["share of dead units", "loss"], [("this code", [0.5, 12345.678])]
    demos.print_table(Evidence(columns=columns, rows=rows, curves=curves))
    first, second, row = capsys.readouterr().out.splitlines()
    assert (first.split(), second.split(), row.split()[2:]) == (
        ["share", "of", "dead"],
        ["units", "loss"],
        ["0.5", "1.23e+04"],
    )
    assert first.index("dead") + len("dead") == row.index("0.5") + len("0.5")
