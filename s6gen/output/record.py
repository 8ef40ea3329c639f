"""The record of what was rendered last: `.s6gen`, a list that sha256sum(1) reads too.

s6-rc-compile passes over names that begin with a dot, and one line a file merges well in git.
Before the files of a service stands, as a comment, what they were rendered by and from:

    # renew-lets-encrypt-srv 0.1.0 81d5e4e7b8f0a6c2

In the directory of a host, the first line names it.
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from s6gen.errors import Fatal
from s6gen.names import is_service_name
from s6gen.rendering.tree import Tree

NAME = ".s6gen"
FILE = re.compile(r"([0-9a-f]{64})  ([^/\x00-\x1f]+/[^\x00-\x1f]+)")
HOST = re.compile(r"# host ([^/\x00-\x1f]+)")
ORIGIN = re.compile(r"# (\S+) (\S+) ([0-9a-f]{16})")

T = TypeVar("T")
Several = Mapping[str, frozenset[T]]


class Origin(NamedTuple):
    """What a service was rendered by and from."""

    version: str
    """Of s6gen."""
    parameters: str
    """A digest of them."""


class Record(NamedTuple):
    """What s6gen wrote into a directory. Two of a thing while one is replaced by the other."""

    files: Mapping[str, frozenset[str]] = {}
    """For each path the SHA-256 of what was rendered there."""
    origins: Mapping[str, frozenset[Origin]] = {}
    """For each service."""
    host: str = ""
    """The host of an s6gen.toml that the directory is for."""

    def only(self, services: Iterable[str]) -> "Record":
        """The part that speaks of some services."""
        names = frozenset(services)
        files = {
            path: one for path, one in self.files.items() if service_of(path) in names
        }
        origins = {name: one for name, one in self.origins.items() if name in names}
        return Record(files, origins, self.host)

    def without(self, services: Iterable[str]) -> "Record":
        """The part that speaks of all other services."""
        return self.only({service_of(path) for path in self.files}.difference(services))

    def __or__(self, other: "Record") -> "Record":
        """Both: what may stand there while one is being replaced by the other."""
        files, origins = (
            union(self.files, other.files),
            union(self.origins, other.origins),
        )
        return Record(files, origins, other.host)


def union(
    one: Mapping[str, frozenset[T]], other: Mapping[str, frozenset[T]]
) -> dict[str, frozenset[T]]:
    """All that either has of each key."""
    empty: frozenset[T] = frozenset()
    return {
        key: one.get(key, empty) | other.get(key, empty) for key in {**one, **other}
    }


def service_of(path: str) -> str:
    """The source definition directory that a path lies in."""
    return path.partition("/")[0]


@functools.lru_cache(maxsize=256)
def digest(content: bytes) -> str:
    """What the record says of a file."""
    return hashlib.sha256(content).hexdigest()


def describe(tree: Tree) -> Mapping[str, frozenset[str]]:
    """What the record says of the files of a tree."""
    return {path: frozenset([digest(file.content)]) for path, file in tree.items()}


def parse(content: bytes, source: str) -> Record:
    """Read a record. Raises Fatal with the line that is none, such as git's conflict marks."""
    files: dict[str, frozenset[str]] = {}
    origins: dict[str, frozenset[Origin]] = {}
    host = ""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
        if match := FILE.fullmatch(line):
            names = match[2].split("/")
            if not {"", ".", ".."}.isdisjoint(names) or not is_service_name(names[0]):
                raise Fatal(
                    f"{source}:{number}: must be a path below this directory: {match[2]!r}"
                )
            files[match[2]] = files.get(match[2], frozenset()) | {match[1]}
        elif match := ORIGIN.fullmatch(line):
            origin = Origin(match[2], match[3])
            origins[match[1]] = origins.get(match[1], frozenset()) | {origin}
        elif match := HOST.fullmatch(line):
            host = match[1]
        elif re.match(r"<{7}|={7}|>{7}|\|{7}", line):
            raise Fatal(
                f"{source}:{number}: a conflict: keep the lines of both sides, render again"
            )
        else:
            raise Fatal(
                f"{source}:{number}: must be a SHA-256, two spaces, a file: {line!r}"
            )
    return Record(files, origins, host)


def dump(record: Record) -> bytes:
    """Write a record, sorted by path."""
    lines = [f"# host {record.host}\n"] if record.host else []
    before = ""
    for path, digests in sorted(record.files.items()):
        service = service_of(path)
        if service != before:
            origins = sorted(record.origins.get(service, ()))
            lines += [
                f"# {service} {one.version} {one.parameters}\n" for one in origins
            ]
        before = service
        lines += [f"{one}  {path}\n" for one in sorted(digests)]
    return "".join(lines).encode("utf-8", "surrogateescape")
