"""Links and odd files where the client keeps its own."""

from pathlib import Path

import pytest
from support.client import Host, assert_good
from support.pebble import Pebble
from test_faults import assert_refused


@pytest.mark.parametrize(
    "name", ["chain.pem", "chain.pem.state", "domain.key", "account.key"]
)
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


@pytest.mark.parametrize(
    "name", ["chain.pem.tmp", "domain.key.tmp", "chain.pem.state.tmp"]
)
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
