"""What is written: files in memory, by their path below the output directory."""

from collections.abc import Mapping

import attrs


@attrs.frozen
class File:
    """A regular file."""

    content: bytes
    mode: int = 0o644


Tree = Mapping[str, File]
"""Paths are relative and use '/'; directories are those the paths imply."""


def file(content: bytes) -> File:
    """A file with the mode that its content asks for: what begins with #! is a program."""
    return File(content, 0o755 if content.startswith(b"#!") else 0o644)
