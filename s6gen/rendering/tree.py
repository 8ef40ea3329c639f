"""The files that are rendered, in memory, by their paths below the output directory."""

import functools
import hashlib
from collections.abc import Mapping

import attrs

MAX_CONTENT = 1 << 24
"""Bytes of one rendered file. The largest of s6gen's own has some thousand."""


@attrs.frozen
class File:
    """A regular file."""

    content: bytes
    mode: int = 0o644

    @property
    def is_executable(self) -> bool:
        """Tell whether the owner may execute it: all that git keeps of a mode."""
        return self.mode & 0o100 != 0


Tree = Mapping[str, File]
"""Paths are relative and use '/'; directories are those that the paths imply."""


def file(content: bytes) -> File:
    """Return a file whose mode follows from its content: #! begins a program."""
    if content.startswith(b"#!"):
        return File(content, 0o755)
    return File(content, 0o644)


@functools.lru_cache(maxsize=256)
def digest(content: bytes) -> str:
    """SHA-256 in hex: how the record knows a file again.

    Cached, because services share the bytes of the programs that are copied to them.
    """
    return hashlib.sha256(content).hexdigest()
