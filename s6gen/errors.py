"""The errors that end a command, and the exit codes."""

import enum
from collections.abc import Iterable


class Exit(enum.IntEnum):
    """s6's exit codes (execline: exit codes; s6-rc-compile: Exit codes)."""

    OK = 0
    NO = 1
    """The thing that was checked is not right."""
    USAGE = 100
    """Wrong usage or configuration: trying again does not help."""
    BUG = 101
    """A mistake of s6gen's own."""
    TEMPORARY = 111
    """A system call, the network or the CA failed: trying again may help."""


class Fatal(Exception):  # noqa: N818 (s6's own word)
    """Ends the command with one line, which names the cause and says what to do."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        """The default code means a mistake of the user."""
        super().__init__(message)
        self.code = code
        self.messages: tuple[str, ...] = (message,)


class TooLong(BaseException):
    """Ends a command that takes too much time. Nothing on the way catches it."""


class Fatals(Fatal):
    """Ends the command with several such lines: one for each mistake."""

    def __init__(self, messages: Iterable[str]) -> None:
        """There must be at least one message."""
        messages = tuple(messages)
        super().__init__(messages[0])
        self.messages = messages


def os_failure(action: str, path: str, error: OSError) -> Fatal:
    """Return the failure of a system call on a path, in the words of s6's programs.

    `action` is a verb: "unable to ACTION PATH: ...".
    """
    reason = error.strerror or error
    return Fatal(f"unable to {action} {path}: {reason}", Exit.TEMPORARY)
