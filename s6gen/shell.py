"""Command lines as a shell has them: a line into words, and a word for a line."""

import shlex

from s6gen.text import without_controls


def shell_words(text: str) -> tuple[str, ...]:
    """The words of a command line. Raises ValueError for a quote that is not closed."""
    return tuple(shlex.split(text))


def shell_word(text: str) -> str:
    """A word for a shell, in one line (POSIX.1-2024, Shell Command Language, 2.2.4)."""
    if without_controls(text) == text:
        return shlex.quote(text)
    octets = text.encode("utf-8", "surrogateescape")
    return "$'" + "".join(map(shell_octet, octets)) + "'"


def shell_octet(octet: int) -> str:
    """One byte inside $'...'."""
    is_plain = 0x20 <= octet < 0x7F and octet not in b"\\'"
    if is_plain:
        return chr(octet)
    return f"\\{octet:03o}"
