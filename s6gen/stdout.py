"""Where commands print."""

import sys


def write(text: str) -> None:
    """Put text to stdout; what its encoding lacks is escaped."""
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "backslashreplace"))
