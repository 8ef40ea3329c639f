"""Files: read, and replaced so that a reader sees the old or the new one.

`replace_file` is the only way in which a file gets another content. What a file system
cannot do and a renewal can do without (modes, flushed directories) is a warning.
"""

# The client works with the paths that it is given, and needs dir_fd:
# ruff: noqa: PTH104, PTH108, PTH110, PTH113, PTH114, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass

from .messages import USAGE, Fatal, say, warn_once

LIMIT = 1 << 20
"""Bytes: the most that is read of a file or a response. The right ones are smaller."""
ACL = "system.posix_acl_access"
"""The extended attribute that holds an access control list (acl(5))."""
UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})
"""The errors of a file system that cannot flush at all."""


@dataclass(frozen=True)
class Attributes:
    """The attributes of a file that a new one in its place keeps."""

    mode: int
    owner: int = -1
    """-1 leaves the owner, or the group, as it is."""
    group: int = -1
    acl: bytes = b""
    """An access control list as the kernel stores it, empty without one."""
    is_old: bool = False
    """They are those of a file that was there."""


# Read, remove, replace


def read_file(path: str) -> bytes:
    """The content of a file, at most LIMIT bytes; raises OSError."""
    with open(path, "rb") as stream:
        return stream.read(LIMIT)


def read_regular_file(path: str) -> bytes:
    """The content of a regular file; raises OSError for another, such as a pipe."""
    return read_checked(path, os.O_RDONLY | os.O_NONBLOCK)


def read_own_file(path: str) -> bytes:
    """The content of a regular file that is no link; raises OSError for another.

    What is copied as root is not to be a file of somebody else's choice: nor is it one
    with several names, where the kernel lets users make those (fs.protected_hardlinks).
    """
    return read_checked(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)


def read_checked(path: str, flags: int) -> bytes:
    """The content of a file that is opened with these flags, if it is a regular one."""
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        if flags & os.O_NOFOLLOW and status.st_nlink > 1 and os.geteuid() == 0:
            raise PermissionError(errno.EPERM, "has another name (hard link)", path)
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(LIMIT)
    finally:
        os.close(descriptor)


def remove_file(path: str) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def replace_file(path: str, content: bytes, mode: int, secret: bool = False) -> None:
    """Write a file beside path, then rename it: a reader sees the old or the new one.

    It survives a power cut. Mode, group and access control list of an existing file are
    kept; root keeps its owner too, or gives a new file to the owner of the directory. A
    symbolic link is not followed but replaced. A secret that others could read is not
    written. Raises Fatal if that fails; then the old file is as it was.
    """
    beside = f"{path}.tmp"
    try:
        attributes = attributes_for(path, mode)
        remove_file(beside)
        write_new(beside, content, attributes, secret)
        os.rename(beside, path)
    except OSError as error:
        raise Fatal(f"{path}: unable to write: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            remove_file(beside)
    sync_directory(os.path.dirname(path) or ".")


def try_to_replace(path: str, mode: int, secret: bool = False) -> None:
    """Raise Fatal if a file could not be replaced now: it is replaced by itself.

    Where there is none, or a link, a file is made beside it and removed.
    """
    if os.path.isfile(path) and not os.path.islink(path):
        status = os.stat(path, follow_symlinks=False)
        with contextlib.suppress(PermissionError):  # replaced it could be
            content = read_own_file(path)
            if len(content) < LIMIT:
                replace_file(path, content, mode, secret)
                times = (status.st_atime_ns, status.st_mtime_ns)
                os.utime(path, ns=times, follow_symlinks=False)
                return
    if os.path.exists(path) and not os.path.isfile(path):
        raise Fatal(f"{path}: not a regular file", USAGE)
    beside = f"{path}.tmp"
    try:
        remove_file(beside)
        write_new(beside, b"\n", Attributes(mode), secret)
        remove_file(beside)
    except OSError as error:
        raise Fatal(f"{path}: unable to write: {error.strerror}") from error


def attributes_for(path: str, mode: int) -> Attributes:
    """Return the attributes of the file at path, or of a new one there."""
    if os.path.islink(path):
        say("warning", f"{path}: was a symbolic link, is replaced by a file")
    elif os.path.exists(path):
        status = os.stat(path, follow_symlinks=False)
        owner = status.st_uid if os.geteuid() == 0 else -1
        mode, group = status.st_mode & 0o777, status.st_gid
        return Attributes(mode, owner, group, acl_of(path), is_old=True)
    owner, group = owner_of_new(path)
    return Attributes(mode, owner, group)


def owner_of_new(path: str) -> tuple[int, int]:
    """Return owner and group of a new file: what root makes is its directory's owner's.

    Else a command that was run once by hand would lock the service out.
    """
    if os.geteuid() != 0:
        return -1, -1
    directory = os.stat(os.path.dirname(path) or ".")
    if directory.st_uid == 0:
        return -1, -1
    return directory.st_uid, directory.st_gid


def acl_of(path: str) -> bytes:
    """Return the access control list of a file, empty if it has none."""
    if hasattr(os, "getxattr"):  # Linux
        with contextlib.suppress(OSError):
            return os.getxattr(path, ACL, follow_symlinks=False)
    return b""


def write_new(path: str, content: bytes, attributes: Attributes, secret: bool) -> None:
    """Write a new file; until it has its mode nobody else reads it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, 0o600), "wb") as stream:
        set_attributes(stream.fileno(), path, attributes, secret)
        stream.write(content)
        stream.flush()
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            warn_about(path, "unable to flush files to disk", error)


def set_attributes(
    descriptor: int, path: str, attributes: Attributes, secret: bool
) -> None:
    """Give a new file its owner, group, list and mode, as far as that is possible.

    Where the group or the list cannot be kept, what is not for all is for no group.
    """
    mode = attributes.mode
    has_group = set_owner(descriptor, path, attributes)
    has_list = set_acl(descriptor, path, attributes)
    if not (has_group and has_list) and not mode & 0o004:
        mode &= 0o707
    try:
        os.fchmod(descriptor, mode)
    except OSError as error:
        warn_about(path, "unable to set modes", error)
    # Some file systems have one mode for all files, and say nothing.
    if secret and os.fstat(descriptor).st_mode & 0o077 & ~mode:
        message = "others could read it: its file system does not keep modes"
        raise Fatal(f"{path.removesuffix('.tmp')}: {message}")


def set_owner(descriptor: int, path: str, attributes: Attributes) -> bool:
    """Give a new file its owner and group; tell whether it has that group."""
    if (attributes.owner, attributes.group) == (-1, -1):
        return True
    try:
        os.fchown(descriptor, attributes.owner, attributes.group)
    except OSError as error:
        if os.fstat(descriptor).st_gid != attributes.group:
            warn_about(path, "unable to keep owner and group", error)
            return False
    return True


def set_acl(descriptor: int, path: str, attributes: Attributes) -> bool:
    """Give a new file its access control list; tell whether it has that.

    A directory may give a list to each new file: it goes if the old one had none.
    """
    try:
        if attributes.acl:
            os.setxattr(descriptor, ACL, attributes.acl)
        elif attributes.is_old and hasattr(os, "removexattr"):
            with contextlib.suppress(OSError):
                os.removexattr(descriptor, ACL)
    except OSError as error:
        warn_about(path, "unable to keep access control lists", error)
        return False
    return True


def sync_directory(path: str) -> None:
    """Flush the entries of a directory to disk; that this fails is a warning."""
    try:
        directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        warn_about(os.path.join(path, "."), "unable to flush it to disk", error)


def warn_about(path: str, what: str, error: OSError) -> None:
    """Warn once of what the file system of a path cannot do."""
    warn_once(f"{os.path.dirname(path) or '.'}: {what}: {error.strerror}")
