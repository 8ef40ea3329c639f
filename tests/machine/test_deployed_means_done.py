"""What a step did not do is not recorded as done, and no server is ended by it."""

import contextlib
import grp
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.authority import new_key
from support.host import NOT_DEPLOYED, Host, host_with
from support.noting import comes, noting, state_of, until
from support.program import free_port, require
from support.supervision import supervised

AGAIN = f"{NOT_DEPLOYED}a: "


@pytest.fixture(params=["coreutils", "busybox"])
def host(request: pytest.FixtureRequest, scratch: Path) -> Host:
    return host_with(request.param, scratch, "s6-supervise", "s6-svstat")


def test_one_that_is_supervised_elsewhere_is_told(host: Host) -> None:
    scandir, log = host.scratch / "scandir", host.scratch / "signals"
    scandir.mkdir()
    with noting(scandir / "irc", log):
        host.renders("a: reload irc", scandir=scandir)

        assert host.finishes() == "deployed: a\n"
        comes(log, "start\nHUP\n")


@pytest.mark.parametrize(
    "step",
    ["reload irc", "restart irc", "run service=irc true", "test service=irc true"],
)
def test_one_that_is_nowhere_is_a_failed_deployment(host: Host, step: str) -> None:
    scandir = host.scratch / "scandir"
    scandir.mkdir()
    host.renders(f"a: {step}", scandir=scandir)
    words = step.replace("service=irc ", "")

    for _ in range(2):
        assert host.finishes() == (
            f"{AGAIN}{words}: find-server: fatal: irc: is not supervised: neither at "
            f"/run/s6-rc/servicedirs/irc nor at {scandir}/irc\n"
        )
    with noting(scandir / "irc", host.scratch / "signals"):
        assert host.finishes() == "deployed: a\n"


def test_nobody_asks_one_that_is_down(host: Host) -> None:
    service = host.scratch / "irc"
    with noting(service, host.scratch / "signals"):
        subprocess.run(["s6-svc", "-wD", "-d", str(service)], check=True)
        host.renders(
            f"a: test service={service} false; run service={service} false;"
            " serves localhost:1"
        )
        down = f"if-up: info: {service}: is down, and has not been told\n"

        assert host.finishes() == f"{3 * down}deployed: a\n"


def test_a_command_whose_service_is_up_counts(host: Host) -> None:
    service, flag = host.scratch / "irc", host.scratch / "flag"
    with noting(service, host.scratch / "signals"):
        host.renders(f"a: test service={service} test -e {flag}; run echo told")

        assert (
            host.finishes()
            == f"{AGAIN}test test -e {flag}: exit code 1, without a word\n"
        )
        flag.touch()
        assert host.finishes() == "told\ndeployed: a\n"


def test_a_reason_is_one_line(host: Host) -> None:
    host.renders(
        "a: test sh -c 'echo one; echo; printf \"\\033[1mtwo\\a\" >&2; exit 3'"
    )

    said = host.finishes()
    assert said.startswith(AGAIN)
    assert said.endswith(": one; ; [1mtwo\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("before", "reason"),
    [("", "would be ended by SIGHUP"), ("trap '' HUP", "ignores SIGHUP")],
    ids=["that would end it", "that it ignores"],
)
def test_a_signal_is_not_sent(host: Host, before: str, reason: str) -> None:
    service = host.scratch / "irc"
    with supervised(service, f"{before}\nexec sleep 1000"):
        until(lambda: state_of(service, "up") == "true", "the service is not up")
        old = state_of(service, "pid")
        host.renders(f"a: reload {service}")
        said = host.finishes()

        assert said == (
            f"{AGAIN}reload {service}: tell: fatal: {service}: {reason}: "
            "give another signal, or restart it\n"
        )
        assert state_of(service, "pid") == old


def test_one_that_is_starting_is_told_when_it_can_hear(host: Host) -> None:
    service, log = host.scratch / "irc", host.scratch / "signals"
    script = (
        f"sleep 2; trap 'echo HUP >>{log}' HUP; echo start >>{log}\n"
        "while :; do sleep 0.05; done"
    )
    with supervised(service, script):
        until(lambda: state_of(service, "up") == "true", "the service is not up")
        old = state_of(service, "pid")
        host.renders(f"a: reload {service}")

        assert host.finishes() == "deployed: a\n"
        comes(log, "start\nHUP\n")
        assert state_of(service, "pid") == old


def test_one_that_ends_at_a_reload_is_named_and_not_ended_twice(host: Host) -> None:
    service, log = host.scratch / "irc", host.scratch / "starts"
    script = f"echo start >>{log}; trap 'exit 1' HUP\nwhile :; do sleep 0.05; done"
    with supervised(service, script):
        comes(log, "start\n")
        host.renders(f"a: reload {service}")

        assert host.finishes() == (
            f"tell: warning: {service}: has ended at SIGHUP, and was started again: "
            "give restart instead\ndeployed: a\n"
        )
        assert host.finishes() == ""
        assert log.read_text() == "start\nstart\n"


def test_one_that_does_not_come_up_again_is_a_failed_deployment(host: Host) -> None:
    service, broken = host.scratch / "irc", host.scratch / "broken"
    log = host.scratch / "starts"
    script = (
        f"if test -e {broken}; then exit 1; fi; echo start >>{log}\nexec sleep 1000"
    )
    with supervised(service, script):
        comes(log, "start\n")
        broken.touch()
        host.renders(f"a: restart {service}")

        assert host.finishes() == (
            f"{AGAIN}restart {service}: tell: fatal: {service}: was restarted, and does "
            "not stay up or become ready: its log has the reason\n"
        )


def test_a_restart_that_does_not_help_is_not_repeated_for_ever(host: Host) -> None:
    service, log = host.scratch / "irc", host.scratch / "starts"
    with supervised(service, f"echo start >>{log}\nexec sleep 1000"):
        comes(log, "start\n")
        host.renders(f"a: restart {service}; test test -e {host.scratch}/flag")
        for _ in range(3):
            assert host.finishes().startswith(AGAIN)
        comes(log, 4 * "start\n")
        assert AGAIN in host.finishes()
        assert log.read_text() == 4 * "start\n"
        host.has_new_certificate()
        assert host.finishes().startswith(AGAIN)
        comes(log, 5 * "start\n")
        (host.scratch / "flag").touch()
        assert host.finishes() == "deployed: a\n"
        comes(log, 6 * "start\n")


def test_several_are_told_together(host: Host) -> None:
    """Two services, one server, the same moment: one reload that has both files."""
    service, log = host.scratch / "server", host.scratch / "signals"
    hosts = [host]
    for name in ("renew-b-srv", "renew-c-srv"):
        hosts.append(attrs.evolve(host, name=name))
    with noting(service, log):
        for each in hosts:
            each.renders(f"a: copy chain {host.targets}/{each.name}; reload {service}")
            each.finishes()
        comes(log, "start\nHUP\nHUP\nHUP\n")
        told = 0
        for _ in range(4):
            log.write_text("")
            host.has_new_certificate()
            running = [each.command() for each in hosts]
            said = [each.communicate(timeout=60)[0] for each in running]
            assert all(one.endswith("deployed: a\n") for one in said), said
            others = "once: info: was told together with another certificate\n"
            alone = sum(others not in one for one in said)
            comes(log, alone * "HUP\n")
            told += alone
            for each in hosts:
                given = (host.targets / each.name).read_bytes()
                assert given == host.chain.read_bytes()
        # On a slow machine one may come when the others are done.
        assert told < 12


def test_who_could_not_be_told_together_is_told_alone(host: Host) -> None:
    service, flag = host.scratch / "server", host.scratch / "flag"
    other = attrs.evolve(host, name="renew-b-srv")
    with noting(service, host.scratch / "signals"):
        for each in (host, other):
            each.renders(f"a: run service={service} rm {flag}")
        flag.touch()
        assert host.finishes() == "deployed: a\n"
        assert "rm: " in other.finishes()
        flag.touch()
        assert other.finishes() == "deployed: a\n"


def test_what_is_left_behind_holds_nobody_up(host: Host) -> None:
    service, left = host.scratch / "server", host.scratch / "left"
    leave = f"sh -c 'sleep 1000 >/dev/null 2>&1 & echo $! >>{left}'"
    with noting(service, host.scratch / "signals"):
        host.renders(f"a: run service={service} {leave}")
        try:
            for _ in range(2):
                assert host.finishes() == "deployed: a\n"
                host.has_new_certificate()
        finally:
            for pid in left.read_text().split():
                os.kill(int(pid), signal.SIGKILL)


PASSWORD = "top secret"


def with_password(host: Host) -> Path:
    """A file of root's with a password."""
    password = host.scratch / "password"
    password.write_text(f"{PASSWORD}\nsomething else\n")
    password.chmod(0o600)
    return password


def in_store(store: Path, *options: str) -> str:
    """What a PKCS#12 store has."""
    words = ["openssl", "pkcs12", "-in", str(store), "-passin", f"pass:{PASSWORD}"]
    return subprocess.check_output([*words, "-nodes", *options], text=True)


def test_a_pkcs12_store(host: Host) -> None:
    require("openssl", "base64", "tail")
    store, password = host.targets / "tls.p12", with_password(host)
    host.renders(
        f"a: copy pkcs12 {store} group=mail mode=0440 password={password} alias=unifi"
    )

    assert host.finishes() == "deployed: a\n"
    status = store.stat()
    assert oct(status.st_mode & 0o777) == "0o440"
    assert (status.st_uid, status.st_gid) == (0, grp.getgrnam("mail").gr_gid)
    held = in_store(store)
    assert held.count("BEGIN CERTIFICATE") == 2
    assert "friendlyName: unifi" in held
    key = subprocess.check_output(["openssl", "pkey", "-in", str(host.key)], text=True)
    assert key in held
    host.has_new_certificate()
    host.finishes()
    leaf = host.chain.read_text().split("-----END")[0].splitlines()[1]
    assert leaf in in_store(store, "-nokeys")


def test_a_password_that_others_can_change_is_not_taken(host: Host) -> None:
    require("openssl")
    store, password = host.targets / "tls.p12", with_password(host)
    host.renders(f"a: copy pkcs12 {store} password={password}")
    for shape in ("open", "readable", "a link", "missing", "empty"):
        password.unlink(missing_ok=True)
        match shape:
            case "open":
                with_password(host).chmod(0o602)
            case "readable":
                with_password(host).chmod(0o604)
            case "a link":
                password.symlink_to("/etc/shadow")
            case "empty":
                password.touch()
        said = host.finishes()
        assert said.startswith(f"{AGAIN}copy pkcs12 {store}: pkcs12: fatal: "), said
        assert str(password) in said
        assert not store.exists()


def test_a_pair_changes_by_one_rename(host: Host) -> None:
    """Who enters the directory, and then opens both, never has two that do not fit."""
    pair = host.targets / "tls"
    host.renders(f"a: pair {pair} group=mail mode=0440")
    assert host.finishes() == "deployed: a\n"
    assert oct((pair / "key.pem").stat().st_mode & 0o777) == "0o440"
    assert oct((pair / "chain.pem").stat().st_mode & 0o777) == "0o444"
    fits: set[tuple[bytes, bytes]] = set()
    seen: set[tuple[bytes, bytes]] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            directory = os.open(pair, os.O_RDONLY | os.O_DIRECTORY)
            both = []
            for name in ("chain.pem", "key.pem"):
                file = os.open(name, os.O_RDONLY, dir_fd=directory)
                both.append(os.read(file, 100_000))
                os.close(file)
            os.close(directory)
            seen.add((both[0], both[1]))

    reader = threading.Thread(target=read)
    fits.add((host.chain.read_bytes(), host.key.read_bytes()))
    reader.start()
    try:
        for _ in range(5):
            host.has_new_certificate(new_key())
            fits.add((host.chain.read_bytes(), host.key.read_bytes()))
            assert host.finishes() == "deployed: a\n"
    finally:
        done.set()
        reader.join()
    assert seen <= fits
    assert (pair / "chain.pem").read_bytes() == host.chain.read_bytes()
    assert pair.is_symlink()
    assert len(list(host.targets.iterdir())) == 3


def test_a_pair_replaces_no_directory(host: Host) -> None:
    pair = host.targets / "tls"
    pair.mkdir(parents=True)
    (pair / "precious").touch()
    host.renders(f"a: pair {pair}")

    assert host.finishes() == (
        f"{AGAIN}pair {pair}: pair: fatal: {pair}: is no link: move it away\n"
    )
    assert (pair / "precious").exists()


def test_issuers_that_are_not_there_are_left_out(host: Host) -> None:
    mark = b"-----END CERTIFICATE-----\n"
    leaf = host.chain.read_bytes().split(mark)[0] + mark
    host.put(host.chain, leaf)
    issuers, both = host.targets / "issuers.pem", host.targets / "both.pem"
    host.renders(f"a: copy issuers {issuers}; combine certificate+issuers {both}")

    assert host.finishes() == (
        f"copy: info: {issuers}: is left out: there are no issuers\ndeployed: a\n"
    )
    assert not issuers.exists()
    assert both.read_bytes() == leaf


def test_status_shows_who_was_given_it_and_whether_it_was_served(host: Host) -> None:
    scandir = host.scratch / "scandir"
    port = free_port()
    with serving_tls(host, port):
        host.renders(
            f"seen: serves 127.0.0.1:{port}",
            f"unseen: copy chain {host.targets}/chain.pem",
            scandir=scandir,
        )
        said = host.finishes()
    assert said.endswith("deployed: seen\ndeployed: unseen\n")
    assert shown(host) == (0, {"seen": (True, True), "unseen": (False, True)})
    host.has_new_certificate()
    host.finishes()
    assert shown(host) == (1, {"seen": (True, False), "unseen": (False, True)})


@contextlib.contextmanager
def serving_tls(host: Host, port: int) -> Iterator[None]:
    """A server of the host's certificate."""
    pair = ["-cert", str(host.chain), "-key", str(host.key)]
    server = subprocess.Popen(
        ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", *pair],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        server.kill()
        server.wait()


def shown(host: Host) -> tuple[int, dict[str, tuple[bool, bool]]]:
    """The exit code of --status, and of each consumer whether it is served, and current."""
    words = ["-m", "s6gen.acme_client", "--status", str(host.chain), "--json"]
    answer = subprocess.run(
        [sys.executable, *words, "--deployed", str(host.state)],
        capture_output=True,
        check=False,
    )
    rows = json.loads(answer.stdout)[0]["deployed"]
    return answer.returncode, {
        row["consumer"]: (row["served"], row["current"]) for row in rows
    }


def test_status_waits_for_no_pipe(host: Host) -> None:
    host.chain.unlink()
    os.mkfifo(host.chain)
    words = ["-m", "s6gen.acme_client", "--status", str(host.chain)]
    answer = subprocess.run(
        [sys.executable, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 1
    assert "not a regular file" in answer.stdout


def test_who_is_no_consumer_any_more_has_no_record(host: Host) -> None:
    host.renders("a: run true", "b: run true")
    host.finishes()
    assert sorted(path.name for path in (host.state / "given").iterdir()) == ["a", "b"]
    host.renders("a: run true")
    assert host.finishes() == "deployed: a\n"
    assert sorted(path.name for path in (host.state / "given").iterdir()) == ["a"]
