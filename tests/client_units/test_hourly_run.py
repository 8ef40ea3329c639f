"""The hourly run: nothing due costs nothing, and a change is seen."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.client import CLIENT
from support.program import free_port

from s6gen.acme_client.__main__ import file_of, fingerprint, last_run_holds
from s6gen.acme_client.state.state_file import StateFile


def run_without_packages(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the client where no package can be imported: enough if nothing is due."""
    command = [sys.executable, "-I", "-S", str(CLIENT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run_at(path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the client by another path."""
    command = [sys.executable, "-I", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def remember(arguments: list[str], start: float, end: float) -> None:
    """Store that nothing is due from start to end."""
    StateFile(arguments[1], lambda: fingerprint(arguments)).save(start, end)


@pytest.fixture
def idle(tmp_path: Path) -> list[str]:
    """The arguments of a run that found nothing due for the next minute."""
    chain, key = tmp_path / "chain", tmp_path / "key"
    chain.write_text("chain")
    key.write_text("key")
    arguments = [
        "--out",
        str(chain),
        f"--domain-key={key}",
        f"--account-key={key}.account",
        "--domain",
        "a.b",
    ]
    remember(arguments, time.time(), time.time() + 60)
    return arguments


def test_a_run_that_finds_nothing_due_needs_no_package(idle: list[str]) -> None:
    done = run_without_packages(*idle)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "what", ["chain", "key", "arguments", "time", "clock", "state"]
)
def test_a_change_is_seen(idle: list[str], what: str) -> None:
    chain = Path(idle[1])
    now = time.time()
    match what:
        case "chain" | "key":
            (chain.parent / what).write_text("another")
        case "arguments":
            idle += ["--domain", "www.example.org"]
        case "time":
            remember(idle, now - 60, now - 1)
        case "clock":
            remember(idle, now + 60, now + 120)
        case "state":
            Path(f"{chain}.state").unlink()
    done = run_without_packages(*idle)
    assert (done.returncode, done.stdout) == (100, "")
    assert done.stderr == (
        "s6gen-acme: fatal: Python module acme is missing: "
        "install python3-acme (Debian) or py3-acme (Alpine)\n"
    )


def test_nothing_due_takes_one_file(idle: list[str], tmp_path: Path) -> None:
    alone = tmp_path / "alone.py"
    shutil.copy(CLIENT, alone)
    done = subprocess.run([sys.executable, "-I", alone, *idle], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("arguments", [[], ["--out"], ["--out="], ["--out", ""]])
def test_without_options_it_says_what_is_missing(arguments: list[str]) -> None:
    done = run_without_packages(*arguments)
    assert (done.returncode, done.stdout) == (100, "")
    assert done.stderr.startswith("s6gen-acme: fatal: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (["--out", "a"], "a"),
        (["--out=a"], "a"),
        (["--out=a", "--out", "b"], "b"),
        (["--out", "a", "--out=b=c"], "b=c"),
        (["--outer", "a"], ""),
        ([], ""),
    ],
)
def test_which_file_it_is_about(arguments: list[str], path: str) -> None:
    assert file_of(arguments) == path


@pytest.mark.parametrize(
    "entry",
    [
        *("acme_client/__main__.py", "./acme_client/__main__.py", "other-name"),
        *("acme_client-0.1", ".hidden", "acme", "cryptography", "email", "a b"),
    ],
)
def test_started_by_path_it_leaves_no_bytecode(tmp_path: Path, entry: str) -> None:
    """Also under another name, from a directory in which it may write."""
    name = "acme_client" if "/" in entry else entry
    copy = tmp_path / name
    shutil.copytree(CLIENT.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    path = entry if "/" in entry else f"{entry}/__main__.py"
    done = subprocess.run(
        [sys.executable, "-I", path, "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.rglob("__pycache__")) == []


def test_a_link_starts_it_too(tmp_path: Path) -> None:
    link = tmp_path / "s6gen-acme"
    link.symlink_to(CLIENT)
    done = run_at(link, "--version")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("missing", ["acme", "josepy", "cryptography"])
@pytest.mark.parametrize("more", [[], ["--force"], ["--status"]])
def test_a_missing_package_is_named(
    tmp_path: Path, missing: str, more: list[str]
) -> None:
    """Also where a thread imports it, while the CA is connected to."""
    program = (
        f"import runpy, sys; sys.modules[{missing!r}] = None; sys.argv[0] = {str(CLIENT)!r}; "
        f"runpy.run_path({str(CLIENT)!r}, run_name='__main__')"
    )
    files = [f"--{name}={tmp_path / name}" for name in ("out", "account-key", "csr")]
    url = f"https://127.0.0.1:{free_port()}/dir"
    command = [sys.executable, "-I", "-c", program, *files, "--directory-url", url]
    done = subprocess.run(
        [*command, *more], capture_output=True, text=True, check=False
    )
    assert done.stderr == (
        f"s6gen-acme: fatal: Python module {missing} is missing: "
        "install python3-acme (Debian) or py3-acme (Alpine)\n"
    )
    assert done.returncode == 100


@pytest.mark.parametrize(
    ("package", "content", "words"),
    [
        ("acme", "import sys; sys.no_such", "AttributeError: module 'sys' has no"),
        (
            "acme",
            "from sys import no_such",
            "ImportError: cannot import name 'no_such'",
        ),
        ("josepy", "def", "SyntaxError: invalid syntax"),
        ("cryptography", "1 / 0", "ZeroDivisionError: division by zero"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--force"], ["--status"], ["--check"]])
def test_a_package_that_cannot_be_imported_is_named(
    tmp_path: Path, package: str, content: str, words: str, more: list[str]
) -> None:
    """As acme of another time than its pyOpenSSL, which takes away what acme looks for."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(content)
    program = (
        f"import runpy, sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[0] = {str(CLIENT)!r}; "
        f"runpy.run_path({str(CLIENT)!r}, run_name='__main__')"
    )
    files = [f"--{name}={tmp_path / name}" for name in ("out", "account-key", "csr")]
    url = f"https://127.0.0.1:{free_port()}/dir"
    command = [
        sys.executable,
        "-I",
        "-B",
        "-c",
        program,
        *files,
        "--directory-url",
        url,
    ]

    done = subprocess.run(
        [*command, *more], capture_output=True, text=True, check=False
    )

    said = (
        f"s6gen-acme: fatal: the Python package {package} cannot be imported: {words}"
    )
    assert done.stderr.startswith(said)
    assert done.stderr.endswith(
        ": install another version of acme, or of what it needs\n"
    )
    assert (done.returncode, done.stderr.count("\n")) == (100, 1)


def test_a_file_that_vanishes_meanwhile_is_a_change(
    idle: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert last_run_holds(idle, time.time())
    monkeypatch.setattr("os.path.isfile", lambda _: True)
    assert not last_run_holds([*idle, "/missing"], time.time())


def test_a_module_beside_the_package_is_not_imported(tmp_path: Path) -> None:
    copy = tmp_path / "acme_client"
    shutil.copytree(CLIENT.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "argparse.py").write_text("raise SystemExit(42)")
    command = [sys.executable, "-I", str(copy / "__main__.py"), "--version"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
