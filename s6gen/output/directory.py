"""The output directory: opened, locked, and walked without following symbolic links.

All work is done relative to open directories, and no symbolic link below the output
directory is followed: whoever else may write there cannot lead a more powerful user
astray.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from s6gen.errors import Exit, Fatal
from s6gen.files import OPEN_DIRECTORY, make_directory, open_directory

ATTEMPTS = 20
"""The number of times that a directory is made which other renderings remove."""


@contextlib.contextmanager
def open_output(output: Path, within: Path | None = None) -> Iterator[int | None]:
    """Open an output directory; the descriptor is None where it is missing.

    `within` is a directory that it is in or below: from there on no link is followed.
    Raises Fatal if it cannot be opened.
    """
    try:
        top = open_directory(output, within)
    except FileNotFoundError:
        yield None
        return
    except OSError as error:
        raise output_failure(output, error) from None
    try:
        yield top
    finally:
        os.close(top)


def output_failure(output: Path, error: OSError) -> Fatal:
    """Return the failure to open or to make an output directory."""
    if isinstance(error, NotADirectoryError | FileExistsError):
        return Fatal(f"--output: {output}: is not a directory")
    return Fatal(f"--output: {output}: {error.strerror}")


@contextlib.contextmanager
def lock_output(output: Path, within: Path | None = None) -> Iterator[int]:
    """Open an output directory, made if missing, for one rendering at a time.

    Directories that were made are removed again if the rendering is refused, but not if
    another rendering has the lock: then they are its own. It may remove them between
    our opening and our lock: then they are made once more. Raises Fatal if the
    directory cannot be written to, or if another rendering has the lock. `within` is
    as in `open_output`.
    """
    missing = missing_directories(output)
    for _ in range(ATTEMPTS):
        try:
            os.close(open_directory(output, within, make=True))
        except OSError as error:
            raise output_failure(output, error) from None
        with open_output(output, within) as top:
            if top is None:
                continue
            lock(top, output)
            if not is_at(output, top):
                continue
            try:
                refuse_read_only(top, output)
                yield top
            except Fatal:
                remove_empty(missing)
                raise
            return
    raise busy(output)


def refuse_read_only(top: int, output: Path) -> None:
    """Raise Fatal if nothing can be made in the open output directory."""
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=top):
        raise Fatal(f"--output: {output}: is not writable")


def is_at(path: Path, directory: int) -> bool:
    """Tell whether an open directory is still what is at a path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(directory))
    except FileNotFoundError:
        return False


def missing_directories(output: Path) -> list[Path]:
    """Return the directories to be made for an output directory, the lowest first."""
    missing = []
    for path in (output, *output.parents):
        if not path.exists():
            missing.append(path)
    return missing


def remove_empty(directories: Iterable[Path]) -> None:
    """Remove directories, up to the first that is not empty."""
    with contextlib.suppress(OSError):
        for path in directories:
            path.rmdir()


def lock(top: int, output: Path) -> None:
    """Lock the open output directory. Raises Fatal if another rendering has done so."""
    try:
        fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise busy(output) from None


def busy(output: Path) -> Fatal:
    """Return the refusal to render where another rendering is at work."""
    return Fatal(f"{output}: another rendering is under way", Exit.TEMPORARY)


class Directories:
    """The directories below an open one. No symbolic link is followed.

    The last directory stays open, and so do those above it: for paths that come sorted
    each directory is opened once, which is most of what reading a small file costs.
    """

    def __init__(self, top: int, *, make: bool = False) -> None:
        """Begin at the open directory `top`; `make` makes those that are missing."""
        self.make = make
        self.path = ""
        """Of the directory that was opened last."""
        self._names: list[str] = []
        self._descriptors = [top]
        """Of the top, and of the directory that each name leads to."""

    def __enter__(self) -> "Directories":
        """Nothing is open yet."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close all."""
        self._leave(0)

    def open(self, path: str) -> int:
        """Return the open directory at a path below the top; "" is the top itself.

        It is open until another is. Raises OSError if there is no such directory.
        """
        if path != self.path:
            names = names_of(path)
            depth = common_length(names, self._names)
            self._leave(depth)
            for name in names[depth:]:
                self._enter(name)
        return self._descriptors[-1]

    def _enter(self, name: str) -> None:
        """Open a directory in the last one."""
        above = self._descriptors[-1]
        is_new = self.make and make_directory(above, name)
        descriptor = os.open(name, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        self._descriptors.append(descriptor)
        self._names.append(name)
        self.path = "/".join(self._names)
        if is_new:
            os.fchmod(descriptor, 0o755)

    def _leave(self, depth: int) -> None:
        """Close all directories below a depth."""
        while len(self._names) > depth:
            self._names.pop()
            os.close(self._descriptors.pop())
        self.path = "/".join(self._names)


def names_of(path: str) -> list[str]:
    """Return the names that a path consists of; none for "", the top itself."""
    return path.split("/") if path else []


def common_length(first: list[str], second: list[str]) -> int:
    """Return how many names two paths have in common at their beginnings."""
    length = 0
    for name, other_name in zip(first, second, strict=False):
        if name != other_name:
            break
        length += 1
    return length


def parent_of(path: str) -> str:
    """Return the directory that a path is in."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """Return the last name of a path."""
    return path.rpartition("/")[2]
