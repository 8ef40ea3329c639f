"""A service that notes which signals it gets, and what becomes of a service."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.program import require
from support.supervision import WITHIN, supervised


@contextlib.contextmanager
def noting(directory: Path, log: Path) -> Iterator[None]:
    """A service that notes which signals it gets."""
    require("s6-supervise", "s6-svstat", "s6-svwait")
    script = (
        f"trap 'echo HUP >>{log}' HUP; trap 'echo USR2 >>{log}' USR2\n"
        f"echo start >>{log}\nwhile :; do sleep 0.05; done\n"
    )
    with supervised(directory, script):
        until(log.exists, "it does not start")
        yield


def comes(log: Path, expected: str) -> None:
    """Wait until the log is as expected."""
    deadline = time.monotonic() + WITHIN
    while (
        not log.exists() or log.read_text() != expected
    ) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert log.read_text() == expected


def until(happens: Callable[[], bool], what: str) -> None:
    """Wait until something has happened; else fail, and say what."""
    deadline = time.monotonic() + WITHIN
    while not happens():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def state_of(service: Path, what: str) -> str:
    """What s6-svstat -o says of a service, such as "true" of up; "" where it is not supervised."""
    asked = ["s6-svstat", "-o", what, str(service)]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)
    return answer.stdout.strip()
