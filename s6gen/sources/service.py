"""A service, as s6-rc-compile reads its definition directory (s6-rc-compile.c)."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from s6gen.execline import ScriptError, Word, lex
from s6gen.sources.entries import (
    ONESHOT_SCRIPTS,
    Broken,
    Dangling,
    Definition,
    Folder,
    RegularFile,
    Special,
)
from s6gen.sources.version import Version, reads

ONESHOT = "oneshot"
LONGRUN = "longrun"
BUNDLE = "bundle"
TYPES = (ONESHOT, LONGRUN, BUNDLE)


UINT32_MAX = 0xFFFFFFFF
ESSENTIAL = 1
RECOMMENDED = 2
FLAGS = (("flag-essential", ESSENTIAL), ("flag-recommended", RECOMMENDED))

UNDECODABLE = "surrogateescape"


class Reference(NamedTuple):
    """The name of a service, in a list of another service."""

    name: str
    file: str
    """`dependencies.d/NAME` or `contents`: the path below the definition directory."""
    line: int


Script = list[Word]
"""A command line."""


class Service(NamedTuple):
    """The values in a definition. Unreadable ones are empty: the rules report them."""

    definition: Definition
    type: str
    """oneshot, longrun, bundle, or empty if unknown."""
    dependencies: tuple[Reference, ...] = ()
    contents: tuple[Reference, ...] = ()
    consumers: tuple[Reference, ...] = ()
    """The names in producer-for: one, if all is well."""
    producers: tuple[Reference, ...] = ()
    pipeline_names: tuple[Reference, ...] = ()
    """The names in pipeline-name, of a last consumer."""
    scripts: Mapping[str, Script | ScriptError] = {}
    """up, down and reload of a oneshot, if they exist."""
    timeout_up: int = 0
    timeout_down: int = 0
    flags: int = 0

    @property
    def name(self) -> str:
        """The service's name."""
        return self.definition.name

    @property
    def is_last_consumer(self) -> bool:
        """The service ends a pipeline."""
        return bool(self.producers) and not exists(self.definition, "producer-for")

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every name that must be defined for this service to be compiled."""
        return self.dependencies + self.contents + self.consumers + self.producers


def service_of(definition: Definition, version: Version) -> Service:
    """Return the service that a release of s6-rc-compile finds in a definition."""
    type_ = type_of(readable_content(definition, "type"))
    if type_ == BUNDLE:
        return bundle(definition, version)
    if type_ == ONESHOT:
        return oneshot(definition, version)
    if type_ == LONGRUN:
        return longrun(definition, version)
    return Service(definition, type_)


def bundle(definition: Definition, version: Version) -> Service:
    """A bundle (add_bundle)."""
    return Service(
        definition,
        BUNDLE,
        contents=references(definition, "contents"),
        flags=flags_of(definition, version),
    )


def oneshot(definition: Definition, version: Version) -> Service:
    """A oneshot (add_oneshot)."""
    return Service(
        definition,
        ONESHOT,
        dependencies=references(definition, "dependencies"),
        scripts=scripts_of(definition, version),
        timeout_up=timeout(definition, "timeout-up"),
        timeout_down=timeout(definition, "timeout-down"),
        flags=flags_of(definition, version),
    )


def longrun(definition: Definition, version: Version) -> Service:
    """A longrun (add_longrun)."""
    service = Service(
        definition,
        LONGRUN,
        dependencies=references(definition, "dependencies"),
        consumers=names_in(definition, "producer-for"),
        producers=names_in(definition, "consumer-for"),
        timeout_up=timeout(definition, "timeout-up"),
        timeout_down=timeout(definition, "timeout-down"),
        flags=flags_of(definition, version),
    )
    if not service.is_last_consumer:
        return service
    return service._replace(pipeline_names=names_in(definition, "pipeline-name"))


def content_of(
    definition: Definition, file: str, *, waits: bool = False
) -> bytes | Broken | None:
    """Return the content that a program reads from a file.

    None if there is no file, Broken if the program cannot read it. waits says that
    the program waits for a writer when it opens a FIFO.
    """
    entry = definition.entries.get(file)
    if isinstance(entry, RegularFile):
        return entry.content
    if isinstance(entry, Broken):
        return entry
    if isinstance(entry, Folder):
        return Broken("is a directory")
    if isinstance(entry, Special):
        return entry.content(waits=waits)
    return None


def readable_content(definition: Definition, file: str) -> bytes:
    """Return the content of a file; empty if it cannot be read, or does not exist."""
    content = content_of(definition, file)
    if isinstance(content, bytes):
        return content
    return b""


def exists(definition: Definition, file: str) -> bool:
    """Tell whether a file exists; a link to nothing does not (access, stat)."""
    entry = definition.entries.get(file)
    if isinstance(entry, Broken):
        return entry.exists
    return entry is not None and not isinstance(entry, Dangling)


def type_of(content: bytes) -> str:
    """The type in the first eight bytes of `type`, or empty (type_check)."""
    start = content[:8].removesuffix(b"\n")
    if len(start) == 8:
        return ""
    text = start.partition(b"\0")[0].decode(errors=UNDECODABLE)
    if text not in TYPES:
        return ""
    return text


def references(definition: Definition, file: str) -> tuple[Reference, ...]:
    """The names in the directory FILE.d or, if that does not exist, in FILE."""
    directory = f"{file}.d"
    folder = definition.entries.get(directory)
    if isinstance(folder, Folder):
        return names_in_folder(folder, directory)
    if folder is None or isinstance(folder, Dangling):
        return names_in(definition, file)
    return ()


def names_in_folder(folder: Folder, directory: str) -> tuple[Reference, ...]:
    """The names in a directory, without those that begin with a dot (add_namelistd)."""
    references = []
    for name in folder.names:
        if not name.startswith("."):
            file = directory if folder.outside else f"{directory}/{name}"
            references.append(Reference(name, file, 0))
    return tuple(references)


def names_in(definition: Definition, file: str) -> tuple[Reference, ...]:
    """The names in a list file, each once (add_namelist).

    White space in front of a name does not count, nor do comments.
    """
    content = readable_content(definition, file)
    references: dict[str, Reference] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        name = name_in_line(line)
        if name:
            references.setdefault(name, Reference(name, file, number))
    return tuple(references.values())


def name_in_line(line: bytes) -> str:
    """The name in a line of a list file; empty if there is none."""
    text = line.partition(b"\0")[0].lstrip(b" \t")
    if text.startswith(b"#"):
        return ""
    return os.fsdecode(text)


def scripts_of(
    definition: Definition, version: Version
) -> dict[str, Script | ScriptError]:
    """The words of a oneshot's scripts, or the errors in them (read_script)."""
    scripts: dict[str, Script | ScriptError] = {}
    for file in ONESHOT_SCRIPTS:
        content = content_of(definition, file)
        if not isinstance(content, bytes) or not reads(version, file):
            continue
        try:
            scripts[file] = lex(content)
        except ScriptError as error:
            scripts[file] = error
    return scripts


def timeout(definition: Definition, file: str) -> int:
    """The milliseconds in timeout-up or timeout-down; 0 if there are none."""
    return milliseconds(readable_content(definition, file)) or 0


def milliseconds(content: bytes) -> int | None:
    """The number in timeout-up or timeout-down, or None.

    It has 63 bytes at most, and newlines at the end do not count (read_timeout).
    """
    return unsigned(content[:63].rstrip(b"\n"))


UINT_FMT = 11
"""s6rc_read_uint reads only so many bytes."""


def number(content: bytes) -> int | None:
    """The number in a file for s6-supervise, or None (s6rc_read_uint: in one line)."""
    return unsigned(content[:UINT_FMT].partition(b"\n")[0])


def unsigned(text: bytes) -> int | None:
    """The value of decimal digits, up to 4294967295, or None.

    Only a null character may follow them, and then anything.
    """
    digits = text.partition(b"\0")[0]
    if not digits.isdigit():
        return None
    value = int(digits)
    if value > UINT32_MAX:
        return None
    return value


def flags_of(definition: Definition, version: Version) -> int:
    """The flags whose files exist (read_flags)."""
    flags = 0
    for file, flag in FLAGS:
        if exists(definition, file) and reads(version, file):
            flags |= flag
    return flags
