"""Errors, exit codes, and what is printed: one line each, whatever a CA says in it."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import time

OK, NO, USAGE, BUG, TEMPORARY = 0, 1, 100, 101, 111
"""Exit codes: done; what was checked is due; wrong usage; our bug; try again later."""

LASTING_PROBLEMS = frozenset(
    {
        "alreadyRevoked",
        "badCSR",
        "badPublicKey",
        "badRevocationReason",
        "badSignatureAlgorithm",
        "externalAccountRequired",
        "invalidContact",
        "invalidProfile",
        "rejectedIdentifier",
        "unsupportedContact",
        "unsupportedIdentifier",
        "userActionRequired",
    }
)
"""The problem types that do not get better by themselves (section 6.7)."""
LASTING_STATUSES = frozenset({301, 308, 405, 414, 415, 501, 505})
"""The HTTP statuses that do not get better by themselves (RFC 9110 section 15)."""
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""The signals that end a run."""
LONGEST = 4000
"""Characters of a message: a CA's words may be many."""


class Fatal(Exception):  # noqa: N818 (s6's own word)
    """Ends the run with one line that names what is at fault.

    A CA's refusal has a kind, which is the problem's type without its namespace, an
    HTTP status, and the seconds after which the CA wants to be asked again (0 if it
    does not say).
    """

    def __init__(
        self,
        message: str,
        code: int = TEMPORARY,
        kind: str = "",
        status: int = 0,
        wait: float = 0,
    ) -> None:
        """By default it is temporary: another run may succeed."""
        super().__init__(message[:LONGEST])
        is_lasting = kind in LASTING_PROBLEMS or status in LASTING_STATUSES
        self.code = USAGE if is_lasting else code
        self.kind = kind
        self.status = status
        self.wait = wait

    def is_passing(self) -> bool:
        """Tell whether the same request may succeed a little later."""
        return self.status >= 500 and self.status not in LASTING_STATUSES


class Judged(Fatal):
    """What was tried has failed, and would fail at once again.

    A validation by the CA, a program of the user's, a file that is not served.
    """


class Dead(Judged):
    """An order can no longer become valid."""


class Refused(Fatal):
    """A chain came that no server could use."""


class Unfinished(Fatal):
    """The CA is still at work on an order when the time of this run is over."""


class Disconnected(Fatal):
    """No response came: the request may have arrived or not."""

    def is_passing(self) -> bool:
        """Tell whether the same request may succeed a little later: it may."""
        return True


class TimeIsOver(BaseException):
    """The run has lasted for --timeout: no handler of another error swallows that."""


class Stopped(BaseException):
    """A signal asks to end: clean up and go. Its argument is the signal's number."""


def say(kind: str, message: str) -> None:
    """Print one line on stderr.

    What is not printable is escaped. That it cannot be written is ignored.
    """
    line = "".join(
        character if character.isprintable() else ascii(character)[1:-1]
        for character in message
    )
    if sys.stderr:  # None if it was closed: then descriptor 2 may be another file
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), f"s6gen-acme: {kind}: {line}\n".encode())


@functools.cache
def warn_once(message: str) -> None:
    """Warn, but only once in a run: what a file system lacks shows at each file."""
    say("warning", message)


def inform(quiet: bool, message: str) -> None:
    """Say what is done, unless --quiet."""
    if not quiet:
        say("info", message)


def print_text(text: str) -> None:
    """Print all of a text on stdout; raises Fatal or OSError if that fails."""
    if not sys.stdout:
        raise Fatal("standard output is closed")
    with open(sys.stdout.fileno(), "wb", closefd=False) as stdout:
        stdout.write(text.encode(errors="surrogateescape"))


def reason(error: BaseException) -> str:
    """An error in words: the file, if it is about one, and what is wrong."""
    file = getattr(error, "filename", None)
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if isinstance(file, str | bytes):
        return f"{os.fsdecode(file)}: {words}"
    return str(words)


def utc(when: float) -> str:
    """A time as people and programs read it (RFC 3339)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


def shortened(names: list[str], most: int = 5) -> str:
    """The names in one line, but not a hundred of them."""
    line = " ".join(names[:most])
    if len(names) > most:
        line += f" and {len(names) - most} more"
    return line
