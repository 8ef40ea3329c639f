"""The record of what was rendered last: `.s6gen`, a list that sha256sum(1) reads too.

s6-rc-compile passes over names that begin with a dot, and one line a file merges well
in git. Before the files of a service stands its origin, as a comment:

    # renew-lets-encrypt-srv 0.1.0 81d5e4e7b8f0a6c2

In the directory of a host, the first line names the host.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from s6gen.errors import Fatal
from s6gen.names import is_service_name
from s6gen.rendering.origin import Origin
from s6gen.rendering.tree import Tree, digest

RECORD_NAME = ".s6gen"
MAX_RECORD = 1 << 26
"""Bytes of a record: half a million files, those of ten thousand certificates."""
MOST_VALUES = 100
"""Digests of one file, or origins of one service. More would take quadratic time."""
FILE = re.compile(r"([0-9a-f]{64})  ([^/\x00-\x1f]+/[^\x00-\x1f]+)")
HOST = re.compile(r"# host ([^/\x00-\x1f]+)")
ORIGIN = re.compile(r"# (\S+) (\S+) ([0-9a-f]{16})")
CONFLICT_MARK = re.compile(r"<{7}|={7}|>{7}|\|{7}")

T = TypeVar("T")


class Record(NamedTuple):
    """The digests of all files that s6gen wrote into a directory.

    A file has two digests, and a service two origins, while one is replaced by the
    other, and after git has merged two records.
    """

    files: Mapping[str, frozenset[str]] = {}
    """For each path the digests of what was rendered there."""
    origins: Mapping[str, frozenset[Origin]] = {}
    """For each service its origins."""
    host: str = ""
    """The host of an s6gen.toml that the directory is for."""

    def only(self, services: Iterable[str]) -> "Record":
        """Return the part that is about some services."""
        names = frozenset(services)
        files = {}
        for path, digests in self.files.items():
            if service_name_of(path) in names:
                files[path] = digests
        origins = {}
        for service in names.intersection(self.origins):
            origins[service] = self.origins[service]
        return Record(files, origins, self.host)

    def without(self, services: Iterable[str]) -> "Record":
        """Return the part that is about all other services."""
        return self.only(self.services.difference(services))

    @property
    def services(self) -> frozenset[str]:
        """Return the names of the services that have files."""
        return frozenset(map(service_name_of, self.files))

    def __or__(self, other: "Record") -> "Record":
        """Return both: what may be there while one is being replaced by the other."""
        files = union(self.files, other.files)
        origins = union(self.origins, other.origins)
        return Record(files, origins, other.host)


def union(
    first: Mapping[str, frozenset[T]], second: Mapping[str, frozenset[T]]
) -> dict[str, frozenset[T]]:
    """Return all that either has of each key."""
    both = dict(first)
    for key, values in second.items():
        both[key] = both[key] | values if key in both else values
    return both


def service_name_of(path: str) -> str:
    """Return the source definition directory that a path is in."""
    return path.partition("/")[0]


def digests_of(tree: Tree) -> dict[str, frozenset[str]]:
    """Return what the record holds of the files of a tree."""
    return {path: frozenset([digest(file.content)]) for path, file in tree.items()}


def parse_record(content: bytes, source: str) -> Record:
    """Read a record. `source` is its path, for messages.

    Raises Fatal with the first line that is none of a record, such as git's marks of a
    conflict.
    """
    files: dict[str, frozenset[str]] = {}
    origins: dict[str, frozenset[Origin]] = {}
    host = ""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        if match := FILE.fullmatch(line):
            path = match[2]
            if not is_path_of_service(path):
                reason = f"must be a path below this directory: {path!r}"
                raise Fatal(f"{source}:{number}: {reason}")
            files[path] = one_more(files.get(path), match[1], f"{source}:{number}")
        elif match := ORIGIN.fullmatch(line):
            service = match[1]
            origin = Origin(match[2], match[3])
            before = origins.get(service)
            origins[service] = one_more(before, origin, f"{source}:{number}")
        elif match := HOST.fullmatch(line):
            host = match[1]
        else:
            raise Fatal(f"{source}:{number}: {fault_of_line(line)}")
    return Record(files, origins, host)


def one_more(before: frozenset[T] | None, value: T, line: str) -> frozenset[T]:
    """Return the values of a path or service with one more.

    Raises Fatal, which names the line, for more than merges of records would leave.
    """
    if before is None:
        return frozenset([value])
    if len(before) >= MOST_VALUES:
        reason = f"there are more than {MOST_VALUES} of this already"
        raise Fatal(f"{line}: {reason}: restore the file, or remove it")
    return before | {value}


def host_of(start: bytes) -> str:
    """Return the host that a record is for, by its first bytes; "" if it names none."""
    first_line = start.decode("utf-8", "surrogateescape").partition("\n")[0]
    match = HOST.fullmatch(first_line)
    return match[1] if match else ""


def is_path_of_service(path: str) -> bool:
    """Tell whether a path of a record leads into a service and not out of it again."""
    names = path.split("/")
    return is_service_name(names[0]) and {"", ".", ".."}.isdisjoint(names)


def fault_of_line(line: str) -> str:
    """Return what is wrong with a line that is none of a record."""
    if CONFLICT_MARK.match(line):
        return "a conflict: keep the lines of both sides, render again"
    return "must be a SHA-256, two spaces, a file"


def dump_record(record: Record) -> bytes:
    """Return a record as it is written, sorted by path."""
    lines = []
    if record.host:
        lines.append(f"# host {record.host}\n")
    last_service = ""
    for path, digests in sorted(record.files.items()):
        service = service_name_of(path)
        if service != last_service:
            lines += origin_lines(service, record)
            last_service = service
        for sha256 in sorted(digests):
            lines.append(f"{sha256}  {path}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def origin_lines(service: str, record: Record) -> list[str]:
    """Return the lines that stand before the files of a service."""
    lines = []
    for origin in sorted(record.origins.get(service, ())):
        lines.append(f"# {service} {origin.version} {origin.parameters}\n")
    return lines
