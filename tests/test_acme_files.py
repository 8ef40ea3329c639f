"""Files, directories, disks and clocks that are not as they should be."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from support.client import NAME, Host, assert_good, powerless, run
from support.openssl import make_csr
from support.pebble import Pebble
from support.program import require
from support.proxy import Proxy
from test_acme_faults import assert_refused

# Keys and requests


def unreadable(path: Path) -> None:
    path.chmod(0)


def garbage(path: Path) -> None:
    path.write_bytes(b"\0\xff garbage\n" * 20)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def encrypted(path: Path) -> None:
    command = f"openssl ec -in {path} -out {path}.x -aes128 -passout pass:secret"
    subprocess.run(command.split(), check=True, capture_output=True)
    Path(f"{path}.x").rename(path)


def ed25519(path: Path) -> None:
    command = f"openssl genpkey -algorithm ed25519 -out {path}"
    subprocess.run(command.split(), check=True, capture_output=True)


@pytest.mark.parametrize("which", ["domain.key", "account.key"])
@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (unreadable, 111),
        (garbage, 100),
        (emptied, 100),
        (half, 100),
        (a_directory, 111),
        (encrypted, 100),
        (ed25519, 100),
    ],
)
def test_spoilt_key(
    renewing: Host, between: Proxy, which: str, spoil: Callable[[Path], None], code: int
) -> None:
    path = renewing.directory / which
    spoil(path)
    chain = renewing.chain.read_bytes()
    ended = renewing.keep("--force", prefix=powerless())
    assert_refused(ended, code)
    assert str(path) in ended.fatal[0]
    assert renewing.chain.read_bytes() == chain
    assert "newOrder" not in between.requests
    if path.is_dir():
        path.rmdir()


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(unreadable, 111), (garbage, 100), (emptied, 100), (half, 100), (a_directory, 111)],
)
def test_spoilt_request(
    renewing: Host, between: Proxy, spoil: Callable[[Path], None], code: int
) -> None:
    csr = renewing.directory / "domain.csr"
    make_csr(csr, renewing.domain_key, "", [NAME])
    spoil(csr)
    before = renewing.content()
    options = ["--csr", str(csr), "--acme-dir", str(renewing.challenges)]
    for out in ([], ["--out", str(renewing.chain)]):
        ended = run(*renewing.ca_options, *options, *out, prefix=powerless())
        assert_refused(ended, code)
        assert str(csr) in ended.fatal[0]
    assert renewing.content() == before
    assert "newOrder" not in between.requests
    csr.rmdir() if csr.is_dir() else csr.unlink()


def test_missing_request(renewing: Host) -> None:
    csr = renewing.directory / "domain.csr"
    ended = run(*renewing.ca_options, "--csr", str(csr), "--acme-dir", str(renewing.challenges))
    assert ended.code in (100, 111)
    assert_refused(ended, ended.code)
    assert str(csr) in ended.fatal[0]


def test_request_without_names(renewing: Host, between: Proxy) -> None:
    csr = renewing.directory / "domain.csr"
    make_csr(csr, renewing.domain_key, "", [])
    ended = run(*renewing.ca_options, "--csr", str(csr), "--acme-dir", str(renewing.challenges))
    assert_refused(ended, 100)
    assert "newOrder" not in between.requests
    csr.unlink()


# Directories and disks


@pytest.mark.parametrize("kind", ["read-only", "missing", "a file"])
def test_challenge_directory(renewing: Host, between: Proxy, tmp_path: Path, kind: str) -> None:
    before, directory = renewing.content(), tmp_path / "challenges"
    if kind == "a file":
        directory.write_text("")
    elif kind == "read-only":
        directory.mkdir(mode=0o555)
    ended = renewing.keep("--force", "--acme-dir", str(directory), prefix=powerless())
    assert ended.code in (100, 111)
    assert_refused(ended, ended.code)
    assert str(directory) in ended.fatal[0]
    assert renewing.content() == before
    assert "newOrder" not in between.requests


def test_read_only_directory(renewing: Host, between: Proxy) -> None:
    before = renewing.content()
    renewing.directory.chmod(0o555)
    try:
        ended = renewing.keep("--force", prefix=powerless())
    finally:
        renewing.directory.chmod(0o755)
    assert_refused(ended)
    assert str(renewing.directory) in ended.fatal[0]
    assert renewing.content() == before
    assert "newOrder" not in between.requests


def test_missing_directory(host: Host) -> None:
    host = attrs.evolve(host, directory=host.directory / "missing")
    ended = host.keep()
    assert ended.code in (100, 111)
    assert_refused(ended, ended.code)
    assert str(host.directory) in ended.fatal[0]


@pytest.mark.parametrize("size", [0, 200, 900, 1500])
def test_files_cannot_grow(renewing: Host, size: int) -> None:
    require("prlimit")
    before = renewing.content()
    ended = renewing.keep("--force", prefix=("prlimit", f"--fsize={size}"))
    assert_refused(ended)
    assert "File too large" in ended.fatal[0]
    assert renewing.content() == before


@pytest.mark.parametrize("pages", [0, 1])
def test_disk_full(renewing: Host, tmp_path: Path, pages: int) -> None:
    """A real full file system, in a mount namespace; the files are copied out of it at the end."""
    require("unshare")
    before = renewing.content()
    script = f"""
        cd / && cp -a "$HOST" "$COPY" && mount -t tmpfs -o size=256k none "$HOST" || exit 77
        cp -a "$COPY"/. "$HOST" && rm -r "$COPY" && : > "$HOST/fill"
        while printf %4096s . >> "$HOST/fill"; do :; done 2>/dev/null
        truncate -s -{pages * 4096} "$HOST/fill"
        "$0" "$@"; code=$?
        rm "$HOST/fill" && cp -a "$HOST" "$COPY" && exit $code"""
    copy = tmp_path / "copy"
    prefix = ("env", f"HOST={renewing.directory}", f"COPY={copy}", "unshare", "-m")
    ended = renewing.keep("--force", prefix=(*prefix, "sh", "-c", script))
    if ended.code in (1, 77):
        pytest.skip(f"no mount namespace here: {ended.err}")
    assert_refused(ended)
    assert "No space left on device" in ended.fatal[0]
    found = attrs.evolve(renewing, directory=copy)
    assert (found.content(), found.leftovers()) == (before, [])


def test_stdout_full(renewing: Host) -> None:
    csr = renewing.directory / "domain.csr"
    make_csr(csr, renewing.domain_key, "", [NAME])
    options = [*renewing.ca_options, "--csr", str(csr), "--acme-dir", str(renewing.challenges)]
    ended = run(*options, "--disable-check", prefix=("sh", "-c", 'exec "$0" "$@" > /dev/full'))
    assert_refused(ended)
    csr.unlink()


# Links and odd files


@pytest.mark.parametrize("name", ["chain.pem", "chain.pem.state", "domain.key", "account.key"])
@pytest.mark.parametrize("victim", ["a file", "nothing"])
def test_links_are_not_written_through(
    renewing: Host, ca: Pebble, tmp_path: Path, name: str, victim: str
) -> None:
    """Whoever can make links there cannot have another file overwritten."""
    elsewhere, path = tmp_path / "elsewhere", renewing.directory / name
    path.unlink(missing_ok=True)
    path.symlink_to(elsewhere)
    if victim == "a file":
        elsewhere.write_text("precious")
    ended = renewing.keep("--force")
    assert elsewhere.exists() == (victim == "a file")
    if elsewhere.exists():
        assert elsewhere.read_text() == "precious"
    if ended.code:
        assert ended.code in (100, 111)
        assert_refused(ended, ended.code)
    else:
        assert not path.is_symlink()
        assert_good(renewing, ca, tmp_path)


def test_the_lock_is_no_link(renewing: Host, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    renewing.chain.with_suffix(".pem.lock").symlink_to(elsewhere)
    ended = renewing.keep("--force")
    assert not elsewhere.exists()
    assert_refused(ended)


@pytest.mark.parametrize("name", ["chain.pem.tmp", "domain.key.tmp", "chain.pem.state.tmp"])
def test_what_a_killed_run_left_is_cleaned(
    host: Host, ca: Pebble, tmp_path: Path, name: str
) -> None:
    left = host.directory / name
    left.write_text("half of a")
    left.chmod(0o444)
    assert host.keep().code == 0
    assert_good(host, ca, tmp_path)


def test_chain_is_a_directory(renewing: Host) -> None:
    renewing.chain.unlink()
    renewing.chain.mkdir()
    ended = renewing.keep("--force")
    assert ended.code in (100, 111)
    assert_refused(ended, ended.code)
    assert str(renewing.chain) in ended.fatal[0]
    renewing.chain.rmdir()


# Surroundings


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(("env", "-i"), id="no environment"),
        pytest.param(("env", "LC_ALL=C", "LANG=C", "PYTHONUTF8=0"), id="ASCII"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" 2>&-'), id="stderr closed"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" >&-'), id="stdout closed"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" <&-'), id="stdin closed"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" 2>/dev/full'), id="stderr full"),
        pytest.param(("sh", "-c", 'cd /proc && exec "$0" "$@"'), id="unwritable directory"),
        pytest.param(("prlimit", "--nofile=24"), id="few descriptors"),
    ],
)
def test_surroundings(host: Host, ca: Pebble, tmp_path: Path, prefix: tuple[str, ...]) -> None:
    assert host.keep(prefix=prefix).code == 0
    assert_good(host, ca, tmp_path)


def test_names_of_files_are_bytes(host: Host, ca: Pebble, tmp_path: Path) -> None:
    directory = host.directory / "a b\n$c\udcff"
    directory.mkdir()
    inner = attrs.evolve(host, directory=directory)
    ended = inner.keep()
    assert ended.code == 0
    assert all(line.startswith("s6gen-acme: ") for line in ended.err.splitlines())
    assert_good(inner, ca, tmp_path)
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()


def test_writes_nowhere_else(host: Host, ca: Pebble, tmp_path: Path) -> None:
    """All is read-only but the certificate's directory and that of the challenges."""
    require("unshare")
    script = """
        for directory in "$HOST" "$ANSWERS"; do mount --bind "$directory" "$directory"; done &&
        mount -o remount,bind,ro / && ! touch /written 2>/dev/null || exit 77
        exec "$0" "$@"
        """
    variables = (f"HOST={host.directory}", f"ANSWERS={host.challenges}")
    ended = host.keep(prefix=("env", *variables, "unshare", "-m", "sh", "-c", script))
    if ended.code in (1, 77):
        pytest.skip(f"no mount namespace here: {ended.err}")
    assert ended.code == 0
    assert_good(host, ca, tmp_path)


# Clocks


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        pytest.param("-1h", "the clock says", id="an hour slow"),
        pytest.param("-30d", "the clock says", id="a month slow"),
        pytest.param("@1970-01-02 00:00:00", "the clock says", id="1970"),
    ],
)
def test_slow_clock_decides_nothing(renewing: Host, between: Proxy, offset: str, said: str) -> None:
    require("faketime")
    before = renewing.content()
    ended = renewing.keep(prefix=("faketime", "-f", offset))
    assert_refused(ended)
    assert ended.fatal[0].startswith(said)
    assert renewing.content() == before
    assert between.requests == []


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        pytest.param("+1h", 0, id="an hour fast"),
        pytest.param("-1h", 111, id="an hour slow"),
        pytest.param("+40y", 111, id="forty years fast"),
    ],
)
def test_first_issuance_with_a_wrong_clock(
    host: Host, ca: Pebble, tmp_path: Path, offset: str, code: int
) -> None:
    require("faketime")
    ended = host.keep("--timeout", "20", prefix=("faketime", "-f", offset))
    assert (ended.code, len(ended.fatal)) == (code, int(code > 0)), ended.err
    assert host.keep("--force").code == 0
    assert_good(host, ca, tmp_path)


def test_an_hour_fast_renews_nothing(renewing: Host) -> None:
    require("faketime")
    before = renewing.content()
    assert renewing.keep(prefix=("faketime", "-f", "+1h")).code == 0
    assert renewing.content() == before
