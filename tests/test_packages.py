"""What is published: from the unpacked sdist the tests pass, against the installed wheel."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ROOT

pytest.importorskip("hatchling")

PART = ("rendering", "deployment", "commands", "test_documents.py", "test_execline.py")
"""Tests that read what is beside the package, start the command, render all that is shipped."""


def run(command: list[str], cwd: Path, **environment: str) -> str:
    """Run a command to its good end; its output."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_the_sdist_tests_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(tmp_path)]
    run(build, ROOT)
    (sdist,), (wheel,) = tmp_path.glob("*.tar.gz"), tmp_path.glob("*.whl")
    (tmp_path / "sdist").mkdir()
    run(["tar", "-xzf", str(sdist), "-C", "sdist"], tmp_path)
    (top,) = (tmp_path / "sdist").iterdir()
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index"]
    run([*pip, "--target", str(installed), str(wheel)], tmp_path)
    where = "import s6gen; print(s6gen.__file__)"
    environment = {"PYTHONPATH": str(installed)}

    # -P: the current directory, where s6gen is too, is no place to import from.
    found = run([sys.executable, "-P", "-c", where], top, **environment)
    tests = [f"tests/{name}" for name in PART]
    said = run([sys.executable, "-P", "-m", "pytest", "-q", *tests], top, **environment)

    assert Path(found.strip()).is_relative_to(installed)
    assert " passed" in said
