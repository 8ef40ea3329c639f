"""Writing: the only module that changes files.

Each file is written under another name, flushed to disk with fsync(2), and renamed:
whatever happens, it is old or new, and never half.
"""

import contextlib
import fcntl
import os
import shutil
import signal
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from s6gen.errors import Exit, Fatal, os_failure
from s6gen.files import OPEN_DIRECTORY, open_directory
from s6gen.output.change import WRITING_ORDER, Change, Update, is_base, services_of
from s6gen.output.directory import Directories, name_of, parent_of
from s6gen.output.next_record import record_under_way
from s6gen.output.record import RECORD_NAME, Record, dump_record, service_name_of
from s6gen.rendering.tree import File

STAGE = ".s6gen-new"
"""The directory in which files are written before they replace the old files."""
MANY = 200
"""More paths than these are brought to disk by one sync(2), with all else."""
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
ANY_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


def write_update(update: Update, top: int) -> None:
    """Make the changes of an update in the open output directory.

    Everything is staged, with fsync, before the first file is replaced: what can fail
    has failed by then. A kill leaves each file old or new, and a record that lets
    the next rendering finish. Raises Fatal if something cannot be written.
    """
    changes = update.writes
    try:
        remove_stage(top, update.output)
        if changes or update.present.record != update.record_after:
            names = frozenset(os.listdir(top))
            steps = steps_of(update, changes, names)
            refuse_unwritable(top, [*steps.placed, *steps.gone, *steps.bases])
            with stage_files(steps, top) as stage, block_signals():
                take_steps(steps, stage, top)
    except OSError as error:
        raise os_failure("write to", str(update.output), error) from None
    if not update.record_after.files:
        remove_record(top, update.output)


def remove_stage(top: int, output: Path) -> None:
    """Remove what a killed rendering has left. Raises Fatal if that is no directory.

    A FIFO would be waited for.
    """
    try:
        os.close(os.open(STAGE, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=top))
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise Fatal(f"{output / STAGE}: is no directory: remove it") from None
    shutil.rmtree(STAGE, dir_fd=top)


def refuse_unwritable(top: int, changes: Iterable[Change]) -> None:
    """Raise Fatal for a directory in which a change could not be made."""
    in_order = sorted(changes, key=lambda change: change.path)
    with Directories(top) as directories:
        for path, group in groupby(in_order, lambda change: parent_of(change.path)):
            with contextlib.suppress(FileNotFoundError):
                directory = directories.open(path)
                if not os.access(".", os.W_OK | os.X_OK, dir_fd=directory):
                    raise Fatal(f"{next(group).path}: its directory is not writable")


class Steps(NamedTuple):
    """The changes of an output directory, in the order in which they reach the disk."""

    before: Record
    """The record before the first step."""
    under_way: Record
    """The record during the steps: it allows old and new files."""
    new: list[Change]
    """Files of services that are not there: each service is renamed as a whole."""
    placed: list[Change]
    """Changes that are made file by file."""
    gone: list[Change]
    """Files of services of which nothing is left: each is renamed as a whole."""
    after: Record
    """The record after these steps."""
    bases: list[Change]
    """Bases of merges. They are still the old ones until the record says that the
    merges are done: an interrupted merge begins again from the old base."""


def steps_of(update: Update, changes: list[Change], names: frozenset[str]) -> Steps:
    """Decide in which order changes are made. `names` are those in the directory."""
    before, after = update.present.record, update.record_after
    forgotten = before.services - after.services
    new, placed, gone, bases = [], [], [], []
    for change in changes:
        service = service_name_of(change.path)
        if service not in names:
            new.append(change)
        elif service in forgotten:
            gone.append(change)
        elif is_new_base(change):
            bases.append(change)
        else:
            placed.append(change)
    placed.sort(key=lambda change: WRITING_ORDER.index(change.action))
    under_way = record_under_way(before, after, changes)
    return Steps(before, under_way, new, placed, gone, after, bases)


def is_new_base(change: Change) -> bool:
    """Tell whether a change writes the base of a merge."""
    return is_base(change.path) and change.content is not None


@contextlib.contextmanager
def stage_files(steps: Steps, top: int) -> Iterator[int]:
    """Write the new files, with fsync, into a directory that is removed afterwards."""
    os.mkdir(STAGE, 0o700, dir_fd=top)
    stage = os.open(STAGE, OPEN_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    files: dict[str, File] = {}
    for change in (*steps.new, *steps.placed, *steps.bases):
        if change.content is not None:
            files[change.path] = change.content
    with_content = [path for path, file in files.items() if file.content]
    try:
        write_files(stage, files)
        fsync_paths(stage, [*with_content, *directories_of(steps.new)])
        yield stage
    finally:
        os.close(stage)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(STAGE, dir_fd=top)


@contextlib.contextmanager
def block_signals() -> Iterator[None]:
    """Block the signals that would end the process between two files."""
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
    signals = {*ending, signal.SIGPROF}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def take_steps(steps: Steps, stage: int, top: int) -> None:
    """Replace the old files by the staged ones.

    Nothing but SIGKILL or a power cut interrupts this.
    """
    if steps.under_way != steps.before:
        write_record(steps.under_way, stage, top)
    move_services(steps.new, stage, top)
    place_files(steps.placed, stage, top)
    fsync_paths(top, directories_of(steps.placed))
    move_services(steps.gone, top, stage, suffix=".gone")
    if steps.after != steps.under_way:
        write_record(steps.after, stage, top)
    place_files(steps.bases, stage, top)
    fsync_paths(top, ["", *directories_of(steps.bases)])


def move_services(
    changes: Iterable[Change], source: int, target: int, *, suffix: str = ""
) -> None:
    """Rename whole services from one open directory into another."""
    for service in sorted(services_of(changes)):
        name = f"{service}{suffix}"
        os.rename(service, name, src_dir_fd=source, dst_dir_fd=target)


def directories_of(changes: Iterable[Change]) -> list[str]:
    """Return each directory in which an entry changes, and those above it, sorted."""
    directories = set()
    for change in changes:
        directory = parent_of(change.path)
        while directory and directory not in directories:
            directories.add(directory)
            directory = parent_of(directory)
    return sorted(directories)


def place_files(changes: Iterable[Change], stage: int, top: int) -> None:
    """Replace or remove files one by one. Those that are removed must come last."""
    with Directories(stage) as source, Directories(top, make=True) as target:
        for change in changes:
            directory, _, name = change.path.rpartition("/")
            if change.content is None:
                remove_file(change.path, top)
                continue
            os.replace(
                name,
                name,
                src_dir_fd=source.open(directory),
                dst_dir_fd=target.open(directory),
            )


def remove_file(path: str, top: int) -> None:
    """Remove a file, and each directory above that this leaves empty."""
    directory = parent_of(path)
    with Directories(top) as directories:
        os.unlink(name_of(path), dir_fd=directories.open(directory))
        with contextlib.suppress(OSError):
            while directory:
                above = parent_of(directory)
                os.rmdir(name_of(directory), dir_fd=directories.open(above))
                directory = above


def write_record(record: Record, stage: int, top: int) -> None:
    """Replace the record, with fsync: the files in it change only afterwards."""
    file = File(dump_record(record))
    write_atomically(file, (stage, RECORD_NAME), (top, RECORD_NAME))


def remove_record(top: int, output: Path) -> None:
    """Remove a record that holds nothing, and the output directory if it is empty."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(RECORD_NAME, dir_fd=top)
    with contextlib.suppress(OSError):
        output.rmdir()


def replace_file(
    path: Path, text: str, before: str | None, locked: Iterable[int] = ()
) -> None:
    """Give a file another text, or make it. It is not one that is rendered.

    `before` is the text that it has, or None if it is missing; `locked` are the open
    directories that the caller has locked. Raises Fatal if the file has another text,
    or if it cannot be written.
    """
    path = Path(os.path.realpath(path))  # resolve() has no answer for a loop
    if path.is_symlink():
        raise Fatal(f"{path}: is a symbolic link that leads to itself: remove it")
    expected = None if before is None else before.encode()
    try:
        mode = 0o644
        if before is not None:
            mode = path.stat().st_mode & 0o777
        file = File(text.encode(), mode)
        with open_parent(path) as directory:
            # A second lock of the same directory would wait for the first for ever.
            if not any(os.path.sameopenfile(directory, other) for other in locked):
                fcntl.flock(directory, fcntl.LOCK_EX)
            present = path.read_bytes() if path.exists() else None
            if present != expected:
                reason = "was changed meanwhile: try again"
                raise Fatal(f"{path}: {reason}", Exit.TEMPORARY)
            new = path.with_name(f".{path.name}.new")
            new.unlink(missing_ok=True)
            write_atomically(file, (directory, new.name), (directory, path.name))
    except OSError as error:
        raise os_failure("write to", str(path), error) from None


@contextlib.contextmanager
def open_parent(path: Path) -> Iterator[int]:
    """Open the directory that a file is in."""
    directory = os.open(path.parent, OPEN_DIRECTORY)
    try:
        yield directory
    finally:
        os.close(directory)


def add_file(path: Path, text: str, within: Path) -> None:
    """Make a new file, and the directories that it is in.

    `within` is a directory that it is below: from there on no link is followed. Raises
    Fatal if it is there, or cannot be made.
    """
    try:
        directory = open_directory(path.parent, within, make=True)
        try:
            write_files(directory, {path.name: File(text.encode())})
            fsync_paths(directory, [path.name, ""])
        finally:
            os.close(directory)
    except OSError as error:
        raise os_failure("make", str(path), error) from None


def write_atomically(
    file: File, temporary: tuple[int, str], final: tuple[int, str]
) -> None:
    """Replace or make one file, which is on disk when this returns.

    Both places are an open directory and a name in it, on the same file system.
    """
    stage, new_name = temporary
    directory, name = final
    write_files(stage, {new_name: file})
    fsync_paths(stage, [new_name])
    os.replace(new_name, name, src_dir_fd=stage, dst_dir_fd=directory)
    fsync_paths(directory, [""])


def write_files(top: int, files: Mapping[str, File]) -> None:
    """Write new files. Their modes do not depend on the umask."""
    mask = os.umask(0o022)
    try:
        with Directories(top, make=True) as directories:
            for path, file in files.items():
                directory, _, name = path.rpartition("/")
                parent = directories.open(directory)
                descriptor = os.open(name, NEW_FILE, file.mode, dir_fd=parent)
                try:
                    write_all(descriptor, file.content)
                finally:
                    os.close(descriptor)
    finally:
        os.umask(mask)


def write_all(descriptor: int, content: bytes) -> None:
    """Write a content, however many calls that takes (write(2))."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def fsync_paths(top: int, paths: list[str]) -> None:
    """Flush files, or directories' entries, to disk; "" is the top itself."""
    if len(paths) > MANY:
        os.sync()
        return
    with Directories(top) as directories:
        for path in paths:
            try:
                parent = directories.open(parent_of(path))
                descriptor = os.open(name_of(path) or ".", ANY_FILE, dir_fd=parent)
            except FileNotFoundError:
                continue
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
