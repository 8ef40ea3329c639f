"""A file of TOML: read and parsed, with messages that name its lines."""

import functools
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s6gen.configuration.toml_lines import TablePath, toml_lines, too_deep
from s6gen.errors import Fatal
from s6gen.files import TextFile, read_text_file

Table = dict[str, Any]
MAX_FILE = 1 << 22
"""Bytes of a file: about thirty thousand certificates."""
MAX_DEPTH = 50
"""Brackets in one another, and parts of a key. No table of s6gen's needs ten."""


@functools.cache
def read_file(path: Path) -> TextFile:
    """Return the text of a file, and its owner.

    Raises Fatal if it cannot be read, is not UTF-8, or too large.
    """
    return read_text_file(path, MAX_FILE)


def read_text(path: Path) -> str:
    """Return the text of a file. Raises Fatal (`read_file`)."""
    return read_file(path).text


def is_own(path: Path) -> bool:
    """Tell whether a file that was read, and the link that it may be, are the user's.

    The owner is that of what was read: something else may be there by now.
    """
    return {read_file(path).owner, path.lstat().st_uid} == {os.geteuid()}


def parse_toml(text: str, path: Path) -> Table:
    """Return the table that a text is. Raises Fatal, with the line, if it is none."""
    refuse_deep(text, path)
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Fatal(f"{path}:1: is nested too deeply") from None
    except ValueError as error:  # also for a number that is too long
        reason, line = split_message(str(error))
        if line is None:
            line = len(text.splitlines())
        raise Fatal(f"{path}:{line}: {reason[:1].lower()}{reason[1:]}") from None


def refuse_deep(text: str, path: Path) -> None:
    """Raise Fatal for nesting, or for dotted keys, that would take tomllib minutes."""
    line, reason = too_deep(text, MAX_DEPTH)
    if reason:
        raise Fatal(f"{path}:{line}: {reason}")


def split_message(message: str) -> tuple[str, int | None]:
    """Return the reason and the line of a message such as `Bad (at line 3, column 1)`.

    The line is None where tomllib means the end of the document, or names none.
    """
    reason, _, position = message.rpartition(" (at ")
    line = position.removeprefix("line ").partition(",")[0].removesuffix(")")
    number = int(line) if line.isdigit() else None
    return reason or message, number


@functools.lru_cache
def known_lines(text: str) -> Mapping[TablePath, int]:
    """Return the line of each table and key of a document, which is read only once."""
    return toml_lines(text)
