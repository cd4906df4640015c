"""The command line: click, and nothing but click. All else is imported by the command that needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from backproplint import __version__
from backproplint.commands import cache_dir, clean, demo, rule, rules, show

if TYPE_CHECKING:
    from backproplint.config import Settings
    from backproplint.report import Report

Command = TypeVar("Command", bound=Callable[..., Any])
SEVERITIES = ("note", "warning", "error")
FORMATS = ("full", "concise", "json")
REPORT = "please report this, with the traceback that -v shows"


def cli(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 clean, 1 findings, 2 usage or internal error, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return commands.main(given, prog_name="backproplint", standalone_mode=False) or 0
    except click.Abort:
        os._exit(130)  # an ordinary exit would abort when it meets a thread that is still in native code
    except click.ClickException as error:
        return _fail(error.format_message())
    except Exception as error:
        from backproplint.config import UsageError

        if isinstance(error, UsageError):
            return _fail(str(error))
        if {"-v", "--verbose"} & set(given):
            import traceback

            traceback.print_exc()
        return _fail(f"{error or type(error).__name__}; {REPORT}")


def _fail(message: str) -> int:
    click.echo(f"error: {' '.join(message.split())}", err=True)
    return 2


class _Commands(click.Group):
    """A group in which `check` need not be said: a first argument that is no command belongs to it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, "-h", "--help", "--version"):
            args = ["check", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="%(prog)s %(version)s")
def commands() -> None:
    """Follow the gradients of deep-learning code without running it, and point at where they die, explode or go wrong.

    `backproplint PATHS...` is short for `backproplint check PATHS...`; `backproplint check -h` lists its options.
    """


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join options into one decorator, first option first."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _listed(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> list[str]:
    return [word.strip() for value in values for word in value.split(",") if word.strip()]


def _names(flag: str, text: str) -> Callable[[Command], Command]:
    return click.option(flag, multiple=True, callback=_listed, metavar="A,B", help=text)


_selecting = _options(
    _names("--select", "Rules or families to run, or ALL; replaces what the configuration selects."),
    _names("--ignore", "Rules or families not to run."),
    _names("--extend-select", "Rules or families to run as well."),
    click.option(
        "--min-confidence", type=click.Choice(["low", "medium", "high"]), help="Least confidence shown [medium]."
    ),
)
_reporting = _options(
    click.option("--output-format", envvar="BACKPROPLINT_OUTPUT_FORMAT", type=click.Choice(FORMATS)),
    click.option(
        "-o", "--output-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report there."
    ),
    click.option("--statistics", is_flag=True, help="Count findings, and sites left undecided, by rule."),
    click.option("--no-evidence", is_flag=True, help="Do not measure the numbers behind the findings."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto"),
    click.option("-v", "--verbose", is_flag=True, help="Say more on stderr; show the traceback of an internal error."),
    click.option("-q", "--quiet", is_flag=True, help="Print findings and nothing else."),
)
_failing = _options(
    click.option("-e", "--exit-zero", is_flag=True, help="Exit with 0 whatever was found."),
    click.option("--fail-on", type=click.Choice(SEVERITIES[::-1]), help="Least severity that exits with 1 [warning]."),
)
_finding = _options(
    _names("--exclude", "Globs of files to leave out; replaces the default list."),
    _names("--extend-exclude", "Globs of files to leave out as well."),
    click.option("--force-exclude", is_flag=True, help="Exclude named files too."),
    click.option("--no-respect-gitignore", is_flag=True, help="Read files that git ignores."),
    click.option("--stdin-filename", type=click.Path(path_type=Path), help="The name of what `-` reads."),
    click.option("--config", multiple=True, metavar="FILE|KEY=VALUE", help="A configuration file, or one setting."),
    click.option("--isolated", is_flag=True, help="Use no configuration file."),
    click.option("-n", "--no-cache", is_flag=True, help="Read every file afresh, and keep nothing for the next run."),
    cache_dir,
)


@commands.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@_selecting
@_reporting
@_failing
@_finding
def check(paths: tuple[Path, ...], **options: Any) -> int:
    """Check files, notebooks and folders (the current one by default; `-` is stdin)."""
    from backproplint import engine
    from backproplint.cache import FOLDER
    from backproplint.report.progress import bar

    named = list(paths) or [Path()]
    stdin = _stdin(named)
    settings = _settings(named, options)
    with bar(sys.stderr.isatty() and not options["quiet"]) as advance:
        report = engine.check(
            [options["stdin_filename"] or Path("-")] if stdin is not None else named,
            settings,
            stdin=stdin,
            measure=not options["no_evidence"] and settings.output_format != "concise" and not options["statistics"],
            advance=advance,
            cache=None if options["no_cache"] else options["cache_dir"] or settings.root / FOLDER,
        )
    _show(report, settings, options)
    return int(not options["exit_zero"] and _failed(report, settings))


def _stdin(paths: list[Path]) -> bytes | None:
    """Return what stdin holds if the path is `-`, else None."""
    if Path("-") not in paths:
        return None
    if len(paths) > 1:
        raise click.UsageError("`-` (stdin) cannot be combined with other paths")
    return sys.stdin.buffer.read()


def _settings(paths: list[Path], options: dict[str, Any]) -> Settings:
    """Return the configuration found above the paths, with the flags of the command line over it."""
    from backproplint import config

    named = [options["stdin_filename"] or Path() if path == Path("-") else path for path in paths]
    start = Path(os.path.commonpath([path.absolute() for path in named]))
    settings = config.load(start, options["config"], options["isolated"])
    for key in ("select", "exclude", "min_confidence", "fail_on", "output_format"):
        if options[key]:
            setattr(settings, key, options[key])
    for key in ("ignore", "extend_select", "extend_exclude"):
        setattr(settings, key, [*getattr(settings, key), *options[key]])
    if settings.output_format not in FORMATS:
        raise click.UsageError(f"output-format '{settings.output_format}' is not there yet; use {', '.join(FORMATS)}")
    settings.force_exclude |= options["force_exclude"]
    settings.respect_gitignore &= not options["no_respect_gitignore"]
    return settings


def _show(report: Report, settings: Settings, options: dict[str, Any]) -> None:
    """Print the report, and its summary where a machine does not read it."""
    from backproplint.report import render, statistics, summary
    from backproplint.report.terminal import file as to_file
    from backproplint.report.terminal import stdout

    quiet, form, file = options["quiet"], settings.output_format, options["output_file"]
    terminal = (stdout if file is None else to_file)(options["color"])
    text = (statistics.render if options["statistics"] else render)(report, form, terminal)
    for warning in [] if quiet else report.warnings:
        show(f"warning: {warning}", terminal, err=True)
    if file is None:
        show(text, terminal)
    else:
        _save(file, text)
    if not quiet:
        blank = "\n" if form == "full" and text and file is None else ""
        show(blank + summary(report), terminal, err=form == "json" or file is not None)
    if options["verbose"]:
        show(f"{report.files} files checked", terminal, err=True)


def _save(file: Path, text: str) -> None:
    try:
        file.write_text(text + "\n" if text else "", encoding="utf-8", errors="replace")
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from None


def _failed(report: Report, settings: Settings) -> bool:
    least = SEVERITIES.index(settings.fail_on)
    return any(SEVERITIES.index(found.severity) >= least for found in report.diagnostics)


for _command in (clean, demo, rule, rules):
    commands.add_command(_command)
