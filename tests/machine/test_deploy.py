"""Deployment: what `finish` does, run by the real execlineb, with coreutils and with busybox."""

import contextlib
import grp
import os
import pwd
import random
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from support.authority import key_pem, new_key
from support.host import KEY, NOT_DEPLOYED, USER, Host, host_with, path_with
from support.noting import comes, noting
from support.program import require
from support.supervision import s6_rc, scanning


@pytest.fixture(params=["coreutils", "busybox"])
def host(request: pytest.FixtureRequest, scratch: Path) -> Host:
    return host_with(request.param, scratch)


def shape(path: Path) -> tuple[str, str, str]:
    status = path.stat()
    owner, group = (
        pwd.getpwuid(status.st_uid).pw_name,
        grp.getgrgid(status.st_gid).gr_name,
    )
    return owner, group, oct(stat.S_IMODE(status.st_mode))


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_files_as_wanted_and_once(host: Host) -> None:
    host.renders(
        f"web: copy chain {host.targets}/chain.pem; copy certificate {host.targets}/leaf.pem;"
        f" copy issuers {host.targets}/issuers.pem;"
        f" copy key '{host.targets}/a $key \"$1\".pem' owner=mail",
        f"mail: combine key+chain {host.targets}/both.pem group=mail mode=0440",
    )
    said = host.finishes()
    chain, key = host.chain.read_bytes(), host.key.read_bytes()
    mark = b"-----END CERTIFICATE-----\n"
    leaf, issuers = (part + mark for part in chain.split(mark)[:2])

    assert said == "deployed: web\ndeployed: mail\n"
    assert {
        path.name: (path.read_bytes(), *shape(path)) for path in host.targets.iterdir()
    } == {
        "chain.pem": (chain, "root", "root", "0o444"),
        "leaf.pem": (leaf, "root", "root", "0o444"),
        "issuers.pem": (issuers, "root", "root", "0o444"),
        'a $key "$1".pem': (key, "mail", "root", "0o400"),
        "both.pem": (key + chain, "root", "mail", "0o440"),
    }
    assert names(host.state) == ["deployed", "given", "lock", "real"]
    before = {path: path.stat().st_ino for path in host.targets.iterdir()}
    assert host.finishes() == ""
    assert before == {path: path.stat().st_ino for path in host.targets.iterdir()}
    host.has_new_certificate()
    assert host.finishes() == "deployed: web\ndeployed: mail\n"
    assert (host.targets / "both.pem").read_bytes() == key + host.chain.read_bytes()


def test_a_failing_target_is_tried_again_and_holds_nobody_up(host: Host) -> None:
    flag = host.scratch / "flag"
    host.renders(
        f"bad: copy chain {host.targets}/bad.pem; run test -e {flag}; run echo reloaded",
        f"good: copy chain {host.targets}/good.pem",
    )
    failed = f"{NOT_DEPLOYED}bad: run test -e {flag}: exit code 1, without a word\n"

    assert host.finishes() == f"{failed}deployed: good\n"
    assert host.finishes() == failed
    flag.touch()
    assert host.finishes() == "reloaded\ndeployed: bad\n"
    assert host.finishes() == ""


def test_a_changed_service_deploys_again(host: Host) -> None:
    host.renders(f"web: copy chain {host.targets}/chain.pem")
    host.finishes()
    host.renders(f"web: copy chain {host.targets}/chain.pem mode=0440")

    assert host.finishes() == "deployed: web\n"
    assert shape(host.targets / "chain.pem") == ("root", "root", "0o440")


def test_before_there_is_a_certificate_nothing_happens(host: Host) -> None:
    host.chain.unlink()
    host.renders(f"web: copy chain {host.targets}/chain.pem")

    assert host.finishes() == ""
    assert not host.targets.exists()


def test_a_pair_that_does_not_match_is_not_deployed(host: Host) -> None:
    require("openssl")
    host.put(host.key, key_pem(new_key()))
    host.renders(f"web: combine key+chain {host.targets}/both.pem")

    assert host.finishes() == (
        f"snapshot: fatal: {host.chain}: not for the key {host.key}\n"
        f"warning: nothing is deployed, trying again at the next look: {host.chain}\n"
    )
    assert not host.targets.exists()
    assert names(host.state) == ["given", "lock"]


def test_root_follows_nothing_of_the_service_user(host: Host) -> None:
    secret = host.scratch / "secret"
    secret.write_bytes(key_pem(KEY))
    secret.chmod(0o600)
    host.renders(f"web: combine key+chain {host.targets}/both.pem")
    host.key.unlink()
    host.key.symlink_to(secret)

    assert "ermission denied" in host.finishes()
    assert not host.targets.exists()


def test_a_fifo_holds_nothing_up(host: Host) -> None:
    host.renders(f"web: combine key+chain {host.targets}/both.pem")
    host.finishes()
    host.chain.unlink()
    os.mkfifo(host.chain)
    os.chown(host.chain, pwd.getpwnam(USER).pw_uid, 0)

    assert host.finishes() == ""


def test_others_must_not_be_able_to_swap_the_target(host: Host) -> None:
    host.targets.mkdir()
    os.chown(host.targets, pwd.getpwnam("mail").pw_uid, 0)
    real = host.scratch / "real"
    real.mkdir()
    link = host.scratch / "link"
    link.symlink_to(real)
    host.renders(f"a: copy key {host.targets}/k.pem", f"b: copy key {link}/k.pem")

    assert host.finishes() == (
        f"{NOT_DEPLOYED}a: copy key {host.targets}/k.pem: copy: fatal: {host.targets}: "
        "others than root can write to it: deploy to a directory of root's\n"
        f"{NOT_DEPLOYED}b: copy key {link}/k.pem: within: fatal: {link}: leads through a "
        "symbolic link: render with the real name\n"
    )
    assert names(host.targets) == names(real) == []


def test_nothing_is_made_behind_a_link(host: Host) -> None:
    """Whoever owns what is above the target puts a link there."""
    home, precious = host.scratch / "home", host.scratch / "precious"
    for directory in (home, precious):
        directory.mkdir()
    os.chown(home, pwd.getpwnam("mail").pw_uid, 0)
    (home / "tls").symlink_to(precious)
    host.renders(f"a: copy chain {home}/tls/new/chain.pem")

    assert "leads through a symbolic link" in host.finishes()
    assert names(precious) == []


def test_what_never_ends_holds_nothing_up(host: Host) -> None:
    host.renders(f"web: combine key+chain {host.targets}/both.pem")
    host.finishes()
    host.chain.unlink()
    host.chain.symlink_to("/dev/zero")

    assert host.finishes() == ""


def test_whatever_the_service_user_swaps_meanwhile(scratch: Path) -> None:
    """Chain and key become links, FIFOs and directories while finish reads them."""
    require("execlineb", "s6-setuidgid", "s6-setlock", "openssl")
    host = Host(scratch, os.environ["PATH"])
    host.has_new_certificate()
    host.renders(f"web: combine key+chain {host.targets}/both.pem")
    both = host.targets / "both.pem"
    secret = host.scratch / "secret"
    secret.write_bytes(key_pem(new_key()))
    secret.chmod(0o600)
    chain, key = host.chain.read_bytes(), host.key.read_bytes()
    done = threading.Event()
    dice = random.Random(4)

    def swap() -> None:
        while not done.is_set():
            path, content = dice.choice([(host.chain, chain), (host.key, key)])
            kind = dice.choice(
                ["file", "file", "link", "directory", "hard link", "fifo"]
            )
            new = path.with_name("swapped")
            if kind == "file":
                host.put(new, content)
            elif kind == "directory":
                new.mkdir()
            elif kind == "fifo":
                os.mkfifo(new)
            elif kind == "hard link":
                new.hardlink_to(secret)
            else:
                new.symlink_to(secret)
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
            new.rename(path)
            time.sleep(dice.uniform(0, 0.02))

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(12):
            host.finishes()
            assert not both.exists() or both.read_bytes() == key + chain
            both.unlink(missing_ok=True)
            shutil.rmtree(host.state)
    finally:
        done.set()
        swapping.join()


def test_a_command_that_hangs_or_leaves_something_behind(host: Host) -> None:
    left = host.scratch / "left"
    host.renders(
        f"a: run timeout=1 sh -c 'sleep 60 >/dev/null 2>&1 & echo $! >>{left}; exec sleep 60'",
        f"b: run sh -c 'sleep 60 >/dev/null 2>&1 & echo $! >>{left}'",
        f"c: copy chain {host.targets}/chain.pem",
    )
    try:
        for said in ("deployed: b\ndeployed: c\n", ""):
            failed, others = host.finishes().split("\n", 1)
            assert failed.startswith(f"{NOT_DEPLOYED}a: ")
            assert "took too long" in failed  # busybox adds to it
            assert others == said
    finally:
        for pid in left.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


def test_two_services_that_write_one_file(host: Host) -> None:
    """One is held up before it renames its file, the other in the middle of writing its own."""
    other = attrs.evolve(host, scratch=host.scratch / "other", name="renew-other-srv")
    other.scratch.mkdir()
    other.has_new_certificate()
    both = host.targets / "both.pem"
    host.renders(f"web: combine key+chain {both}")
    other.renders(f"web: combine chain+key {both}")
    wholes = (
        host.key.read_bytes() + host.chain.read_bytes(),
        other.chain.read_bytes() + other.key.read_bytes(),
    )
    before_the_rename = (
        'touch {at}; until test -e {go}; do sleep 0.1; done; exec {real} "$@"'
    )
    in_the_middle = (
        'head -c 99 "$1"; touch {at}; until test -e {go}; do sleep 0.1; done'
    )
    with (
        held_up(host, "chown", before_the_rename) as release_one,
        held_up(other, "cat", in_the_middle) as release_other,
    ):
        release_one()
        assert both.read_bytes() in wholes
        release_other()


@contextlib.contextmanager
def held_up(host: Host, program: str, script: str) -> Iterator[Callable[[], object]]:
    """A finish that waits in a program, until it is released."""
    directory = host.scratch / "held-up"
    directory.mkdir()
    at, go = directory / "at", directory / "go"
    wrapper = directory / program
    wrapper.write_text(
        "#!/bin/sh\n" + script.format(at=at, go=go, real=shutil.which(program))
    )
    wrapper.chmod(0o755)
    running = attrs.evolve(host, path=f"{directory}:{host.path}").command()

    def release() -> None:
        go.touch()
        running.communicate(timeout=90)

    try:
        deadline = time.monotonic() + 60
        while not at.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield release
    finally:
        release()


@pytest.mark.parametrize("full", ["targets", "state"])
def test_a_full_disk_leaves_the_old_file(host: Host, full: str) -> None:
    require("mount")
    place = getattr(host, full)
    place.mkdir(parents=True)
    size = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "none", str(place)]
    if subprocess.run(size, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system")
    try:
        host.renders(f"web: combine key+chain {host.targets}/both.pem")
        host.finishes()
        old = (host.targets / "both.pem").read_bytes()
        with contextlib.suppress(OSError):
            (place / "ballast").write_bytes(bytes(1 << 17))
        host.has_new_certificate()
        assert "deployed, trying again at the next look" in host.finishes()
        assert set(names(host.targets)) <= {"ballast", "both.pem"}
        assert (host.targets / "both.pem").read_bytes() == old
        (place / "ballast").unlink()
        assert host.finishes() == "deployed: web\n"
        assert (host.targets / "both.pem").read_bytes() != old
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_without_openssl(scratch: Path) -> None:
    """The client's own check stands."""
    require("execlineb", "s6-setuidgid", "s6-setlock")
    host = Host(scratch, path_with("busybox", scratch))
    (scratch / "busybox/openssl").unlink(missing_ok=True)
    host.has_new_certificate()
    host.renders(f"web: copy chain {host.targets}/chain.pem")

    assert host.finishes() == "deployed: web\n"


def test_services_are_told_and_one_that_is_down_stays_down(host: Host) -> None:
    service, log = host.scratch / "server", host.scratch / "signals"
    with noting(service, log):
        host.renders(f"a: reload {service}", f"b: reload {service} signal=USR2")
        host.finishes()
        deadline = time.monotonic() + 60
        while len(log.read_text().split()) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert sorted(log.read_text().split()) == ["HUP", "USR2", "start"]

        log.write_text("")
        host.renders(f"a: reload {service} signal=reload")
        host.finishes()
        comes(log, "HUP\n")
        host.renders(f"a: restart {service}")
        host.finishes()
        comes(log, "HUP\nstart\n")

        subprocess.run(["s6-svc", "-wD", "-d", str(service)], check=True)
        host.renders(f"a: restart {service}; reload {service}")
        down = f"tell: info: {service}: is down, and has not been told\n"
        assert host.finishes() == f"{down}{down}deployed: a\n"
        time.sleep(1.2)
        assert log.read_text() == "HUP\nstart\n"


@pytest.mark.parametrize("through", ["", " through=s6-rc"], ids=["s6-svc", "s6-rc"])
def test_a_service_of_s6_rc_is_told(host: Host, through: str) -> None:
    require("s6-rc-compile", "s6-rc-init", "s6-rc")
    answer = subprocess.run(
        ["s6-rc", "reload"], capture_output=True, text=True, check=False
    )
    if through and "unknown command" in answer.stderr:
        pytest.skip("s6-rc reload came with s6-rc 0.7")
    server, signals = host.scratch / "sources/server", host.scratch / "signals"
    server.mkdir(parents=True)
    (server / "type").write_text("longrun\n")
    (server / "run").write_text(
        f"#!/bin/sh\ntrap 'echo HUP >>{signals}' HUP\necho start >>{signals}\n"
        "while :; do sleep 0.05; done\n"
    )
    compiled, live = host.scratch / "compiled", host.scratch / "live"
    subprocess.run(["s6-rc-compile", str(compiled), str(server.parent)], check=True)
    host.renders(f"a: reload server{through}", live=live)
    with scanning(host.scratch) as scan:
        subprocess.run(
            ["s6-rc-init", "-c", str(compiled), "-l", str(live), str(scan)], check=True
        )
        if through:
            said = (
                "reload-through-s6-rc: info: server: is not up, and has not been told\n"
            )
            assert host.finishes() == f"{said}deployed: a\n"
        s6_rc(live, "-u", "change", "server")
        comes(signals, "start\n")
        host.has_new_certificate()
        assert host.finishes() == "deployed: a\n"
        comes(signals, "start\nHUP\n")
        s6_rc(live, "-d", "change", "server")


def test_killed_at_any_moment(host: Host) -> None:
    """A reader never sees a missing or half file; the next look completes what was begun."""
    files = [host.targets / name for name in ("chain.pem", "key.pem", "both.pem")]
    chain, key, both = files
    host.renders(
        f"web: copy key {key}; copy chain {chain}",
        f"mail: combine key+chain {both}; run true",
    )
    host.finishes()
    began = time.monotonic()
    host.has_new_certificate()
    host.finishes()
    span = time.monotonic() - began
    dice = random.Random(4)
    for _ in range(100):
        old = host.chain.read_bytes()
        host.has_new_certificate()
        new = host.chain.read_bytes()
        running = host.command()
        time.sleep(dice.uniform(0, span))
        if dice.random() < 0.5:
            running.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        assert key.read_bytes() == host.key.read_bytes()
        assert chain.read_bytes() in (old, new)
        assert both.read_bytes() in (host.key.read_bytes() + one for one in (old, new))
        until_unlocked(host)
        assert "warning" not in host.finishes()
        assert chain.read_bytes() == new
        assert both.read_bytes() == host.key.read_bytes() + new
        assert names(host.targets) == ["both.pem", "chain.pem", "key.pem"]
        assert names(host.state) == ["deployed", "given", "lock", "real"]


def until_unlocked(host: Host) -> None:
    """A step that outlives its finish is waited for."""
    subprocess.run(
        ["s6-setlock", "-t", "10000", str(host.state / "lock"), "true"], check=True
    )
