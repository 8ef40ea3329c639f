"""Writing: the only module that changes files."""

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from s6gen.errors import Exit, Fatal, os_failure
from s6gen.output import record as manifest
from s6gen.output.plan import Change, is_pristine
from s6gen.output.read import OPEN_DIRECTORY, below, directory_of, name_of
from s6gen.output.record import Record, service_of
from s6gen.rendering.tree import File

STAGE = ".s6gen-new"
"""Where files are written before they are put in their places."""
MANY = 200
"""So many files are flushed by one sync(2), which waits for whatever else is to be written."""
CHANGING = ("merged", "created", "updated", "removed")
"""In this order: no file names one that is not there."""


Records = tuple[Record, Record, Record]
"""Before, under way, after."""


def store(changes: list[Change], records: Records, top: int, output: Path) -> None:
    """Make the changes in the open directory output.

    Everything is written beside its place and flushed before the first file is replaced, so that
    what can fail has failed by then. A kill leaves each file old or new, never half, and a record
    that lets the next rendering finish.
    """
    made = [change for change in changes if change.action in CHANGING]
    try:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(STAGE, dir_fd=top)
        if made or records[0] != records[2]:
            refuse_unwritable(top, made)
            with stage(made, top) as staged, uninterrupted():
                replace(made, records, staged, top)
    except OSError as error:
        raise os_failure("write to", str(output), error) from None


def refuse_unwritable(top: int, changes: Iterable[Change]) -> None:
    """Raise Fatal for a directory in which a change could not be made."""
    for directory, group in groupby(changes, lambda change: directory_of(change.path)):
        with contextlib.suppress(FileNotFoundError), below(top, directory) as here:
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=here):
                raise Fatal(f"{next(group).path}: its directory is not writable")


@contextlib.contextmanager
def stage(changes: list[Change], top: int) -> Iterator[int]:
    """An open directory with the files that change, flushed to disk; it is gone afterwards."""
    os.mkdir(STAGE, 0o700, dir_fd=top)
    staged = os.open(STAGE, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    files = {
        change.path: change.content for change in changes if change.content is not None
    }
    try:
        write(staged, files)
        flush(staged, [path for path, file in files.items() if file.content])
        yield staged
    finally:
        os.close(staged)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(STAGE, dir_fd=top)


def write(top: int, files: Mapping[str, File]) -> None:
    """Write new files. Their modes do not depend on the umask."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    mask = os.umask(0o022)
    try:
        for directory, paths in groupby(files, directory_of):
            with below(top, directory, make=True) as here:
                for path in paths:
                    descriptor = os.open(
                        name_of(path), flags, files[path].mode, dir_fd=here
                    )
                    with open(descriptor, "wb", buffering=0) as stream:  # noqa: PTH123
                        write_all(stream.fileno(), files[path].content)
    finally:
        os.umask(mask)


def write_all(descriptor: int, content: bytes) -> None:
    """Write it, however many calls that takes."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def flush(top: int, paths: list[str]) -> None:
    """Flush files, or directories' entries, to disk."""
    if len(paths) > MANY:
        os.sync()
        return
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    for path in paths:
        with (
            contextlib.suppress(FileNotFoundError),
            below(top, directory_of(path)) as here,
        ):
            descriptor = os.open(name_of(path) or ".", flags, dir_fd=here)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back the signals that would end the process between two files."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def replace(changes: list[Change], records: Records, staged: int, top: int) -> None:
    """Put what is staged in its place. Nothing but SIGKILL or a power cut interrupts this."""
    before, under_way, after = records
    services = {
        name: list(group)
        for name, group in groupby(changes, lambda x: service_of(x.path))
    }
    gone = {service_of(path) for path in before.files} - {
        service_of(path) for path in after.files
    }
    new = services.keys() - set(os.listdir(top))
    changed = [
        one for name in services if name not in new | gone for one in services[name]
    ]
    # What was rendered of an edited file is the base of its next merge: the old one, until the
    # record says that this merge is done.
    bases = [
        one for one in changed if is_pristine(one.path) and one.content is not None
    ]
    if under_way != before:
        write_record(under_way, staged, top)
    flush(staged, directories(one for name in new for one in services[name]))
    for name in sorted(new):
        os.rename(name, name, src_dir_fd=staged, dst_dir_fd=top)
    for change in in_order(one for one in changed if one not in bases):
        place(change, staged, top)
    flush(top, directories(changed))
    for name in sorted(gone & services.keys()):
        os.rename(name, f"{name}.gone", src_dir_fd=top, dst_dir_fd=staged)
    if after != under_way:
        write_record(after, staged, top)
    for change in bases:
        place(change, staged, top)
    flush(top, ["", *directories(bases)])


def write_record(record: Record, staged: int, top: int) -> None:
    """Replace the record, and flush it: what it speaks of changes only then."""
    write(staged, {manifest.NAME: File(manifest.dump(record))})
    flush(staged, [manifest.NAME])
    os.replace(manifest.NAME, manifest.NAME, src_dir_fd=staged, dst_dir_fd=top)
    flush(top, [""])


def in_order(changes: Iterable[Change]) -> list[Change]:
    """What is new, then what changes, then what goes."""
    return sorted(changes, key=lambda change: CHANGING.index(change.action))


def place(change: Change, staged: int, top: int) -> None:
    """Replace or remove one file; a directory that this leaves empty goes with it."""
    if change.content is None:
        remove(change.path, top)
        return
    name, directory = name_of(change.path), directory_of(change.path)
    with below(staged, directory) as source, below(top, directory, make=True) as target:
        os.replace(name, name, src_dir_fd=source, dst_dir_fd=target)


def remove(path: str, top: int) -> None:
    """Remove a file, and the directory that this leaves empty."""
    directory = directory_of(path)
    with below(top, directory) as here:
        os.unlink(name_of(path), dir_fd=here)
    with contextlib.suppress(OSError), below(top, directory_of(directory)) as above:
        os.rmdir(name_of(directory), dir_fd=above)


def directories(changes: Iterable[Change]) -> list[str]:
    """Every directory in which an entry changes, and those above it."""
    found = set()
    for change in changes:
        path = directory_of(change.path)
        while path:
            found.add(path)
            path = directory_of(path)
    return sorted(found)


def forget(top: int, output: Path) -> None:
    """Remove the record of a directory without anything of ours, and itself if it is empty."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(manifest.NAME, dir_fd=top)
    with contextlib.suppress(OSError):
        output.rmdir()


def replace_file(path: Path, text: str, before: str | None) -> None:
    """Give a file another content, or make it: written beside it, flushed, renamed.

    Raises Fatal if it is not as it was before, or, where that is nothing, if it is there already.
    """
    path = path.resolve()
    new = path.with_name(f".{path.name}.new")
    try:
        mode = path.stat().st_mode & 0o777 if before is not None else 0o644
        with open_parent(path) as here:
            fcntl.flock(here, fcntl.LOCK_EX)
            if (path.read_bytes() if path.exists() else None) != (
                before and before.encode()
            ):
                raise Fatal(f"{path}: was changed meanwhile: try again", Exit.TEMPORARY)
            new.unlink(missing_ok=True)
            write(here, {new.name: File(text.encode(), mode)})
            flush(here, [new.name])
            os.replace(new.name, path.name, src_dir_fd=here, dst_dir_fd=here)
            flush(here, [""])
    except OSError as error:
        raise os_failure("write to", str(path), error) from None


@contextlib.contextmanager
def open_parent(path: Path) -> Iterator[int]:
    """The open directory that a file is in."""
    here = os.open(path.parent, OPEN_DIRECTORY)
    try:
        yield here
    finally:
        os.close(here)


def add_file(path: Path, text: str) -> None:
    """Make a new file, and the directories that it is in."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise os_failure("make", str(path.parent), error) from None
    replace_file(path, text, None)
