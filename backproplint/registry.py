"""The rules: found by folder, selected by name or family. There is no list of them to edit."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import backproplint
from backproplint.config import UsageError, nearest
from backproplint.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from backproplint.config import Settings

INPUT = ("invalid-source", "input")  # name and family of what the engine itself reports


def _folders() -> list[Path]:
    """Return the rules' folders: inside the package in a wheel, beside it in a checkout."""
    homes = (Path(home) / "rules" for home in backproplint.__path__)
    return sorted(file.parent for home in homes for file in home.glob("*/checker.py"))


@cache
def rules() -> list[Rule]:
    """Return one instance of each rule, sorted by folder.

    Raises TypeError where a checker.py does not define exactly one Rule.
    """
    return [_load(folder.name) for folder in _folders()]


def _load(folder: str) -> Rule:
    module = import_module(f"backproplint.rules.{folder}.checker")
    own = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Rule) and thing.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise TypeError(f"rules/{folder}/checker.py must define one Rule, and defines {len(own)}")
    return own[0]()


def folder(name: str) -> Path:
    """Return the folder of the rule called `name`. Raises UsageError for a name that no rule has."""
    for path in _folders():
        if path.name == name.replace("-", "_"):
            return path
    raise _unknown(name, [rule.name for rule in rules()])


def checked(settings: Settings) -> None:
    """Raise UsageError for a selector in the settings that is no rule's name, no family and not ALL."""
    given = (settings.select, settings.extend_select, settings.ignore, *settings.per_file_ignores.values())
    unknown = {*chain.from_iterable(given)} - {"ALL"}
    known = names() | {"ALL"} if unknown else set()  # most runs name none, and need not load the rules for it
    for selector in sorted(unknown - known):
        raise _unknown(selector, known)


def selected(settings: Settings) -> list[Rule]:
    """Return the rules to run: `select` and `extend-select` less `ignore`, the closer selector winning.

    A selector is a rule's name, a family or ALL; at the same closeness `ignore` wins.
    """
    select = [*settings.select, *settings.extend_select]
    return [rule for rule in rules() if _closest(rule, select) > _closest(rule, settings.ignore)]


def names() -> set[str]:
    """Return all that can be selected, ignored or silenced: rules, families, and what the engine itself reports."""
    return {*INPUT}.union(*((rule.name, rule.family) for rule in rules()))


def _closest(rule: Rule, selectors: Sequence[str]) -> int:
    levels = {"ALL": 1, rule.family: 2, rule.name: 3}
    return max((levels.get(selector, 0) for selector in selectors), default=0)


def _unknown(name: str, names: Iterable[str]) -> UsageError:
    return UsageError(f"unknown rule '{name}'{nearest(name, sorted(names))}")
