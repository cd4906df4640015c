"""What `benchmarks.speed` needs: trees to read and tools to run on them, fetched once, each of a pinned version.

Every tool has an environment of its own, backproplint too: what is measured is what `pip install` gives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Container
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SETTINGS = ("PYTHON", "BACKPROPLINT", "RUFF_", "PYLINT")  # beginnings of variables that no command is to see


class Unready(Exception):
    """Something could not be fetched or installed; the message says what and why, in one line."""


class Tree(NamedTuple):
    """A package on the index, and the folder of its wheel that is read."""

    package: str
    version: str
    folder: str


class Tool(NamedTuple):
    """A package on the index, how it is called, and the exit statuses of a run that went well.

    In `call`, {tree} is the folder to check, {cores} the number of cores, and {empty} an empty configuration file: none
    that lies above the tree is to count.
    """

    package: str
    version: str
    call: str
    fine: Container[int] = (0, 1)


TREES = [
    Tree("stable-baselines3", "2.9.2", "stable_baselines3"),
    Tree("timm", "1.0.31", "timm"),
    Tree("transformers", "5.23.0", "transformers"),
]
TOOLS = [  # the rules that each runs by default, on all cores, without a cache
    Tool("torchfix", "0.7.0", "torchfix {tree}"),
    Tool("torch-preflight", "0.5.0", "torch-preflight check --config {empty} {tree}"),
    Tool("fixit", "2.2.1", "fixit --config-file {empty} lint {tree}", fine=range(4)),  # 2: some files do not parse
    Tool("flake8", "7.5.0", "flake8 --isolated {tree}"),
    Tool("ruff", "0.17.6", "ruff check --isolated --no-cache {tree}"),
    Tool(  # of its messages only the errors, which is what it follows values for; bit 1 is a crash, 32 a wrong option
        "pylint",
        "4.1.4",
        "pylint --rcfile {empty} --persistent n --jobs {cores} --errors-only --recursive y {tree}",
        fine=range(0, 32, 2),
    ),
]


def tree(home: Path, which: Tree) -> Path:
    """Return the folder of a tree under `home`, downloaded if it is not there; raises Unready."""
    place = home / "trees" / f"{which.package}-{which.version}"
    if not place.is_dir():
        with tempfile.TemporaryDirectory(dir=home) as work:
            wanted = f"{which.package}=={which.version}"
            _pip(sys.executable, "download", "--no-deps", "--only-binary", ":all:", "--dest", work, wanted)
            (wheel,) = Path(work).glob("*.whl")
            with zipfile.ZipFile(wheel) as packed:
                packed.extractall(f"{work}/unpacked")
            place.parent.mkdir(exist_ok=True)
            Path(f"{work}/unpacked").rename(place)
    return place / which.folder


def tool(home: Path, which: Tool) -> Path:
    """Return the environment under `home` that a tool is installed in, made if it is not there; raises Unready."""
    place = _environment(home, f"{which.package}-{which.version}")
    complete = place / "complete"
    if not complete.exists():
        _pip(python(place), "install", f"{which.package}=={which.version}")
        complete.touch()
    return place


def ours(home: Path) -> Path:
    """Return the environment under `home` with this checkout, as it is now, installed in it; raises Unready."""
    place = _environment(home, "backproplint")
    with tempfile.TemporaryDirectory(dir=home) as work:  # building leaves nothing in the checkout
        source = shutil.copytree(
            ROOT, f"{work}/backproplint", ignore=shutil.ignore_patterns(".*", "build", "__pycache__")
        )
        _pip(python(place), "install", str(source))
    return place


def _environment(home: Path, name: str) -> Path:
    """Return a virtual environment of this Python under `home`, made if it is not there."""
    place = home / "environments" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / name
    if not (place / "made").exists():
        _run(sys.executable, "-m", "venv", "--clear", str(place))
        (place / "made").touch()
    return place


def python(place: Path) -> str:
    """Return the interpreter of an environment."""
    return str(place / "bin/python")


def libcst(place: Path) -> str:
    """Return the version of libcst that an environment has, empty if it has none."""
    found = [path.name for path in place.glob("lib/python*/site-packages/libcst-*.dist-info")]
    return found[0].removeprefix("libcst-").removesuffix(".dist-info") if found else ""


def _pip(interpreter: str, command: str, *arguments: str) -> None:
    _run(interpreter, "-m", "pip", command, "--quiet", "--disable-pip-version-check", *arguments)


def _run(*command: str) -> None:
    """Run a command to its end; raises Unready with its last line, pip's with the last that it calls an error."""
    ran = subprocess.run(command, capture_output=True, env=environment(), stdin=subprocess.DEVNULL)
    if ran.returncode:
        said = [line.strip() for line in (ran.stdout + ran.stderr).decode(errors="replace").splitlines()]
        blamed = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
        why = (blamed or [line for line in said if line] or ["no message"])[-1]
        raise Unready(f"{' '.join(command[2:4])} {Path(command[-1]).name}: {why}")


def environment() -> dict[str, str]:
    """Return the variables that all commands see: those of this process, without anybody's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
