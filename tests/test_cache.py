"""A cache changes how long a run takes and nothing else, whatever somebody did to it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import pytest

from backproplint import cache, engine, pool, registry
from backproplint.cache import Cache
from backproplint.config import Settings, UsageError
from backproplint.graph import reach
from backproplint.graph.modules import Paths
from backproplint.graph.outline import Lowered
from backproplint.graph.reach import Reach
from backproplint.pool import File
from backproplint.report import Report

ROOT = Path(__file__).parents[1]
STORY = (ROOT / "fixtures" / "clip_before_loss" / "torch_dqn_clamp_pow.py").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for secrets of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a hazard and something beside it."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "story.py").write_text(STORY)
    (folder / "other.py").write_text("import torch\nx = 1\n")
    monkeypatch.chdir(folder)
    return folder


def checked(folder: Path | None, measure: bool = True) -> Report:
    return engine.check([Path()], Settings(root=Path.cwd()), registry.rules(), cache=folder, measure=measure)


def database(folder: Path) -> Path:
    (found,) = folder.glob("*/entries.db")
    return found


def test_a_warm_run_finds_the_same_and_reads_nothing(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cold, first = checked(None), checked(tmp_path / "c")
    monkeypatch.setattr("backproplint.pool.read_all", lambda *_: pytest.fail("a file was read"))
    assert cold.diagnostics
    assert cold == first == checked(tmp_path / "c")


def test_only_what_changed_is_read_again(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked(tmp_path / "c")
    (tree / "other.py").write_text("import torch\nx = 2\n")
    read: list[str] = []
    original = pool.read_all

    def watched(files: list[File], executor: Executor | None) -> Iterator[tuple[int, bytes]]:
        read.extend(file.filename for file in files)
        return original(files, executor)

    monkeypatch.setattr(pool, "read_all", watched)
    changed = checked(tmp_path / "c")
    assert read == ["other.py"]
    assert changed == checked(None)


@pytest.mark.parametrize("change", ["settings", "rules", "measure", "name"])
def test_what_a_report_depends_on_makes_it_another(tree: Path, tmp_path: Path, change: str) -> None:
    before = checked(tmp_path / "c")
    settings, rules, measure = Settings(root=tree), registry.rules(), change != "measure"
    if change == "settings":
        settings.per_file_ignores = {"story.py": ["ALL"]}
    elif change == "rules":
        rules = [rule for rule in rules if rule.name != "clip-before-loss"]
    elif change == "name":
        (tree / "story.py").rename(tree / "tale.py")
    after = engine.check([Path()], settings, rules, cache=tmp_path / "c", measure=measure)
    assert after == engine.check([Path()], settings, rules, measure=measure)
    assert after != before


@pytest.mark.parametrize("harm", ["noise", "empty", "half", "folder"])
def test_damage_costs_one_warning_and_no_finding(tree: Path, tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "c"
    cold = checked(folder)
    file = database(folder)
    data = file.read_bytes()
    for beside in file.parent.iterdir():
        beside.unlink()
    if harm == "folder":
        file.mkdir()
    else:
        file.write_bytes({"noise": os.urandom(5000), "empty": b"", "half": data[: len(data) // 2]}[harm])
    after = checked(folder)
    assert len(after.warnings) == (harm != "empty")
    after.warnings.clear()
    assert after == cold


def test_entries_of_somebody_else_are_not_believed(tree: Path, tmp_path: Path, home: Path) -> None:
    """A cache that says of exactly these files that nothing was found, made with another secret."""
    folder = tmp_path / "c"
    cold = checked(folder)
    shutil.rmtree(home)
    after = checked(folder)
    assert ["written by somebody else" in warning for warning in after.warnings] == [True]
    after.warnings.clear()
    assert after == cold == checked(folder)


def test_values_that_were_changed_are_not_believed(tree: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    cold = checked(folder)
    base = sqlite3.connect(database(folder))
    with base:
        base.execute("update entries set value = 5, signature = 'x'")
    base.close()
    after = checked(folder)
    assert len(after.warnings) == 1
    after.warnings.clear()
    assert after == cold


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written(tree: Path) -> None:
    tree.chmod(0o555)
    try:
        report = checked(tree / ".cache")
    finally:
        tree.chmod(0o755)
    assert report.diagnostics
    assert len(report.warnings) == 1


def test_a_place_that_is_a_file(tree: Path) -> None:
    report = checked(tree / "other.py")
    assert report.diagnostics
    assert ["cannot be used" in warning for warning in report.warnings] == [True]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a device that is always full")
def test_a_full_disk(tree: Path, tmp_path: Path) -> None:
    full = Cache(tmp_path / "c", pytest.fail)
    full._do(lambda base: base.execute("pragma max_page_count = 8"))
    warnings: list[str] = []
    full._warn = warnings.append
    full.put([(b"key", os.urandom(100_000))])
    full.put([(b"other", b"small")])
    full.close()
    assert ["full" in warning for warning in warnings] == [True]


def test_a_link_is_not_followed(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "c").symlink_to(tmp_path / "elsewhere")
    assert len(checked(tmp_path / "c").warnings) == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


WRITER = """
import os, sys
from pathlib import Path
from backproplint.cache import Cache
cache = Cache(Path(sys.argv[1]), sys.exit)
for number in range(10**6):
    cache.put([(b"%d" % k, os.urandom(2000)) for k in range(number, number + 50)])
    print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_run_that_is_killed_while_it_writes_harms_nothing(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITER, str(tmp_path / "c")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.1)
        writer.send_signal(signal.SIGKILL)
    after = Cache(tmp_path / "c", pytest.fail)
    assert len(after.get(b"0") or b"") == 2000
    after.close()


def test_two_runs_at_once(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code = WRITER.replace("10**6", "40")
    command = [sys.executable, "-c", code, str(tmp_path / "c")]
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Cache(tmp_path / "c", pytest.fail)
    old._today -= 3
    old.put([(b"old%d" % k, os.urandom(3000)) for k in range(50)])
    old.close()
    monkeypatch.setattr(cache, "MOST", 200_000)
    new = Cache(tmp_path / "c", pytest.fail)
    new.put([(b"new%d" % k, os.urandom(3000)) for k in range(20)])
    assert new.get(b"old49")
    new.close()
    again = Cache(tmp_path / "c", pytest.fail)
    kept = [again.get(b"old%d" % k) is not None for k in range(49)]
    assert sum(kept) < 20
    assert all(again.get(b"new%d" % k) for k in range(20))
    assert again.get(b"old49")
    again.close()
    assert database(tmp_path / "c").stat().st_size < 250_000


def test_backup_tools_and_git_leave_it_alone(tree: Path) -> None:
    checked(tree / ".backproplint_cache")
    tag = (tree / ".backproplint_cache" / "CACHEDIR.TAG").read_text()
    assert tag.startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert (tree / ".backproplint_cache" / ".gitignore").read_text() == "*\n"


def test_clean_removes_a_cache_and_nothing_else(tree: Path, tmp_path: Path) -> None:
    checked(tmp_path / "c")
    assert cache.clean(tmp_path / "c")
    assert not (tmp_path / "c").exists()
    assert not cache.clean(tmp_path / "c")
    with pytest.raises(UsageError, match="no cache"):
        cache.clean(tree)
    assert (tree / "story.py").exists()


def test_who_reaches_a_training_is_looked_for_again_only_when_names_change(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked(tmp_path / "c")
    searched: list[int] = []

    def watched(files: list[Lowered], paths: Paths) -> Reach:
        searched.append(len(files))
        return reach.reach(files, paths)

    monkeypatch.setattr("backproplint.graph.project.reach", watched)
    (tree / "other.py").write_text("import torch\nx = 3\n")
    assert checked(tmp_path / "c").diagnostics
    assert searched == []
    (tree / "other.py").write_text("import torch\nimport story\nx = story\n")
    assert checked(tmp_path / "c") == checked(None)
    assert len(searched) == 2  # and once for the run without a cache
