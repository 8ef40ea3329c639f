"""FILE.state: read, and replaced. Nothing in it is secret.

The first line is for the hourly run (`__main__`), the second is a checksum of the
rest, which is JSON (`json_form`).
"""

from __future__ import annotations

import contextlib
import errno
import json
import zlib
from collections.abc import Callable

from ..files import read_regular_file, replace_file
from ..messages import reason, warn_once
from .json_form import dump_state, parse_state
from .records import State

UNREADABLE = (errno.EACCES, errno.EPERM, errno.EISDIR, errno.EINVAL)
"""Errors that stay: the file is somebody else's, a directory, or a pipe."""


class StateFile:
    """FILE.state and what it holds; without FILE it is kept in memory alone."""

    def __init__(self, out: str, fingerprint: Callable[[], str]) -> None:
        """Read it. A missing one is empty; an unusable one too, with a warning."""
        self.path = f"{out}.state" if out else ""
        self.fingerprint = fingerprint
        self.state = State()
        try:
            self.state = self.load()
        except FileNotFoundError:
            pass
        except OSError as error:
            if error.errno not in UNREADABLE:
                raise  # it may pass, and all that is remembered would be lost
            warn_once(f"{reason(error)}: starting it anew")

    def load(self) -> State:
        """Return the content of the file, with a warning for each damage.

        Raises OSError.
        """
        if not self.path:
            return State()
        _, _, rest = read_regular_file(self.path).partition(b"\n")
        checksum, _, content = rest.partition(b"\n")
        if checksum == checksum_of(content):
            with contextlib.suppress(ValueError, RecursionError):
                state, unusable = parse_state(json.loads(content))
                for name in unusable:
                    warn_once(f"{self.path}: section {name} is damaged, dropped")
                return state
        warn_once(f"{self.path}: damaged, starting it anew")
        return State()

    def save(self, start: float = 0, end: float = 0) -> None:
        """Replace the file, flushed to disk; from start until end nothing is due.

        After a power cut a machine that comes up again and again must not ask the CA
        each time, nor forget what the CA has done. Raises Fatal.
        """
        if not self.path:
            return
        content = json.dumps(dump_state(self.state), indent=1).encode() + b"\n"
        first = f"{int(start)} {end:.0f} {self.fingerprint()}\n".encode()
        head = first + checksum_of(content) + b"\n"
        replace_file(self.path, head + content, 0o600)


def no_fingerprint() -> str:
    """The fingerprint of a state that is only read, or kept in memory alone."""
    return ""


def checksum_of(content: bytes) -> bytes:
    """CRC-32 in hex: enough to tell a torn file from a whole one."""
    return b"%08x" % zlib.crc32(content)
