"""Printing to stdout, and making text that others wrote safe to print."""

import os
import sys


def write(text: str) -> None:
    """Write text to stdout; characters that its encoding lacks are escaped."""
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "backslashreplace"))


def wants_colour() -> bool:
    """Tell whether stdout is to be coloured: on a terminal that can show colours.

    The user can switch it off (https://no-color.org).
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def printable(text: str) -> str:
    """Return text that keeps to its line and does nothing else to a terminal."""
    if text.isprintable():
        return text
    return "".join(map(escaped, text))


def escaped(char: str) -> str:
    """Return a character; one that must not be printed in execline's notation."""
    if char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is not UTF-8 (os.fsdecode)
        code -= 0xDC00
    return f"\\0x{code:02x}"
