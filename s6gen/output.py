"""The output directory, and what is there.

All work is done relative to open directories, and no symbolic link below the output directory is
followed: whoever else may write there cannot lead a more powerful user astray.
"""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from s6gen import manifest
from s6gen.errors import Exit, Fatal, os_failure
from s6gen.manifest import Record, service_of
from s6gen.plan import DIRECTORY, Foreign
from s6gen.tree import File, Tree

KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextlib.contextmanager
def opened(output: Path) -> Iterator[int | None]:
    """The open output directory, or nothing where it is missing."""
    try:
        top = os.open(output, OPEN_DIRECTORY)
    except FileNotFoundError:
        yield None
        return
    except NotADirectoryError:
        raise Fatal(f"--output: {output}: is not a directory") from None
    except OSError as error:
        raise Fatal(f"--output: {output}: {error.strerror}") from None
    try:
        yield top
    finally:
        os.close(top)


@contextlib.contextmanager
def locked(output: Path) -> Iterator[int]:
    """The open output directory, made if missing, locked: one rendering at a time."""
    try:
        output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Fatal(f"--output: {output}: is not a directory") from None
    except OSError as error:
        raise Fatal(f"--output: {output}: {error.strerror}") from None
    with opened(output) as top:
        if top is None or not os.access(output, os.W_OK | os.X_OK):
            raise Fatal(f"--output: {output}: is not writable")
        try:
            fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Fatal(f"{output}: another rendering is under way", Exit.TEMPORARY) from None
        yield top


@contextlib.contextmanager
def below(top: int, path: str, *, make: bool = False) -> Iterator[int]:
    """The open directory at path below top, no link followed.

    Directories that are missing are made if asked for, readable for all whatever the umask.
    """
    here = os.dup(top)
    try:
        for name in path.split("/") if path else ():
            made = make and make_directory(here, name)
            there = os.open(name, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = there
            if made:
                os.fchmod(here, 0o755)
        yield here
    finally:
        os.close(here)


def make_directory(above: int, name: str) -> bool:
    """Make a directory; whether it was missing."""
    try:
        os.mkdir(name, dir_fd=above)
    except FileExistsError:
        return False
    return True


def directory_of(path: str) -> str:
    """The directory that holds path."""
    return path.rpartition("/")[0]


def name_of(path: str) -> str:
    """The last name of path."""
    return path.rpartition("/")[2]


def read_record(top: int | None, output: Path) -> Record:
    """What s6gen wrote into output so far."""
    found = read(top, output, [manifest.NAME]).get(manifest.NAME)
    if isinstance(found, Foreign):
        raise Fatal(f"{output / manifest.NAME}: is {found.kind}: remove it")
    return manifest.parse(found.content, str(output / manifest.NAME)) if found else Record()


def read(
    top: int | None, output: Path, paths: Iterable[str], expected: Tree | None = None
) -> dict[str, File | Foreign]:
    """What stands at each path. Raises Fatal where a parent is no directory.

    What is as expected is not kept a second time.
    """
    expected = expected or {}
    found: dict[str, File | Foreign] = {}
    if top is None:
        return found
    for directory, group in groupby(paths, directory_of):
        path = directory
        try:
            with below(top, directory) as here:
                for path in group:
                    with contextlib.suppress(FileNotFoundError):
                        found[path] = read_file(here, name_of(path), expected.get(path))
        except FileNotFoundError:
            continue
        except NotADirectoryError:
            raise Fatal(f"{output / path}: lies in what is no directory: remove that") from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Fatal(f"{output / path}: lies behind a symbolic link: remove it") from None
            raise os_failure("read", str(output / path), error) from None
    return found


def read_file(directory: int, name: str, expected: File | None) -> File | Foreign:
    """What stands in a directory under a name."""
    mode = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    if not stat.S_ISREG(mode):
        return Foreign(KINDS.get(stat.S_IFMT(mode), "not a regular file"))
    with open(os.open(name, OPEN_FILE, dir_fd=directory), "rb", buffering=0) as stream:  # noqa: PTH123
        content = stream.read()
    if expected and content == expected.content:
        content = expected.content
    return File(content, stat.S_IMODE(mode))


def strangers(top: int | None, services: Iterable[str], record: Record) -> dict[str, str]:
    """For each service, the first path in it that is not in the record, if there is one."""
    found: dict[str, str] = {}
    for service in services if top is not None else ():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            others = (path for path in entries(top, service) if path not in record.files)
            if stranger := next(others, None):
                found[service] = stranger
    return found


def entries(top: int | None, directory: str) -> Iterator[str]:
    """Everything below a directory that is none itself."""
    assert top is not None
    with below(top, directory) as here:
        names = sorted(os.listdir(here))  # noqa: PTH208 (a descriptor)
        modes = {name: os.stat(name, dir_fd=here, follow_symlinks=False).st_mode for name in names}
    for name, mode in modes.items():
        if stat.S_ISDIR(mode):
            yield from entries(top, f"{directory}/{name}")
        else:
            yield f"{directory}/{name}"


def recorded_below(output: Path) -> list[str]:
    """The directories in output that s6gen has rendered into."""
    if not output.is_dir():
        return []
    return sorted(one.name for one in output.iterdir() if has_record(one))


def has_record(output: Path) -> bool:
    """Whether s6gen has rendered into a directory."""
    return (output / manifest.NAME).is_file()


def left_services(record: Record, services: Iterable[str]) -> list[str]:
    """The services of a record that are not among some."""
    return sorted({service_of(path) for path in record.files}.difference(services))
