"""Revocation, roll-over, deactivation, status."""

import json

from support.client import NAME, Host, run
from support.openssl import make_key
from support.pebble import Pebble


def test_revocation_by_the_account(host: Host, ca: Pebble) -> None:
    host.keep()
    serial = host.certificate().serial_number
    assert run(*host.ca_options, "--revoke", str(host.chain), "--reason", "4").code == 0
    assert ca.status(serial) == "Revoked"
    again = run(*host.ca_options, "--revoke", str(host.chain))
    assert (again.code, len(again.fatal)) in ((100, 1), (111, 1))
    assert "alreadyRevoked" in again.fatal[0]


def test_revocation_by_the_certificates_key(host: Host, ca: Pebble) -> None:
    host.keep()
    serial = host.certificate().serial_number
    options = [*host.ca_options[2:], "--domain-key", str(host.domain_key)]
    assert run(*options, "--revoke", str(host.chain)).code == 0
    assert ca.status(serial) == "Revoked"


def test_roll_over(host: Host) -> None:
    host.keep()
    old = host.account_key.read_bytes()
    assert run(*host.ca_options, "--roll-over").code == 0
    assert host.account_key.read_bytes() != old
    assert host.account_key.stat().st_mode & 0o777 == 0o600
    assert host.keep("--force").code == 0


def test_deactivated_account(host: Host) -> None:
    host.keep()
    before = host.content()
    assert run(*host.ca_options, "--deactivate").code == 0
    ended = host.keep("--force")
    assert (ended.code, len(ended.fatal)) in ((100, 1), (111, 1))
    assert host.content() == before


def test_explicit_commands_make_no_account(host: Host) -> None:
    make_key(host.account_key, "ec256")
    for command in (["--roll-over"], ["--deactivate"]):
        ended = run(*host.ca_options, *command)
        assert ended.code in (100, 111)
        assert len(ended.fatal) == 1
        assert "accountDoesNotExist" in ended.fatal[0]
    for left in host.directory.glob("account.key.next"):
        left.unlink()


def test_status(host: Host) -> None:
    host.keep()
    missing = host.directory / "missing.pem"
    shown = run("--status", str(host.chain), str(missing), "--json")
    good, bad = json.loads(shown.out)
    certificate = host.certificate()
    assert shown.code == 1
    assert (good["file"], good["names"], good["usable"]) == (
        str(host.chain),
        [NAME],
        True,
    )
    assert int(good["serial"], 16) == certificate.serial_number
    assert good["days"] in (89, 90)
    assert (bad["file"], bad["usable"], bad["why"]) == (
        str(missing),
        False,
        "is missing",
    )
    table = run("--status", str(host.chain))
    assert table.code == 0
    assert [line.split()[0] for line in table.out.splitlines()] == [
        "file",
        str(host.chain),
    ]
