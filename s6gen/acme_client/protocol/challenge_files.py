"""The directory of --acme-dir, and the challenge files in it (section 8.3).

The web server's user may own a directory above it, and others may write into it, at any
moment. So it is opened once, followed nowhere, and a file is made or removed only in
what was opened. The token, which is the name of the file, is the CA's choice: what is
there already is neither overwritten nor removed, unless it is this very answer.
"""

from __future__ import annotations

import os
import stat

from ..messages import USAGE, Fatal

PLACE = os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
"""How a directory is opened: with O_PATH it need not be readable (open(2))."""


# The directory


def open_directory(path: str) -> int:
    """An open directory in which files can be made. Raises Fatal or OSError.

    It is opened name by name, each in the directory before it. No link is followed:
    who put it there, and when, nobody can tell.
    """
    directory = os.open("/" if path.startswith("/") else ".", PLACE)
    try:
        for name in path.split("/"):
            if name not in ("", "."):
                below = open_below(directory, name, path)
                os.close(directory)
                directory = below
        if not os.access(".", os.W_OK | os.X_OK, dir_fd=directory):
            raise Fatal(f"{path}: not writable")
    except BaseException:
        os.close(directory)
        raise
    return directory


def open_below(directory: int, name: str, path: str) -> int:
    """Open the next directory on the way to a path. Raises Fatal for a link."""
    try:
        return os.open(name, PLACE, dir_fd=directory)
    except OSError as error:
        if is_link(directory, name):
            real = os.path.realpath(path)
            what = f"leads through a symbolic link, {name}: give the real path, {real}"
            raise Fatal(f"{path}: {what}", USAGE) from error
        raise OSError(error.errno, error.strerror, path) from error


def is_link(directory: int, name: str) -> bool:
    """Tell whether there is a symbolic link of that name in an open directory."""
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISLNK(status.st_mode)


# The files


def refuse_taken(directory: int, place: str, token: str, text: str) -> None:
    """Raise Fatal if a name is taken by anything else than this very answer."""
    if exists(directory, token) and not is_answer(directory, token, text):
        what = "is in the way of an answer to the CA, which has chosen this name"
        raise Fatal(f"{os.path.join(place, token)}: {what}: it is left alone")  # noqa: PTH118 (pathlib is slow to load)


def write_answer(directory: int, token: str, text: str) -> None:
    """Write a file that the web server can read, whatever the umask. Raises OSError.

    It is left if it is there already, as it is for two names with the same token.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        descriptor = os.open(token, flags, 0o644, dir_fd=directory)
    except FileExistsError:
        if is_answer(directory, token, text):
            return
        raise
    try:
        os.fchmod(descriptor, 0o644)
        os.write(descriptor, text.encode())
    except OSError:
        os.unlink(token, dir_fd=directory)
        raise
    finally:
        os.close(descriptor)


def remove_answer(directory: int, token: str, text: str) -> bool:
    """Remove an answer that was noted before it was made; False if it is another file.

    A run that was killed at once, or a power cut, may have left it empty. Raises
    OSError.
    """
    if not exists(directory, token):
        return True
    if not is_answer(directory, token, text) and not is_answer(directory, token, ""):
        return False
    os.unlink(token, dir_fd=directory)
    return True


def exists(directory: int, name: str) -> bool:
    """Tell whether there is a file of any kind in an open directory. Raises OSError."""
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def is_answer(directory: int, token: str, text: str) -> bool:
    """Tell whether a name is that of a regular file of this user with this text.

    Root, who runs the client once by hand, takes the service's answer for its own; an
    empty file could be anybody's.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(token, flags, dir_fd=directory)
    except OSError:  # a link, or somebody else's
        return False
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            return False
        is_own = status.st_uid == os.geteuid() or (os.geteuid() == 0 and bool(text))
        return is_own and os.read(descriptor, len(text) + 1) == text.encode()
    finally:
        os.close(descriptor)
