"""The command line as a user meets it: what it prints, and how it ends."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, PACKAGE, S6GEN, call

SITE = ["--page", "example", "--domain", "example.org"]
CLIENT = sorted(
    path.relative_to(PACKAGE / "acme_client").as_posix()
    for path in (PACKAGE / "acme_client").rglob("*.py")
)
FILES = [
    "renew-lets-encrypt-log/consumer-for",
    "renew-lets-encrypt-log/data/make-directory",
    "renew-lets-encrypt-log/dependencies.d/mount",
    "renew-lets-encrypt-log/finish",
    "renew-lets-encrypt-log/notification-fd",
    "renew-lets-encrypt-log/pipeline-name",
    "renew-lets-encrypt-log/run",
    "renew-lets-encrypt-log/type",
    *(f"renew-lets-encrypt-srv/data/acme_client/{name}" for name in CLIENT),
    "renew-lets-encrypt-srv/data/make-directory",
    "renew-lets-encrypt-srv/dependencies.d/mount",
    "renew-lets-encrypt-srv/dependencies.d/networking",
    "renew-lets-encrypt-srv/finish",
    "renew-lets-encrypt-srv/producer-for",
    "renew-lets-encrypt-srv/run",
    "renew-lets-encrypt-srv/type",
]


def test_lists_each_file(tmp_path: Path) -> None:
    created = "".join(f"created    {path}\n" for path in FILES)
    unchanged = "".join(f"unchanged  {path}\n" for path in FILES)

    assert call("render", *SITE, cwd=tmp_path) == (0, created, "")
    assert call("render", *SITE, cwd=tmp_path) == (0, unchanged, "")


def test_the_record_is_one_that_sha256sum_reads(tmp_path: Path) -> None:
    call("render", *SITE, cwd=tmp_path)

    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", ".s6gen"], cwd=tmp_path, check=False
    )

    assert done.returncode == 0


def test_the_same_bytes_in_any_locale(tmp_path: Path) -> None:
    site = ["--page", "bücher", "--domain", "bücher.example"]
    for locale in ("C", "C.UTF-8", "en_US.ISO-8859-1", "POSIX"):
        call("render", *site, "-o", str(tmp_path / locale), LC_ALL=locale)
    call("render", *site, "-o", str(tmp_path / "latin"), LC_ALL="C", PYTHONUTF8="0")

    runs = {path.read_bytes() for path in tmp_path.glob("*/renew-lets-encrypt-srv/run")}

    assert len(runs) == 1
    assert "/home/www/bücher/".encode() in runs.pop()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "missing command", id="no command"),
        pytest.param(["rendr"], "no such command 'rendr'", id="unknown command"),
        pytest.param(["render"], "missing option '--page'", id="no page"),
        pytest.param(
            ["render", "--page", "a"], "missing option '--domain'", id="no domain"
        ),
        pytest.param(["config"], "missing option '--page'", id="config: no page"),
        pytest.param(
            ["config", "--page", "a"], "missing option '--domain'", id="config: no name"
        ),
        pytest.param(
            ["config", *SITE, "--host", "a"],
            "--host: hosts are named in s6gen.toml, and there is none here or above",
            id="config: a host and no file",
        ),
        pytest.param(
            ["render", *SITE, "--page", "a/b"],
            "--page: must be one name in the web root, without '/', not beginning with '.': 'a/b'",
            id="bad page",
        ),
        pytest.param(
            ["render", *SITE, "--user", ""],
            "--user: must be the name of an account: ''",
            id="empty is not the same as not given",
        ),
        pytest.param(
            ["render", *SITE, "-o", "/dev/null"],
            "--output: /dev/null: is not a directory",
            id="output is a device",
        ),
        pytest.param(
            ["render", *SITE, "-o", ""],
            "--output: is empty: give a directory, such as '.'",
            id="output is an unset variable",
        ),
        pytest.param(
            ["render", *SITE, "--log-size", "1M"],
            "invalid value for '--log-size': '1M' is not a valid integer",
            id="log size with a unit",
        ),
        pytest.param(
            ["render", *SITE, "--notify", "--placeholder"],
            "invalid value for '--notify': needs a number before --placeholder",
            id="an option in the place of a number",
        ),
        pytest.param(
            ["render", *SITE, "--output", "--check"],
            "invalid value for '-o' / '--output': needs a value before --check",
            id="an option in the place of a directory",
        ),
    ],
)
def test_refuses_in_one_line(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    code, out, err = call(*arguments, cwd=tmp_path)

    assert (code, out) == (100, "")
    assert err.startswith(f"s6gen: fatal: {message}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--user", "one", "--user", "two"], "--user"),
        (["--log-number", "1", "--log-number=2"], "--log-number"),
        (["-o", "one", "--output", "two"], "--output"),
        (["--user", "one", "--user", "two", "--user", "three"], "--user"),
    ],
)
def test_one_value_of_several_counts(
    more: list[str], named: str, tmp_path: Path
) -> None:
    """The last, as everywhere; and that the others do not is said."""
    warning = f"s6gen: warning: {named} was given more than once: the last one counts\n"

    code, _, err = call("render", *SITE, *more, cwd=tmp_path)

    assert (code, err) == (0, warning)
    last = more[-1:] if "=" in more[-1] else more[-2:]
    assert call("render", *SITE, *last, "--check", cwd=tmp_path) == (0, "", "")


def test_config_says_too_that_one_value_counts(tmp_path: Path) -> None:
    code, out, err = call("config", *SITE, "--user=a", "--user=b", cwd=tmp_path)
    assert (code, err.count("--user was given more than once")) == (0, 1)
    assert 'user = "b" ' in out


def test_the_same_value_twice_is_no_mistake(tmp_path: Path) -> None:
    twice = ["--user", "one", "--user", "one", "--domain", "a.example"]
    code, _, err = call("render", *SITE, *twice, cwd=tmp_path)
    assert (code, err) == (0, "")


def test_output_that_is_not_writable(tmp_path: Path) -> None:
    if os.geteuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("root needs setpriv to be refused")
    tmp_path.chmod(0o500)
    unprivileged = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    command = [
        *(unprivileged if os.geteuid() == 0 else []),
        *S6GEN,
        "render",
        *SITE,
        "-o",
    ]
    environment = ENVIRONMENT
    done = subprocess.run(
        [*command, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 100
    assert done.stderr == f"s6gen: fatal: --output: {tmp_path}: is not writable\n"


def test_an_interrupted_reader_is_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            '"$@" | exec true',
            "sh",
            *S6GEN,
            "render",
            *SITE,
            "-o",
            str(tmp_path),
        ],
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )

    assert done.stderr == b""
    assert (tmp_path / "renew-lets-encrypt-srv/run").exists()


@pytest.mark.parametrize("closed", ["0", "1", "2"])
def test_a_closed_stream_is_no_bug(closed: str, tmp_path: Path) -> None:
    script = f'exec {closed}>&-; exec "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", *S6GEN, "render", *SITE, "-o", str(tmp_path)],
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "renew-lets-encrypt-srv/run").exists()


def test_a_full_disk_for_stdout_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*S6GEN, "render", *SITE, "-o", str(tmp_path)],
            env=ENVIRONMENT,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert (done.returncode, done.stderr) == (
        111,
        b"s6gen: fatal: No space left on device\n",
    )


def test_rendering_needs_no_acme(tmp_path: Path) -> None:
    """An administrator's laptop renders without the packages that only the client needs."""
    program = (
        "import sys; sys.argv[1:] = sys.argv[1:]\n"
        "from s6gen.cli import run; code = run(sys.argv[1:])\n"
        "heavy = {'acme', 'cryptography', 'requests', 'josepy', 'OpenSSL', 'ssl'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "render", *SITE, "-o", str(tmp_path)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_help_names_every_option_and_its_default() -> None:
    code, out, err = call("render", "--help", COLUMNS="80")

    assert (code, err) == (0, "")
    for words in (
        "--page NAME",
        "--snooze ARGUMENTS",
        "[/etc/ssl/letsencrypt]",
        "[1000000]",
    ):
        assert words in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_version() -> None:
    assert call("--version") == (0, "s6gen 0.1.0\n", "")
