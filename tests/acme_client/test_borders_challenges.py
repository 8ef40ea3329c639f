"""The challenge directory: whatever the CA, or others, put into it or into its place."""

import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from support.client import Finished, Host, begun, ended, state_of, store_state
from support.faults import Halt, edited
from support.proxy import Fault, Proxy

DIGEST = "A" * 43
"""What a SHA-256 in base64url looks like."""


def token(name: str) -> Fault:
    """A CA that picks the token."""

    def pick(authorization: dict[str, Any]) -> None:
        for challenge in authorization["challenges"]:
            challenge["token"] = name

    return edited(pick)


@pytest.mark.parametrize("content", ["precious", ""])
def test_a_token_that_is_the_name_of_a_file(
    renewing: Host, between: Proxy, content: str
) -> None:
    """It is neither overwritten nor removed, and the CA is not told to look."""
    assert renewing.keep("--force").code == 0
    file = renewing.challenges / "timefile"
    file.write_text(content)
    between.reset()
    try:
        with between.faulty("authz", token("timefile")):
            done = renewing.keep("--force")
        assert done.code == 111
        assert f"{file}: is in the way of an answer" in done.fatal[0]
        assert "challenge" not in between.requests
        assert file.read_text() == content
        (path,) = renewing.challenges.iterdir()
        assert path == file
    finally:
        file.unlink()
    assert renewing.keep("--force").code == 0


def stopped(
    host: Host, between: Proxy, meanwhile: Any, number: signal.Signals
) -> Finished:
    """A run that ends when its files are made, after something has been done to them."""
    halt = Halt()
    with (
        between.faulty("challenge", halt),
        begun(*host.options, "--force") as process,
    ):
        if not halt.reached.wait(20):
            process.terminate()
            pytest.fail(f"no answer was made: {ended(process).err}")
        meanwhile()
        process.send_signal(number)
        done = ended(process)
        halt.released.set()
    return done


def the_answer(host: Host) -> Path:
    """The one file in the challenge directory."""
    (path,) = host.challenges.iterdir()
    return path


def test_a_directory_that_is_swapped_meanwhile(
    renewing: Host, between: Proxy, tmp_path: Path
) -> None:
    """What was made is removed where it was made, and nothing elsewhere."""
    assert renewing.keep("--force").code == 0
    aside, precious = tmp_path / "aside", tmp_path / "precious"
    precious.mkdir()

    def swap() -> None:
        answer = the_answer(renewing)
        shutil.copy(answer, precious / answer.name)
        renewing.challenges.rename(aside)
        renewing.challenges.symlink_to(precious)

    try:
        stopped(renewing, between, swap, signal.SIGTERM)
        assert list(aside.iterdir()) == []
        assert len(list(precious.iterdir())) == 1
    finally:
        renewing.challenges.unlink()
        aside.rename(renewing.challenges)
    assert renewing.keep("--force").code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("kind", ["other content", "hard link", "link", "directory"])
def test_what_was_not_made_is_left_alone(
    renewing: Host,
    between: Proxy,
    tmp_path: Path,
    kind: str,
    number: signal.Signals,
) -> None:
    """Another file has taken the name of the answer; also when the next run looks."""
    assert renewing.keep("--force").code == 0
    other = tmp_path / "other"
    taken: list[Path] = []

    def take() -> None:
        answer = the_answer(renewing)
        taken.append(answer)
        shutil.copy(answer, other)
        answer.unlink()
        if kind == "other content":
            answer.write_text("precious")
        elif kind == "hard link":
            answer.hardlink_to(other)
        elif kind == "link":
            answer.symlink_to(other)
        else:
            answer.mkdir()

    done = stopped(renewing, between, take, number)
    (path,) = taken
    try:
        said = done.err if number == signal.SIGTERM else renewing.keep("--force").err
        assert f"{path}: is not the answer that was made: it is left alone" in said
        assert path.exists()
        renewing.keep("--force")
        assert path.exists()
        assert "left alone" not in renewing.keep("--force").err
    finally:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()


def test_what_a_killed_run_has_made_is_removed(renewing: Host, between: Proxy) -> None:
    """Whole, or empty as after a power cut."""
    assert renewing.keep("--force").code == 0
    for empty in (False, True):

        def cut(is_empty: bool = empty) -> None:
            if is_empty:
                the_answer(renewing).write_text("")

        stopped(renewing, between, cut, signal.SIGKILL)
        path = the_answer(renewing)
        assert renewing.keep("--force").code == 0
        assert not path.exists()


@pytest.mark.parametrize("text", ["passwd.", "passwd", f"other.{DIGEST}"])
def test_a_forged_note_removes_no_file(renewing: Host, text: str) -> None:
    """FILE.state may belong to another user than who runs the client by hand."""
    assert renewing.keep("--force").code == 0
    victim = renewing.challenges / "passwd"
    victim.write_text(text)
    try:
        for noted in (text, f"passwd.{DIGEST}"):
            state = state_of(renewing)
            state["answers"] = {
                "kind": "http-01",
                "place": str(renewing.challenges),
                "made": [["passwd", noted, "a.example"]],
            }
            store_state(renewing, state)
            assert renewing.keep("--force").code == 0
            assert victim.read_text() == text
    finally:
        victim.unlink()


@pytest.mark.parametrize(
    ("record", "value", "is_called"),
    [
        ("_acme-challenge.evil.example", DIGEST, False),
        ("_acme-challenge.{name}", "v=spf1 -all", False),
        ("{name}", DIGEST, False),
        ("_acme-challenge.{name}", DIGEST, True),
    ],
)
def test_a_forged_note_removes_no_record(
    renewing: Host, tmp_path: Path, record: str, value: str, is_called: bool
) -> None:
    """The hook is asked for records of this certificate's names alone."""
    called, hook = tmp_path / "called", tmp_path / "hook"
    hook.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"open({str(called)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "sys.exit(sys.argv[1] == 'add')\n"
    )
    hook.chmod(0o755)
    assert renewing.keep("--force").code == 0
    state = state_of(renewing)
    label = record.format(name=renewing.names[0])
    state["answers"] = {
        "kind": "dns-01",
        "place": str(hook),
        "made": [[label, value, renewing.names[0]]],
    }
    store_state(renewing, state)
    renewing.keep("--force", "--dns-hook", str(hook))
    calls = called.read_text().splitlines() if called.exists() else []
    assert (f"remove {label} {value}" in calls) == is_called
