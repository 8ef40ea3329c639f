"""Where commands print."""

import os
import sys


def write(text: str) -> None:
    """Put text to stdout; what its encoding lacks is escaped."""
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "backslashreplace"))


def wants_colour() -> bool:
    """On a terminal, unless the user said otherwise (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def printable(text: str) -> str:
    """Text that keeps to its line and does nothing to a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else escaped(char) for char in text)


def escaped(char: str) -> str:
    """A character that must not be printed, in execline's notation."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8 (os.fsdecode)
        code -= 0xDC00
    return f"\\0x{code:02x}"
