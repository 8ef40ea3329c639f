"""The command s6gen, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import s6gen

ROOT = Path(__file__).parents[2]
"""The checkout, or the unpacked sdist: documents, manual pages, the tests themselves."""
PACKAGE = Path(s6gen.__file__).parent
"""The s6gen that is tested: the checkout's, or an installed one."""
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
S6GEN = [sys.executable, "-m", "s6gen"]


def call(
    *arguments: str | Path, cwd: Path = ROOT, **environment: str
) -> tuple[int, str, str]:
    """Run it: exit code, stdout, stderr."""
    done = subprocess.run(
        [*S6GEN, *arguments],
        cwd=cwd,
        env=ENVIRONMENT | environment,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode, os.fsdecode(done.stdout), os.fsdecode(done.stderr)
