"""Releases of s6-rc, and since when s6-rc-compile reads which file."""

from s6gen.errors import Fatal

Version = tuple[int, ...]

REFERENCE: Version = (0, 6, 1, 1)
OLDEST: Version = (0, 5, 4, 0)

SINCE: dict[str, Version] = {
    "flag-recommended": (0, 6, 0, 0),
    "flag-newpidns": (0, 6, 1, 0),
    "flag-timeout-killpg": (0, 6, 1, 0),
    "reload": (0, 7, 0, 0),
    "reload-signal": (0, 7, 0, 0),
}
"""What the oldest release we know did not read yet (git log of s6-rc-compile.c)."""


def parse_version(text: str) -> Version:
    """The release that text names, `0.6` meaning the first of that series."""
    parts = text.split(".")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        raise Fatal(f"--s6-rc {text}: not a version; write it as 0.6.1.1")
    version = tuple(int(part) for part in parts)
    version += (0,) * (4 - len(version))
    if version < OLDEST:
        raise Fatal(
            f"--s6-rc {text}: the oldest release s6gen knows is {shown(OLDEST)}"
        )
    return version


def shown(version: Version) -> str:
    """The version as its makers write it."""
    return ".".join(str(part) for part in version)


def reads(version: Version, name: str) -> bool:
    """Whether that release reads a file of this name, if any release does."""
    return version >= SINCE.get(name, OLDEST)
