"""What is not parsed: files without a word of training that no import joins to one with such a word."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from backproplint import engine, prefilter, reading
from backproplint.config import Settings
from backproplint.report import Report

ROOT = Path(__file__).parent.parent
STORIES = sorted(path for path in (ROOT / "fixtures").glob("*/*.py"))
PLAIN = ["", "x = 1\n", "import os\n\n\ndef size(path):\n    return os.stat(path).st_size\n", "# a note\n"]


def idle(**files: str) -> set[str]:
    """The names of idle files, for files given as a__b=text (a/b.py)."""
    names = [Path("/w") / (name.replace("__", "/").replace("INIT", "__init__") + ".py") for name in files]
    found = prefilter.idle([(name, text.encode()) for name, text in zip(names, files.values(), strict=True)])
    return {list(files)[place] for place in found}


def test_a_file_without_a_word_of_training_is_idle() -> None:
    assert idle(train="import torch\n", tool="import json\n") == {"tool"}
    assert idle(tool="import json\n", other="print(1)\n") == {"tool", "other"}


@pytest.mark.parametrize(
    "line", ["loss.backward()", "model.fit(x)", "from numpy import dot", "import keras as k", "g = tape.gradient(a, b)"]
)
def test_a_word_of_training_keeps_a_file(line: str) -> None:
    assert idle(train=line, tool="import json\n") == {"tool"}


def test_imports_keep_files_whichever_way_they_lead() -> None:
    files = {"train": "import torch, sizes\n", "sizes": "from deep import WIDTH\n", "deep": "WIDTH = 3\n"}
    assert idle(**files, runs="import train\n", stranger="import json\n") == {"stranger"}


def test_a_package_is_kept_whole() -> None:
    assert idle(p__INIT="", p__train="import torch\n", p__tool="x = 1\n", q__INIT="", q__tool="x = 1\n") == {
        "q__INIT",
        "q__tool",
    }


@pytest.mark.parametrize("text", ["print 1\n", "x = (\n", "x = 1  # backproplint: ignore[no-such]\n", "x = '\x00'\n"])
def test_what_a_report_speaks_of_is_read(text: str) -> None:
    assert idle(bad=text, tool="x = 1\n") == {"tool"}


def test_nothing_is_parsed_where_nothing_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tool.py").write_text("import json\n")
    monkeypatch.setattr(reading, "read", lambda *_: pytest.fail("a file was parsed"))
    assert engine.check([tmp_path], Settings(root=tmp_path)).files == 1


def found(folder: Path) -> Report:
    return engine.check([folder], Settings(root=folder), measure=False)


@pytest.mark.parametrize("seed", range(12))
def test_the_same_is_found_with_and_without(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random projects of stories, plain files and imports between them."""
    chance = random.Random(seed)
    texts = [path.read_text(encoding="utf-8") for path in chance.sample(STORIES, 3)] + chance.choices(PLAIN, k=6)
    for number, text in enumerate(texts):
        home = tmp_path / chance.choice(["", "pkg", "pkg/sub", "tools"])
        home.mkdir(parents=True, exist_ok=True)
        if chance.random() < 0.3:
            (home / "__init__.py").touch()
        others = chance.sample(range(len(texts)), chance.choice([0, 0, 1, 2]))
        imports = "".join(f"import part{other}\n" for other in others)
        (home / f"part{number}.py").write_text(text + imports, encoding="utf-8")  # behind any `from __future__`
    filtered = found(tmp_path)
    monkeypatch.setattr(prefilter, "idle", lambda files: set())
    assert found(tmp_path) == filtered
