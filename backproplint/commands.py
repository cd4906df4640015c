"""The small commands: what rules there are, what they say and prove, and the cache removed."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from backproplint.report.terminal import Terminal

cache_dir = click.option(
    "--cache-dir",
    envvar="BACKPROPLINT_CACHE_DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the cache [.backproplint_cache beside the configuration].",
)


def show(text: str, terminal: Terminal, err: bool = False) -> None:
    """Print a text, unless it is empty, with what the stream cannot encode replaced."""
    if text:
        encoding = (sys.stderr if err else sys.stdout).encoding or "utf-8"
        click.echo(text.encode(encoding, "replace").decode(encoding), err=err, color=terminal.color or None)


@click.command()
@cache_dir
def clean(cache_dir: Path | None) -> None:
    """Remove the cache of the project that the current folder belongs to."""
    from backproplint import cache, config

    folder = cache_dir or config.load(Path()).root / cache.FOLDER
    click.echo(f"removed {folder}" if cache.clean(folder) else f"no cache in {folder}")


@click.command()
@click.argument("name")
def rule(name: str) -> None:
    """Explain a rule: what it finds, why it hurts, what to do instead."""
    from backproplint import registry
    from backproplint.report.terminal import stdout

    page = (registry.folder(name) / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"^!\[.*\n\n", "", page, flags=re.M)  # a terminal shows no pictures
    terminal = stdout("auto")
    if sys.stdout.isatty() and terminal.unicode:
        from rich.console import Console
        from rich.markdown import Markdown

        Console(no_color=not terminal.color, width=terminal.width).print(Markdown(text))
    else:
        show(text, terminal)


@click.command()
@click.option("--output-format", type=click.Choice(["text", "json"]), default="text")
def rules(output_format: str) -> None:
    """List the rules: name, family, severity, summary."""
    import json

    from backproplint import registry
    from backproplint.report.terminal import stdout

    keys = ("name", "family", "severity", "summary")
    rows = [{key: getattr(found, key) for key in keys} for found in registry.rules()]
    if output_format == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    widths = [max((len(row[key]) for row in rows), default=0) for key in keys[:3]]
    for row in rows:
        columns = "  ".join(f"{row[key]:<{width}}" for key, width in zip(keys, widths, strict=False))
        show(f"{columns}  {row['summary']}", stdout("never"))


@click.command()
@click.argument("name", required=False)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A constant to measure with; repeatable.")
@click.option("--plot", type=click.Path(path_type=Path), metavar="FILE", help="Draw the picture there: .svg or .png.")
@click.option("--all", "every", is_flag=True, help="Show every rule.")
@click.option("--plot-dir", type=click.Path(path_type=Path), metavar="DIR", help="Draw each picture to DIR/NAME.svg.")
def demo(name: str | None, settings: tuple[str, ...], plot: Path | None, every: bool, plot_dir: Path | None) -> None:
    """Measure a rule's hazard beside its cure, in plain NumPy, and plot it."""
    from backproplint import registry

    if every == (name is not None) or (every and (settings or plot)) or (plot and plot_dir):
        raise click.UsageError("demo takes NAME [--set KEY=VALUE] [--plot FILE], or --all [--plot-dir DIR]")
    named = [registry.folder(name).name.replace("_", "-")] if name else [rule.name for rule in registry.rules()]
    if plot_dir:
        from backproplint import plots

        plots.gallery(plot_dir)
    for number, one in enumerate(named):
        click.echo(f"{chr(10) * (number > 0)}{one}\n" if every else "", nl=False)
        _demo(one, settings, plot_dir / f"{one}.svg" if plot_dir else plot)


def _demo(name: str, settings: Sequence[str], picture: Path | None) -> None:
    """Print a rule's table, and plot it below, or to a file."""
    from backproplint import demos
    from backproplint.report.plot import plot
    from backproplint.report.terminal import stdout

    if picture is None:
        evidence = demos.asked(name, settings)
        demos.print_table(evidence)
        terminal = stdout("auto")
        show("\n" + "\n".join(plot(evidence.curves, terminal)), terminal)
    else:
        from backproplint import plots

        plots.ready(picture)
        evidence = demos.asked(name, settings)
        plots.save(evidence, picture)
        demos.print_table(evidence)
        click.echo(f"drawn: {picture}")
