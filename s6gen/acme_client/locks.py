"""Locks: one run at a time. Where a file system has none, a run goes on without."""

# ruff: noqa: PTH110, PTH112, PTH120 (pathlib is slow to load)

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from .files import owner_of_new
from .messages import Fatal, reason, warn_once

PATIENCE = 10.0
"""Seconds in which a lock is waited for that anybody can hold."""


@contextlib.contextmanager
def lock_file(path: str, wait: bool = True) -> Iterator[bool]:
    """Hold a lock on a file, which is made and stays; tell whether it is held.

    It is waited for, unless told otherwise: then what cannot be locked is not held. The
    kernel gives it up with the process, however that ends (flock(2)).
    """
    try:
        descriptor = open_lock(path)
    except (OSError, Fatal) as error:
        is_closed = isinstance(error, PermissionError) and os.path.exists(path)
        if wait and not is_closed:
            raise
        if wait:
            warn_once(f"{reason(error)}: going on without a lock")
        yield wait
        return
    with locked(descriptor, path, wait) as is_held:
        yield is_held


@contextlib.contextmanager
def lock_existing(path: str) -> Iterator[None]:
    """Hold a lock on a directory or a file. Raises Fatal if it is missing.

    Whoever can read it can lock it too: so it is waited for some seconds only.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except PermissionError as error:  # /etc/ssl/private of Debian can be entered only
        warn_once(f"{path}: going on without a lock: {error.strerror}")
        yield
        return
    except OSError as error:
        raise Fatal(f"{path}: {error.strerror}") from error
    end = time.monotonic() + PATIENCE
    while not may_lock(descriptor, path):
        if time.monotonic() > end:
            why = f"another program holds it for {PATIENCE:g} s"
            warn_once(f"{path}: going on without a lock: {why}")
            break
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(descriptor)


def may_lock(descriptor: int, path: str) -> bool:
    """Try to lock an open file; where there are no locks it counts as locked."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        warn_once(f"{path}: going on without a lock: {error.strerror}")
    return True


def open_lock(path: str) -> int:
    """Open the file of a lock, which is made if it is missing. Raises OSError."""
    directory = os.path.dirname(path) or "."
    if not os.path.isdir(directory):
        raise Fatal(f"{directory}: no such directory")
    flags = os.O_RDWR | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    owner, group = owner_of_new(path)
    if owner != -1:
        with contextlib.suppress(OSError):  # the lock works without
            os.fchown(descriptor, owner, group)
    return descriptor


@contextlib.contextmanager
def locked(descriptor: int, path: str, wait: bool) -> Iterator[bool]:
    """Hold a lock on an open file, which is closed at the end; tell whether it is held.

    Without locks on this file system it counts as held, with a warning.
    """
    try:
        is_held = may_lock(descriptor, path)
        if wait and not is_held:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            is_held = True
        yield is_held
    finally:
        os.close(descriptor)
