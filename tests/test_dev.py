"""The developer's commands, in a copy of the checkout: a scaffold that fails until filled, tables that go stale."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MARKERS = """# T

before

<!-- rules: begin -->
old
<!-- rules: end -->

after
<!-- pictures: begin -->
<!-- pictures: end -->
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project with all its rules, and the stories of one of them."""
    for name in ("backproplint", "rules", "tests", "benchmarks", "fixtures/clip_before_loss"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "README.md").write_text(MARKERS)
    return tmp_path


def python(*arguments: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=environment, capture_output=True, encoding="utf-8", timeout=300
    )


def dev(*arguments: str, checkout: Path) -> subprocess.CompletedProcess[str]:
    return python("-m", "backproplint.dev", *arguments, checkout=checkout)


def test_a_new_rule_fails_until_it_is_done(checkout: Path) -> None:
    ran = dev("new-rule", "softmax-before-loss", checkout=checkout)
    assert ran.returncode == 0, ran.stderr
    written = {"checker.py", "demo.py", "README.md"}
    assert {path.name for path in (checkout / "rules/softmax_before_loss").iterdir()} == written
    assert "class SoftmaxBeforeLoss(Rule):" in (checkout / "rules/softmax_before_loss/checker.py").read_text()
    assert "softmax-before-loss" in python("-m", "backproplint", "rules", checkout=checkout).stdout
    tests = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "softmax_before_loss", checkout=checkout)
    failed = set(re.findall(r"FAILED tests/test_(\w+)\.py::(\w+)\[", tests.stdout))
    assert failed >= {
        ("architecture", "test_a_rule_is_its_three_files"),
        ("architecture", "test_a_rule_has_a_story_that_fires_and_one_that_does_not"),
        ("architecture", "test_metadata_agree_with_the_folder_and_the_readme"),
        ("demos", "test_the_claim_holds"),
        ("fixtures", "test_findings_stand_where_the_story_expects_them"),
    }, tests.stdout


@pytest.mark.parametrize(
    "name", ["clip-before-loss", "Clip", "clip_loss", "-clip", "clip--loss", "../clip", "2nd-clip", ""]
)
def test_a_name_that_is_taken_or_malformed_is_refused(checkout: Path, name: str) -> None:
    before = sorted(checkout.rglob("*.*"))
    ran = dev("new-rule", "--", name, checkout=checkout)
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert [path for path in sorted(checkout.rglob("*.*")) if "__pycache__" not in str(path)] == [
        path for path in before if "__pycache__" not in str(path)
    ]


def test_tables_of_rules_are_written_and_go_stale(checkout: Path) -> None:
    readme = checkout / "README.md"
    assert dev("docs", "--check", checkout=checkout).returncode == 1
    assert readme.read_text() == MARKERS
    assert dev("docs", checkout=checkout).returncode == 0
    assert dev("docs", "--check", checkout=checkout).returncode == 0
    text = readme.read_text()
    assert text.startswith("# T\n\nbefore\n\n<!-- rules: begin -->\n| rule |")
    assert "|\n<!-- rules: end -->\n\nafter\n<!-- pictures: begin -->\n" in text
    assert all((checkout / picture).is_file() for picture in re.findall(r'src="(\S+)"', text))
    assert text.count("<img") == len(list(checkout.glob("rules/*/checker.py")))
    for page in (readme, checkout / "rules/README.md"):
        links = re.findall(r"\]\((\S+)\)", page.read_text())
        assert len(links) == len(list(checkout.glob("rules/*/checker.py")))
        assert all((page.parent / link).is_file() for link in links)
    readme.write_text(text.replace("clip-before-loss", "clip-after-loss", 1))
    assert "README.md: stale" in dev("docs", "--check", checkout=checkout).stdout


def test_tables_and_pictures_of_demos_are_redrawn_when_their_numbers_change(checkout: Path) -> None:
    assert dev("docs", checkout=checkout).returncode == 0
    home = checkout / "rules/saturating_init"
    page, picture, demo = ((home / name).read_text() for name in ("README.md", "plot.svg", "demo.py"))
    (home / "demo.py").write_text(demo.replace("784, std: float = 1.0", "784, std: float = 0.2"))
    (checkout / "rules/rnn_no_clip/plot.svg").unlink()
    said = dev("docs", "--check", checkout=checkout)
    stale = [line.split(":")[0] for line in said.stdout.splitlines()]
    assert said.returncode == 1
    assert stale == ["rules/saturating_init/README.md", "rules/rnn_no_clip/plot.svg", "rules/saturating_init/plot.svg"]
    assert (home / "plot.svg").read_text() == picture
    assert dev("docs", checkout=checkout).returncode == 0
    assert "std 0.2" in (home / "plot.svg").read_text()
    (home / "demo.py").write_text(demo)
    assert dev("docs", checkout=checkout).returncode == 0
    assert (home / "README.md").read_text() == page
    assert dev("docs", "--check", checkout=checkout).returncode == 0


def test_a_page_without_markers_is_refused(checkout: Path) -> None:
    (checkout / "README.md").write_text("# T\n")
    ran = dev("docs", checkout=checkout)
    assert ran.returncode == 2
    assert "README.md lacks" in ran.stderr


def test_our_own_tables_are_fresh() -> None:
    ran = dev("docs", "--check", checkout=ROOT)
    assert ran.returncode == 0, ran.stdout + ran.stderr
