"""The places of files. Packagers change these lines, nothing else."""

from pathlib import Path

DISTRIBUTION = Path("/usr/share/s6gen/defaults.toml")
"""The distribution's defaults, which its package of s6gen brings."""
ADMINISTRATOR = Path("/etc/s6gen/defaults.toml")
"""The administrator's, for this machine."""
CONFIGURATION = "s6gen.toml"
"""The repository's, in the current directory or above."""

PACKAGE = Path(__file__).parent


def shipped(name: str) -> Path:
    """Return a directory that comes with s6gen.

    It is in the installed package, or beside it in a checkout.
    """
    installed = PACKAGE / name
    if installed.is_dir():
        return installed
    return PACKAGE.parent / name
