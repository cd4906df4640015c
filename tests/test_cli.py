"""The command as people and machines run it: in its own process, by its exit status and what it prints."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "backproplint"]
HAZARD = """\
import torch


def train(model, optimizer, x, y):
    error = torch.clamp(model(x) - y, -1.0, 1.0)
    loss = error.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
CLEAN = HAZARD.replace("torch.clamp(model(x) - y, -1.0, 1.0)", "model(x) - y")
PYTHON2 = CLEAN.replace("import torch\n", "import torch\nprint 'torch', torch.__version__\n")


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would change the output, in a terminal of 80 columns."""
    loud = ("BACKPROPLINT_", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING")
    quiet = {key: value for key, value in os.environ.items() if not key.startswith(loud)}
    return quiet | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"} | more


def run(
    *arguments: str, cwd: Path, stdin: str = "", package: Path = ROOT, **more: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd, input=stdin, capture_output=True, encoding="utf-8", timeout=120,
        env=environment(**({"PYTHONPATH": str(package)} | more)),
    )  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with one file that has a hazard in line 5."""
    (tmp_path / "story.py").write_text(HAZARD)
    return tmp_path


def notebook(*cells: tuple[str, str]) -> str:
    return json.dumps({"cells": [{"cell_type": kind, "source": source} for kind, source in cells], "nbformat": 4})


def names(ran: subprocess.CompletedProcess[str]) -> list[tuple[str, int, str]]:
    return [(found["filename"], found["location"]["row"], found["name"]) for found in json.loads(ran.stdout)]


def refused(ran: subprocess.CompletedProcess[str]) -> str:
    """The message of a run that ended with 2 and one line on stderr."""
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1
    return ran.stderr


# What is found


def test_a_clean_file_passes(tmp_path: Path) -> None:
    (tmp_path / "story.py").write_text(CLEAN)
    ran = run(cwd=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "All checks passed!\n", "")


def test_a_hazard_is_shown_with_its_path_and_numbers(project: Path) -> None:
    ran = run("check", ".", cwd=project)
    assert ran.returncode == 1
    assert ran.stdout.startswith("clip-before-loss: ")
    assert "story.py:5:13" in ran.stdout
    assert "error = torch.clamp(model(x) - y, -1.0, 1.0)" in ran.stdout
    assert "= measured" in ran.stdout
    assert ran.stdout.endswith("\n\nFound 1 problem in 1 file.\n")
    assert ran.stderr == ""


def test_check_need_not_be_said(project: Path) -> None:
    assert run("story.py", cwd=project).stdout == run("check", "story.py", cwd=project).stdout


def test_concise(project: Path) -> None:
    line, last = run("--output-format", "concise", cwd=project).stdout.splitlines()
    assert line.startswith("story.py:5:13: clip-before-loss ")
    assert line.endswith("[high]")
    assert last == "Found 1 problem in 1 file."


def test_json_on_stdout_and_the_summary_on_stderr(project: Path) -> None:
    ran = run(".", BACKPROPLINT_OUTPUT_FORMAT="json", cwd=project)
    assert ran.returncode == 1
    assert names(ran) == [("story.py", 5, "clip-before-loss")]
    assert json.loads(ran.stdout)[0]["evidence"]["rows"]
    assert ran.stderr == "Found 1 problem in 1 file.\n"


def test_json_of_nothing_is_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "story.py").write_text("")
    ran = run("--output-format=json", cwd=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[]\n", "All checks passed!\n")


def test_statistics(project: Path) -> None:
    assert run("--statistics", "-q", cwd=project).stdout == "1  clip-before-loss [clipping]\n"


def test_what_is_left_undecided_is_counted_and_never_fails_a_run(tmp_path: Path) -> None:
    text = "import tensorflow as tf\n\n\ndef train(x, target, measure, optimizer):\n"
    text += "    optimizer.minimize(measure(tf.clip_by_value(x - target, -1.0, 1.0)))\n"
    (tmp_path / "agent.py").write_text(text)
    ran = run("--statistics", "-q", cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "1  clip-before-loss  undecided: a call on the way is not known\n")
    assert run("-q", cwd=tmp_path).stdout == ""


def test_quiet_prints_findings_only(project: Path) -> None:
    assert "Found" not in run("-q", cwd=project).stdout


def test_evidence_can_be_left_out(project: Path) -> None:
    assert "= measured" not in run("--no-evidence", cwd=project).stdout


def test_a_notebook_is_one_module_and_cells_are_counted_as_editors_do(tmp_path: Path) -> None:
    head, _, body = HAZARD.partition("\n\n\n")
    (tmp_path / "story.ipynb").write_text(notebook(("markdown", "# Title"), ("code", head), ("code", "%time\n" + body)))
    ran = run("--output-format", "concise", cwd=tmp_path)
    assert ran.stdout.startswith("story.ipynb:cell 3:3:13: clip-before-loss ")


def test_python_2_is_read_and_counted(tmp_path: Path) -> None:
    (tmp_path / "story.py").write_text(PYTHON2)
    ran = run(cwd=tmp_path)
    assert (ran.returncode, ran.stdout) == (0, "All checks passed! (1 file read as Python 2)\n")


def test_naming_a_file_gives_what_naming_its_folder_gives(tmp_path: Path) -> None:
    (tmp_path / "bounds.py").write_text("import torch\n\n\ndef bounded(x):\n    return torch.clamp(x, -1.0, 1.0)\n")
    caller = HAZARD.replace("import torch", "from bounds import bounded").replace("torch.clamp", "bounded")
    (tmp_path / "story.py").write_text(caller.replace(", -1.0, 1.0", ""))
    whole = names(run("--output-format", "json", ".", cwd=tmp_path))
    assert whole == [("bounds.py", 5, "clip-before-loss")]
    assert names(run("--output-format", "json", "bounds.py", cwd=tmp_path)) == whole
    assert names(run("--output-format", "json", "story.py", cwd=tmp_path)) == []


# Input that is none


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b"x = 1\ndef f(:\n", 2),
        (b"\x7fELF\x00\x01\x02", 1),
        (b"x = '\xff\xfe'\n", 1),
        (b"# coding: klingon\n", 1),
    ],
    ids=["broken", "binary", "undecodable", "unknown encoding"],
)
def test_what_cannot_be_read_is_a_finding_and_stops_nothing(project: Path, data: bytes, row: int) -> None:
    (project / "bad.py").write_bytes(data)
    ran = run("--output-format", "json", cwd=project)
    assert names(ran) == [("bad.py", row, "invalid-source"), ("story.py", 5, "clip-before-loss")]
    assert ran.returncode == 1


def test_a_broken_notebook_is_a_finding(project: Path) -> None:
    (project / "bad.ipynb").write_text('{"cells": [')
    ran = run("--output-format", "json", "--fail-on", "error", "bad.ipynb", cwd=project)
    assert [name for *_, name in names(ran)] == ["invalid-source"]
    assert ran.returncode == 0


def test_invalid_source_can_be_ignored(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def f(:\n")
    assert run("--ignore", "invalid-source", cwd=tmp_path).returncode == 0
    assert run("--ignore", "input", cwd=tmp_path).returncode == 0


def test_empty_files_are_clean(tmp_path: Path) -> None:
    for text in ("", "\n", "# nothing", "\ufeff"):
        (tmp_path / "empty.py").write_text(text, encoding="utf-8")
        assert run("empty.py", cwd=tmp_path).returncode == 0


def test_deep_nesting_is_survived(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text("x = " + " + ".join(["1"] * 5000) + "\ny = " + "-" * 3000 + "1\n")
    ran = run("--output-format", "json", cwd=tmp_path)
    assert ran.returncode in (0, 1)
    assert {name for *_, name in names(ran)} <= {"invalid-source"}


def test_no_python_files_is_a_warning(tmp_path: Path) -> None:
    ran = run(cwd=tmp_path)
    assert ran.returncode == 0
    assert ran.stderr == "warning: no Python files found under .\n"


# Stdin


def test_stdin(tmp_path: Path) -> None:
    ran = run("-", "--stdin-filename", "sub/given.py", "--output-format", "json", cwd=tmp_path, stdin=HAZARD)
    assert names(ran) == [("sub/given.py", 5, "clip-before-loss")]
    assert names(run("-", "--output-format", "json", cwd=tmp_path, stdin=HAZARD))[0][0] == "-"
    assert run("-", cwd=tmp_path).returncode == 0


def test_stdin_is_read_alone(project: Path) -> None:
    assert "stdin" in refused(run("-", "story.py", cwd=project))


# What is asked for


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        (["--select", "clip-before-loss"], 1),
        (["--select", "clipping"], 1),
        (["--select", "rnn-no-clip, saturating-init"], 0),
        (["--select", "rnn-no-clip", "--extend-select", "clipping"], 1),
        (["--ignore", "clip-before-loss"], 0),
        (["--ignore", "clipping"], 0),
        (["--ignore", "ALL", "--select", "clipping"], 1),
        (["--select", "clip-before-loss", "--ignore", "clipping"], 1),
        (["--exit-zero"], 0),
        (["--fail-on", "note", "--min-confidence", "high"], 1),
        (["--exclude", "story.py"], 0),
        (["--extend-exclude", "sto*"], 0),
        (["--no-cache", "-v"], 1),
    ],
    ids=str,
)
def test_flags(project: Path, flags: list[str], status: int) -> None:
    assert run(*flags, cwd=project).returncode == status


def test_a_named_file_overrides_excludes_unless_forced(project: Path) -> None:
    assert run("--exclude", "story.py", "story.py", cwd=project).returncode == 1
    assert run("--exclude", "story.py", "--force-exclude", "story.py", cwd=project).returncode == 0


def test_configuration(project: Path) -> None:
    (project / "pyproject.toml").write_text('[tool.backproplint]\nignore = ["clipping"]\noutput-format = "concise"\n')
    (project / "sub").mkdir()
    assert run("../story.py", cwd=project / "sub").returncode == 0
    assert run("--isolated", cwd=project).returncode == 1
    assert run("--config", 'ignore = ["saturating-init"]', cwd=project).stdout.startswith("story.py:5:13: clip-")


def test_per_file_ignores(project: Path) -> None:
    shutil.copy(project / "story.py", project / "other.py")
    (project / "pyproject.toml").write_text('[tool.backproplint.per-file-ignores]\n"story.py" = ["clip-before-loss"]\n')
    assert names(run("--output-format", "json", cwd=project)) == [("other.py", 5, "clip-before-loss")]


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        (5, "    error = torch.clamp(model(x) - y, -1.0, 1.0)  # backproplint: ignore[clip-before-loss]"),
        (5, "    # backproplint: ignore[clipping]\n    error = torch.clamp(model(x) - y, -1.0, 1.0)"),
        (1, "import torch  # backproplint: file-ignore[clip-before-loss]"),
    ],
)
def test_comments_silence(project: Path, line: int, comment: str) -> None:
    lines = HAZARD.splitlines()
    lines[line - 1] = comment
    (project / "story.py").write_text("\n".join(lines))
    ran = run(cwd=project)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "All checks passed!\n", "")


def test_a_comment_for_another_rule_silences_nothing(project: Path) -> None:
    (project / "story.py").write_text(HAZARD.replace("1.0)\n", "1.0)  # backproplint: ignore[clip-before-los]\n"))
    ran = run(cwd=project)
    assert ran.returncode == 1
    assert ran.stderr.startswith("warning: story.py:5: 'clip-before-los' is neither a rule nor a family; did you mean ")


# Where it is shown


def test_the_report_can_go_to_a_file(project: Path) -> None:
    ran = run("--output-format", "json", "-o", "report.json", cwd=project)
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "Found 1 problem in 1 file.\n")
    assert json.loads((project / "report.json").read_text())[0]["name"] == "clip-before-loss"


def test_a_report_that_cannot_be_written_is_an_error(project: Path) -> None:
    assert "no/report.txt" in refused(run("-o", "no/report.txt", cwd=project))


def test_an_ascii_stdout_gets_ascii(project: Path) -> None:
    (project / "story.py").write_text(HAZARD.replace("y, -1.0, 1.0)", "y, -1.0, 1.0)  # ±1 für δ"), encoding="utf-8")
    ran = run(cwd=project, PYTHONIOENCODING="ascii")
    assert ran.returncode == 1
    assert ran.stdout.isascii()
    assert "^^^^" in ran.stdout


def test_80_columns_are_enough(project: Path) -> None:
    assert max(map(len, run(cwd=project).stdout.splitlines())) <= 80


def test_colour(project: Path) -> None:
    assert "\x1b[" not in run(cwd=project).stdout
    assert "\x1b[" in run(cwd=project, FORCE_COLOR="1").stdout
    assert "\x1b[" in run("--color", "always", cwd=project, NO_COLOR="1").stdout
    assert "\x1b[" not in run("--color=never", cwd=project, FORCE_COLOR="1").stdout
    assert "\x1b[" not in run(cwd=project, FORCE_COLOR="1", NO_COLOR="1").stdout


# What goes wrong


def test_usage_errors_are_one_line(project: Path) -> None:
    assert "'stroy.py'" in refused(run("stroy.py", cwd=project))
    assert "--selekt" in refused(run("--selekt", "x", cwd=project))
    assert "did you mean 'clip-before-loss'?" in refused(run("--select", "clip-before-los", cwd=project))
    assert "did you mean 'clipping'?" in refused(run("--ignore", "cliping", cwd=project))
    assert "--color" in refused(run("--color", "mauve", cwd=project))
    assert "unknown key 'selekt'" in refused(run("--config", "selekt = 1", cwd=project))
    assert "did you mean 'clip-before-loss'?" in refused(run("rule", "clip-before-los", cwd=project))
    assert "unknown rule" in refused(run("demo", "nothing-at-all", cwd=project))
    (project / "pyproject.toml").write_text("[tool.backproplint]\nignore = ['no-such-rule']\n")
    assert "unknown rule 'no-such-rule'" in refused(run(cwd=project))


def test_a_bug_in_a_rule_is_one_line_that_asks_for_a_report(project: Path) -> None:
    package = project / "package"
    shutil.copytree(ROOT / "backproplint", package / "backproplint")
    (package / "rules/boom").mkdir(parents=True)
    (package / "rules/boom/checker.py").write_text(
        "from backproplint.rule import Rule\n\n\nclass Boom(Rule):\n"
        "    name, family, severity, summary = 'boom', 'bugs', 'note', 'It breaks.'\n\n"
        "    def check(self, project):\n        return 1 / 0\n"
    )
    message = refused(run("story.py", cwd=project, package=package))
    assert "rule boom failed (ZeroDivisionError" in message
    assert "please report" in message
    assert "Traceback" in run("-v", "story.py", cwd=project, package=package).stderr


def test_a_closed_pipe_is_silent(project: Path) -> None:
    with subprocess.Popen(
        COMMAND, cwd=project, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as ran:
        assert ran.stdout and ran.stderr
        ran.stdout.close()
        assert ran.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("path", ["-", "."], ids=["waiting", "working"])
def test_ctrl_c_is_130_without_a_traceback(tmp_path: Path, path: str) -> None:
    for number in range(500):
        (tmp_path / f"story{number}.py").write_text(HAZARD * 20)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [*COMMAND, path], cwd=tmp_path, env=environment(), stdin=pipe, stderr=pipe,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    ) as ran:  # fmt: skip
        time.sleep(2)  # until it waits for stdin, or has begun to parse
        ran.send_signal(signal.SIGINT)
        _, complaint = ran.communicate(timeout=60)
    assert ran.returncode == 130
    assert b"Traceback" not in complaint


# The other commands


def test_version_imports_click_and_nothing_else(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "backproplint", "--version"],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.startswith("backproplint 0.")
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.stderr.splitlines()}
    assert "click" in imported
    assert not imported & {"libcst", "rich", "numpy", "msgspec", "pathspec", "fissix", "tomllib"}


def test_help_is_about_commands_and_of_check_about_options(tmp_path: Path) -> None:
    assert "demo" in run("-h", cwd=tmp_path).stdout
    assert "--fail-on" in run("check", "--help", cwd=tmp_path).stdout


def test_rules_are_listed(tmp_path: Path) -> None:
    rows = json.loads(run("rules", "--output-format", "json", cwd=tmp_path).stdout)
    assert {"name", "family", "severity", "summary"} == set(rows[0])
    lines = run("rules", cwd=tmp_path).stdout.splitlines()
    assert [line.split()[:3] for line in lines] == [[row["name"], row["family"], row["severity"]] for row in rows]


def test_a_rule_is_explained_by_its_readme(tmp_path: Path) -> None:
    text = (ROOT / "rules/clip_before_loss/README.md").read_text(encoding="utf-8")
    shown = run("rule", "clip-before-loss", cwd=tmp_path).stdout
    assert shown == text.replace("![Beyond the bounds of a clip, an error gets no gradient](plot.svg)\n\n", "") + "\n"
    assert run("rule", "clip-before-loss", cwd=tmp_path, PYTHONIOENCODING="ascii").stdout.isascii()


def test_a_demo_measures_with_the_constants_it_is_given(tmp_path: Path) -> None:
    usual = run("demo", "clip-before-loss", cwd=tmp_path)
    wider = run("demo", "clip-before-loss", "--set", "low=-2.5", "--set", "high=2.5", cwd=tmp_path)
    assert usual.returncode == wider.returncode == 0
    assert "2.5" in wider.stdout
    assert usual.stdout != wider.stdout


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["hihg=1"], "has no 'hihg'; it has low, high"),
        (["high"], "KEY=VALUE"),
        (["high=much"], "high is a number, not 'much'"),
        (["high=nan"], "high is a number"),
        (["loss=cube"], "loss must be 'square' or 'abs', not 'cube'"),
    ],
)
def test_constants_that_cannot_be_measured_with_are_refused(tmp_path: Path, settings: list[str], said: str) -> None:
    assert said in refused(run("demo", "clip-before-loss", *[f"--set={one}" for one in settings], cwd=tmp_path))


def test_a_count_is_a_whole_number(tmp_path: Path) -> None:
    for value in ("0", "-3", "2.5"):
        assert "fan_in is a whole number from 1 on" in refused(
            run("demo", "saturating-init", "--set", f"fan_in={value}", cwd=tmp_path)
        )
