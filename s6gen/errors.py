"""What ends a command, and with which exit code."""

import enum
from collections.abc import Iterable


class Exit(enum.IntEnum):
    """The s6 world's exit codes (execline: exit codes; s6-rc-compile: Exit codes)."""

    OK = 0
    NO = 1
    """The thing that was checked is not right."""
    USAGE = 100
    """Wrong usage or configuration: will not get better by itself."""
    BUG = 101
    """A mistake of s6gen's own."""
    TEMPORARY = 111
    """A system call, the network, the CA: trying again may help."""


class Fatal(Exception):  # noqa: N818 (s6's own word)
    """Ends the command: one line that names what is at fault and says what to do."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        """A mistake of the user's unless code says otherwise."""
        super().__init__(message)
        self.code = code
        self.messages: tuple[str, ...] = (message,)


class Fatals(Fatal):
    """Ends the command with several such lines: all mistakes are told at once."""

    def __init__(self, messages: Iterable[str]) -> None:
        """At least one message."""
        messages = tuple(messages)
        super().__init__(messages[0])
        self.messages = messages


def os_failure(what: str, path: str, error: OSError) -> Fatal:
    """The failure of a system call on path, in the words of s6's programs."""
    return Fatal(f"unable to {what} {path}: {error.strerror or error}", Exit.TEMPORARY)
