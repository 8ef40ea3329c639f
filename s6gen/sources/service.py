"""What a service definition directory says, read as s6-rc-compile reads it (s6-rc-compile.c)."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from s6gen.execline import ScriptError, Word, lex
from s6gen.sources.entries import Broken, Dangling, Definition, File, Folder
from s6gen.sources.version import Version, reads

ONESHOT = "oneshot"
LONGRUN = "longrun"
BUNDLE = "bundle"
TYPES = (ONESHOT, LONGRUN, BUNDLE)

SCRIPTS = ("up", "down", "reload")

UINT32_MAX = 0xFFFFFFFF
ESSENTIAL = 1
RECOMMENDED = 2
FLAGS = (("flag-essential", ESSENTIAL), ("flag-recommended", RECOMMENDED))

UNDECODABLE = "surrogateescape"


class Reference(NamedTuple):
    """The name of a service, where another mentions it."""

    name: str
    file: str
    """The list, beneath the service definition directory: `dependencies.d/NAME` or `contents`."""
    line: int


Script = list[Word]
"""A command line."""


class Service(NamedTuple):
    """What one definition says. What could not be read is empty here: rules report it."""

    definition: Definition
    type: str
    """oneshot, longrun, bundle, or empty if unknown."""
    dependencies: tuple[Reference, ...] = ()
    contents: tuple[Reference, ...] = ()
    consumers: tuple[Reference, ...] = ()
    """What producer-for names: one, if all is well."""
    producers: tuple[Reference, ...] = ()
    pipeline_names: tuple[Reference, ...] = ()
    """What pipeline-name says, in a last consumer."""
    scripts: Mapping[str, Script | ScriptError] = {}
    """up, down and reload of a oneshot, where they are there."""
    timeout_up: int = 0
    timeout_down: int = 0
    flags: int = 0

    @property
    def name(self) -> str:
        """The service's name."""
        return self.definition.name

    @property
    def is_last_consumer(self) -> bool:
        """Whether it ends a pipeline."""
        return bool(self.producers) and not exists(self.definition, "producer-for")

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every name that must be defined for this service to be compiled."""
        return self.dependencies + self.contents + self.consumers + self.producers


def service_of(definition: Definition, version: Version) -> Service:
    """What a definition says to that release of s6-rc-compile."""
    type_ = type_of(read(definition, "type"))
    if type_ == BUNDLE:
        return Service(
            definition,
            type_,
            contents=references(definition, "contents"),
            flags=flags_of(definition, version),
        )
    if not type_:
        return Service(definition, type_)
    service = Service(
        definition,
        type_,
        dependencies=references(definition, "dependencies"),
        timeout_up=milliseconds(read(definition, "timeout-up")) or 0,
        timeout_down=milliseconds(read(definition, "timeout-down")) or 0,
        flags=flags_of(definition, version),
    )
    if type_ == ONESHOT:
        return service._replace(scripts=scripts_of(definition, version))
    service = service._replace(
        consumers=names_in(definition, "producer-for"),
        producers=names_in(definition, "consumer-for"),
    )
    if service.is_last_consumer:
        return service._replace(pipeline_names=names_in(definition, "pipeline-name"))
    return service


def read(
    definition: Definition, name: str, *, waits: bool = False
) -> bytes | Broken | None:
    """What reading this file gives: its content, a failure, or None where there is none.

    A FIFO without a writer reads as empty, unless the program waits for one when it opens it.
    """
    entry = definition.entries.get(name)
    if entry is None or isinstance(entry, Dangling):
        return None
    if isinstance(entry, File):
        return entry.content
    if isinstance(entry, Broken):
        return entry
    if isinstance(entry, Folder):
        return Broken("is a directory")
    if entry.what == "null" or (entry.what == "fifo" and not waits):
        return b""
    return Broken(f"is a {entry.what}")


def exists(definition: Definition, name: str) -> bool:
    """Whether there is something of that name; a link to nothing is nothing (access, stat)."""
    entry = definition.entries.get(name)
    if isinstance(entry, Broken):
        return entry.exists
    return entry is not None and not isinstance(entry, Dangling)


def type_of(content: bytes | Broken | None) -> str:
    """The type that eight bytes of `type` spell; empty if none (type_check)."""
    if not isinstance(content, bytes):
        return ""
    start = content[:8].removesuffix(b"\n")
    if len(start) == 8:
        return ""
    spelt = start.partition(b"\0")[0].decode(errors=UNDECODABLE)
    return spelt if spelt in TYPES else ""


def references(definition: Definition, name: str) -> tuple[Reference, ...]:
    """The names that NAME.d holds or, without it, NAME lists (add_namelistd, add_namelist)."""
    folder = definition.entries.get(f"{name}.d")
    if isinstance(folder, Folder):
        return tuple(
            Reference(held, f"{name}.d/{held}", 0)
            for held in folder.names
            if not held.startswith(".")
        )
    return (
        names_in(definition, name)
        if folder is None or isinstance(folder, Dangling)
        else ()
    )


def names_in(definition: Definition, file: str) -> tuple[Reference, ...]:
    """The names in a list file, each once: white space in front and comments go (add_namelist)."""
    content = read(definition, file)
    if not isinstance(content, bytes) or not content:
        return ()
    found: dict[str, Reference] = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        name = os.fsdecode(line.partition(b"\0")[0].lstrip(b" \t"))
        if name and not name.startswith("#") and name not in found:
            found[name] = Reference(name, file, number)
    return tuple(found.values())


def scripts_of(
    definition: Definition, version: Version
) -> dict[str, Script | ScriptError]:
    """The words of a oneshot's scripts, or why there are none (read_script)."""
    found: dict[str, Script | ScriptError] = {}
    for name in SCRIPTS:
        content = read(definition, name)
        if not isinstance(content, bytes) or not reads(version, name):
            continue
        try:
            found[name] = lex(content)
        except ScriptError as error:
            found[name] = error
    return found


def milliseconds(content: bytes | Broken | None) -> int | None:
    """The number in timeout-up or timeout-down (read_timeout: 63 bytes, newlines at the end)."""
    if not isinstance(content, bytes):
        return None
    return unsigned(content[:63].rstrip(b"\n"))


UINT_FMT = 11
"""How many bytes s6rc_read_uint looks at."""


def number(content: bytes | Broken | None) -> int | None:
    """The number in a file for s6-supervise (s6rc_read_uint: the first line)."""
    if not isinstance(content, bytes):
        return None
    return unsigned(content[:UINT_FMT].partition(b"\n")[0])


def unsigned(text: bytes) -> int | None:
    """Decimal digits up to 4294967295, and nothing else before the end or a null character."""
    digits = text.partition(b"\0")[0]
    if not digits.isdigit():
        return None
    value = int(digits)
    return value if value <= UINT32_MAX else None


def flags_of(definition: Definition, version: Version) -> int:
    """The flags whose files exist (read_flags)."""
    return sum(
        bit
        for name, bit in FLAGS
        if name in definition.entries
        and reads(version, name)
        and exists(definition, name)
    )
