"""What a CA may offer: profiles, alternate chains, external accounts, other CAs."""

import json
from pathlib import Path

import attrs
import pytest
from cryptography import x509
from support.client import Host, assert_good, faults_of, run
from support.pebble import PEBBLE, ChallTestSrv, Pebble, Settings, WebServer, pebble
from support.program import require


def test_profile(new_host: Host) -> None:
    assert new_host.keep("--profile", "shortlived").code == 0
    (shown,) = json.loads(run("--status", str(new_host.chain), "--json").out)
    assert shown["days"] in (5, 6)


def test_changed_profile_is_due(new_host: Host) -> None:
    new_host.keep("--profile", "shortlived")
    first = new_host.certificate()
    assert new_host.keep("--profile", "default").code == 0
    assert new_host.certificate() != first


def test_unknown_profile_is_refused(new_host: Host) -> None:
    ended = new_host.keep("--profile", "silver")
    assert ended.code == 100
    assert ended.fatal == ["--profile silver: unknown, on offer: default, shortlived"]


def test_profile_where_none_is_offered(host: Host) -> None:
    ended = host.keep("--profile", "silver")
    assert ended.code == 100
    assert ended.fatal == ["--profile silver: unknown, on offer: none"]


def test_preferred_chain(
    host: Host, dns: ChallTestSrv, web: WebServer, tmp_path: Path
) -> None:
    require(PEBBLE)
    with pebble(tmp_path / "ca", web.port, dns, Settings(alternate_roots=2)) as ca:
        host = attrs.evolve(host, ca=ca)
        for number in range(3):
            root = x509.load_pem_x509_certificate(ca.root(number))
            name = str(
                root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
            )
            assert host.keep("--force", "--preferred-chain", name).code == 0
            key = host.domain_key.read_bytes()
            chain = host.chain.read_bytes()
            assert faults_of(chain, key, host.names, ca.root(number), tmp_path) == ""
        ended = host.keep("--force", "--preferred-chain", "No Such Root")
        assert ended.code == 0
        assert "warning: --preferred-chain No Such Root: not on offer" in ended.err


def test_external_account(
    host: Host, dns: ChallTestSrv, web: WebServer, tmp_path: Path
) -> None:
    require(PEBBLE)
    secret = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(f"{secret}\n")
    bad.write_text(secret.swapcase())
    with pebble(tmp_path / "ca", web.port, dns, Settings(eab={"kid-1": secret})) as ca:
        host = attrs.evolve(host, ca=ca)
        without = host.keep()
        assert (without.code, len(without.fatal)) == (100, 1)
        assert "external" in without.fatal[0].lower()
        wrong = host.keep("--eab-kid", "kid-1", "--eab-key-file", str(bad))
        assert (wrong.code, len(wrong.fatal)) in ((100, 1), (111, 1))
        unknown = host.keep(
            "--eab-kid", "kid-9", "--eab-key-file", str(good), "--force"
        )
        assert (unknown.code, len(unknown.fatal)) in ((100, 1), (111, 1))
        assert (
            host.keep("--eab-kid", "kid-1", "--eab-key-file", str(good), "--force").code
            == 0
        )
        assert_good(host, ca, tmp_path)
        said = without.err + wrong.err + unknown.err
        assert secret not in said
        assert secret.swapcase() not in said


@pytest.mark.parametrize("content", ["", "a", "ab+/", "abcde", "a b c", "\xff"])
def test_external_account_key_that_is_none(
    host: Host, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    ended = host.keep("--eab-kid", "kid-1", "--eab-key-file", str(file))
    assert (ended.code, ended.fatal) == (100, [f"{file}: not base64url"])


def test_two_authorities_are_not_mixed_up(
    host: Host, new_host: Host, ca: Pebble, new_ca: Pebble, tmp_path: Path
) -> None:
    assert host.keep().code == 0
    assert_good(host, ca, tmp_path)
    asked = new_host.keep("--check")
    assert asked.code == 1
    assert new_host.keep().code == 0
    assert_good(new_host, new_ca, tmp_path)
    assert host.keep().code == 0
    assert_good(host, ca, tmp_path)
