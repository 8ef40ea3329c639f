"""Keys, requests, directories and disks that are not as they should be."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from support.client import NAME, Host, powerless, run
from support.openssl import make_csr
from support.program import require
from support.proxy import Proxy
from test_faults import assert_refused

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
    [
        (unreadable, 111),
        (garbage, 100),
        (emptied, 100),
        (half, 100),
        (a_directory, 111),
    ],
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
    ended = run(
        *renewing.ca_options, "--csr", str(csr), "--acme-dir", str(renewing.challenges)
    )
    assert ended.code in (100, 111)
    assert_refused(ended, ended.code)
    assert str(csr) in ended.fatal[0]


def test_request_without_names(renewing: Host, between: Proxy) -> None:
    csr = renewing.directory / "domain.csr"
    make_csr(csr, renewing.domain_key, "", [])
    ended = run(
        *renewing.ca_options, "--csr", str(csr), "--acme-dir", str(renewing.challenges)
    )
    assert_refused(ended, 100)
    assert "newOrder" not in between.requests
    csr.unlink()


# Directories and disks


@pytest.mark.parametrize("kind", ["read-only", "missing", "a file"])
def test_challenge_directory(
    renewing: Host, between: Proxy, tmp_path: Path, kind: str
) -> None:
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
    options = [
        *renewing.ca_options,
        "--csr",
        str(csr),
        "--acme-dir",
        str(renewing.challenges),
    ]
    ended = run(
        *options, "--disable-check", prefix=("sh", "-c", 'exec "$0" "$@" > /dev/full')
    )
    assert_refused(ended)
    assert "No space left on device" in ended.fatal[0]
    csr.unlink()


@pytest.mark.parametrize("option", ["--domain-key", "--account-key", "--csr"])
@pytest.mark.parametrize("way", ["same name", "another way", "link"])
def test_one_file_for_two_purposes(
    renewing: Host, between: Proxy, option: str, way: str
) -> None:
    """The chain would replace the key."""
    before = renewing.content()
    path = {
        "same name": renewing.chain,
        "another way": f"{renewing.directory}/../{renewing.directory.name}/{renewing.chain.name}",
        "link": renewing.directory / "link",
    }[way]
    if way == "link":
        (renewing.directory / "link").symlink_to(renewing.chain)
    ended = renewing.keep(option, str(path), "--force")
    (renewing.directory / "link").unlink(missing_ok=True)
    assert_refused(ended, 100)
    assert "must be different files" in ended.fatal[0]
    assert renewing.content() == before
    assert between.requests == []


@pytest.mark.parametrize("kind", ["directory", "fifo", "device"])
def test_the_chain_is_no_file(
    host: Host, between: Proxy, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "odd"
    if kind == "device":
        path.symlink_to("/dev/null")  # a client that writes replaces the link alone
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    ended = host.keep("--out", str(path))
    assert_refused(ended, 100)
    assert ended.fatal[0] == f"{path}: not a regular file"
    assert between.requests == []
