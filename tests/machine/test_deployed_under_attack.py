"""Deployments on odd hosts: nothing is said to be done that is not, and nobody is held up for ever."""

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from support.host import NOT_DEPLOYED, Host, host_with
from support.noting import comes, noting, state_of, until
from support.program import require
from support.supervision import supervised

AGAIN = f"{NOT_DEPLOYED}a: "


@pytest.fixture(params=["coreutils", "busybox"])
def host(request: pytest.FixtureRequest, scratch: Path) -> Host:
    return host_with(request.param, scratch, "s6-supervise", "s6-svstat")


# Restarts


def test_a_restart_that_fails_is_never_a_deployment(host: Host) -> None:
    """Not after three times either, when it is left out for a day."""
    service, broken = host.scratch / "irc", host.scratch / "broken"
    log = host.scratch / "starts"
    script = (
        f"if test -e {broken}; then sleep 2; exit 1; fi; echo start >>{log}\n"
        "exec sleep 1000"
    )
    with supervised(service, script):
        comes(log, "start\n")
        host.renders(f"a: restart {service}")
        (service / "notification-fd").write_text("3\n")
        broken.touch()
        tries = host.state / "restarts.a"
        host.finishes()
        counted = next(tries.iterdir())
        counted.write_text(counted.read_text() + 2 * "restarted\n")

        said = host.finishes()
        assert said.startswith(AGAIN), said
        assert "again in a day" in said
        (service / "notification-fd").unlink()
        broken.unlink()
        comes(log, "start\nstart\n")
        assert host.finishes().endswith("deployed: a\n")
        assert not tries.exists()


def test_each_service_is_counted_alone(host: Host) -> None:
    """One that has been restarted often does not use up the restarts of another."""
    with contextlib.ExitStack() as stack:
        steps = []
        for name in ("one", "two"):
            log = host.scratch / f"{name}.log"
            script = f"echo start >>{log}\nexec sleep 1000"
            stack.enter_context(supervised(host.scratch / name, script))
            comes(log, "start\n")
            steps += [f"restart {host.scratch}/{name}"]
        flag = host.scratch / "flag"
        host.renders(f"a: {steps[0]}; test test -e {flag}; {steps[1]}")
        for _ in range(3):
            assert AGAIN in host.finishes()
        flag.touch()
        assert host.finishes().endswith("deployed: a\n")
        comes(host.scratch / "two.log", "start\nstart\n")


def test_what_is_rendered_anew_is_restarted_at_once(host: Host) -> None:
    """The mistake may have been in the deployment."""
    service, log = host.scratch / "irc", host.scratch / "starts"
    with supervised(service, f"echo start >>{log}\nexec sleep 1000"):
        comes(log, "start\n")
        host.renders(f"a: restart {service}; test false")
        for _ in range(4):
            host.finishes()
        comes(log, 4 * "start\n")
        host.renders(f"a: restart {service}; test true")
        assert host.finishes() == "deployed: a\n"
        comes(log, 5 * "start\n")


def test_one_that_was_started_once_is_not_ended(host: Host) -> None:
    """s6-svc -o: s6-supervise would not start it again."""
    service, log = host.scratch / "irc", host.scratch / "starts"
    with supervised(service, f"echo start >>{log}\nexec sleep 1000"):
        comes(log, "start\n")
        subprocess.run(["s6-svc", "-o", str(service)], check=True)
        until(lambda: state_of(service, "wantedup") == "false", "it is still wanted")
        old = state_of(service, "up,pid")
        host.renders(f"a: restart {service}")

        assert "would not come up again" in host.finishes()
        assert state_of(service, "up,pid") == old


# Signals


@pytest.mark.parametrize("signal_", ["INT", "QUIT", "ALRM", "TERM", "reload"])
def test_no_signal_ends_what_does_not_take_it(host: Host, signal_: str) -> None:
    service, log = host.scratch / "irc", host.scratch / "starts"
    with supervised(service, f"echo start >>{log}\nexec sleep 1000"):
        comes(log, "start\n")
        old = state_of(service, "pid")
        host.renders(f"a: reload {service} signal={signal_}")

        assert "would be ended by SIG" in host.finishes()
        assert state_of(service, "pid") == old


@pytest.mark.parametrize("content", ["USR2\n", "SIGUSR2", "12\n"])
def test_the_signal_that_a_service_names(host: Host, content: str) -> None:
    service, log = host.scratch / "irc", host.scratch / "signals"
    service.mkdir()
    (service / "reload-signal").write_text(content)
    with noting(service, log):
        host.renders(f"a: reload {service} signal=reload")

        assert host.finishes() == "deployed: a\n"
        comes(log, "start\nUSR2\n")


# Several who tell one server


def test_services_of_one_name_are_not_taken_for_one(host: Host) -> None:
    """Two scan directories have an "irc": each is told for itself."""
    other = attrs.evolve(host, name="renew-b-srv")
    with contextlib.ExitStack() as stack:
        for each in (host, other):
            scandir = host.scratch / f"scan-{each.name}"
            scandir.mkdir()
            stack.enter_context(noting(scandir / "irc", scandir / "log"))
            each.renders("a: reload irc", scandir=scandir)
        running = [each.command() for each in (host, other)]
        for one in running:
            assert one.communicate(timeout=60)[0] == "deployed: a\n"
        for each in (host, other):
            comes(host.scratch / f"scan-{each.name}/log", "start\nHUP\n")


def test_a_name_that_was_left_before_is_not_taken_for_a_new_one(host: Host) -> None:
    """B left its name when it failed. It comes again while A tells the server: too late for that."""
    service, told = host.scratch / "server", host.scratch / "told"
    going, gate, bad = (host.scratch / name for name in ("going", "gate", "bad"))
    other = attrs.evolve(host, name="renew-b-srv")
    given = host.targets / "renew-b-srv"
    tell = (
        f"if test -e {bad}; then exit 1; fi; cat {given} >>{told}; touch {going};"
        f" while test ! -e {gate}; do sleep 0.1; done"
    )
    with noting(service, host.scratch / "signals"):
        run = f"run service={service} sh -c {shlex.quote(tell)}"
        host.renders(f"a: {run}")
        other.renders(f"a: copy chain {given}; {run}")
        bad.touch()
        assert AGAIN in other.finishes()
        bad.unlink()
        first = host.command()
        until(going.exists, "the first one does not tell the server")
        host.has_new_certificate()
        new = host.chain.read_bytes()
        second = other.command()
        told_alike = host.scratch / "state/.told"
        until(
            lambda: any(told_alike.glob("*/waiting/renew-b-srv*")),
            "the second one does not wait",
        )
        assert given.read_bytes() == new
        gate.touch()
        for one in (first, second):
            assert one.communicate(timeout=60)[0] == "deployed: a\n"
    assert told.read_bytes().endswith(new)


def test_names_as_long_as_they_may_be(host: Host) -> None:
    long = attrs.evolve(host, name="b" * 120)
    scandir = host.scratch.joinpath(*(["d" * 200] * 2))
    scandir.mkdir(parents=True)
    with noting(scandir / ("s" * 200), host.scratch / "signals"):
        consumer = "c" * 200
        long.renders(f"{consumer}: reload {scandir}/{'s' * 200}; run true")
        assert long.finishes() == f"deployed: {consumer}\n"
        comes(host.scratch / "signals", "start\nHUP\n")


def test_nobody_leads_root_elsewhere_below_a_sticky_directory(host: Host) -> None:
    """Somebody has made .told first."""
    tmp, service = host.scratch / "state", host.scratch / "server"
    told = tmp / ".told"
    told.mkdir(parents=True)
    tmp.chmod(0o1777)
    os.chown(told, 1, 1)
    with noting(service, host.scratch / "signals"):
        host.renders(f"a: reload {service}")

        assert f"{told}" in host.finishes()
        assert not list(told.glob("*/waiting/*"))


# What a step says


def test_what_goes_on_to_write_holds_nobody_up(host: Host) -> None:
    left = host.scratch / "left"
    leave = f"{shutil.which('yes')} & echo $! >{left}"
    host.renders(f"a: run sh -c '{leave}'; test sh -c 'echo seen; exit 1'")
    try:
        said = host.finishes()
    finally:
        os.kill(int(left.read_text()), signal.SIGKILL)
    assert said.endswith(f"{AGAIN}test sh -c 'echo seen; exit 1': seen\n")
    assert len(said) < 2_000_000


def test_the_last_words_of_many_are_in_the_reason(host: Host) -> None:
    host.renders(
        "a: test sh -c 'echo begin; head -c 5000000 /dev/zero; echo; echo the reason;"
        " exit 3'"
    )
    said = host.finishes()
    assert ": begin; " in said
    assert said.endswith("; the reason\n")
    assert len(said) < 2000


def test_a_command_of_several_lines_is_one_line_in_the_log(host: Host) -> None:
    host.renders("a: run sh -c 'true\nexit 3'")
    assert host.finishes() == (
        f"{AGAIN}run sh -c 'true exit 3': exit code 3, without a word\n"
    )


# PKCS#12

PASSWORDS = [
    " spaces on both sides ",
    "back\\slash \\n 'single' \"double\" $HOME `id` %s * ?",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS}nic\N{SNOWMAN}de",
    "-in",
    "x" * 1000,
    "\ttab",
]


@pytest.mark.parametrize("end", ["\n", "", "\nmore\n"])
def test_passwords_are_taken_as_they_are(host: Host, end: str) -> None:
    require("openssl", "base64", "tail")
    password, store = host.scratch / "password", host.targets / "tls.p12"
    password.touch(mode=0o600)
    host.renders(f"a: copy pkcs12 {store} password={password}")
    for word in PASSWORDS:
        password.write_text(word + end)
        host.has_new_certificate()
        assert host.finishes() == "deployed: a\n", word
        key, leaf, _ = pkcs12.load_key_and_certificates(
            store.read_bytes(), word.encode()
        )
        assert key is not None
        assert leaf is not None
    old = store.read_bytes()
    password.write_text("x" * 1001 + end)
    host.has_new_certificate()
    assert "longer than 1000" in host.finishes()
    assert store.read_bytes() == old


def test_no_password_is_seen(host: Host, tmp_path: Path) -> None:
    """Neither in arguments nor in the environment of any process."""
    require("openssl", "strace")
    trace, word = tmp_path / "trace", "seenbynobody"
    password, store = host.scratch / "password", host.targets / "tls.p12"
    password.touch(mode=0o600)
    password.write_text(f"{word}\n")
    host.renders(f"a: copy pkcs12 {store} password={password}")
    strace = str(shutil.which("strace"))
    tracing = (strace, "-f", "-qq", "-v", "-s", "10000", "-e", "trace=execve")
    said = host.finishes((*tracing, "-o", str(trace)))
    assert said == "deployed: a\n"
    assert "pkcs12" in trace.read_text()
    assert word not in trace.read_text()
    for file in host.state.rglob("*"):
        assert not file.is_file() or word.encode() not in file.read_bytes()


# Services that are neither up nor down


@pytest.mark.parametrize("step", ["reload", "restart"])
def test_one_that_is_started_again_and_again_is_not_down(host: Host, step: str) -> None:
    """Whoever looks in the second between two lives must not say that it has nothing to be told."""
    service, mended = host.scratch / "irc", host.scratch / "mended"
    log = host.scratch / "starts"
    script = f"test -e {mended} || exit 1\ntrap : HUP; echo start >>{log}\nwhile :; do sleep 0.1; done"
    with supervised(service, script):
        host.renders(f"a: {step} {service}; serves 127.0.0.1:1 optional=yes")
        for _ in range(2):
            assert (
                "does not stay up or become ready: its log has the reason"
                in host.finishes()
            )
        mended.touch()
        comes(log, "start\n")
        assert host.finishes().endswith("deployed: a\n")


def test_the_test_of_one_that_is_started_again_and_again(host: Host) -> None:
    service = host.scratch / "irc"
    with supervised(service, "exit 1"):
        host.renders(
            f"a: test service={service} sh -c 'echo bad configuration; exit 1'"
        )
        assert host.finishes().endswith(": bad configuration\n")


# A service user who was taken over


@pytest.mark.parametrize(
    "does",
    [
        "exit 1",
        "kill -9 $PPID",
        "kill -STOP $PPID $$",
        "exec sleep 1000",
        "head -c 3000000 /dev/zero",
        "echo 0; exit 100",
    ],
)
def test_who_looks_cannot_end_the_deployment(host: Host, does: str) -> None:
    """Whatever becomes of its processes, root's go on, and say that it was not seen."""
    client, left = host.scratch / "client", host.scratch / "left"
    client.write_text(f"#!/bin/sh\necho $PPID $$ >>{left}\n{does}\n")
    client.chmod(0o755)
    left.touch()
    left.chmod(0o666)
    host.renders(
        "a: serves 127.0.0.1:1 timeout=1", f"b: copy chain {host.targets}/chain.pem"
    )
    finish = host.service / "finish"
    finish.write_text(finish.read_text().replace("/usr/bin/python3", str(client)))

    try:
        said = host.finishes()
    finally:
        for pid in left.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    assert said.startswith(f"{AGAIN}serves 127.0.0.1:1: "), said
    assert said.endswith("\ndeployed: b\n")
