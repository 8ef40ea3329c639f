"""Starting and ending real programs; skipping where one is missing."""

import contextlib
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
import pytest

START_WITHIN = 60.0
ATTEMPTS = 5
PORTS = 10000, 32000


class NotStartedError(Exception):
    """A program ended, or did not listen in time; the message shows its log."""


@attrs.frozen(kw_only=True)
class Command:
    """A program to start: its arguments, its log, the ports on which it is to listen."""

    argv: tuple[str, ...]
    log: Path
    ports: tuple[int, ...] = ()
    host: str = "127.0.0.1"
    env: Mapping[str, str] = attrs.field(factory=dict)


def require(*programs: str) -> None:
    """Skip unless all the programs are there; with CI=true only s6-rc's own may be missing."""
    missing = [program for program in programs if not shutil.which(program)]
    if not missing:
        return
    reason = f"not installed: {' '.join(missing)}"
    foreign = [
        program for program in missing if not Path(program).name.startswith("s6-rc")
    ]
    if foreign and os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port on which nothing listens at this moment.

    It is none of those that the kernel gives to whoever names none (ip_local_port_range in ip(7)
    begins at 32768): else another test's connection might get it before it is used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = random.randint(*PORTS)
        with socket.socket(family) as listener, contextlib.suppress(OSError):
            listener.bind((host, port))
            return port


def has_ipv6() -> bool:
    """Whether something can listen at ::1; a kernel may know IPv6 and have no address."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def running(make: Callable[[], Command]) -> Iterator[Command]:
    """The command that `make` returns, running; made anew when another program took its ports."""
    command, process = start(make)
    try:
        yield command
    finally:
        stop(process)


def start(make: Callable[[], Command]) -> tuple[Command, "subprocess.Popen[bytes]"]:
    """Start it and wait until it listens."""
    for _ in range(ATTEMPTS):
        command = make()
        if any(listens(command.host, port) for port in command.ports):
            continue
        environment = {**os.environ, **command.env}
        with command.log.open("wb") as log:
            process = subprocess.Popen(
                command.argv,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=environment,
            )
        try:
            wait_until_listening(command, process)
            return command, process
        except NotStartedError as failure:
            stop(process)
            if "in use" not in str(failure):
                raise
        except BaseException:
            stop(process)
            raise
    raise NotStartedError(
        f"{' '.join(command.argv)}: its ports were in use, {ATTEMPTS} times"
    )


def wait_until_listening(command: Command, process: "subprocess.Popen[bytes]") -> None:
    """Poll the ports until all of them accept connections."""
    deadline = time.monotonic() + START_WITHIN
    for port in command.ports:
        while not listens(command.host, port):
            if process.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.01)
        else:
            continue
        break
    if process.poll() is not None:
        what = f"ended with {process.returncode}"
    elif time.monotonic() > deadline:
        what = f"does not listen after {START_WITHIN:g} s"
    else:
        return
    log = command.log.read_text(errors="replace")
    raise NotStartedError(f"{' '.join(command.argv)}: {what}\n{log}")


def listens(host: str, port: int) -> bool:
    """Whether something accepts a connection."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End it, by force after five seconds."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
