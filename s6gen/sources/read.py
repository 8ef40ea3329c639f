"""Reads source directories from disk: whatever they hold, in bounded time and memory."""

import os
import stat

from s6gen.errors import Exit, Fatal
from s6gen.sources.entries import (
    Broken,
    Dangling,
    Definition,
    Entry,
    File,
    Folder,
    Source,
    Special,
)

MAX_FILE = 1 << 20
"""Bytes of one file. An argument list longer than that could not be executed."""
MAX_BYTES = 1 << 28
MAX_FOLDER = 100_000
"""Entries of one directory. s6-rc-compile itself needs n²/8 bytes of stack for n services."""
MAX_ENTRIES = 1_000_000

READ = frozenset(
    {
        "type",
        "run",
        "finish",
        "up",
        "down",
        "reload",
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
SCRIPTS = frozenset({"run", "finish", "up", "down", "reload"})
"""What up may name, though meant for other services: whether it is executable matters then."""
LISTED = frozenset({"dependencies.d", "contents.d"})
NULL = os.makedev(1, 3)
OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


def read_source(path: str) -> Source:
    """The source directory at path. Only a tree of absurd size is Fatal."""
    return Reader().source(path)


class Reader:
    """Reads one source, and keeps account of how much that was."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self.bytes = 0
        self.entries = 0

    def source(self, path: str) -> Source:
        """What is in a source directory; like s6-rc-compile, without what begins with a dot."""
        folders: list[str] = []
        files: list[str] = []
        broken: dict[str, str] = {}
        try:
            for entry in self.listing(path):
                if entry.name.startswith("."):
                    continue
                try:
                    is_folder = is_directory(entry)
                except OSError as error:
                    broken[entry.name] = reason(error)
                else:
                    (folders if is_folder else files).append(entry.name)
        except OSError as error:
            return Source(path, failure=reason(error))
        beneath = path if path.endswith("/") else f"{path}/"
        definitions = tuple(
            self.definition(beneath + name, name) for name in sorted(folders)
        )
        return Source(path, definitions, tuple(sorted(files)), broken)

    def definition(self, path: str, name: str) -> Definition:
        """What is in a service definition directory."""
        try:
            listing = self.listing(path)
        except OSError as error:
            return Definition(path, name, failure=reason(error))
        return Definition(
            path, name, {entry.name: self.entry(entry) for entry in listing}
        )

    def listing(self, path: str) -> list[os.DirEntry[str]]:
        """The entries of a directory; Fatal when there are too many to go on."""
        found: list[os.DirEntry[str]] = []
        with os.scandir(path) as entries:
            for entry in entries:
                found.append(entry)
                if len(found) > MAX_FOLDER:
                    raise too_much(path, f"more than {MAX_FOLDER} entries")
        self.entries += len(found)
        if self.entries > MAX_ENTRIES:
            raise too_much(path, f"more than {MAX_ENTRIES} entries up to here")
        return found

    def entry(self, entry: os.DirEntry[str]) -> Entry:
        """What one name in a service definition directory is."""
        try:
            if entry.is_file(follow_symlinks=False):
                return self.file(entry)
            if entry.is_dir(follow_symlinks=False):
                return self.folder(entry.path, entry.name, "")
            status = entry.stat()
        except FileNotFoundError:
            return Dangling()
        except OSError as error:
            return Broken(reason(error), exists=False)
        if stat.S_ISREG(status.st_mode):
            return self.file(entry)
        if stat.S_ISDIR(status.st_mode):
            return self.folder(entry.path, entry.name, link_target(entry.path))
        return special(status)

    def file(self, entry: os.DirEntry[str]) -> Entry:
        """A regular file, read if its content matters."""
        try:
            if entry.name not in READ:
                return File(executable=bool(entry.stat().st_mode & 0o111))
            # Should it have become a FIFO meanwhile, neither open nor read waits.
            descriptor = os.open(entry.path, OPEN)
            try:
                executable = entry.name in SCRIPTS and bool(
                    os.fstat(descriptor).st_mode & 0o111
                )
                content = read_all(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            return Broken(reason(error))
        self.bytes += len(content)
        if self.bytes > MAX_BYTES:
            raise too_much(entry.path, f"more than {MAX_BYTES >> 20} MiB up to here")
        return File(content[:MAX_FILE], executable, cut=len(content) > MAX_FILE)

    def folder(self, path: str, name: str, link: str) -> Entry:
        """A directory: whether it can be opened, and the names in it where they are a list."""
        try:
            if name not in LISTED:
                os.scandir(path).close()
                return Folder(link=link)
            held = sorted(self.listing(path), key=lambda entry: entry.name)
            empty = (entry.name for entry in held if is_empty_directory(entry))
            return Folder(tuple(entry.name for entry in held), link, tuple(empty))
        except OSError as error:
            return Broken(reason(error))


def is_empty_directory(entry: os.DirEntry[str]) -> bool:
    """Whether it is a directory without entries, which git does not keep."""
    if not entry.is_dir(follow_symlinks=False):
        return False
    try:
        with os.scandir(entry.path) as held:
            return next(held, None) is None
    except OSError:
        return False


def link_target(path: str) -> str:
    """Where a symbolic link points; something, if it has just gone."""
    try:
        return os.readlink(path)  # noqa: PTH115 (a Path costs more)
    except OSError:
        return path


def is_directory(entry: os.DirEntry[str]) -> bool:
    """Whether it is a directory, or leads to one; OSError if that cannot be told."""
    if entry.is_symlink():
        return stat.S_ISDIR(entry.stat().st_mode)
    return entry.is_dir(follow_symlinks=False)


def read_all(descriptor: int) -> bytes:
    """What the file holds, up to one byte more than we are willing to look at."""
    content = os.read(descriptor, 65536)
    if len(content) < 65536:
        return content
    parts = [content]
    left = MAX_FILE + 1 - len(content)
    while left > 0 and (part := os.read(descriptor, min(left, 65536))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def special(status: os.stat_result) -> Special:
    """A FIFO, a socket or a device; none is opened: opening a device may do something."""
    if stat.S_ISFIFO(status.st_mode):
        return Special("fifo")
    if stat.S_ISSOCK(status.st_mode):
        return Special("socket")
    if stat.S_ISCHR(status.st_mode) and status.st_rdev == NULL:
        return Special("null")
    return Special("device")


def too_much(path: str, what: str) -> Fatal:
    """No source directory is that large."""
    return Fatal(f"{path}: {what}: this is no source directory", Exit.NO)


def reason(error: OSError) -> str:
    """What the system says, in its own words."""
    return error.strerror or str(error)
