"""Runs the rules' demos: their evidence for the constants of one finding, and its table as plain text."""

from __future__ import annotations

import importlib
import inspect
import math
import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

from backproplint.config import UsageError
from backproplint.rule import Constant, Evidence

WIDTH = 80  # characters of a terminal line


def load(rule_name: str) -> ModuleType:
    """Import the demo of a rule ("clip-before-loss"); raises ModuleNotFoundError where there is none.

    Their matrices are small: threads of NumPy's would cost several times what they bring.
    """
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    return importlib.import_module(f"backproplint.rules.{rule_name.replace('-', '_')}.demo")


def evidence(rule_name: str, parameters: Mapping[str, Constant]) -> Evidence:
    """Measure a rule's hazard with these constants; raises TypeError for a name that its demo does not know.

    What makes no sense where it stands (a layer of 0 units, a rate that is not a number) counts as not known.
    """
    measure = load(rule_name).measure
    own = {name: parameter.default for name, parameter in inspect.signature(measure).parameters.items()}
    return tabulate(measure, {name: value for name, value in parameters.items() if _sensible(value, own.get(name))})


def _sensible(value: Constant, like: Constant | None) -> bool:
    if isinstance(like, int):
        return isinstance(value, int) and value >= 1
    if isinstance(like, float):
        return isinstance(value, (int, float)) and not math.isnan(value)
    return True


def asked(rule_name: str, settings: Sequence[str]) -> Evidence:
    """Measure with constants given as texts `key=value`; raises UsageError for what a demo cannot measure with."""
    constants = given(rule_name, settings)
    try:
        return evidence(rule_name, constants)
    except ValueError as error:
        raise UsageError(f"the demo of {rule_name} cannot measure that: {error}") from error


def given(rule_name: str, settings: Sequence[str]) -> dict[str, Constant]:
    """Read constants for a rule's demo from texts `key=value`; raises UsageError for one that it cannot measure with.

    A value is of the kind of the demo's own: a count, a number or a word.
    """
    known = inspect.signature(load(rule_name).measure).parameters
    constants = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not key or not equals:
            raise UsageError(f"--set takes KEY=VALUE, not '{setting}'")
        if key not in known:
            raise UsageError(f"the demo of {rule_name} has no '{key}'; it has {', '.join(known) or 'no constants'}")
        constants[key] = _constant(key, value, like=known[key].default)
    return constants


def _constant(key: str, text: str, like: Constant) -> Constant:
    """Read a constant of the kind of `like`: a count, from 1 on; a number, infinite ones included; or a word."""
    try:
        if isinstance(like, int) and int(text) >= 1:
            return int(text)
        if isinstance(like, float) and not math.isnan(float(text)):
            return float(text)
    except ValueError:
        pass
    if isinstance(like, str):
        return text.strip("'\"")
    raise UsageError(f"{key} is a {'whole number from 1 on' if isinstance(like, int) else 'number'}, not '{text}'")


def tabulate(measure: Callable[..., Evidence], parameters: Mapping[str, Constant]) -> Evidence:
    """Call `measure` and note which constants it was given and which of its defaults it assumed."""
    bound = inspect.signature(measure).bind(**parameters)
    bound.apply_defaults()
    table = measure(**parameters)
    table.parameters = dict(bound.arguments)
    table.assumed = [name for name in bound.arguments if name not in parameters]
    return table


def print_table(evidence: Evidence) -> None:
    """Print the evidence in ASCII, at most 80 columns wide, and below it the constants it was measured with."""
    labels = max(len(label) for label, _ in evidence.rows)
    width = min(16, (WIDTH - labels) // len(evidence.columns))
    for line in _heading(evidence.columns, width):
        print((" " * labels + line).rstrip())
    for label, values in evidence.rows:
        print(label.ljust(labels) + "".join(f"{value:.3g}".rjust(width) for value in values))
    if evidence.parameters:
        constants = ", ".join(f"{name}={value}" for name, value in evidence.parameters.items())
        print(*textwrap.wrap(f"measured with {constants}", WIDTH), sep="\n")


def _heading(columns: list[str], width: int) -> list[str]:
    """The columns' names, wrapped to their width and set flush with the numbers at the bottom right."""
    wrapped = [textwrap.wrap(column, width - 1, break_on_hyphens=True) for column in columns]
    height = max(map(len, wrapped))
    padded = [[""] * (height - len(words)) + words for words in wrapped]
    return ["".join(word.rjust(width) for word in line) for line in zip(*padded, strict=True)]
