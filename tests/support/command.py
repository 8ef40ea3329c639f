"""The command s6gen, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
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
