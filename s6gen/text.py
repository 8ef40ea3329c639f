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
