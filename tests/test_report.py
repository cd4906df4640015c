"""The reports: what a person sees at any width and on any terminal, and what a program reads."""

import json
import re
from typing import Any

import pytest

from backproplint.report import Report, render, statistics, summary
from backproplint.report.terminal import Terminal
from backproplint.rule import Curves, Diagnostic, Evidence, Location, Step

AGENT = "dqn/agent.py"
LINES = {
    290: "        self.delta = self.target_q_t - q_acted",
    291: "        self.clipped = tf.clip_by_value(self.delta, self.min_delta, self.max_delta, name='clipped_delta')",
    295: "\tself.loss = tf.reduce_mean(tf.square(self.clipped))",
    305: "            self.learning_rate_op, momentum=0.95, epsilon=0.01, name='some long name').minimize(self.loss)",
}
CODE = {(AGENT, None, row): line for row, line in LINES.items()} | {("config.py", None, 26): "min_delta = -1"}


def at(filename: str, row: int, column: int, end: int, cell: int | None = None) -> Location:
    return Location(filename, cell, row, column, row, end)


def curves() -> Curves:
    return Curves(
        title="Layers lose the gradient", x="layers back", y="gradient",
        series=[("this code", [0.0, 1.0, 2.0], [0.0, -3.0, -6.0]), ("cure", [0.0, 1.0, 2.0], [0.0, 0.0, 0.0])],
        log=True,
    )  # fmt: skip


def evidence() -> Evidence:
    return Evidence(
        curves=curves(),
        columns=["error 0.5", "error 0.9", "error 1.1", "error 20"],
        rows=[("this code", [1.0, 1.8, 0.0, float("nan")]), ("Huber loss", [0.5, 0.9, 1.0, float("inf")])],
        parameters={"low": -1.0, "high": 1.0, "loss": "square"},
        assumed=["loss"],
    )


def finding(**changes: Any) -> Diagnostic:
    clip = at(AGENT, 291, 24, 101)
    standard: dict[str, Any] = {
        "name": "clip-before-loss",
        "family": "clipping",
        "severity": "error",
        "confidence": "medium",
        "framework": "tf1",
        "message": "errors beyond ±1 are clipped, then squared: they get no gradient; use the Huber loss instead of it",
        "location": clip,
        "flow": [
            Step("the TD error enters here", at(AGENT, 290, 9, 19)),
            Step("clipped to [-1, 1], flat outside", clip),
            Step("where the bound comes from", at("config.py", 26, 13, 15)),
            Step("squared: ±2δ stays 0", at(AGENT, 295, 29, 52)),
            Step("minimised", at(AGENT, 305, 93, 101)),
        ],
        "unseen": ["the value of max_delta"],
        "parameters": {"low": -1.0, "high": 1.0},
        "evidence": evidence(),
    }
    return Diagnostic(**(standard | changes))


def report(*found: Diagnostic, **more: Any) -> Report:
    standard: dict[str, Any] = {"diagnostics": list(found), "files": 2, "code": CODE}
    return Report(**(standard | more))


def full(*found: Diagnostic, width: int = 80, unicode: bool = True, color: bool = False) -> str:
    return render(report(*found), "full", Terminal(width, color, unicode))


def test_full_tells_the_whole_story() -> None:
    assert full(finding()) == EXPECTED


EXPECTED = """\
clip-before-loss: errors beyond ±1 are clipped, then squared: they get no
  gradient; use the Huber loss instead of it
    ╭─▶ dqn/agent.py:291:24  TensorFlow 1 · error · confidence: medium
290 │ self.delta = self.target_q_t - q_acted
    │ ────────── ① the TD error enters here
291 │ self.clipped = tf.clip_by_value(self.delta, self.min_delta, self.max_del…
    │                ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
    │                ② clipped to [-1, 1], flat outside
    ├─▶ config.py:26:13
 26 │ min_delta = -1
    │             ── ③ where the bound comes from
    ├─▶ dqn/agent.py:295:29
295 │ self.loss = tf.reduce_mean(tf.square(self.clipped))
    │                            ─────────────────────── ④ squared: ±2δ stays 0
    ⋮
305 │ …).minimize(self.loss)
    │         ──────── ⑤ minimised
    │
   = not seen: the value of max_delta
   = measured with low=-1, high=1; assumed: loss=square
                   error 0.5  error 0.9  error 1.1   error 20
       this code           1        1.8          0        nan
       Huber loss        0.5        0.9          1        inf
       gradient (1e-6 to 1), layers back: 0 to 2
       this code  █▅▁
       cure       ███
   = why   backproplint rule clip-before-loss
           numbers again: backproplint demo clip-before-loss
   = quiet # backproplint: ignore[clip-before-loss]"""


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_full_fits_the_terminal(width: int, unicode: bool) -> None:
    text = full(finding(), finding(message="short"), width=width, unicode=unicode)
    assert max(map(len, text.splitlines())) <= width
    assert unicode or text.isascii()


def test_a_sparkline_says_more_only_where_the_table_does_not() -> None:
    assert "this code  #+_" in full(finding(), unicode=False)
    told = evidence()
    told.curves.told = True
    assert "layers back" not in full(finding(evidence=told))
    assert "= measured" in full(finding(evidence=told))


def test_ascii_says_the_same_with_other_signs() -> None:
    text = full(finding(), unicode=False)
    assert "    | ---------- 1 the TD error enters here" in text
    assert "^^^^" in text
    assert "beyond +/-1" in text
    assert "+/-2delta stays" in text


def test_colour_adds_nothing_but_colour() -> None:
    painted = full(finding(), color=True)
    assert painted != full(finding())
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == full(finding())


def test_numbers_and_advice_are_given_once_for_the_same_rule_and_file() -> None:
    text = full(finding(), finding(location=at(AGENT, 295, 29, 52)))
    assert text.count("= measured") == text.count("= quiet") == 1
    assert text.count("= numbers: see above") == 1


def test_other_constants_of_a_file_are_one_command_away_from_their_numbers() -> None:
    other = evidence()
    other.parameters = {"low": -5.0, "high": 5.0, "loss": "square"}
    text = full(finding(), finding(evidence=other), finding(evidence=other))
    assert text.count("= measured") == 1
    assert text.count("= numbers: backproplint demo clip-before-loss --set low=-5.0 --set high=5.0\n") == 1
    assert text.count("= numbers: see above") == 1
    elsewhere = finding(evidence=other, location=at("other.py", 291, 24, 101))
    assert full(finding(), elsewhere).count("= measured") == 2


def test_a_place_outside_the_flow_is_marked_first() -> None:
    lines = full(finding(location=at("config.py", 26, 1, 10))).splitlines()
    assert lines[2].startswith("    ╭─▶ config.py:26:1")
    assert lines[3:5] == [" 26 │ min_delta = -1", "    │ ━━━━━━━━━"]
    assert lines[5] == "    ├─▶ dqn/agent.py:290:9"


def test_two_steps_on_one_line_show_it_once() -> None:
    steps = [Step("first", at(AGENT, 290, 9, 19)), Step("second", at(AGENT, 290, 22, 37))]
    lines = full(finding(location=steps[0].location, flow=steps)).splitlines()
    assert lines[3:6] == [
        "290 │ self.delta = self.target_q_t - q_acted",
        "    │ ━━━━━━━━━━ ① first",
        "    │              ─────────────── ② second",
    ]


def test_more_steps_than_circled_digits_go_on_in_plain_ones() -> None:
    steps = [Step("on", at(AGENT, 290, 9, 19))] * 22
    text = full(finding(location=steps[0].location, flow=steps))
    assert "⑳ on" in text
    assert "22 on" in text


def test_an_expression_over_several_lines_is_marked_to_the_end_of_its_first() -> None:
    place = Location(AGENT, None, 290, 22, 293, 5)
    assert "    │              ━━━━━━━━━━━━━━━━━━━━━━━━━" in full(finding(location=place, flow=[])).splitlines()


def test_a_notebook_is_named_by_cell() -> None:
    place = at("a.ipynb", 1, 1, 2, cell=3)
    shown = report(finding(location=place, flow=[]), code={("a.ipynb", 3, 1): "x = 1"})
    assert "╭─▶ a.ipynb:cell 3:1:1" in render(shown, "full", Terminal())
    assert render(shown, "concise", Terminal()).startswith("a.ipynb:cell 3:1:1: clip-before-loss ")
    assert json.loads(render(shown, "json", Terminal()))[0]["cell"] == 3


def test_control_characters_of_the_code_never_reach_the_terminal() -> None:
    shown = report(finding(location=at("a.py", 1, 1, 2), flow=[]), code={("a.py", None, 1): "x = '\x1b[2J'"})
    assert "x = '?[2J'" in render(shown, "full", Terminal())


def test_input_problems_come_without_advice_on_rules() -> None:
    text = full(finding(name="invalid-source", family="input", evidence=None, unseen=[], flow=[]))
    assert "= why" not in text
    assert "= quiet" not in text


def test_concise_is_one_line() -> None:
    assert (
        render(report(finding(message="m")), "concise", Terminal())
        == "dqn/agent.py:291:24: clip-before-loss m [medium]"
    )


def test_json_has_every_key_and_no_number_that_json_lacks() -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    (found,) = json.loads(render(report(finding()), "json", Terminal()), parse_constant=refuse)
    assert set(found) == {
        "cell", "confidence", "end_location", "evidence", "family", "filename", "fix", "flow", "framework", "location",
        "message", "name", "severity", "unseen", "url",
    }  # fmt: skip
    assert found["location"] == {"row": 291, "column": 24}
    assert found["end_location"] == {"row": 291, "column": 101}
    assert found["flow"][2] == {
        "filename": "config.py",
        "cell": None,
        "location": {"row": 26, "column": 13},
        "end_location": {"row": 26, "column": 15},
        "message": "where the bound comes from",
    }
    assert found["evidence"]["rows"][0] == ["this code", [1.0, 1.8, 0.0, "NaN"]]
    assert found["evidence"]["rows"][1][1][3] == "Infinity"
    assert found["evidence"]["assumed"] == ["loss"]
    assert found["fix"] is found["url"] is None


def test_nothing_found() -> None:
    assert render(report(), "json", Terminal()) == "[]"
    assert render(report(), "full", Terminal()) == render(report(), "concise", Terminal()) == ""
    assert statistics.render(report(), "json", Terminal()) == "[]"


def test_statistics_count_by_rule() -> None:
    shown = report(finding(name="zero", family="f"), finding(), finding())
    assert statistics.render(shown, "full", Terminal()) == "2  clip-before-loss [clipping]\n1  zero [f]"
    assert json.loads(statistics.render(shown, "json", Terminal()))[0] == {
        "name": "clip-before-loss",
        "family": "clipping",
        "count": 2,
        "undecided": [],
    }


def test_statistics_count_what_was_left_undecided_by_rule_and_reason() -> None:
    undecided = {("zero", "f", "no rate"): 1, ("clip-before-loss", "clipping", "no call"): 2, ("zero", "f", "b"): 12}
    shown = report(finding(), undecided=undecided)
    assert statistics.render(shown, "full", Terminal()).splitlines() == [
        " 1  clip-before-loss [clipping]",
        "12  zero  undecided: b",
        " 1  zero  undecided: no rate",
        " 2  clip-before-loss  undecided: no call",
    ]
    assert json.loads(statistics.render(shown, "json", Terminal())) == [
        {
            "name": "clip-before-loss",
            "family": "clipping",
            "count": 1,
            "undecided": [{"reason": "no call", "count": 2}],
        },
        {
            "name": "zero",
            "family": "f",
            "count": 0,
            "undecided": [{"reason": "b", "count": 12}, {"reason": "no rate", "count": 1}],
        },
    ]


@pytest.mark.parametrize(
    ("found", "python2", "line"),
    [
        ([], 0, "All checks passed!"),
        ([], 2, "All checks passed! (2 files read as Python 2)"),
        ([finding()], 0, "Found 1 problem in 1 file."),
        ([finding(), finding(), finding(location=at("b.py", 1, 1, 2))], 1,
         "Found 3 problems in 2 files (1 file read as Python 2)."),
    ],
)  # fmt: skip
def test_summary(found: list[Diagnostic], python2: int, line: str) -> None:
    assert summary(report(*found, python2=python2)) == line
