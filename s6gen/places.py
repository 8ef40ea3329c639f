"""Where files are looked for. Packagers change these lines, nothing else."""

from pathlib import Path

DISTRIBUTION = Path("/usr/share/s6gen/defaults.toml")
"""The distribution's defaults, which its package of s6gen brings."""
ADMINISTRATOR = Path("/etc/s6gen/defaults.toml")
"""The administrator's, for this machine."""
CONFIGURATION = "s6gen.toml"
"""The repository's, in the current directory or above."""
