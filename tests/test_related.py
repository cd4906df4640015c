"""Which files are read for facts about a named one."""

import json
from pathlib import Path

import pytest

from backproplint.config import Settings
from backproplint.related import related, root


def beside(folder: Path, named: str, **files: str) -> set[str]:
    """The files related to `named`, for files given as a__b=text (a/b.py)."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/").replace("INIT", "__init__") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = related([folder / named], folder, Settings(root=folder))
    return {path.relative_to(folder.resolve()).as_posix() for path in found}


def test_importers_and_all_that_they_import(tmp_path: Path) -> None:
    files = {
        "train": "from model import Net\nimport loss, data as d\n",
        "model": "import layers\n",
        "layers": "",
        "loss": "",
        "data": "",
        "other": "import layers\nimport stranger\n",
        "stranger": "",
    }
    assert beside(tmp_path, "model.py", **files) == {"train.py", "layers.py", "loss.py", "data.py"}
    assert beside(tmp_path, "train.py", **files) == {"model.py", "layers.py", "loss.py", "data.py"}
    assert beside(tmp_path, "stranger.py", **files) == {"other.py", "layers.py"}


@pytest.mark.parametrize(
    "line",
    [
        "import pkg.sub.mod",
        "import os, pkg.sub.mod as m",
        "from pkg.sub.mod import f",
        "from pkg.sub import mod",
        "from pkg.sub import (\n    other,\n    mod,\n)",
        "    from pkg.sub import mod  # deferred",
        "from src.pkg.sub import mod",
    ],
)
def test_spellings_of_an_import(tmp_path: Path, line: str) -> None:
    files = {"tests__use": line + "\n", "src__pkg__INIT": "", "src__pkg__sub__INIT": "", "src__pkg__sub__mod": ""}
    assert "src/pkg/sub/mod.py" in beside(tmp_path, "tests/use.py", **files)


@pytest.mark.parametrize(
    "line", ["from .mod import f", "from . import mod", "from ..sub import mod", "from ..sub.mod import *"]
)
def test_relative_imports_mean_one_file(tmp_path: Path, line: str) -> None:
    files = {"pkg__sub__use": line + "\n", "pkg__sub__mod": "", "pkg__INIT": "", "mod": "", "other__sub__mod": ""}
    assert beside(tmp_path, "pkg/sub/use.py", **files) == {"pkg/sub/mod.py", "pkg/__init__.py"}


def test_a_module_in_a_package_is_not_a_library_of_that_name(tmp_path: Path) -> None:
    files = {"use": "import torch\n", "pkg__INIT": "", "pkg__torch": "", "pkg__near": "import torch\n"}
    assert beside(tmp_path, "use.py", **files) == set()
    assert beside(tmp_path, "pkg/near.py", **files) == {"pkg/torch.py", "pkg/__init__.py"}


def test_notebooks_import_too(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": ["import torch\n", "from model import Net"]}
    (tmp_path / "train.ipynb").write_text(json.dumps({"cells": [cell]}, indent=1))
    assert beside(tmp_path, "model.py", model="") == {"train.ipynb"}


def test_excluded_files_bear_on_nothing(tmp_path: Path) -> None:
    assert beside(tmp_path, "model.py", model="", venv__train="import model\n") == set()


def test_a_project_begins_where_it_is_marked(tmp_path: Path) -> None:
    deep = tmp_path / "a/b"
    deep.mkdir(parents=True)
    assert root(deep / "c.py") in (deep, *tmp_path.parents)  # unless the machine marks a folder above
    (tmp_path / "a/pyproject.toml").touch()
    assert root(deep / "c.py") == tmp_path / "a"
