"""The record of what was rendered last: `.s6gen`, a list that `sha256sum -c` reads too.

s6-rc-compile passes over names that begin with a dot, and one line a file merges well in git.
"""

import hashlib
import re
from collections.abc import Mapping

from s6gen.errors import Fatal
from s6gen.tree import Tree

NAME = ".s6gen"
LINE = re.compile(r"([0-9a-f]{64})  ([^/].*)")

Manifest = Mapping[str, frozenset[str]]
"""For each path the SHA-256 of what s6gen wrote there. Two while a rendering is under way."""


def digest(content: bytes) -> str:
    """What the manifest says of a file."""
    return hashlib.sha256(content).hexdigest()


def describe(tree: Tree) -> Manifest:
    """The manifest of a tree."""
    return {path: frozenset([digest(file.content)]) for path, file in tree.items()}


def parse(content: bytes, source: str) -> Manifest:
    """Read a manifest. Raises Fatal with the line that is none, such as git's conflict marks."""
    manifest: dict[str, frozenset[str]] = {}
    text = content.decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.fullmatch(line)
        if match is None:
            raise Fatal(f"{source}:{number}: must be a SHA-256, two spaces, a path: {line!r}")
        if not {"", ".", ".."}.isdisjoint(match[2].split("/")):
            raise Fatal(f"{source}:{number}: must be a path below this directory: {match[2]!r}")
        manifest[match[2]] = manifest.get(match[2], frozenset()) | {match[1]}
    return manifest


def dump(manifest: Manifest) -> bytes:
    """Write a manifest, sorted by path."""
    lines = [
        f"{one}  {path}\n" for path, several in sorted(manifest.items()) for one in sorted(several)
    ]
    return "".join(lines).encode("utf-8", "surrogateescape")


def merged(one: Manifest, other: Manifest) -> Manifest:
    """Both: what may stand there while one is being replaced by the other."""
    paths = {*one, *other}
    return {path: one.get(path, frozenset()) | other.get(path, frozenset()) for path in paths}


def within(manifest: Manifest, services: frozenset[str]) -> Manifest:
    """The part that speaks of some services."""
    return {path: one for path, one in manifest.items() if path.split("/")[0] in services}
