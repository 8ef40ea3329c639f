"""What a source directory holds, as s6-rc-compile would meet it: from disk or from memory.

Named tuples, here and wherever s6gen check goes: attrs would be a fifth of the whole run.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class File(NamedTuple):
    """A regular file. Its content is empty where nothing reads it."""

    content: bytes = b""
    executable: bool = False
    cut: bool = False
    """Longer than `read_source` is willing to read."""


class Folder(NamedTuple):
    """A directory, and what it holds where that matters."""

    names: tuple[str, ...] = ()
    link: str = ""
    """Where it points, if it is a symbolic link."""
    empty: tuple[str, ...] = ()
    """Which of the names are empty directories."""


class Special(NamedTuple):
    """A file that is neither regular nor a directory."""

    what: str
    """fifo, socket, device or null (/dev/null)"""


class Broken(NamedTuple):
    """What cannot be looked at."""

    reason: str
    exists: bool = True
    """Whether it can be seen, though not read."""


class Dangling(NamedTuple):
    """A symbolic link to nothing: for s6-rc-compile, mostly as if it were not there."""

    reason: str = "leads nowhere"


Entry = File | Folder | Special | Broken | Dangling


class Definition(NamedTuple):
    """A service definition directory."""

    path: str
    name: str
    entries: Mapping[str, Entry] = {}
    failure: str = ""
    """Why the directory itself cannot be read."""
    lent: Mapping[str, str] = {}
    """Which entries come from a definition in a lower layer, and its path."""

    def place(self, file: str) -> str:
        """The path of a file, or of an entry of one of its directories."""
        return f"{self.lent.get(file.partition('/')[0], self.path)}/{file}"


class Source(NamedTuple):
    """A source directory."""

    path: str
    definitions: tuple[Definition, ...] = ()
    files: tuple[str, ...] = ()
    """Names of what is no directory: s6-rc-compile looks at the name, no further."""
    broken: Mapping[str, str] = {}
    """Names of what cannot even be examined, and why."""
    failure: str = ""
    """Why the source directory itself cannot be read."""
    is_layer: bool = False
    """Brought by another project: its errors count, its style is its own affair."""


def source_of(tree: Iterable[tuple[str, bytes, bool]], path: str) -> Source:
    """The source that these files (path beneath it, content, executable) would be on disk."""
    services: dict[str, dict[str, Entry]] = {}
    folders: dict[tuple[str, str], list[str]] = {}
    files = []
    for place, content, executable in tree:
        service, _, inside = place.partition("/")
        if service.startswith("."):
            continue
        if not inside:
            files.append(service)
            continue
        entries = services.setdefault(service, {})
        name, _, rest = inside.partition("/")
        if rest:
            entries.setdefault(name, Folder())
            folders.setdefault((service, name), []).append(rest.partition("/")[0])
        else:
            entries[name] = File(content, executable)
    for (service, name), names in folders.items():
        services[service][name] = Folder(tuple(names))
    definitions = (
        Definition(f"{path}/{name}", name, services[name]) for name in sorted(services)
    )
    return Source(path, tuple(definitions), tuple(files))


DEFINING = frozenset({"run", "finish", "up", "down", "reload"})


def is_addition(definition: Definition) -> bool:
    """Whether a directory without type looks like additions to a definition in a lower layer."""
    if "type" in definition.entries or not DEFINING.isdisjoint(definition.entries):
        return False
    return any(not name.startswith(".") for name in definition.entries)
