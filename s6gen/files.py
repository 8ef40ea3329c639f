"""Opening what others may have put there: no link is followed where none is trusted.

Only regular files are read, and no more of them than a limit.
"""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from s6gen.errors import Fatal, os_failure

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Neither opening nor reading waits, should it be a FIFO or a terminal."""
CHUNK = 1 << 16


def open_directory(path: Path, within: Path | None, *, make: bool = False) -> int:
    """Open a directory, made with those above it if that is wanted. Raises OSError.

    `within` is a directory that it is in or below: from there on no link is followed.
    """
    start = path if within is None else within
    if make:
        start.mkdir(parents=True, exist_ok=True)
    directory = os.open(start, OPEN_DIRECTORY)
    for name in path.relative_to(start).parts:
        try:
            if make:
                make_directory(directory, name)
            below = os.open(name, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        finally:
            os.close(directory)
        directory = below
    return directory


def make_directory(above: int, name: str) -> bool:
    """Make a directory, unless it is there; tell whether it was missing."""
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        return False
    return True


class TextFile(NamedTuple):
    """The text of a file, and the user ID of its owner when it was read."""

    text: str
    owner: int


def read_text_file(path: Path, most: int, within: Path | None = None) -> TextFile:
    """Return the text and the owner of a regular file of at most so many bytes.

    `within` is a directory that it is below: from there on no link is followed. Raises
    Fatal if it is no such file, cannot be read, or is not UTF-8.
    """
    try:
        descriptor = open_file(path, within)
        try:
            status = os.fstat(descriptor)
            refuse_special(status, path)
            content = read_at_most(descriptor, most + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise os_failure("read", str(path), error) from None
    if len(content) > most:
        raise Fatal(f"{path}: has more than {most} bytes, which is too much")
    try:
        return TextFile(content.decode(), status.st_uid)
    except UnicodeDecodeError:
        raise Fatal(f"{path}: is not UTF-8") from None


def open_file(path: Path, within: Path | None) -> int:
    """Open a file to read it. Raises OSError."""
    if within is None:
        return os.open(path, OPEN_FILE)
    directory = open_directory(path.parent, within)
    try:
        return os.open(path.name, OPEN_FILE | os.O_NOFOLLOW, dir_fd=directory)
    finally:
        os.close(directory)


def refuse_special(status: os.stat_result, path: Path) -> None:
    """Raise Fatal for what is no regular file: a device, a FIFO, a directory."""
    if not stat.S_ISREG(status.st_mode):
        raise Fatal(f"{path}: is not a regular file")


def read_at_most(descriptor: int, most: int) -> bytes:
    """Read a file to its end, or to so many bytes."""
    parts = []
    while most > 0:
        part = os.read(descriptor, min(most, CHUNK))
        if not part:
            break
        parts.append(part)
        most -= len(part)
    return b"".join(parts)
