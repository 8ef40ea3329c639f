"""The merge of two changes, held against git's own (git-merge-file(1))."""

import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.program import require

from s6gen.output.merge_lines import MOST_LINES, merge_texts

CASES = 400


@pytest.mark.parametrize(
    ("mine", "theirs", "merged"),
    [
        pytest.param(b"a\nB\nc\nd\n", b"a\nb\nc\nD\n", b"a\nB\nc\nD\n", id="apart"),
        pytest.param(b"a\nB\nc\nd\n", b"a\nB\nc\nd\n", b"a\nB\nc\nd\n", id="alike"),
        pytest.param(b"a\nB\nc\nd\n", b"a\nx\nc\nd\n", None, id="one line"),
        pytest.param(b"a\nB\nc\nd\n", b"a\nb\nC\nd\n", None, id="neighbours"),
        pytest.param(b"a\nc\nd\n", b"a\nb\nc\nd\nE\n", b"a\nc\nd\nE\n", id="a removal"),
        pytest.param(b"0\na\nb\nc\nd\n", b"a\nb\nc\n", b"0\na\nb\nc\n", id="both ends"),
        pytest.param(b"", b"a\nb\nc\nd\nE\n", None, id="all is gone"),
        pytest.param(b"a\nb\nc\nd", b"A\nb\nc\nd\n", b"A\nb\nc\nd", id="no newline"),
        pytest.param(b"a\rB\nb\nc\nd\n", b"a\nb\nc\nD\n", b"a\rB\nb\nc\nD\n", id="\\r"),
    ],
)
def test_two_changes_of_four_lines(
    mine: bytes, theirs: bytes, merged: bytes | None
) -> None:
    base = b"a\nb\nc\nd\n"

    assert merge_texts(base, mine, theirs) == merged
    assert merge_texts(base, theirs, mine) == merged


def test_a_merge_is_git_s(tmp_path: Path) -> None:
    """Either may see a conflict that the other does not see, but not often."""
    require("git")
    chance = random.Random(1)
    agreements = 0
    for _ in range(CASES):
        texts = random_case(chance)

        ours = merge_texts(texts["base"], texts["mine"], texts["theirs"])
        gits = merge_by_git(texts, tmp_path)

        agreements += ours == gits
        assert ours == gits or None in (ours, gits), texts
    assert agreements > 0.97 * CASES


def random_case(chance: random.Random) -> dict[str, bytes]:
    """Return a text with few different lines or with many, and two changes of it."""
    words = chance.choice([6, 1000])
    base = [f"{chance.randrange(words)}" for _ in range(chance.randrange(1, 40))]
    lines = {
        "mine": changed(base, chance),
        "base": base,
        "theirs": changed(base, chance),
    }
    texts = {}
    for name, content in lines.items():
        end = chance.choice(["\n", "\n", ""])
        texts[name] = ("\n".join(content) + end).encode()
    return texts


def changed(lines: list[str], chance: random.Random) -> list[str]:
    """Return lines with up to three insertions, removals and replacements."""
    lines = list(lines)
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(lines) + 1)
        removed = chance.randrange(3)
        added = [f"new {chance.randrange(4)}" for _ in range(chance.randrange(2))]
        lines[start : start + removed] = added
    return lines


def merge_by_git(texts: dict[str, bytes], directory: Path) -> bytes | None:
    """Return the merge of git, or None for a conflict."""
    for name, text in texts.items():
        (directory / name).write_bytes(text)
    done = subprocess.run(
        ["git", "merge-file", "-p", "-q", *texts],
        cwd=directory,
        capture_output=True,
        check=False,
    )
    return done.stdout if done.returncode == 0 else None


@given(st.binary(), st.binary())
def test_one_change_is_taken_as_it_is(base: bytes, changed: bytes) -> None:
    assert merge_texts(base, changed, base) == changed
    assert merge_texts(base, base, changed) == changed
    assert merge_texts(base, changed, changed) == changed


def test_texts_that_are_made_to_be_slow_are_compared_all_the_same() -> None:
    """Lines that both have stand between others, and come back again and again."""
    shared = [b"%d\n" % (number % 50) for number in range(MOST_LINES // 2)]
    mine = b"".join(b"%smine %d\n" % (line, n) for n, line in enumerate(shared))
    theirs = b"".join(b"%stheirs %d\n" % (line, n) for n, line in enumerate(shared))

    assert merge_texts(b"".join(shared), mine, theirs) is None


def test_a_text_that_is_too_long_is_not_compared() -> None:
    with pytest.raises(ValueError):
        merge_texts(b"\n" * (MOST_LINES + 1), b"", b"x")
