"""A script in Python that another user runs, while a test does something else."""

import contextlib
import pwd
import subprocess
from collections.abc import Iterator

from support.program import require

PYTHON = "/usr/bin/python3"
"""One that every user can start."""


@contextlib.contextmanager
def script_of(user: str, script: str, *arguments: object) -> Iterator[None]:
    """Run a script from when it has printed `ready` until its input is closed."""
    require(PYTHON)
    process = subprocess.Popen(
        [PYTHON, "-I", "-c", script, *map(str, arguments)],
        user=user,
        group=pwd.getpwnam(user).pw_gid,
        extra_groups=[],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    try:
        yield
    finally:
        process.communicate()
