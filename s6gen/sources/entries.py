"""A source directory and its entries, read from disk or made in memory.

Named tuples, here and wherever s6gen check goes: attrs would take a fifth of the run.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

ONESHOT_SCRIPTS = ("up", "down", "reload")
LONGRUN_SCRIPTS = ("run", "finish")
SCRIPTS = (*ONESHOT_SCRIPTS, *LONGRUN_SCRIPTS)
"""The files of a service definition directory that are scripts."""


class RegularFile(NamedTuple):
    """A regular file. Its content is empty if nothing reads it."""

    content: bytes = b""
    executable: bool = False
    truncated: bool = False
    """The file is longer than what `read_source` reads of it."""
    outside: bool = False
    """It lies outside of the source: its content counts, and is not shown."""


class Folder(NamedTuple):
    """A directory, with the names in it if they matter."""

    names: tuple[str, ...] = ()
    link: str = ""
    """The target of the symbolic link, if it is one."""
    empty: tuple[str, ...] = ()
    """Those of the names that are empty directories."""
    outside: bool = False
    """It lies outside of the source: the names count, and are not shown."""


class Broken(NamedTuple):
    """An entry that cannot be read or examined."""

    reason: str
    exists: bool = True
    """s6-rc-compile can see that it is there, though it cannot read it."""


class Special(NamedTuple):
    """A file that is neither regular nor a directory."""

    kind: str
    """fifo, socket, device or null (/dev/null)"""

    def content(self, *, waits: bool) -> bytes | Broken:
        """Return the content that a program reads from it, or the failure.

        A FIFO without a writer reads as empty, unless the program waits for a writer
        when it opens it.
        """
        if self.kind == "null":
            return b""
        if self.kind == "fifo" and not waits:
            return b""
        return Broken(f"is a {self.kind}")


class Dangling(NamedTuple):
    """A symbolic link to nothing: for s6-rc-compile, mostly as if it were not there."""


Entry = RegularFile | Folder | Special | Broken | Dangling


class Definition(NamedTuple):
    """A service definition directory."""

    path: str
    name: str
    entries: Mapping[str, Entry] = {}
    failure: str = ""
    """The reason why the directory itself cannot be read."""
    lower_paths: Mapping[str, str] = {}
    """For each entry from a lower layer, the path of the definition there."""
    outside: bool = False
    """The directory lies outside of the source: its names are not shown."""

    def is_outside(self, file: str) -> bool:
        """Tell whether a file, or the directory that it is in, is outside."""
        entry = self.entries.get(file.partition("/")[0])
        is_entry = isinstance(entry, RegularFile | Folder) and entry.outside
        return self.outside or is_entry

    def path_of(self, file: str) -> str:
        """The path of a file, or of an entry of one of its directories.

        Names that are not shown are left out.
        """
        if self.outside:
            return self.path
        entry = file.partition("/")[0]
        path = self.lower_paths.get(entry, self.path)
        if self.is_outside(file):
            return f"{path}/{entry}"
        return f"{path}/{file}"

    def own_entries(self) -> Iterator[str]:
        """The names of the entries that do not come from a lower layer."""
        for name in self.entries:
            if name not in self.lower_paths:
                yield name


class Source(NamedTuple):
    """A source directory."""

    path: str
    definitions: tuple[Definition, ...] = ()
    files: tuple[str, ...] = ()
    """Names that are no directories: s6-rc-compile checks the name, and no more."""
    broken: Mapping[str, str] = {}
    """Names that cannot even be examined, with the reason."""
    failure: str = ""
    """The reason why the source directory itself cannot be read."""
    is_layer: bool = False
    """It belongs to another project: its errors count, its warnings do not."""


def source_of(files: Iterable[tuple[str, bytes, bool]], path: str) -> Source:
    """Return the source directory that these files would be on disk.

    A file is its path below the source directory, its content, and a flag that says
    whether it is executable.
    """
    services: dict[str, dict[str, Entry]] = {}
    folders: dict[tuple[str, str], list[str]] = {}
    plain_files: list[str] = []
    for file_path, content, executable in files:
        service, _, inside = file_path.partition("/")
        if service.startswith("."):
            continue
        if not inside:
            plain_files.append(service)
            continue
        entries = services.setdefault(service, {})
        name, _, rest = inside.partition("/")
        if not rest:
            entries[name] = RegularFile(content, executable)
            continue
        # The names follow in the next loop; the place among the entries counts now.
        entries.setdefault(name, Folder())
        names = folders.setdefault((service, name), [])
        names.append(rest.partition("/")[0])
    for (service, name), names in folders.items():
        services[service][name] = Folder(tuple(names))
    definitions = []
    for service in sorted(services):
        definition = Definition(f"{path}/{service}", service, services[service])
        definitions.append(definition)
    return Source(path, tuple(definitions), tuple(plain_files))


def is_addition(definition: Definition) -> bool:
    """Tell whether a directory seems to add to a definition in a lower layer.

    It has entries, but neither a type nor a script of its own.
    """
    if "type" in definition.entries:
        return False
    if any(script in definition.entries for script in SCRIPTS):
        return False
    return any(not name.startswith(".") for name in definition.entries)
