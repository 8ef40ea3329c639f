"""A signal at any step: nothing is lost, nothing is left, and the next run succeeds."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.client import CLIENT, Host, assert_good, begun, ended
from support.faults import Halt
from support.pebble import Pebble
from support.proxy import Proxy
from test_faults import STEPS


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_signal_at_a_step(
    renewing: Host,
    between: Proxy,
    ca: Pebble,
    tmp_path: Path,
    step: str,
    number: signal.Signals,
) -> None:
    before, halt = renewing.content(), Halt()
    with between.faulty(step, halt), begun(*renewing.options, "--force") as process:
        assert halt.reached.wait(20)
        process.send_signal(number)
        stopped = ended(process)
        halt.released.set()
    assert (stopped.code, stopped.out) == (-number, "")
    assert "Traceback" not in stopped.err
    assert renewing.content() == before
    if number != signal.SIGKILL:
        assert renewing.leftovers() == []
    assert renewing.keep("--force").code == 0
    assert renewing.content() != before
    assert renewing.leftovers() == []
    assert_good(renewing, ca, tmp_path)


def test_alarm_while_it_starts(renewing: Host) -> None:
    """It comes with each import that a file of the client makes."""
    program = """
import builtins, os, runpy, signal, sys
real, path = builtins.__import__, sys.argv.pop(1)
def alarmed(name, space=None, *more):
    here = str(space and space.get("__file__")).startswith(os.path.dirname(path))
    if here and name not in ("__future__", "_signal"):
        os.kill(os.getpid(), signal.SIGALRM)
    return real(name, space, *more)
builtins.__import__ = alarmed
runpy.run_path(path, run_name="__main__")
"""
    command = [sys.executable, "-I", "-c", program, str(CLIENT)]
    done = subprocess.run(
        [*command, *renewing.options, "--check"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("step", ["directory", "newOrder", "order", "certificate"])
def test_alarm_does_no_harm(renewing: Host, between: Proxy, step: str) -> None:
    """s6-svc -a wakes snooze, but may come when snooze has become the client."""
    before, halt = renewing.content(), Halt()
    with between.faulty(step, halt), begun(*renewing.options, "--force") as process:
        assert halt.reached.wait(20)
        process.send_signal(signal.SIGALRM)
        time.sleep(0.1)
        halt.released.set()
        assert ended(process).code == 0
    assert renewing.content() != before


@pytest.mark.parametrize(
    "delay", [0.02, 0.1, 0.15, 0.2, 0.22, 0.24, 0.26, 0.28, 0.3, 0.35, 0.4]
)
@pytest.mark.parametrize("option", ["--force", "--new-key"])
def test_killed_at_any_moment(
    host: Host, ca: Pebble, tmp_path: Path, delay: float, option: str
) -> None:
    with begun(*host.options, option) as process:
        time.sleep(delay)
        process.kill()
    if host.chain.exists() and option == "--force":
        assert_good(host, ca, tmp_path)
    assert host.keep(option).code == 0
    assert_good(host, ca, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_in_the_hook(host: Host, tmp_path: Path, number: signal.Signals) -> None:
    calls, hook = tmp_path / "calls", tmp_path / "hook"
    hook.write_text(
        f'#!/bin/sh\necho "$1" >> {calls}\ntest "$1" = remove || exec sleep 20\n'
    )
    hook.chmod(0o755)
    with begun(*host.options, "--dns-hook", str(hook)) as process:
        while not (calls.exists() and calls.read_text()):
            time.sleep(0.01)
        process.send_signal(number)
        stopped = ended(process)
    assert stopped.code == -number
    assert calls.read_text().splitlines() == ["add", "remove"]
