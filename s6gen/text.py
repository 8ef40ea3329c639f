"""Printing: what others have written does nothing to a terminal, nor to a reader.

All that is printed goes through here, at the edge. `printable` is for one line.
`write` is for what was made of such lines, and still lets nothing through.
"""

import os
import sys
import unicodedata

LONGEST = 4000
"""Characters of a message on stderr: nobody reads more, and a log line is cut there."""
MARKS = 3
"""Marks on one letter. No script needs more, and a flood of them covers other lines."""
INVISIBLE = frozenset(
    {
        *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0, 0x1D159),
        *(*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)),
    }
)
"""Characters that nobody sees, though str.isprintable() takes them: fillers, and
selectors of variants (Unicode: Default_Ignorable_Code_Point)."""


def write(text: str) -> None:
    """Write lines to stdout. What must not be printed is escaped, but for tabs."""
    lines = [line.split("\t") for line in text.split("\n")]
    write_coloured("\n".join("\t".join(map(without_controls, line)) for line in lines))


def write_coloured(text: str) -> None:
    """Write to stdout what may have colours, of lines that went through `printable`.

    Characters that the encoding of stdout lacks are escaped.
    """
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "backslashreplace"))


def warn(message: str) -> None:
    """Print a warning on stderr, in one line."""
    print_message("warning", message)


def print_message(kind: str, message: str) -> None:
    """Print a message on stderr, in one line that is not too long."""
    line = printable(message[:LONGEST])
    if len(message) > LONGEST:
        line += f" ... ({len(message) - LONGEST} more characters)"
    print(f"s6gen: {kind}: {line}", file=sys.stderr)  # noqa: T201 (the edge)


def wants_colour() -> bool:
    """Tell whether stdout is to be coloured: on a terminal that can show colours.

    The user can switch it off (https://no-color.org).
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty()


def printable(text: str) -> str:
    r"""Return text that keeps to its line and does nothing else to a terminal.

    Each byte of what must not be printed becomes `\0xNN`, as in a quoted word of
    execline. Where the text itself has `\0x`, its backslash becomes `\0x5c`: so what
    looks like an escape is one.
    """
    return without_controls(text.replace("\\0x", "\\0x5c0x"))


def without_controls(text: str) -> str:
    """Return text in which each character that must not be printed is escaped."""
    if text.isascii() and text.isprintable():
        return text
    pieces = []
    marks = MARKS  # at the beginning there is no letter for a mark
    for char in text:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        is_shown = is_visible(char) and marks <= MARKS
        pieces.append(char if is_shown else escaped(char))
    return "".join(pieces)


def is_visible(char: str) -> bool:
    """Tell whether a character is printed, and seen.

    Not so are controls, line and paragraph separators, blanks other than the space,
    what reorders a line (bidi), what is no character, and what is invisible.
    """
    return char.isprintable() and ord(char) not in INVISIBLE


def escaped(char: str) -> str:
    """Return the bytes of a character in execline's notation."""
    is_byte = "\udc80" <= char <= "\udcff"  # not UTF-8 (os.fsdecode)
    octets = char.encode("utf-8", "surrogateescape" if is_byte else "surrogatepass")
    return "".join(f"\\0x{octet:02x}" for octet in octets)
