"""Runs the rules' demos: their evidence for the constants of one finding, and its table as plain text."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Callable, Mapping
from types import ModuleType

from backproplint.rule import Constant, Evidence

WIDTH = 80  # characters of a terminal line


def load(rule_name: str) -> ModuleType:
    """Import the demo of a rule ("clip-before-loss"); raises ModuleNotFoundError where there is none."""
    return importlib.import_module(f"backproplint.rules.{rule_name.replace('-', '_')}.demo")


def evidence(rule_name: str, parameters: Mapping[str, Constant]) -> Evidence:
    """Measure a rule's hazard with these constants; raises TypeError for a name that its demo does not know."""
    return tabulate(load(rule_name).measure, parameters)


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
