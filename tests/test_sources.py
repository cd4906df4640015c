"""From paths to text: which files are found, how they are decoded, notebooks, Python 2."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from backproplint import python2, sources
from backproplint.config import Settings, UsageError
from backproplint.sources import Problem, Source, find, from_stdin, location, read, reported

# --- which files -----------------------------------------------------------------------------------------------------


def _tree(root: Path, *names: str, **texts: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(texts.get(name, "x = 1\n"))
    return root


def _ignore(folder: Path, *lines: str, name: str = ".gitignore") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")


def _found(root: Path, *paths: str, cwd: Path | None = None, **settings: Any) -> list[str]:
    cwd = cwd or root
    files = find(paths or ["."], Settings(root=root, **settings), cwd)
    return [reported(path, cwd) for path in files]


def test_python_files_and_notebooks_in_a_stable_order(tmp_path: Path) -> None:
    _tree(tmp_path, "b.py", "a/z.pyi", "a/b.pyw", "n.ipynb", "notes.md", "data.json", "a.py", "a/README")
    assert _found(tmp_path) == ["a/b.pyw", "a/z.pyi", "a.py", "b.py", "n.ipynb"]


def test_each_once_however_often_named(tmp_path: Path) -> None:
    _tree(tmp_path, "src/a.py", "src/b.py")
    (tmp_path / "linked").symlink_to(tmp_path / "src")
    assert _found(tmp_path, "src/b.py", "src", "./src/a.py", "src/../src/b.py", "linked", ".") == [
        "src/a.py",
        "src/b.py",
    ]
    assert _found(tmp_path, "linked") == ["linked/a.py", "linked/b.py"]


def test_default_and_own_excludes_prune(tmp_path: Path) -> None:
    _tree(tmp_path, "a.py", ".venv/lib/x.py", "sub/node_modules/y.py", "gen/g.py", "sub/gen_z.py", "tests/data/t.py")
    assert _found(tmp_path) == ["a.py", "gen/g.py", "sub/gen_z.py", "tests/data/t.py"]
    assert _found(tmp_path, extend_exclude=["gen", "tests/data", "gen_*.py"]) == ["a.py"]
    assert ".venv/lib/x.py" in _found(tmp_path, exclude=["gen"])


def test_named_paths_override_excludes_unless_forced(tmp_path: Path) -> None:
    _tree(tmp_path, "gen/g.py", "gen/deep/h.py", "script", "a.py")
    assert _found(tmp_path, "gen/g.py", extend_exclude=["gen"]) == ["gen/g.py"]
    assert _found(tmp_path, "gen", extend_exclude=["gen"]) == ["gen/deep/h.py", "gen/g.py"]
    forced = _found(tmp_path, "gen/deep/h.py", "gen", "a.py", extend_exclude=["gen"], force_exclude=True)
    assert forced == ["a.py"]
    assert _found(tmp_path, "script") == ["script"], "a named file is Python whatever its name"


def test_the_roots_own_name_is_not_excluded(tmp_path: Path) -> None:
    root = _tree(tmp_path / "build" / "dist", "a.py")
    assert _found(root, ".", force_exclude=True) == _found(root) == ["a.py"]
    assert _found(root, str(root / "a.py"), force_exclude=True) == ["a.py"]


def test_gitignore_nested_negated_anchored(tmp_path: Path) -> None:
    _tree(tmp_path, "a.py", "out/b.py", "sub/out/c.py", "sub/keep.py", "sub/drop.py", "sub/deep/drop.py", "top.py")
    _ignore(tmp_path, "/out/", "drop.py", "top.py")
    _ignore(tmp_path / "sub", "!drop.py")
    _ignore(tmp_path / "sub" / "deep", "drop.py")
    assert _found(tmp_path) == ["a.py", "sub/drop.py", "sub/keep.py", "sub/out/c.py"]
    assert "top.py" in _found(tmp_path, respect_gitignore=False)
    assert _found(tmp_path, "top.py", "out") == ["out/b.py", "top.py"], "what is named is wanted"


def test_gitignore_cannot_reinclude_below_an_ignored_folder(tmp_path: Path) -> None:
    _tree(tmp_path, "build_/keep.py", "logs/a.py", "logs/keep.py")
    _ignore(tmp_path, "build_/", "!build_/keep.py", "logs/*", "!logs/keep.py")
    assert _found(tmp_path) == ["logs/keep.py"]


def test_gitignore_above_the_walked_folder_up_to_the_repository(tmp_path: Path) -> None:
    repository = _tree(tmp_path / "repo", "src/a.py", "src/gen.py", "src/local.py", "src/x.py", "out/sub/a.py")
    _ignore(tmp_path, "a.py")  # outside of the repository: not ours
    _ignore(repository, "gen.py", "out/")
    _ignore(repository, "local.py", "x.py", name=".git/info/exclude")
    _ignore(repository / "src", "!x.py")
    assert _found(repository, ".", cwd=repository / "src") == ["a.py", "x.py"]
    assert _found(repository, "out/sub") == ["out/sub/a.py"]


def test_gitignore_without_a_repository_and_with_bad_lines(tmp_path: Path) -> None:
    _tree(tmp_path, "a.py", "b.py")
    (tmp_path / ".gitignore").write_bytes(b"!\n\xff\xfe\n/\n***\\\nb.py\n")
    assert "b.py" not in _found(tmp_path)


PATTERNS = (
    ["*", "!*/", "!*.py", "/d/"],
    ["d/", "!d/e/keep.py"],
    ["d/**", "!d/e/"],
    ["**/e", "!/d/e"],
    ["/a.py", "e/a.py", "# a.py", "\\#x.py", "[bc].py"],
    ["d/*/a.py", "a.p?", "!a.py"],
    ["*.py ", "!b.py", "d", "!d/"],
    ["/*", "!/d", "/d/*", "!/d/e/"],
    ["a**/x.py", "d/**/**/a.py", "[!a].py", "[]x]b.py", "f/", "\r"],
    ["d/e", "f/**/d/", "b[.-/]py", "[a.py", "c\\.py"],
)


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("patterns", PATTERNS)
@pytest.mark.parametrize("nested", [[], ["!a.py", "b.py"], ["*"]])
def test_gitignore_as_git_reads_it(tmp_path: Path, patterns: list[str], nested: list[str]) -> None:
    names = ["a.py", "b.py", "c.py", "#x.py", "d/a.py", "d/b.py", "d/e/a.py", "d/e/keep.py", "f/e/a.py", "f/d/b.py"]
    _tree(tmp_path, *names)
    _ignore(tmp_path, *patterns)
    _ignore(tmp_path / "d", *nested)
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    listing = [*git, "-c", "core.excludesFile=", "ls-files", "-co", "--exclude-standard", "*.py"]
    expected = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(_found(tmp_path)) == sorted(expected)


def test_links(tmp_path: Path) -> None:
    root = _tree(tmp_path, "a.py", "sub/b.py")
    (root / "sub" / "loop").symlink_to(root)
    (root / "self.py").symlink_to(root / "self.py")
    (root / "gone.py").symlink_to(root / "nowhere.py")
    (root / "folder.py").symlink_to(root / "sub")
    (root / "link.py").symlink_to(root / "a.py")
    assert _found(root) == ["a.py", "gone.py", "link.py", "self.py", "sub/b.py"]
    for name in ("gone.py", "self.py"):
        problem = read(root / name, name)
        assert isinstance(problem, Problem) and problem.filename == name and "cannot be read" in problem.message
    assert isinstance(read(root / "link.py", "link.py"), Source)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_what_is_no_regular_file_is_told_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    assert _found(tmp_path) == ["pipe.py"]
    for path in (tmp_path / "pipe.py", Path(os.devnull), tmp_path):
        problem = read(path, "pipe.py")
        assert isinstance(problem, Problem) and "not a regular file" in problem.message


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_what_may_not_be_read_is_told(tmp_path: Path) -> None:
    _tree(tmp_path, "a.py", "closed/b.py", "secret.py")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "secret.py").chmod(0)
    try:
        assert _found(tmp_path) == ["a.py", "closed", "secret.py"]
        for name in ("closed", "secret.py", "closed/b.py"):
            problem = read(tmp_path / name, name)
            assert isinstance(problem, Problem) and "permission denied" in problem.message
        assert _found(tmp_path, "closed/b.py") == ["closed/b.py"]
    finally:
        (tmp_path / "closed").chmod(0o700)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scr", "no such file or folder: 'scr'; did you mean 'src'?"),
        ("src/modle.py", "'src/modle.py'; did you mean 'model.py'?"),
        ("scr/model.py", "did you mean 'src'?"),
        ("src/model.py/x", "no such file or folder: 'src/model.py/x'"),
        ("", "no such file or folder: ''"),
        ("zzzzzz", "no such file or folder: 'zzzzzz'"),
    ],
)
def test_a_missing_path_is_a_usage_error(tmp_path: Path, name: str, words: str) -> None:
    _tree(tmp_path, "src/model.py")
    with pytest.raises(UsageError) as error:
        _found(tmp_path, "src", name)
    assert words in str(error.value) and "\n" not in str(error.value)


def test_a_deep_tree(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(400):
        folder = folder / "d"
    folder.mkdir(parents=True)
    (folder / "a.py").touch()
    assert len(_found(tmp_path)) == 1


def test_names_in_reports(tmp_path: Path) -> None:
    cwd = tmp_path / "here"
    _tree(cwd, "sub/a.py")
    (tmp_path / "alias").symlink_to(cwd)
    assert reported(cwd / "sub" / "a.py", cwd) == "sub/a.py"
    assert reported(cwd / "../here/sub/a.py", cwd) == "sub/a.py"
    assert reported(cwd / "../other/b.py", cwd) == "../other/b.py"
    assert reported(tmp_path / "alias" / "sub" / "a.py", cwd) == "sub/a.py"
    assert reported(Path("/nowhere/b.py"), cwd) == "/nowhere/b.py"


# --- modules ---------------------------------------------------------------------------------------------------------


def _module(data: bytes) -> Source:
    source = from_stdin(data, "m.py")
    assert isinstance(source, Source), source
    return source


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"x = 1", "x = 1"),
        (b"a = 1\r\nb = 2\rc = 3\n", "a = 1\nb = 2\nc = 3\n"),
        (b"\xef\xbb\xbfx = '\xc3\xa9'\n", "x = 'é'\n"),
        (b"\xef\xbb\xbf\r\n", "\n"),
        (b"# coding: latin-1\nx = '\xe9'\n", "# coding: latin-1\nx = 'é'\n"),
        (b"#!/usr/bin/python\n# -*- coding: cp1252-unix -*-\n", None),
        (b"#!/usr/bin/python\r\n# vim: set fileencoding=cp1252 :\r\nx = '\x80'\r\n", "€"),
    ],
)
def test_decoding(data: bytes, text: str | None) -> None:
    if text is None:
        assert isinstance(from_stdin(data, "m.py"), Problem)
    elif text == "€":
        assert text in _module(data).text
    else:
        assert _module(data).text == text
        assert _module(data).cells == []


@pytest.mark.parametrize(
    ("data", "words", "row", "column"),
    [
        (b"a = 1\nb = '\xe9'\n", "byte 0xe9 is not utf-8", 2, 6),
        (b"a = 1\n\n\nb = '\xe9'\n", "byte 0xe9 is not utf-8", 4, 6),
        (b"# coding: ascii\n\nx = '\xe9'\n", "not ascii", 3, 6),
        (b"# coding: klingon\n", "unknown encoding: klingon", 1, 1),
        (b"# coding: hex\n00", "hex is no encoding", 1, 1),
        (b"\x7fELF\0\0\0", "binary", 1, 1),
        ("x = 1".encode("utf-16"), "is not utf-8", 1, 1),
        (b"x" * (sources.LIMIT + 1), "larger than 20 MB", 1, 1),
    ],
)
def test_what_is_no_text_is_told(data: bytes, words: str, row: int, column: int) -> None:
    problem = from_stdin(data, "m.py")
    assert isinstance(problem, Problem)
    assert words in problem.message and "\n" not in problem.message
    assert (problem.filename, problem.row, problem.column) == ("m.py", row, column)


def test_text_can_always_be_encoded() -> None:
    _module(b"# coding: unicode_escape\nx = '\\ud800'\n").text.encode("utf-8")


def test_reading_a_file(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_bytes(b"a = 1\r\n")
    assert read(tmp_path / "m.py", "src/m.py") == Source(filename="src/m.py", text="a = 1\n")
    with (tmp_path / "big.py").open("wb") as file:
        file.truncate(sources.LIMIT * 1000)
    assert isinstance(read(tmp_path / "big.py", "big.py"), Problem)


# --- notebooks -------------------------------------------------------------------------------------------------------


def _notebook(*cells: str | dict[str, Any], **extra: Any) -> Source:
    """A notebook of code cells (text) and any others (dict)."""
    made = [cell if isinstance(cell, dict) else {"cell_type": "code", "source": cell} for cell in cells]
    source = from_stdin(json.dumps({"cells": made, "metadata": {}, "nbformat": 4, **extra}).encode(), "n.ipynb")
    assert isinstance(source, Source), source
    ast.parse(source.text)
    return source


MARKDOWN = {"cell_type": "markdown", "source": ["# Title\n", "\n", "text"]}


def test_cells_are_counted_over_all_cells() -> None:
    cells: list[str | dict[str, Any]] = [
        MARKDOWN,
        "a = 1\nb = 2",
        MARKDOWN,
        "",
        "c = a\n",
        {"cell_type": "raw"},
        "d = b",
    ]
    source = _notebook(*cells)
    assert source.text == "a = 1\nb = 2\n\nc = a\nd = b\n"
    assert source.cells == [(2, 1), (4, 3), (5, 4), (7, 5)]
    lines = source.text.split("\n")
    for row, line in enumerate(lines[:-1], start=1):
        cell, inner, column = location(source, row, 3)
        assert cell is not None and column == 3
        own = cells[cell - 1]
        assert isinstance(own, str) and (own + "\n").split("\n")[inner - 1] == line


def test_positions_of_a_module_stay() -> None:
    assert location(_module(b"x = 1\n"), 1, 5) == (None, 1, 5)


def test_source_as_list_and_newlines_of_windows() -> None:
    cell = {"cell_type": "code", "source": ["a = 1\r\n", "b = 2\r\n", "c = 3"]}
    assert _notebook(cell, "d = 4").text == "a = 1\nb = 2\nc = 3\nd = 4\n"


def test_nbformat_3() -> None:
    cells = [MARKDOWN, {"cell_type": "code", "language": "python", "input": ["a = 1\n", "a"]}]
    content = {"worksheets": [{"cells": cells}, {"cells": cells}, {}], "nbformat": 3}
    source = from_stdin(json.dumps(content).encode(), "n.ipynb")
    assert isinstance(source, Source)
    assert (source.text, source.cells) == ("a = 1\na\na = 1\na\n", [(2, 1), (4, 3)])


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1\n"),
        (
            "if colab:\n    !pip install \\\n      torch \\\n      jax\n    x = 1",
            "if colab:\n    pass\n\n\n    x = 1\n",
        ),
        ("model?\n?model\nmodel.fit??\nx = 1", "pass\npass\npass\nx = 1\n"),
        (
            "files = !ls *.py\nx = %pwd \\\n  -a\na, b = %foo\nd['k'] = !ls",
            "files = None\nx = None\n\na, b = None\nd['k'] = None\n",
        ),
        ("!echo it's (\nx = 1", "pass\nx = 1\n"),
        ("%time model.fit(x)\n%time h = f(x)", "pass; model.fit(x)\npass; h = f(x)\n"),
        ("%time for x in y:\nz = 1", "pass\nz = 1\n"),
        ("pip install torch\nx = 1", "pass\nx = 1\n"),
        ("  a = 1\n  if a:\n    b = 2\n", "a = 1\nif a:\n  b = 2\n"),
        ("\n \n !ls \\\n  -a\n x = 1", "\n\npass\n\nx = 1\n"),
        ("%%time\nx = f()\n", "\nx = f()\n"),
        ("\n%%capture out\n!ls\nx = f()\n", "\n\npass\nx = f()\n"),
        ("%%bash\npython train.py\nx = 1", "\n\n\n"),
        ("%%writefile a.py\nx = 1", "\n\n"),
        ("%%html", "\n"),
    ],
)
def test_only_magic_lines_are_taken_out(cell: str, expected: str) -> None:
    source = _notebook(cell, "after = 1")
    assert source.text == expected + "after = 1\n"
    assert source.notes == [] and not source.python2


@pytest.mark.parametrize(
    "body",
    [
        'x = """\n%matplotlib inline\n!ls\nhelp?\n"""',
        "x = '''it's\n%d and \"%s\n'''  # don't",
        "x = (a\n% b)",
        "x = [  # (\n  a\n% b,\n]",
        "x = a \\\n% b",
        "x = '(' + \"[\"\ny = {'a':\n1\n%2}",
        'x = "\\""\ny = f("""a""" \'"\' \n% z)',
        "ls = 3\nls -l",
        "cd = 1\ncd + 1\nmv = cp = pip = 2\npip in (1, 2)",
    ],
)
def test_what_only_looks_like_magic_is_kept(body: str) -> None:
    assert _notebook(body).text == body + "\n"
    beside = _notebook("%load_ext tensorboard\n" + body + "\n!ls")
    assert beside.text == "pass\n" + body + "\npass\n"


def test_a_broken_cell_is_left_out_and_the_rest_stays() -> None:
    source = _notebook("a = 1", MARKDOWN, "this is ( not\npython", "nul = '\0'", "b = a")
    assert source.text == "a = 1\n\n\n\nb = a\n"
    assert source.notes == ["cell 3 could not be parsed", "cell 4 could not be parsed"]


def test_long_lines_take_no_long_time() -> None:
    long = "x = " + " " * 200_000 + "(" + '"\\"' * 100_000 + "\n" + " " * 200_000 + "y z\n" + "?" * 200_000
    start = time.perf_counter()
    _notebook(long)
    assert time.perf_counter() - start < 2


def test_a_cell_of_python_2() -> None:
    source = _notebook(
        "import numpy as np\n%pylab", "for i in range(3):\n    print 'step = %d' % i\nx = np.clip(i, 0, 1)"
    )
    assert source.python2 and source.notes == []
    assert source.text.split("\n")[2:5] == ["for i in range(3):", "    print('step = %d' % i)", "x = np.clip(i, 0, 1)"]


@pytest.mark.parametrize(
    ("metadata", "kept"),
    [
        ({"kernelspec": {"language": "R"}}, False),
        ({"language_info": {"name": "julia"}}, False),
        ({"language_info": {"name": "python"}, "kernelspec": {"language": "R"}}, True),
        ({"language_info": {"name": "ipython"}}, True),
        ({"kernelspec": {"name": "python3"}}, True),
        ({"language_info": 3, "kernelspec": []}, True),
    ],
)
def test_the_language_of_the_kernel(metadata: dict[str, Any], kept: bool) -> None:
    source = _notebook("x = 1", metadata=metadata)
    assert (source.text != "") is kept and (source.notes == []) is kept


def test_a_cell_in_another_language() -> None:
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {"vscode": {"languageId": "sql"}}}
    assert _notebook(cell, "y = 1").text == "\ny = 1\n"


@pytest.mark.parametrize(
    ("data", "words", "row"),
    [
        (b"", "empty", 1),
        (b" \n", "empty", 1),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "git lfs pull", 1),
        (b'{\n "cells": [\n', "not valid JSON", 3),
        (b'{\n<<<<<<< HEAD\n "cells": []}', "not valid JSON", 2),
        (b"\xff\xfe\xfa", "not valid JSON", 1),
        (b"[" * 200_000, "not valid JSON", 1),
        (b"[1]", "no list of cells", 1),
        (b'{"cells": {"a": 1}}', "no list of cells", 1),
    ],
)
def test_what_is_no_notebook_is_told(data: bytes, words: str, row: int) -> None:
    problem = from_stdin(data, "n.ipynb")
    assert isinstance(problem, Problem)
    assert words in problem.message and "\n" not in problem.message and problem.row == row


def test_strange_cells_do_no_harm() -> None:
    strange: list[Any] = [3, None, "x", {}, {"cell_type": "code"}, {"cell_type": "code", "source": [1, "a = 1", None]}]
    data = json.dumps({"cells": [*strange, {"cell_type": "code", "source": 5}], "metadata": []}).encode()
    source = from_stdin(b"\xef\xbb\xbf" + data, "N.IPYNB")
    assert isinstance(source, Source)
    assert (source.text, source.cells) == ("\na = 1\n\n", [(5, 1), (6, 2), (7, 3)])


def test_half_a_surrogate_pair_in_a_notebook() -> None:
    source = from_stdin(b'{"cells": [{"cell_type": "code", "source": "x = \'\\ud83d\'"}]}', "n.ipynb")
    assert isinstance(source, Source)
    source.text.encode("utf-8")


# --- Python 2 --------------------------------------------------------------------------------------------------------

DQN = """\
class Agent(BaseModel):
  def train(self):
    for self.step in tqdm(xrange(0, 50000000), ncols=70):
      try:
        max_ep_reward = np.max(ep_rewards)
      except ValueError, error:
        raise RuntimeError, "no rewards"
      print '\\navg_r: %.4f, # game: %d' \\
          % (avg_reward, num_game)
      print >>log, `self.step`, 10L, 0777,
      if self.history.has_key(u'loss') and self.step <> 0:
        exec "pass" in scope
\tself.delta = self.target_q_t - q_acted
\tself.clipped_delta = tf.clip_by_value(self.delta, -1, 1)
"""


def test_python_2_keeps_its_lines() -> None:
    text = python2.convert(DQN)
    assert text is not None
    lines, before = text.split("\n"), DQN.split("\n")
    assert len(lines) == len(before)
    ast.parse(text)
    changed = [row for row, (old, new) in enumerate(zip(before, lines, strict=True), start=1) if old != new]
    assert changed == [6, 7, 8, 9, 10, 11, 12, 13, 14]
    assert lines[13] == "        self.clipped_delta = tf.clip_by_value(self.delta, -1, 1)"
    assert "xrange" in lines[2], "names are for the tables to know"


def test_rescue_of_python_2_and_of_tabs() -> None:
    old = sources.rescue(_module(DQN.encode()))
    assert old is not None and old.python2 and old.filename == "m.py"
    tabs = sources.rescue(_module(b"def f():\n\tif x:\n\t    a = 1\n            b = '\ta'\n"))
    assert tabs is not None and not tabs.python2
    assert tabs.text == "def f():\n        if x:\n            a = 1\n            b = '\ta'\n"
    assert sources.rescue(_module(b"x = 1\n")) is None, "nothing to rescue"
    assert sources.rescue(_module(b"x = = 1\nprint 'a'\n")) is None


@pytest.mark.parametrize(
    "text", ["x = (\n", "print f'{x!r}' 3", "'''\n", "\0", "def f(a, (b, c)):\n  print a\n", "(" * 5000]
)
def test_what_cannot_be_converted(text: str) -> None:
    assert python2.convert(text) is None


def test_a_last_line_without_a_newline() -> None:
    assert python2.convert("print 'a'\nprint 'b'") == "print('a')\nprint('b')"


def test_conversion_leaves_the_home_alone(tmp_path: Path) -> None:
    code = "from backproplint import python2; print(python2.convert('print 1'))"
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    environment.pop("XDG_CACHE_HOME", None)
    root = Path(sources.__file__).parent.parent
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert out.stdout == "print(1)\n" and out.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_home_does_no_harm() -> None:
    code = "from backproplint import python2; print(python2.convert('print 1'))"
    environment = {**os.environ, "HOME": os.devnull, "XDG_CACHE_HOME": os.devnull + "/x"}
    root = Path(sources.__file__).parent.parent
    out = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert out.stdout == "print(1)\n"


def test_reading_warns_of_nothing(recwarn: pytest.WarningsRecorder) -> None:
    assert python2.parses("x = '\\d' is 'a'\n") and not python2.parses("print 1")
    assert list(recwarn) == []
