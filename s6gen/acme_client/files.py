"""Files: read, replaced so that a reader sees the old or the new one, and locked."""

# The client works with the paths that it is given, and needs dir_fd:
# ruff: noqa: PTH104, PTH108, PTH110, PTH112, PTH114, PTH116, PTH120, PTH123

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from .messages import Fatal, say

LIMIT = 1 << 20
"""Bytes: the most that is read of a file or a response. The right ones are smaller."""


def read_file(path: str) -> bytes:
    """The content of a file, at most LIMIT bytes; raises OSError."""
    with open(path, "rb") as stream:
        return stream.read(LIMIT)


def remove_file(path: str) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def replace_file(path: str, content: bytes, mode: int, synced: bool = True) -> None:
    """Write a file beside path, then rename it: a reader sees the old or the new one.

    With `synced` it survives a power cut. Mode and group of an existing file are kept.
    A symbolic link is not followed but replaced. Raises Fatal if that fails; then the
    old file is as it was.
    """
    group = -1
    if os.path.islink(path):
        say("warning", f"{path}: was a symbolic link, is replaced by a file")
    elif os.path.exists(path):
        status = os.stat(path)
        mode, group = status.st_mode & 0o777, status.st_gid
    beside = f"{path}.tmp"
    try:
        remove_file(beside)
        write_new(beside, content, mode, group, synced)
        os.rename(beside, path)
        if synced:
            sync_directory(os.path.dirname(path) or ".")
    except OSError as error:
        raise Fatal(f"{path}: unable to write: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            remove_file(beside)


def write_new(path: str, content: bytes, mode: int, group: int, synced: bool) -> None:
    """Write a file that is not there yet; until it has its mode nobody else reads it.

    Group -1 leaves the group as it is.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as stream:
        with contextlib.suppress(PermissionError):
            os.fchown(stream.fileno(), -1, group)
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        if synced:
            os.fsync(stream.fileno())


def sync_directory(path: str) -> None:
    """Flush the entries of a directory to disk."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextlib.contextmanager
def hold_lock(path: str) -> Iterator[None]:
    """Hold a lock on a directory or a file, which is made and stays; wait for it first.

    The kernel gives it up with the process, however that ends (flock(2)).
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    if os.path.isdir(path):
        flags = os.O_RDONLY
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
