"""No key is lost that a chain is for, or may be for; what cannot be replaced is found before an order."""

import contextlib
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.client import Host, assert_good, run
from support.faults import status
from support.pebble import Pebble
from support.proxy import Proxy

from s6gen.acme_client.keys import make_key, pem_of


@contextlib.contextmanager
def mounted_on(path: Path, tmp_path: Path) -> Iterator[None]:
    """A file that is a mount point, as containers have them: rename() says EBUSY."""
    if os.geteuid():
        pytest.skip("needs root, to mount a file")
    source = tmp_path / f"{path.name}.mounted"
    source.write_bytes(path.read_bytes())
    mount = ["mount", "--bind", str(source), str(path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@pytest.mark.parametrize("which", ["chain.pem", "domain.key"])
def test_a_file_that_is_a_mount_point_costs_no_order(
    renewing: Host, between: Proxy, tmp_path: Path, which: str
) -> None:
    path = renewing.directory / which
    before = renewing.content()
    with mounted_on(path, tmp_path):
        for _ in range(3):
            refused = renewing.keep("--new-key", "--force")
            assert refused.code == 111
            assert refused.fatal == [
                f"{path}: unable to write: Device or resource busy"
            ]
    assert between.requests == []
    assert renewing.content() == before
    Path(f"{renewing.domain_key}.next").unlink(missing_ok=True)


def test_a_key_that_becomes_a_mount_point_later(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    """The chain is for the new key: that is kept, said, and not ordered again."""
    with between.faulty("certificate", status(500)):
        assert renewing.keep("--new-key", "--force", "--timeout", "2").code == 111
    new = Path(f"{renewing.domain_key}.next")
    key = new.read_bytes()
    between.reset()
    with mounted_on(renewing.domain_key, tmp_path):
        for _ in range(3):
            ended = renewing.keep("--new-key")
            assert ended.code == 111
            assert str(new) in ended.fatal[0]
            assert "Device or resource busy" in ended.fatal[0]
            assert "new certificate" not in ended.err
        assert new.read_bytes() == key
        assert between.requests.count("newOrder") == 0
        # What the message says helps.
        renewing.domain_key.write_bytes(key)
        assert renewing.keep("--new-key").code == 0
        assert not new.exists()
        assert_good(renewing, ca, tmp_path)
    renewing.domain_key.write_bytes(key)
    assert between.requests.count("newOrder") == 0


def test_a_new_key_is_used_until_it_is_the_key(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    new = Path(f"{renewing.domain_key}.next")
    with between.faulty("newOrder", status(403, "unauthorized")):
        assert renewing.keep("--new-key", "--force").code == 111
    waiting = new.read_bytes()
    with between.faulty("newOrder", status(500)):
        assert renewing.keep("--new-key", "--force").code == 111
    assert new.read_bytes() == waiting
    assert renewing.keep("--new-key", "--force").code == 0
    assert renewing.domain_key.read_bytes() == waiting
    assert not new.exists()
    assert_good(renewing, ca, tmp_path)


def test_a_new_key_that_cannot_be_read_is_named(renewing: Host, between: Proxy) -> None:
    new = Path(f"{renewing.domain_key}.next")
    new.write_bytes(b"half of a k")
    refused = renewing.keep("--new-key", "--force")
    assert refused.code == 100
    assert refused.fatal[0].startswith(f"{new}: not an unencrypted private key")
    assert "newOrder" not in between.requests
    assert new.read_bytes() == b"half of a k"
    new.unlink()


def test_a_chain_that_cannot_be_read_costs_no_key(renewing: Host) -> None:
    """Nobody knows what it is for."""
    new = Path(f"{renewing.domain_key}.next")
    new.write_bytes(pem_of(make_key("ec256")))
    waiting = new.read_bytes()
    renewing.chain.write_bytes(b"half of a c")
    assert renewing.keep().code == 0
    assert new.read_bytes() == waiting
    new.unlink()


def test_mode_and_group_of_a_key_stay(renewing: Host) -> None:
    if os.geteuid():
        pytest.skip("needs root, to give a file to another group")
    os.chown(renewing.domain_key, 0, 12345)
    renewing.domain_key.chmod(0o640)
    old = renewing.domain_key.read_bytes()
    assert renewing.keep("--new-key", "--force").code == 0
    after = renewing.domain_key.stat()
    assert renewing.domain_key.read_bytes() != old
    assert (after.st_gid, stat.S_IMODE(after.st_mode)) == (12345, 0o640)


def test_roll_over_keeps_mode_and_leaves_one_key(host: Host) -> None:
    assert host.keep().code == 0
    host.account_key.chmod(0o440)
    old = host.account_key.read_bytes()
    done = run(*host.ca_options, "--roll-over")
    assert done.code == 0, done.err
    assert host.account_key.read_bytes() != old
    assert stat.S_IMODE(host.account_key.stat().st_mode) == 0o440
    assert host.leftovers() == []


def test_half_written_files_of_a_killed_run_go(renewing: Host) -> None:
    paths = [
        renewing.directory / f"{name}.tmp"
        for name in (
            *("chain.pem", "chain.pem.state", "domain.key", "domain.key.next"),
            *("account.key", "account.key.account"),
        )
    ]
    for path in paths:
        path.write_bytes(b"half")
    assert renewing.keep("--force").code == 0
    assert [path for path in paths if path.exists()] == []
