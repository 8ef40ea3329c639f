"""A file of TOML: read and parsed, with messages that name its lines."""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s6gen.configuration.toml_lines import TablePath, toml_lines
from s6gen.errors import Fatal, os_failure

Table = dict[str, Any]


@functools.cache
def read_text(path: Path) -> str:
    """Return the text of a file. Raises Fatal if it cannot be read, or is not UTF-8."""
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise Fatal(f"{path}: is not UTF-8") from None
    except OSError as error:
        raise os_failure("read", str(path), error) from None


def parse_toml(text: str, path: Path) -> Table:
    """Return the table that a text is. Raises Fatal, with the line, if it is none."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise Fatal(f"{path}:1: is nested too deeply") from None
    except ValueError as error:  # also for a number that is too long
        reason, line = split_message(str(error))
        if line is None:
            line = len(text.splitlines())
        raise Fatal(f"{path}:{line}: {reason[:1].lower()}{reason[1:]}") from None


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
