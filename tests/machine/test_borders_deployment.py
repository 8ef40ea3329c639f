"""What other users can do to a deployment: hold its lock, rewrite what root checks, cost time."""

import contextlib
import os
import pwd
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import thief
from support.attempts import attempts
from support.authority import key_pem, new_key, pem
from support.host import AUTHORITY, KEY, USER, Host, path_with
from support.other_user import script_of
from support.program import require
from support.supervision import supervised

OTHER = "games"
"""An account that has nothing to do with the service."""
PYTHON = "/usr/bin/python3"
"""A Python that every user can start."""
SECONDS = 45
"""Within which finish ends, whatever was put in its way: timeout-finish is a minute and more."""


@pytest.fixture(params=["coreutils", "busybox"])
def host(request: pytest.FixtureRequest, scratch: Path) -> Host:
    require("execlineb", "s6-setuidgid", "s6-setlock", "openssl")
    made = Host(scratch, path_with(request.param, scratch))
    made.has_new_certificate()
    made.renders(f"web: combine key+chain {made.targets}/both.pem")
    return made


def both(host: Host) -> bytes:
    """What is deployed, empty if nothing is."""
    path = host.targets / "both.pem"
    return path.read_bytes() if path.exists() else b""


def wanted(host: Host) -> bytes:
    """What is to be deployed."""
    return host.key.read_bytes() + host.chain.read_bytes()


@contextlib.contextmanager
def holding(user: str, *paths: Path) -> Iterator[None]:
    """A user who holds a read lock on each of these files that it can open."""
    script = (
        "import fcntl, sys\nheld = []\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n        held.append(open(path))\n"
        "        fcntl.flock(held[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)\n"
        "    except OSError:\n        pass\n"
        "print('ready', flush=True)\nsys.stdin.read()\n"
    )
    with script_of(user, script, *paths):
        yield


# Locks


@pytest.mark.parametrize("user", [OTHER, USER])
@pytest.mark.parametrize("state", ["new", "of 0.1.0"])
def test_nobody_holds_the_lock(host: Host, user: str, state: str) -> None:
    """Whoever could open the lock could hold it, and nothing would be deployed any more."""
    require(PYTHON)
    if state == "new":
        host.finishes()
        host.has_new_certificate()
    else:
        host.state.mkdir(parents=True)
        (host.state / "lock").touch(0o644)
        host.state.chmod(0o755)
    with holding(user, host.state / "lock", host.state, host.state / "given"):
        assert host.finishes() == "deployed: web\n"
    assert both(host) == wanted(host)
    assert host.state.stat().st_mode & 0o777 == 0o700
    assert (host.state / "lock").stat().st_mode & 0o777 == 0o600


def test_a_state_that_others_can_replace_is_refused(host: Host) -> None:
    """Root goes there by its path: who owns a directory above it could put a link there."""
    os.chown(host.state.parent.parent, pwd.getpwnam(OTHER).pw_uid, -1)
    try:
        assert host.command().wait(SECONDS) == 100
        assert "others than root can change it" in (host.command().communicate()[0])
        assert not both(host)
    finally:
        os.chown(host.state.parent.parent, 0, -1)
    assert host.finishes() == "deployed: web\n"


# A service user that was taken over


@contextlib.contextmanager
def stealing(user: str, directory: Path) -> Iterator[list[str]]:
    """A thief of what a user's processes hold; what it has had is in the list afterwards."""
    require(PYTHON)
    script = Path(thief.__file__).read_text()
    process = subprocess.Popen(
        [PYTHON, "-I", "-c", script, str(directory)],
        user=user,
        group=pwd.getpwnam(user).pw_gid,
        extra_groups=[],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    loot: list[str] = []
    try:
        yield loot
    finally:
        loot.extend(process.communicate()[0].splitlines())


def ends(host: Host) -> None:
    """Run finish until it ends, though somebody else may hold its log for longer."""
    running = host.command()
    assert running.wait(SECONDS) == 0
    assert running.stdout
    running.stdout.close()


def test_what_is_deployed_is_what_was_checked(host: Host) -> None:
    """The thief rewrites every file that a process of the service user has open for writing."""
    runs = attempts(3)
    with stealing(USER, host.scratch) as loot:
        for _ in range(runs):
            ends(host)
            assert both(host) in (b"", wanted(host))
            (host.targets / "both.pem").unlink(missing_ok=True)
            (host.state / "given/web").unlink(missing_ok=True)
            (host.state / "deployed").unlink(missing_ok=True)
    assert any("pipe:" in line for line in loot), loot
    assert not [line for line in loot if str(host.state) in line]
    assert host.finishes() == "deployed: web\n"
    assert both(host) == wanted(host)


def test_what_a_thief_holds_is_not_waited_for(host: Host) -> None:
    """It keeps the writing ends of the pipes: the reader would wait for ever."""
    with stealing(USER, host.scratch):
        for _ in range(2):
            ends(host)
            host.has_new_certificate()
    host.finishes()
    assert both(host) == wanted(host)


def test_nothing_but_certificates_and_a_key_is_deployed(host: Host) -> None:
    """What stands around them in the files of the service user is for nobody."""
    chain, key = host.chain.read_bytes(), host.key.read_bytes()
    host.put(host.chain, b"EVIL\n" + key_pem(new_key()) + b"EVIL\n" + chain + b"EVIL\n")
    host.put(host.key, b"EVIL\n" + key + b"EVIL\n" + chain)
    assert host.finishes() == "deployed: web\n"
    assert both(host) == key + chain
    assert host.finishes() == ""


# What may stand in the place of chain and key


def fifo(path: Path) -> None:
    """A FIFO that nobody writes to."""
    os.mkfifo(path, 0o666)


def directory(path: Path) -> None:
    """A directory."""
    path.mkdir()


def endless(path: Path) -> None:
    """A device that never ends."""
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    """A file of many gigabytes."""
    with path.open("wb") as stream:
        stream.truncate(1 << 36)


def zeros(path: Path) -> None:
    """A megabyte of NUL bytes between what marks a certificate and a key."""
    path.write_bytes(
        b"-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"
        + bytes(900_000)
        + b"\n-----END PRIVATE KEY-----\n-----END CERTIFICATE-----\n"
    )


def one_line(path: Path) -> None:
    """A megabyte in one line, of what a slow search would try again and again."""
    path.write_bytes(b"-----BEGIN PRIVATE KEY" * 45_000)


def many_blocks(path: Path) -> None:
    """As many blocks as there is room for."""
    block = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
    path.write_bytes(block * 18_000 + b"-----BEGIN PRIVATE KEY-----\n")


def encrypted(path: Path) -> None:
    """A key that openssl asks a passphrase for."""
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-passout", "pass:x", "-out", str(path)],
        input=key_pem(KEY),
        check=True,
    )


def explicit_curve(path: Path) -> None:
    """A key with all parameters of its curve."""
    subprocess.run(
        [
            *("openssl", "ecparam", "-genkey", "-name", "prime256v1"),
            *("-param_enc", "explicit", "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )


KINDS = [
    *(fifo, directory, endless, huge, zeros, one_line),
    *(many_blocks, encrypted, explicit_curve),
]


@pytest.mark.parametrize("place", ["chain", "key"])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_there_costs_little(
    host: Host, place: str, kind: Callable[[Path], None]
) -> None:
    path: Path = getattr(host, place)
    path.unlink()
    kind(path)
    shutil.chown(path, USER) if not path.is_symlink() else None
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = host.command()
    said, _ = running.communicate(timeout=SECONDS)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert running.returncode == 0
    assert spent < 2 * SECONDS / 3
    assert len(said) < 4000
    assert not both(host)
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()
    host.key.unlink(missing_ok=True)
    host.has_new_certificate()
    assert host.finishes() == "deployed: web\n"


def test_a_byte_now_and_then(host: Host) -> None:
    """A FIFO that the service user fills slowly."""
    path = host.chain
    path.unlink()
    os.mkfifo(path)
    os.chown(path, pwd.getpwnam(USER).pw_uid, 0)
    drip = f"exec 3<>{path}; while :; do echo x >&3; sleep 0.5; done"
    writer = subprocess.Popen(["sh", "-c", drip])
    try:
        assert host.finishes() == ""
    finally:
        writer.kill()
        writer.wait()


def test_a_chain_for_another_key_first(host: Host) -> None:
    """The first certificate is the one that counts, for openssl and for the server."""
    foreign = AUTHORITY.issue(["example.org"], new_key().public_key())
    host.put(host.chain, pem(foreign) + host.chain.read_bytes())
    assert "not for the key" in host.finishes()
    assert not both(host)


# Services of others


@pytest.mark.parametrize("way", ["owner", "group", "all", "link"])
def test_root_writes_to_no_service_of_another_user(host: Host, way: str) -> None:
    """Who runs its own s6-supervise could put a link in the place of the FIFO."""
    require("s6-supervise", "s6-svok")
    service, log = host.scratch / "service", host.scratch / "signals"
    state = service / "supervise"
    script = f"trap 'echo HUP >>{log}' HUP\nwhile :; do sleep 0.05; done\n"
    with supervised(service, script):
        wait_until((state / "control").exists)
        if way == "owner":
            shutil.chown(state, OTHER)
        elif way == "group":
            shutil.chown(state, group=OTHER)
            state.chmod(0o775)
        elif way == "all":
            state.chmod(0o777)
        else:
            (state / "control").rename(state / "real")
            (state / "control").symlink_to("real")
        host.renders(f"a: reload {service}")
        said = host.finishes()
        advice = "is not supervised by root: give the step 'run user=NAME s6-svc -h"
        assert f"tell: fatal: {service}: {advice} {service}'" in said
        assert not log.exists()


def test_a_service_directory_may_belong_to_the_server(host: Host) -> None:
    """Its owner has root's trust: what root's s6-supervise runs is the owner's."""
    require("s6-supervise", "s6-svok")
    service, log = host.scratch / "service", host.scratch / "signals"
    script = f"trap 'echo HUP >>{log}' HUP\nwhile :; do sleep 0.05; done\n"
    with supervised(service, script):
        wait_until((service / "supervise/control").exists)
        shutil.chown(service, OTHER)
        host.renders(f"a: reload {service}")
        assert host.finishes() == "deployed: a\n"
        wait_until(log.exists)


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for something that comes soon."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
