"""Mistakes in a file: each with its place, and all of them at once."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import attrs

from s6gen.configuration.layers import Layer
from s6gen.configuration.toml_file import known_lines
from s6gen.configuration.toml_lines import TablePath, line_of
from s6gen.errors import Fatals


@attrs.frozen
class Mistake:
    """Something wrong with a key, and where that is written."""

    key: str
    """Empty where a whole table is wrong."""
    message: str
    layer: Layer | None = None
    """None where the certificate as a whole is wrong, or the top of the file."""


class Message(NamedTuple):
    """One line that tells a mistake. Messages sort in the order of their places."""

    path: str
    line: int
    """0 for what stands in no file."""
    text: str


def message_in(path: Path, text: str, mistake: Mistake) -> Message:
    """Return the message for a mistake in a file of that text: place, table, key."""
    table: TablePath = ()
    if mistake.layer is not None:
        table = mistake.layer.table
    position = table
    if mistake.key:
        position = (*table, mistake.key)
    line = line_of(known_lines(text), position)
    words = [header(table), mistake.key, mistake.message]
    return Message(str(path), line, ": ".join(filter(None, words)))


def header(table: TablePath) -> str:
    """Return a table's header, with its number if it is one of several."""
    if not table:
        return ""
    *array, last = map(str, table)
    if isinstance(table[-1], int):
        return f"[[{'.'.join(array)}]] {table[-1] + 1}"
    return f"[{'.'.join((*array, last))}]"


def fatals_of(messages: Iterable[Message]) -> Fatals:
    """Return the end of the command: the messages in their order, a line each."""
    lines = []
    for message in sorted(set(messages)):
        if message.line:
            lines.append(f"{message.path}:{message.line}: {message.text}")
        else:
            lines.append(message.text)
    return Fatals(lines)


def fatals_in(path: Path, text: str, mistakes: Iterable[Mistake]) -> Fatals:
    """Return the end of the command for mistakes in a file of that text."""
    return fatals_of([message_in(path, text, mistake) for mistake in mistakes])
