"""Reading an output directory: the record, the files, and what others put there."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from s6gen.errors import Fatal, os_failure
from s6gen.files import OPEN_FILE, read_at_most
from s6gen.output.change import (
    DIRECTORY,
    Entry,
    Irregular,
    NoMerge,
    Present,
    Wanted,
    is_base,
)
from s6gen.output.directory import Directories, open_output
from s6gen.output.record import (
    MAX_RECORD,
    RECORD_NAME,
    Record,
    host_of,
    parse_record,
    service_name_of,
)
from s6gen.rendering.tree import MAX_CONTENT, File, Tree

FILE_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: DIRECTORY,
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
}
FIRST_LINE = 4096
"""Bytes in which the first line of a record fits."""
MAX_ENTRIES = 100_000
"""Entries of an output directory, and of all below a service."""
MAX_BYTES = 1 << 28
"""Bytes of all files that are not as rendered: they are in memory at once."""


def read_present(wanted: Wanted, output: Path, top: int | None) -> Present:
    """Read what is in an output directory, as far as it matters for what is wanted.

    `top` is the open directory, or None where it is missing. Raises Fatal for a record
    that is none, and for what cannot be read.
    """
    record = read_record(top, output)
    paths = relevant_paths(wanted, record)
    entries = read_entries(top, output, paths, wanted.tree)
    foreign: dict[str, list[str]] = {}
    if wanted.prune:
        orphans = record.services.difference(wanted.services)
        foreign = foreign_files(top, sorted(orphans), record)
    merges: dict[str, File | NoMerge] = {}
    if wanted.merge or has_bases(record):
        # It needs modules that only those have to load who edited a file.
        from s6gen.output.merge import merge_edits

        merges = merge_edits(output, wanted, entries, record)
    return Present(record, entries, foreign, merges)


def relevant_paths(wanted: Wanted, record: Record) -> list[str]:
    """Return the paths of the wanted files and of those that s6gen once wrote."""
    if not wanted.complete:
        record = record.only(wanted.services)
    return sorted({*wanted.tree, *record.files})


def has_bases(record: Record) -> bool:
    """Tell whether an edited file was merged before."""
    return any(map(is_base, record.files))


def read_record(top: int | None, output: Path) -> Record:
    """Read the record of an output directory; it is empty where there is none."""
    if top is None:
        return Record()
    path = output / RECORD_NAME
    try:
        entry = read_entry(top, RECORD_NAME, None, MAX_RECORD)
    except FileNotFoundError:
        return Record()
    except OSError as error:
        raise read_failure(path, error) from None
    if isinstance(entry, Irregular):
        raise Fatal(f"{path}: is {entry.kind}: remove it")
    return parse_record(entry.content, str(path))


def read_entries(
    top: int | None, output: Path, paths: Iterable[str], expected: Tree
) -> dict[str, Entry]:
    """Read what is at each of some sorted paths. What is missing is left out.

    Files that are as expected are the expected objects: nothing is in memory twice.
    Raises Fatal where a parent is no directory, or where something cannot be read.
    """
    entries: dict[str, Entry] = {}
    if top is None:
        return entries
    names = frozenset(names_in(top, output))
    size = 0
    with Directories(top) as directories:
        for path in paths:
            if service_name_of(path) not in names:
                continue
            directory, _, name = path.rpartition("/")
            failing = directory
            try:
                parent = directories.open(directory)
                failing = path
                entry = read_entry(parent, name, expected.get(path))
                entries[path] = entry
                if isinstance(entry, File) and entry is not expected.get(path):
                    size += len(entry.content)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise read_failure(output / failing, error) from None
            if size > MAX_BYTES:
                reason = f"differs in more than {MAX_BYTES >> 20} MiB"
                raise Fatal(f"{output}: {reason}: remove what is not a service")
    return entries


def read_failure(path: Path, error: OSError) -> Fatal:
    """Return the failure to read a path, or to open a directory that it is in."""
    if isinstance(error, NotADirectoryError):
        return Fatal(f"{path}: lies in what is no directory: remove that")
    if error.errno == errno.ELOOP:
        return Fatal(f"{path}: lies behind a symbolic link: remove it")
    return os_failure("read", str(path), error)


def read_entry(
    directory: int, name: str, expected: File | None, most: int = MAX_CONTENT
) -> Entry:
    """Read what is in an open directory under a name. Raises OSError.

    A file with more than `most` bytes is not read: it was not rendered.
    """
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        return Irregular(
            FILE_KINDS.get(stat.S_IFMT(status.st_mode), "not a regular file")
        )
    descriptor = os.open(name, OPEN_FILE | os.O_NOFOLLOW, dir_fd=directory)
    try:
        content = read_file(descriptor, status.st_size, most)
    finally:
        os.close(descriptor)
    if len(content) > most:
        return Irregular(f"a file of more than {most >> 20} MiB")
    mode = stat.S_IMODE(status.st_mode)
    if expected is None or content != expected.content:
        return File(content, mode)
    if mode == expected.mode:
        return expected
    return File(expected.content, mode)


def read_file(descriptor: int, size: int, most: int) -> bytes:
    """Read a file to its end, or one byte over a limit.

    One call is enough if it still has the given size.
    """
    content = os.read(descriptor, min(size, most) + 1)
    if len(content) == size or len(content) > most:
        return content
    return content + read_at_most(descriptor, most + 1 - len(content))


def foreign_files(
    top: int | None, services: Iterable[str], record: Record
) -> dict[str, list[str]]:
    """Return the files in each service that are not in the record.

    Names that begin with a dot do not count, nor do services without such files.
    """
    foreign: dict[str, list[str]] = {}
    if top is None:
        return foreign
    with Directories(top) as directories:
        for service in services:
            paths = unrecorded_files(directories, service, record)
            if paths:
                foreign[service] = paths
    return foreign


def unrecorded_files(
    directories: Directories, service: str, record: Record
) -> list[str]:
    """Return the files below a service that are not in the record."""
    paths: list[str] = []
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        paths = list(files_below(directories, service))
    return [path for path in paths if path not in record.files]


def files_below(directories: Directories, directory: str) -> Iterator[str]:
    """Yield all files below a directory whose names do not begin with a dot.

    Raises Fatal if there are too many.
    """
    waiting = [directory]
    count = 0
    while waiting:
        path = waiting.pop()
        with os.scandir(directories.open(path)) as scan:
            entries = first_entries(scan, path)
        count += len(entries)
        refuse_many(count, directory)
        below = []
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                below.append(f"{path}/{entry.name}")
            elif not entry.name.startswith("."):
                yield f"{path}/{entry.name}"
        waiting += reversed(below)


def first_entries(
    scan: "Iterator[os.DirEntry[str]]", path: str
) -> list["os.DirEntry[str]"]:
    """Return the entries of a directory. Raises Fatal if there are too many."""
    entries = list(islice(scan, MAX_ENTRIES + 1))
    refuse_many(len(entries), path)
    return entries


def refuse_many(count: int, path: str) -> None:
    """Raise Fatal for more entries in or below a directory than can be of services."""
    if count > MAX_ENTRIES:
        raise Fatal(
            f"{path}: has more than {MAX_ENTRIES} entries: remove what is there"
        )


def names_in(top: int, output: Path) -> list[str]:
    """Return the names in an open output directory, sorted.

    Raises Fatal if there are too many.
    """
    with os.scandir(top) as scan:
        return sorted(entry.name for entry in first_entries(scan, str(output)))


def hosts_below(output: Path, within: Path | None) -> list[str]:
    """Return the hosts that were rendered into directories of an output directory.

    No link is followed below it; `within` is as in `open_output`.
    """
    hosts = []
    with open_output(output, within) as top:
        if top is None:
            return []
        for name in names_in(top, output):
            if is_of_host(top, name):
                hosts.append(name)
    return hosts


def is_of_host(top: int, name: str) -> bool:
    """Tell whether a name in an output directory is the directory of that host.

    One with a dot is none: it is the stage of a rendering that was killed.
    """
    if name.startswith("."):
        return False
    try:
        with Directories(top) as directories:
            directory = directories.open(name)
            flags = OPEN_FILE | os.O_NOFOLLOW
            record = os.open(RECORD_NAME, flags, dir_fd=directory)
            try:
                return host_of(os.read(record, FIRST_LINE)) == name
            finally:
                os.close(record)
    except OSError:
        return False


def has_record(output: Path, within: Path | None) -> bool:
    """Tell whether s6gen has rendered into a directory (`open_output`)."""
    with open_output(output, within) as top:
        if top is None:
            return False
        try:
            status = os.stat(RECORD_NAME, dir_fd=top, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return stat.S_ISREG(status.st_mode)
