"""A Python that is too old is told so in one line, before anything is asked or made."""

import ast
import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import PACKAGE

OLD = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10")
CLIENT = str(PACKAGE / "acme_client/__main__.py")
ENTRIES = {"s6gen": PACKAGE / "__main__.py", "s6gen-acme": Path(CLIENT)}
CALLS = [
    pytest.param("s6gen-acme", [CLIENT], id="by its path"),
    pytest.param("s6gen-acme", ["-m", "s6gen.acme_client"], id="client as a module"),
    pytest.param("s6gen", ["-m", "s6gen"], id="s6gen as a module"),
    pytest.param(
        "s6gen-acme",
        ["-c", "from s6gen.acme_client.__main__ import main; main()"],
        id="installed client",
    ),
    pytest.param(
        "s6gen", ["-c", "from s6gen.__main__ import main; main()"], id="installed s6gen"
    ),
]


def candidates(version: str) -> Iterator[Path]:
    """Where an interpreter may be: on PATH, or among those of pyenv."""
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    with contextlib.suppress(PermissionError):  # it may be another user's
        yield from sorted((pyenv / "versions").glob(f"{version}.*/bin/python"))


def interpreter(version: str) -> str:
    """An interpreter of that version; skips the test where there is none."""
    program = "import sys; sys.stdout.write('%d.%d' % sys.version_info[:2])"
    for path in candidates(version):
        try:
            done = subprocess.run(
                [path, "-c", program], capture_output=True, text=True, check=False
            )
        except PermissionError:
            continue
        if (done.returncode, done.stdout) == (0, version):
            return str(path)
    pytest.skip(f"not installed: Python {version}")


@pytest.mark.parametrize(("name", "call"), CALLS)
@pytest.mark.parametrize("version", OLD)
def test_it_is_told_so(
    version: str, name: str, call: list[str], tmp_path: Path
) -> None:
    python = interpreter(version)
    files = [f"--{option}=file" for option in ("out", "account-key", "domain-key")]
    asked = ["--domain", "example.org", "--directory-url", "https://127.0.0.1:9/dir"]

    done = subprocess.run(
        [python, "-B", *call, *files, *asked],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )

    message, _, full_version = done.stderr.rpartition(" ")
    assert message == f"{name}: fatal: Python 3.11 or newer is needed, this is"
    assert full_version.startswith(f"{version}.")
    assert full_version.endswith("\n")
    assert (done.returncode, done.stdout) == (100, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("version", OLD)
def test_a_service_is_told_so(version: str, tmp_path: Path) -> None:
    """Copied alone, and isolated, as its run script starts it; Python 2 has no -I."""
    python = interpreter(version)
    copy = tmp_path / "acme_client"
    shutil.copytree(PACKAGE / "acme_client", copy)
    isolated = [] if version == "2.7" else ["-I"]

    done = subprocess.run(
        [python, *isolated, "acme_client/__main__.py", "--out", "chain"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 100
    assert done.stderr.startswith("s6gen-acme: fatal: Python 3.11 or newer is needed")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [copy]


@pytest.mark.parametrize("name", ENTRIES)
def test_old_interpreters_can_read_the_entry(name: str) -> None:
    """Also where none of them is installed: no syntax that is younger than they are."""
    text = ENTRIES[name].read_text(encoding="ascii")
    for node in ast.walk(ast.parse(text, feature_version=(3, 6))):
        assert not isinstance(
            node, ast.JoinedStr | ast.AnnAssign | ast.Starred | ast.Nonlocal
        )
        if isinstance(node, ast.arg):
            assert node.annotation is None
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert node.args.kwonlyargs == []
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__"


@pytest.mark.parametrize("name", ENTRIES)
def test_nothing_comes_before_the_version(name: str) -> None:
    """But modules that every Python has, and that are there at once."""
    before: set[str] = set()
    for statement in ast.parse(ENTRIES[name].read_text()).body:
        if isinstance(statement, ast.If) and "version" in ast.unparse(statement.test):
            break
        for node in ast.walk(statement):
            assert not isinstance(node, ast.ImportFrom)
            if isinstance(node, ast.Import):
                before |= {alias.name for alias in node.names}
    else:
        pytest.fail("there is no look at the version")
    assert before <= {"gc", "sys", "_signal", "signal"}
