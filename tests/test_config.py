"""Settings: where they are found, what they may say, how their globs match."""

from __future__ import annotations

from pathlib import Path

import pytest

from backproplint.config import EXCLUDE, Settings, UsageError, load, matches, per_file_ignored


def _write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_nearest_file_wins_and_is_not_merged(tmp_path: Path) -> None:
    _write(tmp_path / "pyproject.toml", '[tool.backproplint]\nfail-on = "error"\nignore = ["relu-output"]\n')
    _write(tmp_path / "src" / "backproplint.toml", 'ignore = ["clipping"]\n')
    (tmp_path / "src" / "deep").mkdir()
    settings = load(tmp_path / "src" / "deep")
    assert (settings.ignore, settings.fail_on, settings.root) == (["clipping"], "warning", tmp_path / "src")
    assert load(tmp_path).fail_on == "error"


def test_a_start_may_be_a_file(tmp_path: Path) -> None:
    _write(tmp_path / "backproplint.toml", 'min-confidence = "high"\n')
    assert load(_write(tmp_path / "train.py", "")).min_confidence == "high"


def test_order_within_a_folder(tmp_path: Path) -> None:
    for name, text in (
        ("pyproject.toml", '[tool.backproplint]\nignore = ["third"]'),
        ("backproplint.toml", 'ignore = ["second"]'),
        (".backproplint.toml", 'ignore = ["first"]'),
    ):
        _write(tmp_path / name, text)
    assert load(tmp_path).ignore == ["first"]
    (tmp_path / ".backproplint.toml").unlink()
    assert load(tmp_path).ignore == ["second"]


def test_a_pyproject_without_the_section_is_passed_over(tmp_path: Path) -> None:
    _write(tmp_path / "backproplint.toml", 'ignore = ["clipping"]')
    _write(tmp_path / "app" / "pyproject.toml", "[tool.ruff]\nline-length = 80\n")
    settings = load(tmp_path / "app")
    assert (settings.ignore, settings.root) == (["clipping"], tmp_path)


def test_defaults_and_isolation(tmp_path: Path) -> None:
    _write(tmp_path / "backproplint.toml", 'ignore = ["clipping"]')
    settings = load(tmp_path, isolated=True)
    assert (settings.select, settings.ignore, settings.exclude) == (["ALL"], [], list(EXCLUDE))
    assert settings.respect_gitignore and not settings.force_exclude


def test_defaults_are_not_shared() -> None:
    Settings().exclude.append("mine")
    assert "mine" not in Settings().exclude


def test_explicit_file_and_inline_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "backproplint.toml", 'ignore = ["found"]')
    other = _write(tmp_path / "ci" / "lint.toml", 'ignore = ["explicit"]\nfail-on = "error"\n')
    settings = load(tmp_path, [str(other), 'fail-on = "note"', "extend-exclude = ['a', 'b']"])
    assert (settings.ignore, settings.fail_on, settings.extend_exclude) == (["explicit"], "note", ["a", "b"])
    assert settings.root == tmp_path, "globs of an explicit file are relative to the working directory"
    inline = load(tmp_path, ["per-file-ignores.'tests/*' = ['ALL']"], isolated=True)
    assert inline.per_file_ignores == {"tests/*": ["ALL"]} and inline.ignore == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('ignroe = ["x"]', ["backproplint.toml", "unknown key 'ignroe'", "did you mean 'ignore'"]),
        ('root = "/"', ["unknown key 'root'"]),
        ('fail_on = "error"', ["unknown key 'fail_on'", "'fail-on'"]),
        ('select = "clipping"', ["'select' must be a list of strings, not 'clipping'"]),
        ("select = [1]", ["'select' must be a list of strings"]),
        ('force-exclude = "yes"', ["'force-exclude' must be true or false"]),
        ('fail-on = "warnings"', ["'fail-on' must be one of error, warning, note", "did you mean 'warning'"]),
        ('output-format = "jsn"', ["did you mean 'json'"]),
        ('per-file-ignores = ["x"]', ["'per-file-ignores' must be a table"]),
        ("ignore = [\n'a',\n'b'\nselect = []\n", ["not valid TOML", "line 4"]),
    ],
)
def test_what_a_file_may_not_say(tmp_path: Path, text: str, words: list[str]) -> None:
    _write(tmp_path / "backproplint.toml", text)
    with pytest.raises(UsageError) as error:
        load(tmp_path)
    message = str(error.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == [], message


def test_unusable_files(tmp_path: Path) -> None:
    (tmp_path / "backproplint.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(UsageError, match="UTF-8"):
        load(tmp_path)
    (tmp_path / "backproplint.toml").unlink()
    _write(tmp_path / "pyproject.toml", "[tool]\nbackproplint = 3\n")
    with pytest.raises(UsageError, match="must be a table"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("explicit", "isolated", "words"),
    [
        (["nowhere.toml"], False, "no such file"),
        (["fail-on = error"], False, "not valid TOML"),
        (["one.toml", "two.toml"], False, "one configuration file"),
        (["one.toml"], True, "--isolated"),
        (["ignroe = []"], False, "unknown key 'ignroe'"),
    ],
)
def test_what_config_may_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, explicit: list[str], isolated: bool, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _write(tmp_path / "one.toml", "")
    _write(tmp_path / "two.toml", "")
    with pytest.raises(UsageError, match=words):
        load(tmp_path, explicit, isolated)


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("train.py", "deep/train.py", True),  # a bare name matches in any folder
        ("train.py", "deep/retrain.py", False),
        ("deep", "deep/train.py", False),  # a folder's name prunes the folder itself, not the file
        ("deep/*.py", "deep/er/train.py", True),  # as in ruff, * crosses folders
        ("**/train.py", "train.py", True),
        ("src/**/train.py", "src/train.py", True),
        ("src/**/train.py", "src/a/b/train.py", True),
        ("src/**", "src/a/b.py", True),
        ("src/**", "srcs/b.py", False),
        ("./src/a.py", "src/a.py", True),
        ("build/", "build", True),
        ("*.{pyi,ipynb}", "a/b.ipynb", True),
        ("*.{pyi,ipynb}", "a/b.py", False),
        ("[!t]*.py", "train.py", False),
        ("model[0-9].py", "model7.py", True),
        ("model.py", "modelXpy", False),
        ("../other/*.py", "../other/a.py", True),
        ("a+b(c).py", "a+b(c).py", True),
    ],
)
def test_globs(tmp_path: Path, glob: str, path: str, expected: bool) -> None:
    assert matches([glob], tmp_path / path, tmp_path) is expected
    assert matches(["no", glob], tmp_path / path, tmp_path) is expected


def test_an_absolute_glob_and_no_glob_and_a_bad_one(tmp_path: Path) -> None:
    assert matches([f"{tmp_path.as_posix()}/src/*"], tmp_path / "src" / "a.py", tmp_path)
    assert not matches([], tmp_path / "a.py", tmp_path)
    with pytest.raises(UsageError, match="bad glob"):
        matches(["a[z-a].py"], tmp_path / "a.py", tmp_path)


def test_per_file_ignores(tmp_path: Path) -> None:
    ignores = {
        "tests/*": ["clip-before-loss"],
        "demo.py": ["recurrence"],
        "!src/**": ["relu-output"],
        "old.py": ["ALL"],
    }
    settings = Settings(per_file_ignores=ignores, root=tmp_path)

    def ignored(path: str, name: str, family: str = "clipping") -> bool:
        return per_file_ignored(settings, tmp_path / path, name, family)

    assert ignored("tests/deep/test_a.py", "clip-before-loss") and not ignored("src/a.py", "clip-before-loss")
    assert not ignored("tests/test_a.py", "clip-loss")
    assert ignored("src/x/demo.py", "rnn-no-clip", "recurrence") and not ignored("src/x/demo.py", "clip-loss")
    assert ignored("scripts/a.py", "relu-output", "dead-units") and not ignored("src/a.py", "relu-output", "dead-units")
    assert ignored("old.py", "anything", "any")
