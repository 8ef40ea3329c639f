"""--deployed: root's records of who was given a chain, and whether it was served.

A deployment of s6gen writes them: in given/NAME the checksums of the chain and of the
scripts that gave it to the consumer NAME; in served/NAME, that its server was seen to
serve it; in `deployed`, that all consumers have it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from .files import read_regular_file
from .messages import USAGE, Fatal


@dataclass(frozen=True)
class Deployed:
    """What one consumer has."""

    consumer: str
    given: float
    """When, in seconds since 1970."""
    is_served: bool
    """Whether it was seen at its server then."""
    is_current: bool
    """Whether it is the chain in FILE."""


@dataclass(frozen=True)
class Records:
    """The records of one service."""

    consumers: tuple[Deployed, ...]
    is_complete: bool
    """Whether all consumers have the chain in FILE."""


def read_records(directory: str, file: str) -> Records:
    """Return the records in a state directory about the chain in a file.

    Raises Fatal for a directory that has none, OSError for one that cannot be read.
    """
    state = Path(directory)
    if not (state / "given").is_dir():
        raise Fatal(f"--deployed {directory}: no records of a deployment there", USAGE)
    checksum = hashlib.sha256(read_regular_file(file)).hexdigest()
    consumers = []
    for record in sorted((state / "given").iterdir()):
        served = (state / "served" / record.name).exists()
        is_current = is_about(record, checksum)
        given = record.stat().st_mtime
        consumers.append(Deployed(record.name, given, served, is_current))
    return Records(tuple(consumers), is_about(state / "deployed", checksum))


def is_about(record: Path, checksum: str) -> bool:
    """Tell whether a record begins with this checksum; one that is missing does not."""
    try:
        return read_regular_file(str(record)).startswith(checksum.encode())
    except FileNotFoundError:
        return False
