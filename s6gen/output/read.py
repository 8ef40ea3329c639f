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

from s6gen.errors import Exit, Fatal, os_failure
from s6gen.output import record as manifest
from s6gen.output.plan import DIRECTORY, Foreign
from s6gen.output.record import Record, service_of
from s6gen.rendering.tree import File, Tree

KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@contextlib.contextmanager
def opened(output: Path, *, follow: bool = True) -> Iterator[int | None]:
    """The open output directory, or nothing where it is missing.

    Its own name may be a link, but not that of a host's directory below it.
    """
    try:
        top = os.open(output, OPEN_DIRECTORY | (0 if follow else os.O_NOFOLLOW))
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
def locked(output: Path, *, follow: bool = True) -> Iterator[int]:
    """The open output directory, made if missing, locked: one rendering at a time.

    What was made goes again if the rendering is refused.
    """
    missing = [path for path in (output, *output.parents) if not path.exists()]
    try:
        output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Fatal(f"--output: {output}: is not a directory") from None
    except OSError as error:
        raise Fatal(f"--output: {output}: {error.strerror}") from None
    try:
        with opened(output, follow=follow) as top:
            if top is None or not os.access(output, os.W_OK | os.X_OK):
                raise Fatal(f"--output: {output}: is not writable")
            lock(top, output)
            yield top
    except Fatal:
        with contextlib.suppress(OSError):
            for path in missing:
                path.rmdir()
        raise


def lock(top: int, output: Path) -> None:
    """Nobody else renders into the open directory from now on. Raises Fatal if somebody does."""
    try:
        fcntl.flock(top, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Fatal(
            f"{output}: another rendering is under way", Exit.TEMPORARY
        ) from None


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
    return (
        manifest.parse(found.content, str(output / manifest.NAME))
        if found
        else Record()
    )


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
            raise Fatal(
                f"{output / path}: lies in what is no directory: remove that"
            ) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise Fatal(
                    f"{output / path}: lies behind a symbolic link: remove it"
                ) from None
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


def strangers(
    top: int | None, services: Iterable[str], record: Record
) -> dict[str, list[str]]:
    """What lies in each service and is not in the record: not what begins with a dot."""
    found = {}
    for service in services if top is not None else ():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            others = [
                path for path in entries(top, service) if path not in record.files
            ]
            if others:
                found[service] = others
    return found


def entries(top: int | None, directory: str) -> Iterator[str]:
    """Everything below a directory that is none itself, and does not begin with a dot."""
    assert top is not None
    with below(top, directory) as here, os.scandir(here) as listed:
        found = sorted((one.name, one.is_dir(follow_symlinks=False)) for one in listed)
    for name, is_directory in found:
        if is_directory:
            yield from entries(top, f"{directory}/{name}")
        elif not name.startswith("."):
            yield f"{directory}/{name}"


def hosts_below(output: Path) -> list[str]:
    """The hosts that were rendered into directories of output. No link is followed."""
    found = []
    with opened(output) as top:
        for name in sorted(os.listdir(top)) if top is not None else ():  # noqa: PTH208
            with contextlib.suppress(OSError, Fatal), below(top, name) as here:  # type: ignore[arg-type]
                host = read_record(here, output / name).host
                if host == name and not name.startswith("."):
                    found.append(name)
    return found


def has_record(output: Path) -> bool:
    """Whether s6gen has rendered into a directory."""
    return (output / manifest.NAME).is_file()


def left_services(record: Record, services: Iterable[str]) -> list[str]:
    """The services of a record that are not among some."""
    return sorted({service_of(path) for path in record.files}.difference(services))
