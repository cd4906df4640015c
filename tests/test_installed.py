"""What users install: the wheel, built and unpacked elsewhere, finds its rules inside itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is installed into."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("installed")
    build = ["build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True, timeout=300)
    (wheel,) = wheels.glob("*.whl")
    install = ["pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(target), str(wheel)]
    subprocess.run([sys.executable, "-m", *install], check=True, capture_output=True, timeout=300)
    return target


def run(installed: Path, cwd: Path, *command: str) -> str:
    """The output of a Python command that sees the installed package and not the checkout."""
    environment = os.environ | {"PYTHONPATH": str(installed), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
    ran = subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=120
    )
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout


def test_the_wheel_holds_the_rules_and_not_the_tools_of_developers(installed: Path) -> None:
    package = installed / "backproplint"
    inside = {path.parent.name for path in package.glob("rules/*/checker.py")}
    assert inside == {path.parent.name for path in ROOT.glob("rules/*/checker.py")}
    assert all((package / "rules" / folder / "README.md").is_file() for folder in inside)
    assert all((package / "rules" / folder / "demo.py").is_file() for folder in inside)
    assert not (package / "dev.py").exists()
    assert {path.name for path in installed.iterdir() if "dist-info" not in path.name} <= {"backproplint", "bin"}


def test_the_installed_command_checks(installed: Path, tmp_path: Path) -> None:
    where = run(installed, tmp_path, "-c", "import backproplint; print(*backproplint.__path__)")
    assert where.split() == [str(installed / "backproplint")]
    story = ROOT / "fixtures/clip_before_loss/torch_dqn_clamp_pow.py"
    (tmp_path / "story.py").write_bytes(story.read_bytes())
    script = str(next((installed / "bin").glob("backproplint*")))
    (found,) = json.loads(run(installed, tmp_path, script, "--output-format", "json", "story.py"))
    assert found["name"] == "clip-before-loss"
    assert found["evidence"]["rows"]


def test_the_installed_rules_explain_themselves(installed: Path, tmp_path: Path) -> None:
    rows = json.loads(run(installed, tmp_path, "-m", "backproplint", "rules", "--output-format", "json"))
    assert rows
    for name in (row["name"] for row in rows):
        assert run(installed, tmp_path, "-m", "backproplint", "rule", name).startswith(f"# {name}\n")
        assert run(installed, tmp_path, "-m", "backproplint", "demo", name)
