"""What other users can put where root makes directories: links, a million names, their own."""

import contextlib
import os
import pwd
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.attempts import attempts
from support.other_user import script_of
from support.program import require

from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.protocol.challenge_files import (
    open_directory,
    remove_answer,
    write_answer,
)
from s6gen.places import shipped

USER, WEB, OTHER = "daemon", "mail", "games"
"""The service's user, the web server's, and one that has nothing to do with either."""


def make_directory(*words: str) -> "subprocess.CompletedProcess[str]":
    """Run the helper as root."""
    require("s6-setuidgid")
    program = shipped("templates") / "renew-lets-encrypt/both/data/make-directory"
    return subprocess.run(
        ["sh", str(program), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def made(path: Path, mode: str = "0755") -> str:
    """Make a directory for the service's user; what is said."""
    return make_directory(USER, USER, mode, str(path)).stderr


def shape(path: Path) -> tuple[str, int, str]:
    """Owner, group, mode."""
    status = path.stat()
    owner = pwd.getpwuid(status.st_uid).pw_name
    return owner, status.st_gid, oct(status.st_mode & 0o7777)


def owned(path: Path, owner: str, group: str, mode: int) -> Path:
    """A directory of somebody's."""
    path.mkdir()
    shutil.chown(path, owner, group)
    path.chmod(mode)
    return path


def group_of(name: str) -> int:
    """The group of an account."""
    return pwd.getpwnam(name).pw_gid


def can_write(user: str, path: Path) -> bool:
    """Whether a user can make a file there."""
    program = ["s6-setuidgid", user, "sh", "-c", 'touch "$1/x" && rm "$1/x"', "sh"]
    done = subprocess.run([*program, str(path)], capture_output=True, check=False)
    return done.returncode == 0


def test_a_shared_directory_stays_shared(scratch: Path) -> None:
    """Root's, for a group: it was taken over, and the others of the group were locked out."""
    shared = owned(scratch / "shared", "root", USER, 0o2775)
    assert made(shared) == ""
    assert shape(shared) == ("root", group_of(USER), "0o2775")
    (shared / "answer-of-another").touch()
    assert made(shared) == ""
    assert shape(shared) == ("root", group_of(USER), "0o2775")
    assert can_write(USER, shared)


@pytest.mark.parametrize("mode", [0o770, 0o2775, 0o750])
def test_a_directory_for_others_is_not_taken(scratch: Path, mode: int) -> None:
    """The remedy in the message works, and locks nobody out."""
    theirs = owned(scratch / "theirs", "root", WEB, mode)
    before = shape(theirs)
    said = made(theirs)
    assert f"cannot write to it: chown it to {USER}, or render with another" in said
    assert shape(theirs) == before
    shutil.chown(theirs, USER)
    assert made(theirs) == ""
    assert shape(theirs) == (USER, group_of(WEB), oct(mode))
    assert can_write(USER, theirs)


@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_an_empty_directory_of_roots_alone_is_taken(scratch: Path, mode: int) -> None:
    closed = owned(scratch / "closed", "root", "root", mode)
    assert made(closed, "0750") == ""
    assert shape(closed) == (USER, group_of(USER), "0o750")


def test_below_a_directory_that_hands_its_group_down(scratch: Path) -> None:
    """What was made just now is the user's, whatever group it was given."""
    owned(scratch / "www", "root", WEB, 0o2775)
    assert made(scratch / "www/page/acme-challenge") == ""
    assert can_write(USER, scratch / "www/page/acme-challenge")


def test_a_directory_of_everybody_is_refused(scratch: Path) -> None:
    public = owned(scratch / "public", "root", "root", 0o1777)
    assert "chmod o-w it" in made(public)
    public.chmod(0o755)
    assert made(public) == ""


def test_an_own_directory_stays_as_it_is(scratch: Path) -> None:
    """Empty most of the time: each start took its group away."""
    own = owned(scratch / "own", USER, WEB, 0o2775)
    assert made(own) == ""
    assert shape(own) == (USER, group_of(WEB), "0o2775")


def test_a_way_that_is_closed_is_named(scratch: Path) -> None:
    home = owned(scratch / "home", OTHER, OTHER, 0o700)
    said = made(home / "keys/page")
    assert f"{USER} cannot pass through {home}: chmod o+x it" in said
    home.chmod(0o711)
    assert made(home / "keys/page") == ""
    assert can_write(USER, home / "keys/page")


def test_a_file_system_that_is_read_only(scratch: Path) -> None:
    place = owned(scratch / "place", USER, USER, 0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"ro,uid={place.stat().st_uid}", "x"]
    if subprocess.run(
        [*mount, str(place)], capture_output=True, check=False
    ).returncode:
        pytest.skip("cannot mount a file system")
    try:
        assert "mount it writable" in made(place)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_names_without_number_cost_little(scratch: Path) -> None:
    """The web server's user fills root's directory as long as it can write there."""
    full = owned(scratch / "full", "root", "root", 0o755)
    number = attempts(60_000)
    descriptor = os.open(full, os.O_RDONLY)
    for name in range(number):
        os.close(os.open(str(name), os.O_WRONLY | os.O_CREAT, dir_fd=descriptor))
    os.close(descriptor)
    program = shipped("templates") / "renew-lets-encrypt/both/data/make-directory"
    limit = ["prlimit", "--as=150000000", "timeout", "30"]
    done = subprocess.run(
        [*limit, "sh", str(program), USER, USER, "0755", str(full)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "does not belong to" in done.stderr
    assert done.returncode == 100


def test_the_user_who_looks_cannot_say_that_it_is_ready(scratch: Path) -> None:
    """Descriptor 3 is that of the readiness notification (notification-fd)."""
    program = shipped("templates") / "renew-lets-encrypt/both/data/make-directory"
    spy = scratch / "bin/s6-setuidgid"
    spy.parent.mkdir()
    spy.write_text(f"#!/bin/sh\nreadlink /proc/$$/fd/3 >>{scratch}/seen\ntrue\n")
    spy.chmod(0o755)
    words = ["sh", str(program), USER, USER, "0755", f"{scratch}/made"]
    command = ["sh", "-c", 'exec "$@" 3>"$0"', f"{scratch}/ready", *words]
    path = f"{spy.parent}:{os.environ['PATH']}"
    subprocess.run(command, env={"PATH": path}, check=True)
    assert str(scratch / "ready") not in (scratch / "seen").read_text()


def test_links_that_come_and_go(scratch: Path) -> None:
    """The web server's user swaps a directory of its own for links while root works below it."""
    home = owned(scratch / "home", WEB, WEB, 0o755)
    precious = owned(scratch / "precious", "root", "root", 0o700)
    empty = owned(precious / "acme-challenge", "root", "root", 0o755)
    done = threading.Event()
    dice = random.Random(7)

    def swap() -> None:
        place, aside = home / ".well-known", home / "aside"
        while not done.is_set():
            if dice.random() < 0.5:
                place.symlink_to(precious)
                time.sleep(dice.uniform(0, 0.004))
                place.unlink(missing_ok=True)
            elif place.is_dir():
                place.rename(aside)
                place.symlink_to(precious)
                time.sleep(dice.uniform(0, 0.004))
                place.unlink()
                aside.rename(place)
            time.sleep(dice.uniform(0, 0.004))

    def patiently() -> None:
        while not done.is_set():
            try:
                swap()
            except OSError:
                shutil.rmtree(home / "aside", ignore_errors=True)

    swapping = threading.Thread(target=patiently)
    swapping.start()
    try:
        for _ in range(attempts(60)):
            words = (USER, USER, "0755", f"{home}/.well-known/acme-challenge")
            make_directory(*words, str(home))
            assert shape(precious) == ("root", 0, "0o700")
            assert shape(empty) == ("root", 0, "0o755")
            assert [path.name for path in precious.iterdir()] == ["acme-challenge"]
    finally:
        done.set()
        swapping.join()


# The client


SWAPPER = """
import os, select, sys
home, target = sys.argv[1:]
place, aside, link = home + "/.well-known", home + "/aside", home + "/link"
os.symlink(target, link)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    os.rename(place, aside)
    os.rename(link, place)
    os.rename(place, link)
    os.rename(aside, place)
"""
"""Swaps a directory and a link as fast as it can."""


@contextlib.contextmanager
def swapping(home: Path, target: Path) -> Iterator[None]:
    """The web server's user puts a link in the place of .well-known, again and again."""
    with script_of(WEB, SWAPPER, home, target):
        yield


@contextlib.contextmanager
def as_user(name: str) -> Iterator[None]:
    """This process has the powers of a user."""
    os.seteuid(pwd.getpwnam(name).pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("token", ["timefile", "account-key", "new"])
def test_links_that_come_and_go_while_the_client_works(
    scratch: Path, token: str
) -> None:
    """The CA picks a name that is there: the user's own keys are neither written nor removed."""
    home = owned(scratch / "home", WEB, WEB, 0o755)
    challenges = home / ".well-known/acme-challenge"
    owned(challenges.parent, "root", "root", 0o755)
    owned(challenges, USER, USER, 0o755)
    keys = owned(scratch / "keys", USER, USER, 0o750)
    own = owned(keys / "acme-challenge", USER, USER, 0o750)
    before = {"timefile": "", "account-key": "precious"}
    for name, content in before.items():
        (own / name).write_text(content)
        shutil.chown(own / name, USER)
    held = 0
    with swapping(home, keys), as_user(USER):
        for _ in range(attempts(2000)):
            try:
                directory = open_directory(str(challenges))
            except (Fatal, OSError):
                continue
            text = f"{token}.{'A' * 43}"
            write_answer(directory, token, text)
            assert remove_answer(directory, token, text)
            os.close(directory)
            held += 1
    assert {path.name: path.read_text() for path in own.iterdir()} == before
    assert list(challenges.iterdir()) == []
    assert held
