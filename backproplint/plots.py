"""Curves as pictures, SVG or PNG, drawn by matplotlib (the extra `plots`). All style is here; a demo knows no colours.

An SVG holds the curves that it shows, as JSON in its metadata, so that one can tell whether it is still true.
"""

from __future__ import annotations

import io
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import msgspec

from backproplint.config import UsageError
from backproplint.report.plot import span, tick
from backproplint.rule import Curves, Evidence

SUFFIXES = (".svg", ".png")
HAZARD, CURE = ("#c1121f", "#e07a1f"), ("#0b7a4b", "#1f6fb2", "#6a4c93")
ROUND = [1, 2, 5, 10]  # the steps between ticks, times a power of ten
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
INK, FAINT = "#222222", "#777777"
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: small, searchable
    "svg.hashsalt": "backproplint",
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": "#e6e6e6",
}
FONTS = "'DejaVu Sans', Verdana, sans-serif"  # the second is as wide as the first, which is matplotlib's own
SIZE = 7.6, 3.9  # inches
AXES = 0.09, 0.145, 0.635, 0.6  # left, bottom, width and height of the axes; on their right stand the labels
LINE = 0.064  # height of a line of a label, in heights of the axes
LETTERS = 20  # of a line of a label


def ready(file: Path) -> None:
    """Raise UsageError, before anything is measured, where no picture could be drawn to `file`."""
    if file.suffix not in SUFFIXES:
        raise UsageError(f"a picture is a .svg or a .png file, not '{file.name}'")
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise UsageError(f"pictures need matplotlib ({error}); pip install 'backproplint[plots]'") from None


def gallery(folder: Path) -> None:
    """Make the folder that pictures go to, unless it is there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from None


def save(evidence: Evidence, file: Path) -> None:
    """Draw the picture of this evidence to an SVG or PNG file, whole or not at all."""
    data = draw(evidence, file.suffix[1:])
    try:
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".drawing-") as folder:
            part = Path(folder) / file.name
            part.write_bytes(data)
            part.replace(file)
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from None


def draw(evidence: Evidence, form: str) -> bytes:
    """Return the picture, in the form "svg" or "png": the same bytes for the same evidence and matplotlib."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=SIZE)
        axes = figure.add_axes(AXES)
        _axes(axes, evidence.curves)
        _lines(axes, evidence.curves)
        _titles(figure, evidence)
        out = io.BytesIO()
        about = {"Title": evidence.curves.title, "Description": record(evidence.curves)}
        metadata = {"Date": None, "Creator": "backproplint", **about} if form == "svg" else {"Software": None, **about}
        figure.savefig(out, format=form, dpi=150, metadata=metadata)
    return out.getvalue().replace(b"'DejaVu Sans'", FONTS.encode())


def record(curves: Curves) -> str:
    """Return the curves as JSON, numbers to 4 digits."""
    short = [(label, *([float(f"{v:.4g}") for v in values] for values in (xs, ys))) for label, xs, ys in curves.series]
    return msgspec.json.encode(msgspec.structs.replace(curves, series=short)).decode()


def shown(svg: str) -> Curves | None:
    """Return the curves that an SVG of ours shows, None where it holds none that we can read."""
    from xml.etree import ElementTree

    try:
        text = ElementTree.fromstring(svg).findtext(".//{http://purl.org/dc/elements/1.1/}description")
        return msgspec.json.decode(text or "", type=Curves)
    except (ElementTree.ParseError, msgspec.DecodeError):
        return None


def same(one: Curves, other: Curves) -> bool:
    """Tell whether two curves look the same: words are equal, and numbers differ by less than one sees.

    Numbers may differ by far more than rounding: a training run depends on the last bit of what a processor adds up.
    """
    words = [msgspec.structs.replace(curves, series=[]) for curves in (one, other)]
    labels = [[(label, len(xs)) for label, xs, _ in curves.series] for curves in (one, other)]
    if words[0] != words[1] or labels[0] != labels[1]:
        return False
    low, high = span(other)
    pairs = zip(one.series, other.series, strict=True)
    apart = [abs(y - z) for (_, _, ys), (_, _, zs) in pairs for y, z in zip(ys, zs, strict=True)]
    return max(apart) <= 0.02 * (high - low)


def _axes(axes: Any, curves: Curves) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    xs = [x for _, many, _ in curves.series for x in many]
    low, high = span(curves)
    room = 0.04 * (high - low)
    axes.set_ylim(low - (room if curves.log or low < 0.0 else 0.0), high + room)
    axes.set_xlim(min(xs), max(max(xs), min(xs) + 1e-9))
    axes.set_xlabel(curves.x)
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=ROUND, integer=all(x == int(x) for x in xs)))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=ROUND, integer=curves.log))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: _power(y) if curves.log else tick(y)))


def _power(y: float) -> str:
    return tick(y, True) if -4 <= y < 5 else "10" + f"{y:.0f}".translate(RAISED)


def _lines(axes: Any, curves: Curves) -> None:
    """Draw the series, the first one on top, and name each beside its end (a bar chart's beside its peak)."""
    ends = []
    for number, ((label, xs, ys), (color, style)) in enumerate(zip(curves.series, _styles(curves), strict=True)):
        order = 10 - number
        if curves.bars:
            width = xs[1] - xs[0]
            axes.bar(xs, ys, width, color=color, alpha=0.75, zorder=order)
            axes.set_xlim(xs[0] - width / 2, xs[-1] + width / 2)
            _peak(axes, label, xs, ys, color)
            continue
        axes.plot(xs, ys, color=color, linestyle=style, linewidth=2.4, zorder=order, marker="o" if len(xs) < 15 else "",
                  markersize=4.5, clip_on=False, solid_capstyle="round")  # fmt: skip
        ends.append((ys[-1], label, color))
    _names(axes, ends)


def _styles(curves: Curves) -> list[tuple[str, str]]:
    """A colour and a line for each series: warm ones for the code as it is, cool ones for its cures."""
    colors = {True: iter(HAZARD), False: iter(CURE)}
    return [(next(colors[hazardous(label)]), "-" if hazardous(label) else "--") for label, _, _ in curves.series]


def hazardous(label: str) -> bool:
    """Whether a row or series is the code as it is, and not a cure."""
    return label.startswith("this code")


def _peak(axes: Any, label: str, xs: list[float], ys: list[float], color: str) -> None:
    place = max(range(len(ys)), key=ys.__getitem__)
    left = place < len(xs) / 2
    text = "\n".join(textwrap.wrap(label, LETTERS))
    side = 1 if left else -1
    axes.annotate(text, (xs[place], ys[place]), (side * 14, 4), textcoords="offset points", color=color, weight="bold",
                  ha="left" if left else "right", va="top" if left else "bottom")  # fmt: skip


def _names(axes: Any, ends: list[tuple[float, str, str]]) -> None:
    """Write the labels at the right of the lines' ends, pushed apart where they would overlap."""
    low, high = axes.get_ylim()
    texts = sorted(
        ((min(max((y - low) / (high - low), 0.0), 1.0), "\n".join(textwrap.wrap(label, LETTERS)), color)
         for y, label, color in ends), reverse=True,
    )  # fmt: skip
    heights = [LINE * (text.count("\n") + 1) + 0.03 for _, text, _ in texts]
    places = _apart([place for place, _, _ in texts], heights)
    for (end, text, color), place in zip(texts, places, strict=True):
        leader = {"arrowstyle": "-", "color": color, "linewidth": 0.8, "shrinkA": 1, "shrinkB": 3}
        axes.annotate(text, (1.0, end), (1.045, place), "axes fraction", "axes fraction", arrowprops=leader,
                      color=color, weight="bold", va="center", fontsize=9.5, linespacing=1.15)  # fmt: skip


def _apart(places: list[float], heights: list[float]) -> list[float]:
    """Places from high to low, moved down where two would overlap, then all up again where they left the axes."""
    for k in range(1, len(places)):
        places[k] = min(places[k], places[k - 1] - 0.5 * (heights[k - 1] + heights[k]))
    for k in reversed(range(len(places))):
        least = 0.0 if k == len(places) - 1 else places[k + 1] + 0.5 * (heights[k] + heights[k + 1])
        places[k] = max(places[k], least)
    return places


def _titles(figure: Any, evidence: Evidence) -> None:
    """The title, below it the constants, and the name of the y axis above that axis, where it reads level."""
    curves, left = evidence.curves, 0.022
    figure.text(left, 0.97, curves.title, fontsize=12, weight="bold", color=INK, va="top")
    constants = ", ".join(f"{name.replace('_', ' ')} {_said(value)}" for name, value in evidence.parameters.items())
    figure.text(left, 0.9, f"this code: {constants}", fontsize=8.5, color=FAINT, va="top")
    figure.text(left, AXES[1] + AXES[3] + 0.025, curves.y, fontsize=10, color=INK, va="bottom")


def _said(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
