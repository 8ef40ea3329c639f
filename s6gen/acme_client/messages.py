"""Errors, exit codes, and what is printed: one line each, whatever a CA says in it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time

OK, NO, USAGE, BUG, TEMPORARY = 0, 1, 100, 101, 111
"""Exit codes: done; what was checked is due; wrong usage; our bug; try again later."""

CONFIGURATION_PROBLEMS = frozenset(
    {
        "badCSR",
        "badPublicKey",
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
"""The problem types that only another configuration cures (section 6.7)."""
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
        self.code = USAGE if kind in CONFIGURATION_PROBLEMS else code
        self.kind = kind
        self.status = status
        self.wait = wait

    def is_passing(self) -> bool:
        """Tell whether the same request may succeed a little later."""
        return self.status >= 500


class Disconnected(Fatal):
    """No response came: the request may have arrived or not."""

    def is_passing(self) -> bool:
        """Tell whether the same request may succeed a little later: it may."""
        return True


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


def reason(error: Exception) -> str:
    """An error in words: the file, if it is about one, and what is wrong."""
    file = getattr(error, "filename", None)
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    if file:
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
