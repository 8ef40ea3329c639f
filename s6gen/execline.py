"""execline's grammar: how a value becomes one word of a script."""

import re

from s6gen.errors import Fatal

PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
"""What execlineb takes literally, and a reader takes in without quotes."""

ESCAPES = str.maketrans(
    {"\\": r"\\", '"': r"\"", "\a": r"\a", "\b": r"\b", "\t": r"\t", "\n": r"\n", "\v": r"\v"}
    | {"\f": r"\f", "\r": r"\r"}
)


def word(value: str) -> str:
    """One word of an execlineb script that evaluates to value (execlineb: Syntax of scripts).

    Bytes that are not UTF-8 are carried as surrogates, as `os.fsdecode` does.
    """
    if "\0" in value:
        raise Fatal(f"a value contains a null character: {value!r}")
    if PLAIN.fullmatch(value):
        return value
    return f'"{value.translate(ESCAPES)}"'
