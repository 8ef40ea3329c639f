"""What a CA says of a challenge is checked before it is a file or a record."""

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("acme", reason="the client needs the acme package")

from support.command import ROOT

from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.options import Options
from s6gen.acme_client.protocol.challenges import Challenges, run_program
from s6gen.acme_client.state.records import Challenge
from s6gen.acme_client.state.state_file import StateFile

CA = "https://ca.example/directory"


def memory() -> StateFile:
    return StateFile("", lambda: "")


@given(
    st.text()
    | st.sampled_from(["..", ".", "a/b", "/etc/passwd", "a\0b", "", "x" * 300])
)
def test_a_token_is_a_plain_file_name_or_refused(
    tmp_path_factory: Any, token: str
) -> None:
    options = Options(acme_dir=str(tmp_path_factory.getbasetemp()))
    challenges = Challenges(options, memory(), {"example.org"})
    try:
        challenges.plan(CA, "example.org", token, "thumbprint")
    except Fatal as fatal:
        assert str(fatal).startswith(f"{CA}: a token outside of its alphabet")
    else:
        planned = Challenge(token, f"{token}.thumbprint", "example.org")
        assert challenges.planned == [planned]
        assert set(token) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        )
    finally:
        assert challenges.directory is not None
        os.close(challenges.directory)


def test_a_name_that_was_not_asked_for_is_refused() -> None:
    options = Options(dns_hook="hook")
    challenges = Challenges(options, memory(), {"*.example.org"})
    challenges.plan(CA, "Example.ORG.", "token", "thumbprint")
    planned = [(challenge.label, challenge.name) for challenge in challenges.planned]
    assert planned == [("_acme-challenge.example.org", "example.org")]
    with pytest.raises(
        Fatal, match=f"{CA}: is for a name that was not asked for: evil"
    ):
        challenges.plan(CA, "evil", "token", "thumbprint")


START_AND_STOP = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from s6gen.acme_client.protocol.challenges import run_program
from s6gen.acme_client.messages import Stopped

def stop(number, frame):
    raise Stopped(number)

signal.signal(signal.SIGALRM, stop)
left = 0
for step in range(1, 301):
    try:
        signal.setitimer(signal.ITIMER_REAL, step * 1e-5)
        run_program(["sleep", "30"])
    except Stopped:
        pass
    try:
        os.waitpid(-1, os.WNOHANG)
        left += 1
    except ChildProcessError:
        pass
print(left)
"""


def test_hook_is_killed_when_the_signal_comes_while_it_starts() -> None:
    """Before Popen returns, the client does not know the hook yet.

    It is tried in a process of its own, which has no other children.
    """
    done = subprocess.run(
        [sys.executable, "-c", START_AND_STOP, str(ROOT)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0\n"


def test_hook_hears_signals_even_while_this_run_is_about_to_end() -> None:
    """The client ignores a second SIGTERM; a hook that is to clean up does not."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert run_program(["sh", "-c", "kill -TERM $$"]) == -signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
