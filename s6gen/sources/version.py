"""Releases of s6-rc, and since when s6-rc-compile reads which file."""

import re

from s6gen.errors import Fatal

Version = tuple[int, ...]
"""Four numbers."""

REFERENCE: Version = (0, 6, 1, 1)
OLDEST: Version = (0, 5, 4, 0)

SINCE: dict[str, Version] = {
    "flag-recommended": (0, 6, 0, 0),
    "flag-newpidns": (0, 6, 1, 0),
    "flag-timeout-killpg": (0, 6, 1, 0),
    "reload": (0, 7, 0, 0),
    "reload-signal": (0, 7, 0, 0),
}
"""The first release that reads a file, if not all do (git log of s6-rc-compile.c)."""


def parse_version(text: str) -> Version:
    """Return the release that text names; `0.6` means the first of that series.

    Raises Fatal for another text, and for a release before `OLDEST`.
    """
    numbers = []
    for part in text.split("."):
        if not re.fullmatch("[0-9]+", part):
            raise Fatal(f"--s6-rc {text}: not a version; write it as 0.6.1.1")
        numbers.append(int(part))
    zeros = [0] * (4 - len(numbers))
    version = (*numbers, *zeros)
    if version < OLDEST:
        oldest = version_text(OLDEST)
        raise Fatal(f"--s6-rc {text}: the oldest release s6gen knows is {oldest}")
    return version


def version_text(version: Version) -> str:
    """The version as its makers write it."""
    return ".".join(str(number) for number in version)


def reads(version: Version, file: str) -> bool:
    """Tell whether that release reads a file of this name, if any release does."""
    return version >= SINCE.get(file, OLDEST)
