"""A copy of s6gen whose files may be changed: another version, another place for defaults."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import attrs

from s6gen.places import shipped
from support.command import PACKAGE

SHIPPED = ("templates", "presets")
"""Beside the package in a checkout, inside it when it is installed."""


@attrs.frozen
class Checkout:
    """A copy of the program."""

    top: Path

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a file of it."""
        file = self.top / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def call(self, *arguments: str | Path, cwd: Path) -> tuple[int, str, str]:
        """Run its command: exit code, stdout, stderr."""
        done = subprocess.run(
            [sys.executable, "-m", "s6gen", *arguments],
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": str(self.top)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout, done.stderr


def checkout(top: Path) -> Checkout:
    """A fresh copy."""
    ignore = shutil.ignore_patterns("__pycache__", *SHIPPED)
    shutil.copytree(PACKAGE, top / "s6gen", ignore=ignore)
    for name in SHIPPED:
        shutil.copytree(shipped(name), top / name)
    return Checkout(top)
