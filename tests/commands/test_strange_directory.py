"""In a repository that a stranger wrote, no module is taken from there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import PACKAGE, S6GEN

NAMES = (
    *("jinja2", "attr", "attrs", "cattrs", "click", "markupsafe", "typing_extensions"),
    *("sitecustomize", "usercustomize", "tomllib", "json", "difflib", "signal"),
    *("unicodedata", "textwrap", "shlex", "hashlib", "subprocess", "tempfile"),
    *("importlib_metadata", "resource", "mmap", "select", "marshal", "inspect"),
)
CERTIFICATE = '[[certificate]]\npage = "example"\ndomain = "example.org"\n'
COMMANDS = (
    *(["render"], ["render", "--diff"], ["config"], ["templates"], ["presets"]),
    *(["check", "sv"], ["graph", "sv"], ["check", "sv", "--format", "gitlab"]),
    *(["init", "--config", "x"], ["--help"], ["config", "--schema"]),
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One with a module of each name that s6gen might import; each leaves a trace."""
    trace = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch()\n"
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(trace)
        (tmp_path / f"{name}-1.0.dist-info").mkdir()
    (tmp_path / "x.pth").write_text(f"import sitecustomize; {trace}")
    (tmp_path / ".python-version").write_text("0.0\n")
    (tmp_path / "pyvenv.cfg").write_text("home = .\n")
    (tmp_path / "t").mkdir()
    (tmp_path / "s6gen.toml").write_text(f'templates = "t"\n{CERTIFICATE}')
    return tmp_path


def runs(command: list[str], repository: Path) -> int:
    """Run all commands; return how many, after none has left a trace."""
    for arguments in COMMANDS:
        subprocess.run(
            [*command, *arguments],
            cwd=repository,
            env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
            capture_output=True,
            check=False,
            timeout=60,
        )
    assert list(repository.rglob("*.ran")) == []
    assert (repository / "sv/renew-lets-encrypt-example-srv/run").exists()
    return len(COMMANDS)


def test_python_m_takes_nothing_from_the_current_directory(repository: Path) -> None:
    assert runs(S6GEN, repository) == len(COMMANDS)


def test_nor_does_the_installed_command(repository: Path) -> None:
    command = shutil.which("s6gen", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("the command s6gen is not installed beside this Python")
    assert runs([command], repository) == len(COMMANDS)
