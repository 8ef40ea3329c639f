"""Reads source directories from disk, in bounded time and memory whatever they hold."""

import os
import stat
from collections.abc import Iterable
from itertools import islice

from s6gen.errors import Exit, Fatal
from s6gen.files import OPEN_FILE, read_at_most
from s6gen.names import lies_in_private
from s6gen.sources.entries import (
    SCRIPTS,
    Broken,
    Dangling,
    Definition,
    Entry,
    Folder,
    RegularFile,
    Source,
    Special,
)

MAX_FILE = 1 << 20
"""Bytes of one file. An argument list longer than that could not be executed."""
MAX_BYTES = 1 << 26
"""Bytes of all files of a source."""
MAX_FOLDER = 100_000
"""Entries of one directory. s6-rc-compile needs n²/8 bytes of stack for n services."""
MAX_ENTRIES = 1_000_000
"""Entries of all directories of a source."""
CHUNK = 65536

CONTENT_MATTERS = frozenset(
    {
        *SCRIPTS,
        "type",
        "dependencies",
        "contents",
        "producer-for",
        "consumer-for",
        "pipeline-name",
        "timeout-up",
        "timeout-down",
        "timeout-kill",
        "timeout-finish",
        "notification-fd",
        "lock-fd",
        "max-death-tally",
        "down-signal",
        "reload-signal",
    }
)
"""Files whose content matters to s6-rc-compile, or to a warning."""
NAME_LISTS = frozenset({"dependencies.d", "contents.d"})
"""Directories whose entries matter."""
NULL_DEVICE = os.makedev(1, 3)
EXECUTABLE = 0o111


def read_source(path: str, others: Iterable[str] = ()) -> Source:
    """Return the source directory at path. Raises Fatal for a tree of absurd size.

    `others` are paths that the user names as well: what lies in one of them is shown.
    """
    return Reader(others or (path,)).read_source(path)


class Reader:
    """Reads one source, and keeps account of how much that was."""

    def __init__(self, shown: Iterable[str]) -> None:
        """Nothing is read yet. `shown` are the directories whose content is shown."""
        self.bytes = 0
        self.entries = 0
        self.shown = [os.path.realpath(path) for path in shown]

    def is_outside(self, path: str) -> bool:
        """Tell whether a path leads out of all directories that are shown.

        What git and the like keep there for themselves, a token maybe, is outside.
        """
        real = os.path.realpath(path)
        for directory in self.shown:
            if real == directory:
                return False
            top = f"{directory.rstrip('/')}/"
            if real.startswith(top):
                return lies_in_private(real.removeprefix(top))
        return True

    def read_source(self, path: str) -> Source:
        """Read a source directory.

        Names that begin with a dot do not count, as for s6-rc-compile.
        """
        try:
            listing = self.list_directory(path)
        except OSError as error:
            return Source(path, failure=reason(error))
        folders: list[os.DirEntry[str]] = []
        files: list[str] = []
        broken: dict[str, str] = {}
        for entry in listing:
            if entry.name.startswith("."):
                continue
            try:
                is_folder = is_directory(entry)
            except OSError as error:
                broken[entry.name] = reason(error)
                continue
            if is_folder:
                folders.append(entry)
            else:
                files.append(entry.name)
        files.sort()
        folders.sort(key=lambda folder: folder.name)
        outside = self.is_outside(path)
        definitions = []
        for folder in folders:
            leads_out = outside or (
                folder.is_symlink() and self.is_outside(folder.path)
            )
            definitions.append(self.read_definition(folder, outside=leads_out))
        return Source(path, tuple(definitions), tuple(files), broken)

    def read_definition(self, folder: os.DirEntry[str], *, outside: bool) -> Definition:
        """Read a service definition directory, which may lie outside of the source."""
        try:
            listing = self.list_directory(folder.path)
        except OSError as error:
            return Definition(folder.path, folder.name, failure=reason(error))
        entries = {entry.name: self.read_entry(entry) for entry in listing}
        return Definition(folder.path, folder.name, entries, outside=outside)

    def list_directory(self, path: str) -> list[os.DirEntry[str]]:
        """Return the entries of a directory. Raises Fatal if there are too many."""
        with os.scandir(path) as entries:
            listing = list(islice(entries, MAX_FOLDER + 1))
        if len(listing) > MAX_FOLDER:
            raise too_large(path, f"more than {MAX_FOLDER} entries")
        self.entries += len(listing)
        if self.entries > MAX_ENTRIES:
            raise too_large(path, f"more than {MAX_ENTRIES} entries up to here")
        return listing

    def read_entry(self, entry: os.DirEntry[str]) -> Entry:
        """Read one entry of a service definition directory."""
        try:
            if entry.is_file(follow_symlinks=False):
                return self.read_file(entry)
            if entry.is_dir(follow_symlinks=False):
                return self.read_folder(entry.path, entry.name, "")
            return self.read_other(entry)
        except FileNotFoundError:
            return Dangling()
        except OSError as error:
            return Broken(reason(error), exists=False)

    def read_other(self, entry: os.DirEntry[str]) -> Entry:
        """Read a special file, or the target of a symbolic link.

        Raises OSError if it cannot be examined.
        """
        status = entry.stat()
        if stat.S_ISREG(status.st_mode):
            file = self.read_file(entry)
            if isinstance(file, RegularFile):
                return file._replace(outside=self.is_outside(entry.path))
            return file
        if stat.S_ISDIR(status.st_mode):
            target = link_target(entry.path)
            folder = self.read_folder(entry.path, entry.name, target)
            if isinstance(folder, Folder):
                return folder._replace(outside=self.is_outside(entry.path))
            return folder
        return special_file(status)

    def read_file(self, entry: os.DirEntry[str]) -> Entry:
        """Read a regular file, with its content if that matters."""
        try:
            if entry.name not in CONTENT_MATTERS:
                return RegularFile(executable=is_executable(entry.stat()))
            # Should it have become a FIFO meanwhile, neither open nor read waits.
            descriptor = os.open(entry.path, OPEN_FILE)
            try:
                executable = False
                if entry.name in SCRIPTS:
                    executable = is_executable(os.fstat(descriptor))
                content = read_content(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            return Broken(reason(error))
        self.bytes += len(content)
        if self.bytes > MAX_BYTES:
            raise too_large(entry.path, f"more than {MAX_BYTES >> 20} MiB up to here")
        truncated = len(content) > MAX_FILE
        return RegularFile(content[:MAX_FILE], executable, truncated)

    def read_folder(self, path: str, name: str, link: str) -> Entry:
        """Read a directory: try to open it, and list it if it is a list of names."""
        try:
            if name not in NAME_LISTS:
                os.scandir(path).close()
                return Folder(link=link)
            names = []
            empty = []
            for entry in self.list_directory(path):
                names.append(entry.name)
                if is_empty_directory(entry):
                    empty.append(entry.name)
        except OSError as error:
            return Broken(reason(error))
        return Folder(tuple(sorted(names)), link, tuple(sorted(empty)))


def is_empty_directory(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a directory without entries, which git does not keep."""
    if not entry.is_dir(follow_symlinks=False):
        return False
    try:
        with os.scandir(entry.path) as entries:
            return next(entries, None) is None
    except OSError:
        return False


def link_target(path: str) -> str:
    """The target of a symbolic link; if the link has just gone, its own path."""
    try:
        return os.readlink(path)  # noqa: PTH115 (a Path costs more)
    except OSError:
        return path


def is_directory(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a directory, or a link to one. Raises OSError if it cannot."""
    if entry.is_symlink():
        return stat.S_ISDIR(entry.stat().st_mode)
    return entry.is_dir(follow_symlinks=False)


def is_executable(status: os.stat_result) -> bool:
    """Tell whether somebody may execute the file."""
    return bool(status.st_mode & EXECUTABLE)


def read_content(descriptor: int) -> bytes:
    """Read the content of a file, but not more than one byte over the limit."""
    content = os.read(descriptor, CHUNK)
    if len(content) < CHUNK:
        return content
    return content + read_at_most(descriptor, MAX_FILE + 1 - len(content))


def special_file(status: os.stat_result) -> Special:
    """A FIFO, a socket or a device. None is opened: that may do something."""
    mode = status.st_mode
    if stat.S_ISFIFO(mode):
        return Special("fifo")
    if stat.S_ISSOCK(mode):
        return Special("socket")
    is_null_device = stat.S_ISCHR(mode) and status.st_rdev == NULL_DEVICE
    if is_null_device:
        return Special("null")
    return Special("device")


def too_large(path: str, excess: str) -> Fatal:
    """The error for a tree that is too large for a source directory."""
    return Fatal(f"{path}: {excess}: this is no source directory", Exit.NO)


def reason(error: OSError) -> str:
    """The words of the system for an error."""
    return error.strerror or str(error)
