"""Names, requests, chains: what is odd is accepted, what is wrong is refused."""

import base64
import dataclasses
import datetime
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("acme", reason="the client needs the acme package")

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from support.program import require

from s6gen.acme_client.certificates import (
    common_name,
    describe,
    misfit,
    names_of,
    parse_chain,
)
from s6gen.acme_client.csr import load_csr, make_csr, make_request, settle_new_key
from s6gen.acme_client.keys import load_key, make_key, pem_of
from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.names import normal_name
from s6gen.acme_client.options import Options
from s6gen.acme_client.renewal.schedule import InstalledChain

BEGIN, DAY = 1_800_000_000.0, 86400.0


def certificate(
    *names: str, serial: int = 1, key_identifier: bytes = b"x", key: Any = None
) -> x509.Certificate:
    key = key or ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime.fromtimestamp(BEGIN, datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Some CA")])
        )
        .serial_number(serial)
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=90))
        .public_key(key.public_key())
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False
        )
        .add_extension(x509.AuthorityKeyIdentifier(key_identifier, None, None), False)
        .sign(key, hashes.SHA256())
    )


WHOLE = certificate("a.example", "192.0.2.1.example").public_bytes(
    serialization.Encoding.DER
)


@given(st.binary() | st.binary().map(lambda one: b"-----BEGIN CERTIFICATE-----" + one))
def test_any_chain_is_parsed_or_refused(pem: bytes) -> None:
    with pytest.raises(Fatal):
        parse_chain(pem + b"\n-----END CERTIFICATE-----\n", "chain")


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=3)), max_size=3
    )
)
def test_a_damaged_certificate_is_used_or_refused(
    changes: list[tuple[int, bytes]],
) -> None:
    der = bytearray(WHOLE)
    for where, what in changes:
        where %= len(der) - 80  # the rest is the signature
        der[where : where + len(what)] = what
    body = base64.encodebytes(der)
    pem = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    try:
        chain = parse_chain(pem * 2, "chain")
    except Fatal as fatal:
        assert str(fatal).startswith("chain: not a certificate: ")
    else:
        key = make_key("ec256").public_key()
        assert misfit(chain, {"a.example"}, key)
        assert common_name(chain[1].issuer) == describe(chain[0]).issuer


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        pytest.param(b"Some CA", b"\xff" * 7, id="issuer"),
        pytest.param(b"270115080000Z", b"279915080000Z", id="begin"),
        pytest.param(b"\x02\x01\x01", b"\x02\x01\x81", id="negative serial"),
    ],
)
def test_a_certificate_that_is_wrong_inside_is_refused(
    part: bytes, damage: bytes
) -> None:
    assert part in WHOLE
    body = base64.encodebytes(WHOLE.replace(part, damage, 1))
    pem = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    with pytest.raises(Fatal, match="chain: not a certificate: "):
        parse_chain(pem, "chain")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Example.ORG.", "example.org"),
        ("*.Example.org", "*.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
    ],
)
def test_normal_name(name: str, expected: str) -> None:
    assert normal_name(name) == expected


def test_a_request_asks_for_its_names_and_addresses() -> None:
    key = make_key("ec256")
    names = {"example.org", "*.example.org", "192.0.2.1", "2001:db8::1"}
    assert names_of(make_csr(key, names)) == names


def test_the_common_name_of_a_request_is_asked_for_too() -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example.org")])
    other = x509.SubjectAlternativeName([x509.DNSName("www.example.org")])
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder(subject).add_extension(
        other, critical=False
    )
    request = builder.sign(key, hashes.SHA256())
    assert names_of(request) == {"example.org", "www.example.org"}


def test_description_of_a_certificate() -> None:
    """The identifier is the example of RFC 9773, section 4.1."""
    identifier = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
    described = describe(
        certificate(
            "b.example", "a.example", serial=0x87654321, key_identifier=identifier
        )
    )
    assert described == InstalledChain(
        fault="",
        names=("a.example", "b.example"),
        start=BEGIN,
        end=BEGIN + 90 * DAY,
        issuer="Some CA",
        serial="87654321",
        identifier="aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
    )


@pytest.mark.parametrize(
    ("asked", "own_key", "expected"),
    [
        pytest.param({"a.example"}, True, "", id="it covers what is asked"),
        pytest.param(
            {"a.example", "b.example"}, True, "is not for b.example", id="a name lacks"
        ),
        pytest.param({"a.example"}, False, "is for another key", id="another key"),
    ],
)
def test_misfit(asked: set[str], own_key: bool, expected: str) -> None:
    one = certificate("a.example", "www.a.example")
    key = one.public_key() if own_key else make_key("ec256").public_key()
    assert misfit([one], asked, key) == expected


def key_pair_of_a_killed_run(directory: Path, deployed: bool) -> Options:
    """Chain, key and next key, as a run with --new-key leaves them that was killed."""
    old, new = make_key("ec256"), make_key("ec256")
    chain = certificate("example.org", key=new if deployed else old)
    (directory / "chain").write_bytes(chain.public_bytes(serialization.Encoding.PEM))
    (directory / "key").write_bytes(pem_of(old))
    (directory / "key.next").write_bytes(pem_of(new))
    return Options(out=str(directory / "chain"), domain_key=str(directory / "key"))


@pytest.mark.parametrize("deployed", [True, False])
def test_key_and_chain_belong_together_again_after_a_kill(
    tmp_path: Path, deployed: bool
) -> None:
    told = key_pair_of_a_killed_run(tmp_path, deployed)
    waiting = (tmp_path / "key.next").read_bytes()
    if not deployed:
        settle_new_key(told, is_ordered=True)  # an order may be for it
        assert (tmp_path / "key.next").read_bytes() == waiting
        settle_new_key(dataclasses.replace(told, new_key=True), is_ordered=False)
        assert (tmp_path / "key.next").read_bytes() == waiting
    settle_new_key(told, is_ordered=False)
    chain = parse_chain((tmp_path / "chain").read_bytes(), "chain")
    assert misfit(chain, {"example.org"}, load_key(told.domain_key).public_key()) == ""
    assert sorted(one.name for one in tmp_path.iterdir()) == ["chain", "key"]


def test_a_request_for_a_key_of_an_unknown_kind_is_made_anew(tmp_path: Path) -> None:
    require("openssl")
    key, csr = tmp_path / "key", tmp_path / "csr"
    key.write_bytes(pem_of(make_key("ec256")))
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime239v1"]
    command = ["openssl", "req", "-new", "-nodes", *curve, "-subj", "/CN=old.example"]
    subprocess.run(
        [*command, "-keyout", tmp_path / "other", "-out", csr],
        check=True,
        capture_output=True,
    )
    options = Options(csr=str(csr), domain=("new.example",), domain_key=str(key))
    assert names_of(make_request(options)) == {"new.example"}
    assert names_of(load_csr(str(csr))) == {"new.example"}
