"""Comments that silence findings: which rows they speak for, and which of them are refused."""

from __future__ import annotations

import pytest

from backproplint.suppress import suppressions

CLIP = "clip-before-loss"


def _covered(text: str) -> list[int]:
    """Rows at which a one-row finding of clip-before-loss (family clipping) is silenced."""
    found = suppressions(text)
    assert found.malformed == []
    return [row for row in range(1, text.count("\n") + 2) if found.covers(CLIP, "clipping", row, row)]


def test_a_trailing_comment_speaks_for_its_line() -> None:
    assert _covered(f"a = 1\nb = clip(a)  # backproplint: ignore[{CLIP}]\nc = 2\n") == [2]


def test_a_trailing_comment_on_any_row_of_the_finding() -> None:
    found = suppressions(f"b = clip(\n    a,\n    0,  # backproplint: ignore[{CLIP}]\n)\n")
    assert found.covers(CLIP, "clipping", 1, 4) and found.covers(CLIP, "clipping", 3, 3)
    assert not found.covers(CLIP, "clipping", 1, 2) and not found.covers(CLIP, "clipping", 4, 5)


def test_names_and_families() -> None:
    found = suppressions("x = 1  # backproplint: ignore[ recurrence ,relu-output, ]  the gate saturates on purpose\n")
    assert found.malformed == []
    assert found.covers("rnn-no-clip", "recurrence", 1, 1) and found.covers("relu-output", "dead-units", 1, 1)
    assert not found.covers(CLIP, "clipping", 1, 1)


def test_beside_other_tools_comments() -> None:
    assert _covered(f"x = 1  # noqa: E501  # backproplint: ignore[{CLIP}]\n") == [1]
    assert _covered(f"x = 1  #backproplint:ignore[{CLIP}] # backproplint: ignore[clip-loss]\n") == [1]


def test_an_own_line_covers_the_logical_line_below() -> None:
    text = f"a = 1\n# backproplint: ignore[{CLIP}]\n# because the labels are clean\nb = f(\n    a,\n)\nc = 3\n"
    assert _covered(text) == [4, 5, 6]


def test_an_own_line_does_not_reach_a_finding_that_starts_before_it() -> None:
    found = suppressions(f"def f():\n    # backproplint: ignore[{CLIP}]\n    return 1\n")
    assert not found.covers(CLIP, "clipping", 1, 3) and found.covers(CLIP, "clipping", 3, 3)


def test_an_own_line_above_decorators_reaches_the_header_only() -> None:
    text = f"# backproplint: ignore[{CLIP}]\n@jit\n# both\n@cached(\n    1)\ndef f(x,\n      y):\n    return x\n"
    assert [row for row in _covered(text) if row != 3] == [2, 4, 5, 6, 7]


def test_an_own_line_inside_brackets_covers_the_next_row() -> None:
    assert _covered(f"a = f(\n    # backproplint: ignore[{CLIP}]\n    clip(x),\n    y,\n)\n") == [3]


def test_a_comment_that_ends_a_block_speaks_for_what_follows() -> None:
    assert _covered(f"if a:\n    b = 1\n# backproplint: ignore[{CLIP}]\nelse:\n    b = 2\n") == [4]


def test_a_file_comment_covers_everything() -> None:
    found = suppressions(f"import x\n\n\ny = 1  # backproplint: file-ignore[{CLIP}]\n")
    assert found.covers(CLIP, "clipping", 1, 1) and found.covers(CLIP, "clipping", 900, 901)
    assert not found.covers("clip-loss", "clipping", 1, 1)


@pytest.mark.parametrize("quote", ['"', "'''"])
def test_strings_are_not_comments(quote: str) -> None:
    text = f"x = {quote}# backproplint: ignore[{CLIP}]{quote}\ny = {quote}# backproplint: nonsense{quote}\n"
    assert _covered(text) == []


def test_a_docstring_that_explains_the_comment() -> None:
    assert _covered(f'"""Usage:\n# backproplint: file-ignore[{CLIP}]\n"""\nx = 1\n') == []


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("# backproplint: ignore", "needs the names"),
        ("# backproplint: ignore[]", "needs the names"),
        ("# backproplint: file-ignore", "file-ignore[rule-name]"),
        ("# backproplint: ignore[clip-before-loss", "needs the names"),
        ("# backproplint: ignore[clip before loss]", "'clip before loss' is not the name"),
        ("# backproplint: ignore[a,,b]", "is not the name"),
        ("# backproplint: ignroe[x]", "did you mean 'ignore'"),
        ("# backproplint: noqa", "unknown comment"),
    ],
)
def test_malformed_comments_have_no_effect_and_are_told(comment: str, words: str) -> None:
    found = suppressions(f"x = 1\ny = clip(x)  {comment}\n")
    [(row, message)] = found.malformed
    assert row == 2 and words in message and "\n" not in message
    assert not found.covers(CLIP, "clipping", 2, 2)


@pytest.mark.parametrize("below", ["", "\nx = 1\n", "# only a comment\n\nx = 1\n"])
def test_an_own_line_above_nothing_is_told(below: str) -> None:
    found = suppressions(f"y = 1\n# backproplint: ignore[{CLIP}]\n{below}")
    [(row, message)] = found.malformed
    assert row == 2 and "no code below" in message and not found.comments


def test_unknown_names_are_told_with_the_likely_one() -> None:
    found = suppressions("x = 1  # backproplint: ignore[clip-befor-loss, clipping]\n# backproplint: file-ignore[ALL]\n")
    told = found.unknown([CLIP, "clipping", "relu-output"])
    assert [row for row, _ in told] == [1, 2]
    assert "did you mean 'clip-before-loss'" in told[0][1] and "'ALL'" in told[1][1]


@pytest.mark.parametrize("broken", ["x = (1\n", "def f(:\n  x\n y\n", "'''open\n", "print 'a\n"])
def test_a_text_that_cannot_be_tokenized_is_read_by_line(broken: str) -> None:
    text = f"a = 1  # backproplint: ignore[{CLIP}]\n# backproplint: ignore[{CLIP}]\n@b\nc = 1\n{broken}"
    assert _covered(text) == [1, 3, 4]
