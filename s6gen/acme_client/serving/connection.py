"""A connection to a server that may say anything, slowly, or without an end."""

from __future__ import annotations

import socket
import time

from ..messages import reason

MOST = 300_000
"""Bytes that a server may say: the longest chain that OpenSSL takes has 100 KB."""
LONGEST_LINE = 4096
"""Bytes of a line: 512 in SMTP (RFC 5321 section 4.5.3.1.5), IMAP has longer ones."""
PIECE = 16384
SHOWN = 80
"""Characters of what a server has said that are shown."""


class Unanswered(Exception):  # noqa: N818 (it is an answer, too)
    """No certificate came. It says why, and whether that was for want of time."""

    def __init__(self, text: str, is_late: bool = False) -> None:
        """The text is shown as it is: what a server has said goes through `quoted`."""
        super().__init__(text)
        self.is_late = is_late


def quoted(said: bytes) -> str:
    """The begin of what a server has said, for a message."""
    text = said.strip().decode("utf-8", "backslashreplace")
    return f'"{text[:SHOWN]}"'


class Connection:
    """A socket whose every wait ends at the deadline, a time of the monotonic clock."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        """Nothing was said yet."""
        self.socket = connected
        self.deadline = deadline
        self.count = 0
        self.rest = b""

    def set_time_left(self) -> None:
        """Let the next call wait until the deadline. Raises TimeoutError after it."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self.socket.settimeout(left)

    def send(self, data: bytes) -> None:
        """Send all of it. Raises Unanswered."""
        try:
            self.set_time_left()
            self.socket.sendall(data)
        except TimeoutError as error:
            raise Unanswered("takes nothing in time", is_late=True) from error
        except OSError as error:
            raise Unanswered(f"hung up: {reason(error)}") from error

    def receive(self) -> bytes:
        """What comes next, at least a byte. Raises Unanswered."""
        if self.rest:
            data, self.rest = self.rest, b""
            return data
        try:
            self.set_time_left()
            data = self.socket.recv(PIECE)
        except TimeoutError as error:
            raise Unanswered("does not answer in time", is_late=True) from error
        except OSError as error:
            raise Unanswered(f"hung up: {reason(error)}") from error
        if not data:
            raise Unanswered("hung up")
        self.count += len(data)
        if self.count > MOST:
            raise Unanswered(f"says more than {MOST} bytes")
        return data

    def until(self, *ends: bytes, most: int = LONGEST_LINE) -> bytes:
        """What comes up to the first of these ends, with it. Raises Unanswered."""
        data = b""
        while True:
            data += self.receive()
            found = [data.find(end) + len(end) for end in ends if end in data]
            if found:
                self.rest = data[min(found) :]
                return data[: min(found)]
            if len(data) > most:
                raise Unanswered(f"says what is nothing here: {quoted(data)}")

    def line(self) -> bytes:
        """The next line, without its end. Raises Unanswered."""
        return self.until(b"\n").rstrip(b"\r\n")

    def exactly(self, count: int) -> bytes:
        """So many bytes. Raises Unanswered."""
        data = b""
        while len(data) < count:
            data += self.receive()
        self.rest = data[count:] + self.rest
        return data[:count]
