"""Services that run: a rendered one under s6-svscan or s6-rc, a script under s6-supervise."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from support.rendering import rendered, store

USER, LOG_USER = "daemon", "bin"
"""Accounts that every machine has."""
WITHIN = 60.0
"""Seconds in which anything waited for has to happen."""


def python_for_all() -> str:
    """A Python with acme that USER can run too, unlike one in somebody's home directory."""
    for python in ("/usr/bin/python3", sys.executable):
        probe = ["s6-setuidgid", USER, python, "-I", "-c", "import acme"]
        if (
            subprocess.run(probe, capture_output=True, cwd="/", check=False).returncode
            == 0
        ):
            return python
    reason = (
        f"no Python with acme that user {USER} can run, such as Debian's python3-acme"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@attrs.frozen
class Machine:
    """A machine that runs one rendered service."""

    parameters: RenewLetsEncrypt
    service_directory: Path
    catch_all: Path
    """What the supervisors themselves, and the logger, print."""

    @property
    def keys(self) -> Path:
        """The certificate directory."""
        return Path(self.parameters.certificate_dir)

    @property
    def chain(self) -> Path:
        """The certificate chain."""
        return Path(self.parameters.chain)

    @property
    def timefile(self) -> Path:
        """When the last look was."""
        return Path(str(self.parameters.timefile))

    @property
    def log(self) -> str:
        """What s6-log has written."""
        with contextlib.suppress(FileNotFoundError):
            return (Path(self.parameters.log_dir) / "current").read_text()
        return ""

    def svc(self, *options: str) -> None:
        """Send a command to the service's supervisor."""
        subprocess.run(["s6-svc", *options, str(self.service_directory)], check=True)

    def runs_again(self) -> None:
        """Make snooze start the client now, and wait until it is over."""
        before = self.timefile.stat().st_mtime_ns
        self.svc("-a")
        self.until(
            lambda: self.timefile.stat().st_mtime_ns > before,
            "another run of the client",
        )
        self.until(self.is_waiting, "snooze after the run")

    def status(self, field: str) -> str:
        """Fields of s6-svstat -o; nothing before the supervisor is there."""
        command = ["s6-svstat", "-o", field, str(self.service_directory)]
        return subprocess.run(
            command, check=False, capture_output=True, text=True
        ).stdout.strip()

    def processes(self) -> list[str]:
        """The programs now running that were given a path of this machine's certificates."""
        return sorted(
            Path(words[0]).name
            for words in map(argv, Path("/proc").glob("[0-9]*"))
            if any(word.startswith(f"{self.keys}/") for word in words)
        )

    def is_waiting(self) -> bool:
        """Whether snooze waits, and nothing else of the service runs."""
        return self.processes() == ["snooze"]

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait until something holds; fail with all there is to know."""
        deadline = time.monotonic() + WITHIN
        while not holds():
            if time.monotonic() > deadline:
                pytest.fail(
                    f"not within {WITHIN:g} s: {what}\nprocesses: {self.processes()}\n"
                    f"log:\n{self.log}\ncatch-all log:\n{self.catch_all.read_text()}",
                    pytrace=False,
                )
            time.sleep(0.02)

    def says(self, text: str, times: int) -> None:
        """Assert that the log has a text so often; the logger may lag behind."""
        self.until(lambda: self.log.count(text) >= times, f"{text!r} in the log")
        assert self.log.count(text) == times


def argv(process: Path) -> list[str]:
    """The arguments of a process, none if it is gone."""
    try:
        return os.fsdecode((process / "cmdline").read_bytes()).split("\0")
    except OSError:
        return [""]


@contextlib.contextmanager
def scanning(directory: Path) -> Iterator[Path]:
    """A running s6-svscan on directory/scan; all that it supervises ends with it."""
    scan = directory / "scan"
    scan.mkdir(exist_ok=True)
    with (directory / "catch-all").open("wb") as log:
        supervisor = subprocess.Popen(
            ["s6-svscan", str(scan)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        control = scan / ".s6-svscan/control"
        deadline = time.monotonic() + WITHIN
        while not control.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        yield scan
    finally:
        subprocess.run(["s6-svscanctl", "-t", str(scan)], check=False)
        try:
            supervisor.wait(WITHIN)
        except subprocess.TimeoutExpired:
            supervisor.kill()


@contextlib.contextmanager
def under_s6(parameters: RenewLetsEncrypt, directory: Path) -> Iterator[Machine]:
    """Both services under s6-svscan, which joins them by a pipe (s6-svscan: foo/log)."""
    store(rendered(parameters), directory / "sv", force=False)
    service = directory / "scan/renew"
    shutil.copytree(directory / "sv" / parameters.service, service)
    shutil.copytree(directory / "sv" / parameters.log_service, service / "log")
    with scanning(directory):
        machine = Machine(parameters, service, directory / "catch-all")
        machine.until((service / "supervise/status").exists, "s6-supervise")
        yield machine


@contextlib.contextmanager
def under_s6_rc(parameters: RenewLetsEncrypt, directory: Path) -> Iterator[Machine]:
    """Both services compiled, and brought up by s6-rc, with stand-ins for what they depend on."""
    store(rendered(parameters), directory / "sv", force=False)
    for name in (parameters.mount_service, parameters.network_service):
        (directory / "sv" / name).mkdir()
        (directory / "sv" / name / "type").write_text("oneshot\n")
        (directory / "sv" / name / "up").write_text("true\n")
    compiled, live = directory / "compiled", directory / "live"
    subprocess.run(["s6-rc-compile", str(compiled), str(directory / "sv")], check=True)
    with scanning(directory) as scan:
        subprocess.run(
            ["s6-rc-init", "-c", str(compiled), "-l", str(live), str(scan)], check=True
        )
        s6_rc(live, "-u", "change", parameters.pipeline)
        yield Machine(
            parameters,
            live / "servicedirs" / parameters.service,
            directory / "catch-all",
        )
        s6_rc(live, "-d", "change", parameters.pipeline)


def s6_rc(live: Path, *arguments: str) -> None:
    """Run s6-rc on a live directory."""
    subprocess.run(["s6-rc", "-l", str(live), *arguments], check=True)


@contextlib.contextmanager
def supervised(directory: Path, script: str) -> Iterator[None]:
    """A service directory with this run script, supervised; what it says is in directory/log."""
    directory.mkdir(exist_ok=True)
    run = directory / "run"
    run.write_text(f"#!/bin/sh\nexec 2>&1\n{script}\n")
    run.chmod(0o755)
    with (directory / "log").open("wb") as log:
        supervisor = subprocess.Popen(
            ["s6-supervise", str(directory)], stdout=log, stderr=log
        )
    try:
        yield
    finally:
        supervisor.terminate()
        try:
            supervisor.wait(WITHIN)
        except subprocess.TimeoutExpired:
            subprocess.run(["s6-svc", "-k", str(directory)], check=False)
            raise
