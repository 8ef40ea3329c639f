"""execline's lexer. The judge of what a script says is the real execlineb."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.program import require

from s6gen.execline import ScriptError, lex, word

PRINT = '#!/bin/sh\nfor word in "$@"; do printf \'%s\\0\' "$word"; done\n'

PIECES = st.sampled_from(
    [bytes([byte]) for byte in b'{} \n"\\#a0xn1789f\t\x01\x7f\xff$\0']
    + [
        b"{ ",
        b" }",
        b"\\\n",
        b'"a"',
        b"\\0x4",
        b"\\1",
        b"\\0",
        b"{\\",
        b"}\\",
        "é".encode(),
    ]
)
SCRIPTS = st.lists(PIECES, max_size=16).map(b"".join)
VALUES = st.text(
    st.one_of(
        st.characters(min_codepoint=1, max_codepoint=0xD7FF),
        st.characters(min_codepoint=0xE000),
        st.sampled_from(' {}"\\#$\n\t'),
    )
).map(lambda text: os.fsdecode(os.fsencode(text)))


def values(script: bytes) -> list[str] | None:
    """The words that s6gen reads, or None if it refuses."""
    try:
        return [word.value for word in lex(script)]
    except ScriptError:
        return None


@pytest.fixture(scope="module")
def shop() -> Iterator[Path]:
    """A directory with a program that prints its arguments."""
    require("execlineb")
    with tempfile.TemporaryDirectory() as name:
        program = Path(name, "print")
        program.write_text(PRINT)
        program.chmod(0o755)
        yield Path(name)


def judged(shop: Path, script: bytes) -> list[str] | None:
    """The words that the real execlineb passes on, or None if it refuses."""
    (shop / "script").write_bytes(os.fsencode(shop / "print") + b"\n" + script)
    done = subprocess.run(
        ["execlineb", "-P", str(shop / "script")], capture_output=True, check=False
    )
    return os.fsdecode(done.stdout).split("\0")[:-1] if done.returncode == 0 else None


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(script=SCRIPTS)
@example(script=b"{ { a } b } c")
@example(script=b"{\\\nx { y }")
@example(script=b'"\\065')
@example(script=b'"\\0x41\\65\\0101\\n\\q\\\n"x')
@example(script=b"a\\\nb")
@example(script=b'"\\0777"')
@example(script=b"{")
@example(script=b"}")
def test_reads_a_script_as_execlineb_does(shop: Path, script: bytes) -> None:
    assert values(script) == judged(shop, script)


@given(listed=st.lists(VALUES, max_size=5))
def test_what_is_quoted_is_read_back(listed: list[str]) -> None:
    script = " ".join(word(value) for value in listed)

    assert values(os.fsencode(script)) == listed


@settings(max_examples=100, deadline=None)
@given(value=VALUES)
def test_a_quoted_word_is_the_value_for_execlineb(shop: Path, value: str) -> None:
    assert judged(shop, os.fsencode(word(value))) == [value]


@pytest.mark.parametrize(
    ("script", "message", "line"),
    [
        pytest.param(b"a\n{ b\n", "unmatched {", 2, id="open block"),
        pytest.param(b"a {\nb { } \n", "unmatched {", 1, id="the outer one is open"),
        pytest.param(b"a\nb }\n", "unmatched }", 2, id="closed too often"),
        pytest.param(b'a\n\n"b\nc', "unmatched quote", 3, id="where the quote begins"),
        pytest.param(b"a\\", "backslash at the end", 1, id="backslash"),
        pytest.param(b'\n"\\0x"', "no digits after \\0", 2, id="no digits"),
        pytest.param(b'"\\256"', "no such character: \\256", 1, id="more than a byte"),
    ],
)
def test_says_what_is_wrong_and_where(script: bytes, message: str, line: int) -> None:
    with pytest.raises(ScriptError) as caught:
        lex(script)

    assert (caught.value.message, caught.value.line) == (message, line)


def test_words_know_their_lines() -> None:
    words = lex(b'# c\nif { test -e "a\nb" }\n\necho\n')

    assert [(word.value, word.line, word.plain) for word in words] == [
        ("if", 2, True),
        (" test", 2, True),
        (" -e", 2, True),
        (" a\nb", 2, False),
        ("", 3, True),
        ("echo", 5, True),
    ]


def test_a_script_that_would_grow_without_end_is_refused() -> None:
    with pytest.raises(ScriptError, match="too many nested blocks"):
        lex(b"{ " * 250_000 + b"a " * 250_000)
