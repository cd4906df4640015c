"""Pictures of the demos: in the terminal, as sparklines, and as files that are whole or not there at all."""

import math
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from backproplint import demos, plots, registry
from backproplint.report.plot import plot, sparks, tick
from backproplint.report.terminal import Terminal
from backproplint.rule import Constant, Curves
from tests.test_cli import ROOT, refused, run

NAMES = sorted(rule.name for rule in registry.rules())
EVERY_RULE = pytest.mark.parametrize("name", NAMES)
PNG = b"\x89PNG\r\n\x1a\n"
EXTREMES: dict[str, dict[str, Constant]] = {
    "clip-before-loss": {"low": -10.0, "high": float("inf")},
    "deep-sigmoid-stack": {"depth": 50},
    "relu-dead-init": {"kind": "zeros", "depth": 6},
    "relu-high-lr": {"lr": 1e6, "optimizer": "adadelta"},
    "rnn-no-clip": {"steps": 1000, "nonlinearity": "relu"},
    "rnn-unscaled-recurrence": {"hidden": 4096, "steps": 1000},
    "saturating-init": {"std": 1e6, "squash": "tanh"},
    "unscaled-input": {"high": 65535.0, "squash": "relu"},
}


def lines(*ys: list[float], log: bool = False) -> Curves:
    series = [(f"line {number}", [float(x) for x in range(len(y))], y) for number, y in enumerate(ys)]
    return Curves(title="A title", x="steps", y="gradient", series=series, log=log)


@EVERY_RULE
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [40, 80])
def test_a_plot_fits_the_terminal_and_names_its_axes(name: str, width: int, unicode: bool) -> None:
    for constants in ({}, EXTREMES[name]):
        curves = demos.evidence(name, constants).curves
        text = "\n".join(plot(curves, Terminal(width, unicode=unicode)))
        assert max(map(len, text.splitlines())) <= width
        assert unicode or text.isascii()
        assert all(words in " ".join(text.split()) for words in (curves.title, curves.x, curves.y))
        assert all(sign in text for sign in ("●○" if unicode else "*o"))


@EVERY_RULE
def test_the_hazard_and_the_cure_are_drawn_and_the_constants_change_them(name: str) -> None:
    usual, extreme = (demos.evidence(name, constants).curves for constants in ({}, EXTREMES[name]))
    assert usual.series != extreme.series
    for curves in (usual, extreme):
        assert [label.startswith("this code") for label, _, _ in curves.series[:1]] == [True]
        assert not curves.series[-1][0].startswith("this code")
        for _, xs, ys in curves.series:
            assert len(xs) == len(ys) >= 2
            assert all(map(math.isfinite, [*xs, *ys]))


def test_a_falling_line_falls() -> None:
    rows = [line for line in plot(lines([3.0, 0.0]), Terminal(40)) if "│" in line or "┤" in line]
    places = [row.index("●") for row in rows]
    assert places == sorted(places) and places[0] < places[-1]
    assert rows[0].split()[0] == "3" and rows[-1].split()[0] == "0"


def test_powers_stand_at_the_ticks() -> None:
    text = "\n".join(plot(lines([0.0, -400.0], log=True), Terminal()))
    assert "1e-400 ┤" in text and "1 ┤" in text
    assert [tick(0.0, True), tick(-2.0, True), tick(-30.0, True), tick(0.25)] == ["1", "0.01", "1e-30", "0.25"]


def test_flat_lines_can_be_drawn() -> None:
    for log in (True, False):
        assert "●" in "\n".join(plot(lines([0.0, 0.0], log=log), Terminal()))


def test_colour_adds_nothing_to_a_plot_but_colour() -> None:
    plain, painted = ("\n".join(plot(lines([1.0, 2.0], [2.0, 1.0]), Terminal(color=on))) for on in (False, True))
    assert plain != painted
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == plain


def test_sparklines_share_one_scale() -> None:
    about, falling, flat = sparks(lines([0.0, -3.0, -6.0], [0.0, 0.0, 0.0], log=True), Terminal())
    assert about == "gradient (1e-6 to 1), steps: 0 to 2"
    assert (falling.split()[-1], flat.split()[-1]) == ("█▅▁", "███")


@EVERY_RULE
def test_an_svg_is_the_same_again_and_tells_what_it_shows(name: str) -> None:
    evidence = demos.evidence(name, {})
    svg = plots.draw(evidence, "svg")
    assert svg == plots.draw(evidence, "svg")
    assert len(svg) < 40_000
    shown = plots.shown(svg.decode())
    assert shown is not None and plots.same(shown, evidence.curves)
    texts = [part for part in ElementTree.fromstring(svg).iter() if part.tag.endswith("text")]
    words = " ".join("".join(part.itertext()) for part in texts)
    for label in (evidence.curves.title, evidence.curves.x, evidence.curves.y):
        assert label in words
    for label, _, _ in evidence.curves.series:
        assert all(word in words for word in label.split())


@EVERY_RULE
@pytest.mark.parametrize("extreme", [False, True])
def test_labels_overlap_neither_each_other_nor_the_edge(
    name: str, extreme: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: figures.append(self))
    plots.draw(demos.evidence(name, EXTREMES[name] if extreme else {}), "png")
    (figure,) = figures
    figure.draw_without_rendering()
    (axes,) = figure.axes
    texts = [text for text in [*figure.texts, *axes.texts, axes.xaxis.label] if text.get_text()]
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]  # without the leaders of the labels
    width, height = figure.bbox.size
    for number, (label, box) in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height, label
        assert [other for other, its in boxes[:number] if box.overlaps(its)] == [], label


def test_a_picture_of_other_numbers_is_stale() -> None:
    curves = lines([0.0, 1.0, 2.0])
    assert plots.same(curves, lines([0.0, 1.01, 2.0]))
    assert not plots.same(curves, lines([0.0, 1.2, 2.0]))
    assert not plots.same(curves, lines([0.0, 1.0, 2.0, 3.0]))
    assert not plots.same(curves, lines([0.0, 1.0, 2.0], [0.0, 1.0, 2.0]))
    assert plots.shown("<svg/>") is plots.shown("no svg") is None


def test_a_picture_is_written_in_both_forms_with_the_constants_it_is_given(tmp_path: Path) -> None:
    for file, settings in (("one.svg", []), ("two.svg", ["--set", "high=5"]), ("three.png", [])):
        ran = run("demo", "clip-before-loss", *settings, "--plot", file, cwd=tmp_path)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.endswith(f"drawn: {file}\n")
        assert "Huber loss" in ran.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.svg", "three.png", "two.svg"]
    ElementTree.parse(tmp_path / "one.svg")
    assert (tmp_path / "three.png").read_bytes().startswith(PNG)
    assert "clip to [-1, 1]" in (tmp_path / "one.svg").read_text() and "[-1, 5]" in (tmp_path / "two.svg").read_text()


def test_a_demo_plots_in_the_terminal(tmp_path: Path) -> None:
    ran = run("demo", "clip-before-loss", cwd=tmp_path)
    assert "error: prediction - target" in ran.stdout and "● this code" in ran.stdout
    plain = run("demo", "clip-before-loss", cwd=tmp_path, PYTHONIOENCODING="ascii").stdout
    assert plain.isascii() and "* this code" in plain


def test_the_gallery_holds_every_rule(tmp_path: Path) -> None:
    ran = run("demo", "--all", "--plot-dir", "new/pictures", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    drawn = sorted((tmp_path / "new/pictures").iterdir())
    assert [path.name for path in drawn] == [f"{name}.svg" for name in NAMES]
    assert all(ElementTree.parse(path) for path in drawn)
    assert all(f"\n{name}\n" in f"\n{ran.stdout}" for name in NAMES)


@pytest.mark.parametrize(
    "arguments",
    [[], ["--all", "clip-before-loss"], ["--all", "--set", "low=1"], ["--all", "--plot", "x.svg"],
     ["clip-before-loss", "--plot", "x.svg", "--plot-dir", "."]],
)  # fmt: skip
def test_what_does_not_go_together_is_refused(tmp_path: Path, arguments: list[str]) -> None:
    assert "demo takes NAME" in refused(run("demo", *arguments, cwd=tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("x.pdf", "a picture is a .svg or a .png file, not 'x.pdf'"),
        ("x", "a .svg or a .png file"),
        ("nowhere/x.svg", "cannot write nowhere/x.svg: No such file or directory"),
        ("taken.svg", "cannot write taken.svg: Is a directory"),
    ],
)
def test_a_picture_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path, file: str, said: str) -> None:
    (tmp_path / "taken.svg").mkdir()
    assert said in refused(run("demo", "clip-before-loss", "--plot", file, cwd=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["taken.svg"]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot make the folder" in refused(run("demo", "--all", "--plot-dir", "file/x", cwd=tmp_path))


def test_without_matplotlib_only_pictures_are_refused(tmp_path: Path) -> None:
    absent = "raise ModuleNotFoundError(\"No module named 'matplotlib'\", name='matplotlib')\n"
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden/matplotlib.py").write_text(absent)
    path = f"{tmp_path / 'hidden'}:{ROOT}"
    said = refused(run("demo", "clip-before-loss", "--plot", "x.svg", cwd=tmp_path, PYTHONPATH=path))
    assert "pictures need matplotlib" in said and "pip install 'backproplint[plots]'" in said
    assert not (tmp_path / "x.svg").exists()
    assert run("demo", "clip-before-loss", cwd=tmp_path, PYTHONPATH=path).returncode == 0


def test_numpy_is_imported_only_for_a_finding_to_prove() -> None:
    program = (
        "import sys; from backproplint.cli import cli; cli(sys.argv[1:]); "
        "print({'numpy', 'matplotlib'} & set(sys.modules), file=sys.stderr)"
    )
    stories = ROOT / "fixtures/clip_before_loss"
    clean, hazard = stories / "torch_ppo_clips.py", stories / "torch_dqn_clamp_pow.py"
    for arguments, loaded in (([clean], "set()"), ([hazard, "--no-evidence"], "set()"), ([hazard], "{'numpy'}")):
        ran = subprocess.run(
            [sys.executable, "-c", program, "--no-cache", *map(str, arguments)],
            cwd=ROOT, capture_output=True, encoding="utf-8",
        )  # fmt: skip
        assert ran.stderr.splitlines()[-1] == loaded, arguments
