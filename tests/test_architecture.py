"""The house stands as it is drawn: imports run one way, rules are complete, rooms stay small."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backproplint import registry

ROOT = Path(__file__).parents[1]
FLOORS = [
    {"__init__", "ops", "config", "deep"},
    {"frameworks", "sources", "gitignore", "notebooks", "python2"},
    {"rule", "graph"},
    {"lowering", "cache"},
    {"report", "suppress", "fixes", "registry", "placing", "related", "prefilter", "baseline"},
    {"demos", "plots", "reading"},
    {"pool"},
    {"kept"},
    {"engine"},
    {"commands"},
    {"cli", "dev", "__main__"},
]
FOR_CHECKERS = {"ops", "rule", "graph"}
FOR_DEMOS = {"rule", "demos"}
OWNERS = {
    "libcst": {"lowering", "fixes"},
    "click": {"cli", "commands"},
    "rich": {"commands", "report"},
    "matplotlib": {"plots"},
    "fissix": {"python2"},
    "numpy": set[str](),  # only demos compute
}
MODULES = sorted((ROOT / "backproplint").rglob("*.py"))
RULES = sorted(path for path in (ROOT / "rules").iterdir() if path.is_dir() and path.name != "__pycache__")
EVERY_RULE = pytest.mark.parametrize("folder", RULES, ids=[path.name for path in RULES])


def part(module: Path) -> str:
    """The part of the house that a module of the package belongs to: its file or its folder."""
    return module.relative_to(ROOT / "backproplint").parts[0].removesuffix(".py")


def imported(module: Path) -> Iterator[tuple[str, ...]]:
    """Each import of a file as parts of a dotted name, those for type checkers and deferred ones included."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            base = tuple((node.module or "").split("."))
            yield from ([(*base, alias.name) for alias in node.names] if base == ("backproplint",) else [base])


def own_parts(module: Path) -> set[str]:
    """The parts of the package that a file imports; `from backproplint import __version__` is its ground."""
    names = {name[1] if len(name) > 1 else "__init__" for name in imported(module) if name[0] == "backproplint"}
    return {"__init__" if name == "__version__" else name for name in names}


def floor(name: str) -> int:
    (number,) = [number for number, parts in enumerate(FLOORS) if name in parts] or [-1]
    assert number >= 0, f"backproplint/{name} stands on no floor of test_architecture.py"
    return number


@pytest.mark.parametrize("module", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_no_import_runs_up(module: Path) -> None:
    here = floor(part(module))
    assert {name for name in own_parts(module) if floor(name) > here} == set()


@pytest.mark.parametrize("module", MODULES, ids=[str(path.relative_to(ROOT)) for path in MODULES])
def test_each_library_has_its_owners(module: Path) -> None:
    roots = {name[0] for name in imported(module)}
    assert {library for library in roots & OWNERS.keys() if part(module) not in OWNERS[library]} == set()


@EVERY_RULE
def test_a_checker_knows_the_project_and_no_more(folder: Path) -> None:
    assert own_parts(folder / "checker.py") <= FOR_CHECKERS
    assert own_parts(folder / "demo.py") <= FOR_DEMOS
    assert not {name[0] for name in imported(folder / "checker.py")} & OWNERS.keys()


@EVERY_RULE
def test_a_rule_is_its_three_files(folder: Path) -> None:
    drawn = {"__pycache__", "plot.svg"}  # what commands make
    assert {path.name for path in folder.iterdir()} - drawn == {"checker.py", "demo.py", "README.md"}
    assert not [path.name for path in folder.glob("*.*") if "TODO" in path.read_text(encoding="utf-8")]


@EVERY_RULE
def test_metadata_agree_with_the_folder_and_the_readme(folder: Path) -> None:
    (rule,) = [rule for rule in registry.rules() if rule.name == folder.name.replace("_", "-")]
    assert type(rule).__name__.lower() == folder.name.replace("_", "")
    assert rule.severity in ("error", "warning", "note")
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.family)
    assert re.fullmatch(r"[A-Z][^\n]*[^.]\.", rule.summary)
    title, _, rest = (folder / "README.md").read_text(encoding="utf-8").partition("\n")
    assert title == f"# {rule.name}"
    assert " ".join(rest.strip().split("\n\n")[0].split()) == rule.summary


@EVERY_RULE
def test_a_rule_has_a_story_that_fires_and_one_that_does_not(folder: Path) -> None:
    name = folder.name.replace("_", "-")
    stories = [path for path in (ROOT / "fixtures" / folder.name).iterdir() if path.suffix in (".py", ".ipynb")]
    expected = re.compile(rf"# expect:[\w, -]*(?<![\w-]){name}(?![\w-])")
    fires = {bool(expected.search(path.read_text(encoding="utf-8"))) for path in stories}
    assert fires == {True, False}


def test_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in registry.rules()]
    families = {rule.family for rule in registry.rules()}
    assert len(set(names)) == len(names) == len(RULES)
    assert not families & {*names, "ALL", *registry.INPUT}


ROOMS = [*MODULES, *(path for folder in RULES for path in folder.glob("*.py"))]


@pytest.mark.parametrize("module", ROOMS, ids=[str(path.relative_to(ROOT)) for path in ROOMS])
def test_rooms_stay_small(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= 300
    assert ast.get_docstring(tree), "no module docstring"
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert [node.name for node in functions if (node.end_lineno or 0) - node.lineno >= 50] == []
