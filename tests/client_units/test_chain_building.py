"""Chains built from what a CA sent: in any order, with more in it, with less, and with wrong ones."""

import base64
import datetime
import itertools
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("acme", reason="the client needs the acme package")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from s6gen.acme_client.certificates import describe, misfit, parse_chain
from s6gen.acme_client.chains import build_chain
from s6gen.acme_client.messages import Fatal

NOW = 1_800_000_000.0
DAY = 86400.0
URL = "https://ca.example/chain"
SHA256, SHA512 = hashes.SHA256(), hashes.SHA512()
Certificates = list[x509.Certificate]


@attrs.frozen
class Party:
    """A name and its key: a CA, or a server."""

    name: str
    key: Any

    def certify(
        self,
        other: "Party",
        start: float = -DAY,
        end: float = 9 * DAY,
    ) -> x509.Certificate:
        """A certificate for another one; start and end are seconds from now."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(common_name(other.name))
            .issuer_name(common_name(self.name))
            .serial_number(x509.random_serial_number())
            .not_valid_before(at(start))
            .not_valid_after(at(end))
            .public_key(other.key.public_key())
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("a.example")]), False)
        )  # fmt: skip
        is_ed25519 = isinstance(self.key, ed25519.Ed25519PrivateKey)
        return builder.sign(self.key, None if is_ed25519 else SHA256)


def common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def at(offset: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(NOW + offset, datetime.UTC)


def elliptic(name: str) -> Party:
    return Party(name, ec.generate_private_key(ec.SECP256R1()))


def with_rsa(name: str) -> Party:
    return Party(name, rsa.generate_private_key(65537, 2048))


SERVER = elliptic("a.example")
LOW, HIGH, ROOT, OLD = (
    elliptic("Low"), with_rsa("High"), elliptic("Root"), with_rsa("Old root")
)  # fmt: skip
STRANGER = elliptic("Stranger")

LEAF = LOW.certify(SERVER)
LOW_BY_HIGH = HIGH.certify(LOW)
HIGH_BY_ROOT = ROOT.certify(HIGH)
ROOT_ITSELF = ROOT.certify(ROOT)
ALL = [LEAF, LOW_BY_HIGH, HIGH_BY_ROOT, ROOT_ITSELF]
"""A mixture: EC signed by EC, EC by RSA, RSA by EC."""


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(
        one.public_bytes(serialization.Encoding.PEM) for one in certificates
    )


def pem_of(der: bytes) -> bytes:
    body = base64.encodebytes(der)
    return b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"


def built(*certificates: x509.Certificate, server: Party = SERVER) -> Certificates:
    return build_chain(pem(*certificates), URL, server.key.public_key(), NOW)


def refusal(*certificates: x509.Certificate) -> str:
    """Why they are refused: without the source, and what is not done with it."""
    with pytest.raises(Fatal) as refused:
        built(*certificates)
    begin, end = f"{URL}: the chain ", ": it is not used"
    text = str(refused.value)
    assert text.startswith(begin)
    assert text.endswith(end)
    return text.removeprefix(begin).removesuffix(end)


def flipped(certificate: x509.Certificate) -> x509.Certificate:
    """The same with one bit of its signature flipped."""
    der = bytearray(certificate.public_bytes(serialization.Encoding.DER))
    der[-5] ^= 1
    return x509.load_der_x509_certificate(bytes(der))


def renamed(certificate: x509.Certificate, old: bytes, new: bytes) -> bytes:
    """Another content of the same length, in PEM; the signature does not fit any more."""
    der = certificate.public_bytes(serialization.Encoding.DER)
    assert old in der
    assert len(old) == len(new)
    return pem_of(der.replace(old, new, 1))


def tagged(tag: bytes, content: bytes) -> bytes:
    """An element in DER."""
    length = len(content)
    if length < 128:
        return tag + bytes([length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8)
    return tag + bytes([128 + len(octets)]) + octets + content


def assembled(content: bytes, algorithm: bytes, signature: bytes) -> bytes:
    """A certificate in DER."""
    parts = content + algorithm + tagged(b"\x03", b"\0" + signature)
    return tagged(b"\x30", parts)


# What came is a chain


@pytest.mark.parametrize("length", [2, 3, 4])
def test_any_order_is_put_right_silently(
    length: int, capfd: pytest.CaptureFixture[str]
) -> None:
    chain = ALL[:length]
    for order in itertools.permutations(chain):
        assert built(*order) == chain
    assert capfd.readouterr().err == ""


def test_duplicates_are_dropped_silently(capfd: pytest.CaptureFixture[str]) -> None:
    assert built(*ALL, *reversed(ALL)) == ALL
    assert built(LEAF, LEAF, LOW_BY_HIGH) == [LEAF, LOW_BY_HIGH]
    assert capfd.readouterr().err == ""


def test_a_stranger_between_is_left_out_with_a_warning(
    capfd: pytest.CaptureFixture[str],
) -> None:
    stranger = STRANGER.certify(STRANGER)
    assert built(LEAF, stranger, *ALL[1:]) == ALL
    expected = f's6gen-acme: warning: {URL}: left out of the chain: "CN=Stranger" is no part of it\n'
    assert capfd.readouterr().err == expected


def test_many_strangers_are_one_line_that_is_not_long(
    capfd: pytest.CaptureFixture[str],
) -> None:
    strangers = [ROOT.certify(elliptic("stranger\n" * 7)) for _ in range(17)]
    assert built(LEAF, *strangers, LOW_BY_HIGH) == [LEAF, LOW_BY_HIGH]
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert told.count("is no part of it") == 3
    assert told.endswith(" and 14 more\n")


def test_a_long_name_of_a_stranger_is_cut(capfd: pytest.CaptureFixture[str]) -> None:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "x" * 60)] * 200
    stranger = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(parts))
        .issuer_name(x509.Name(parts))
        .serial_number(1)
        .not_valid_before(at(-DAY))
        .not_valid_after(at(DAY))
        .public_key(STRANGER.key.public_key())
        .sign(STRANGER.key, SHA256)
    )
    assert built(*ALL, stranger) == ALL
    assert len(capfd.readouterr().err) < 300


def test_a_certificate_that_comes_alone_is_used_with_a_warning(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert built(LEAF, LEAF) == [LEAF]
    expected = (
        f"s6gen-acme: warning: {URL}: the CA sent no issuer with the certificate\n"
    )
    assert capfd.readouterr().err == expected


def test_a_self_signed_certificate_needs_no_issuer(
    capfd: pytest.CaptureFixture[str],
) -> None:
    alone = SERVER.certify(SERVER)
    assert built(alone) == [alone]
    assert capfd.readouterr().err == ""


def test_a_name_like_its_own_makes_no_certificate_self_signed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    namesake = elliptic(SERVER.name)
    leaf = namesake.certify(SERVER)
    assert built(leaf) == [leaf]
    assert "no issuer" in capfd.readouterr().err
    root = namesake.certify(namesake)
    assert built(root, leaf) == [leaf, root]


def test_of_several_for_the_key_it_is_the_one_that_lives_longest() -> None:
    older = LOW.certify(SERVER, end=DAY)
    early = LOW.certify(SERVER, start=DAY, end=99 * DAY)
    assert built(older, early, LOW_BY_HIGH, LEAF) == [LEAF, LOW_BY_HIGH]


def test_an_issuer_that_ends_the_chain_need_not_be_a_root(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert built(LEAF, LOW_BY_HIGH) == [LEAF, LOW_BY_HIGH]
    assert capfd.readouterr().err == ""


def test_clocks_that_differ_a_little_do_no_harm() -> None:
    leaf, low = LOW.certify(SERVER, start=200), HIGH.certify(LOW, start=200)
    assert built(leaf, low) == [leaf, low]


def test_the_kind_of_string_in_a_name_makes_no_difference() -> None:
    """A CA that changed PrintableString to UTF8String is the same CA (RFC 5280 7.1)."""
    der = LOW_BY_HIGH.public_bytes(serialization.Encoding.DER)
    low_as_utf8 = bytes.fromhex("0603550403") + b"\x0c\x03Low"
    low_as_printable = low_as_utf8.replace(b"\x0c\x03", b"\x13\x03")
    assert low_as_utf8 in der
    changed = x509.load_der_x509_certificate(der.replace(low_as_utf8, low_as_printable))
    assert built(changed, LEAF) == [LEAF, changed]


# Several ways up


def test_of_two_issuers_the_one_that_leads_further_is_taken() -> None:
    """Cross-signed: the same name and key, by two issuers, of which one came along."""
    crossed = OLD.certify(LOW)
    for order in itertools.permutations([crossed, LEAF, LOW_BY_HIGH, HIGH_BY_ROOT]):
        assert built(*order) == ALL[:3]


def test_of_two_equal_ways_the_first_that_the_ca_sent_is_taken() -> None:
    crossed = OLD.certify(LOW)
    assert built(LEAF, crossed, LOW_BY_HIGH) == [LEAF, crossed]
    assert built(LEAF, LOW_BY_HIGH, crossed) == [LEAF, LOW_BY_HIGH]


def test_a_cross_signed_root_is_taken_before_its_own() -> None:
    """It serves clients that know the old root, and those that know the new one."""
    crossed = OLD.certify(ROOT)
    for order in itertools.permutations([crossed, ROOT_ITSELF]):
        assert built(*ALL[:3], *order) == [*ALL[:3], crossed]


def test_a_cycle_of_cross_signatures_ends(capfd: pytest.CaptureFixture[str]) -> None:
    old_by_root, root_by_old = ROOT.certify(OLD), OLD.certify(ROOT)
    leaf = ROOT.certify(SERVER)
    assert built(old_by_root, leaf, root_by_old) == [leaf, root_by_old, old_by_root]
    assert capfd.readouterr().err == ""
    chain = built(ROOT_ITSELF, old_by_root, leaf, root_by_old)
    assert chain == [leaf, root_by_old, old_by_root]
    assert '"CN=Root" is no part of it' in capfd.readouterr().err


def test_twenty_that_all_signed_each_other_end() -> None:
    authorities = [elliptic(f"CA {number}") for number in range(5)]
    pairs = itertools.permutations(authorities, 2)
    crossed = [one.certify(other) for one, other in pairs][:19]
    leaf = authorities[0].certify(SERVER)
    chain = built(*crossed, leaf)
    assert len(chain) == 6
    assert len({one.subject for one in chain}) == 6


def test_twenty_of_one_name_and_key_end() -> None:
    leaf = ROOT.certify(SERVER)
    roots = [ROOT.certify(ROOT) for _ in range(19)]
    assert built(*roots, leaf) == [leaf, roots[0]]


def test_an_expired_issuer_does_no_harm_beside_a_good_one(
    capfd: pytest.CaptureFixture[str],
) -> None:
    expired = HIGH.certify(LOW, end=-DAY / 2)
    namesake = HIGH.certify(elliptic("Low"))
    assert built(LEAF, namesake, expired, LOW_BY_HIGH) == [LEAF, LOW_BY_HIGH]
    told = capfd.readouterr().err
    assert told.count('"CN=Low"') == 2


# Higher up


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        pytest.param(
            ROOT.certify(ROOT, end=-DAY / 2),
            '"CN=Root" is valid 2027-01-14T08:00:00Z to 2027-01-14T20:00:00Z: not now',
            id="expired",
        ),
        pytest.param(
            ROOT.certify(ROOT, start=DAY),
            '"CN=Root" is valid 2027-01-16T08:00:00Z to 2027-01-24T08:00:00Z: not now',
            id="not yet valid",
        ),
        pytest.param(
            (namesake := elliptic("Root")).certify(namesake),
            '"CN=Root" did not sign "CN=High"',
            id="another key",
        ),
    ],
)
def test_the_chain_ends_below_what_is_wrong(
    wrong: x509.Certificate, why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert built(*ALL[:3], wrong) == ALL[:3]
    expected = f"s6gen-acme: warning: {URL}: left out of the chain: {why}\n"
    assert capfd.readouterr().err == expected


def test_what_stands_above_a_wrong_one_is_left_out_too(
    capfd: pytest.CaptureFixture[str],
) -> None:
    expired = ROOT.certify(HIGH, end=-DAY / 2)
    assert built(LEAF, LOW_BY_HIGH, expired, ROOT_ITSELF) == ALL[:2]
    told = capfd.readouterr().err
    assert '"CN=High" is valid' in told
    assert '"CN=Root" is no part of it' in told


def test_a_flipped_bit_in_an_intermediate_ends_the_chain_there(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Either may be the wrong one; this one at least has the key that signed the leaf."""
    damaged = flipped(LOW_BY_HIGH)
    assert built(LEAF, damaged, *ALL[2:]) == [LEAF, damaged]
    assert '"CN=High" did not sign "CN=Low"' in capfd.readouterr().err


# What came is no chain


def test_a_chain_for_another_key_is_refused() -> None:
    assert refusal(STRANGER.certify(STRANGER), LOW_BY_HIGH) == "is for another key"


@pytest.mark.parametrize(("start", "end"), [(-2 * DAY, -DAY), (DAY, 2 * DAY)])
def test_a_certificate_that_is_not_valid_now_is_refused(
    start: float, end: float
) -> None:
    why = refusal(LOW.certify(SERVER, start, end), LOW_BY_HIGH)
    assert why.startswith("is valid 2027-01-1")
    assert why.endswith(": not now")


@pytest.mark.parametrize(
    "chain",
    [
        pytest.param([flipped(LEAF), LOW_BY_HIGH], id="one bit of an EC signature"),
        pytest.param(
            [flipped(HIGH.certify(SERVER)), HIGH_BY_ROOT],
            id="one bit of an RSA signature",
        ),
        pytest.param(
            [LEAF, HIGH.certify(elliptic("Low"))], id="an issuer with another key"
        ),
        pytest.param(
            [LEAF, HIGH.certify(with_rsa("Low"))], id="one with another kind of key"
        ),
        pytest.param(
            [LEAF, HIGH.certify(elliptic("Low"), end=-DAY / 2)],
            id="one with another key that has expired",
        ),
    ],
)
def test_an_issuer_that_did_not_sign_is_refused(chain: Certificates) -> None:
    name = chain[0].issuer.rfc4514_string()
    assert refusal(*chain) == f'is not signed by the key of "{name}" that came with it'


@pytest.mark.parametrize(("start", "end"), [(-2 * DAY, -DAY), (DAY, 2 * DAY)])
def test_an_issuer_that_is_not_valid_now_is_refused(start: float, end: float) -> None:
    why = refusal(LEAF, HIGH.certify(LOW, start, end), HIGH_BY_ROOT)
    assert why.startswith("has an issuer that is valid 2027-01-1")
    assert why.endswith(": not now")


@pytest.mark.parametrize(
    "stranger",
    [
        pytest.param(ROOT_ITSELF, id="another CA"),
        pytest.param(HIGH.certify(attrs.evolve(LOW, name="Lower")), id="another name"),
        pytest.param(LOW.certify(SERVER, end=DAY), id="another one for the key"),
    ],
)
def test_strangers_alone_are_no_issuer(stranger: x509.Certificate) -> None:
    assert refusal(LEAF, stranger) == "has certificates that form no chain"


def test_every_bit_around_what_is_signed_counts() -> None:
    """Algorithm and signature follow the signed part: OpenSSL refuses each change."""
    leaf = HIGH.certify(SERVER)
    while leaf.signature[-1] & 1:  # a last bit of 1 cannot be unused
        leaf = HIGH.certify(SERVER)
    whole = leaf.public_bytes(serialization.Encoding.DER)
    begin = whole.index(leaf.tbs_certificate_bytes) + len(leaf.tbs_certificate_bytes)
    for bit in range(begin * 8, (begin + 30) * 8):
        der = bytearray(whole)
        der[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Fatal):
            build_chain(
                pem_of(bytes(der)) + pem(HIGH_BY_ROOT),
                URL,
                SERVER.key.public_key(),
                NOW,
            )


# Kinds of keys and signatures


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(elliptic, id="EC"),
        pytest.param(with_rsa, id="RSA"),
        pytest.param(
            lambda name: Party(name, ec.generate_private_key(ec.SECP384R1())),
            id="P-384",
        ),
        pytest.param(
            lambda name: Party(name, ed25519.Ed25519PrivateKey.generate()), id="Ed25519"
        ),
    ],
)
def test_any_usual_key_signs(make: Callable[[str], Party]) -> None:
    issuer, server = make("Issuer"), with_rsa("a.example")
    chain = [issuer.certify(server), issuer.certify(issuer)]
    assert built(*reversed(chain), server=server) == chain
    with pytest.raises(Fatal, match="is not signed by"):
        built(flipped(chain[0]), chain[1], server=server)


VERSION_3 = b"\xa0\x03\x02\x01\x02"
"""The first field of a certificate."""
RSA_WITH_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
SHA256_OID, SHA512_OID = (
    bytes.fromhex(f"0609608648016503040{n}") for n in ("201", "203")
)


def pss_algorithm(hash_oid: bytes, salt_length: int) -> bytes:
    """The AlgorithmIdentifier of RSASSA-PSS in DER (RFC 4055 section 3.1)."""
    hashed = tagged(b"\x30", hash_oid + b"\x05\0")
    mask = tagged(b"\x30", bytes.fromhex("06092a864886f70d010108") + hashed)
    salt = b"\x02\x01" + bytes([salt_length])
    parameters = [
        tagged(b"\xa0", hashed),
        tagged(b"\xa1", mask),
        tagged(b"\xa2", salt),
    ]
    oid = bytes.fromhex("06092a864886f70d01010a")
    return tagged(b"\x30", oid + tagged(b"\x30", b"".join(parameters)))


@pytest.mark.parametrize(
    ("algorithm", "oid", "salt_length"),
    [(SHA256, SHA256_OID, 32), (SHA256, SHA256_OID, 30), (SHA512, SHA512_OID, 64)],
)
def test_pss_signatures_count(
    algorithm: hashes.HashAlgorithm, oid: bytes, salt_length: int
) -> None:
    """cryptography before 41 makes none, and does not know its parameters."""
    identifier = pss_algorithm(oid, salt_length)
    plain = HIGH.certify(SERVER).tbs_certificate_bytes
    fields = plain[plain.index(VERSION_3) :]
    content = tagged(b"\x30", fields.replace(RSA_WITH_SHA256, identifier, 1))
    scheme = padding.PSS(padding.MGF1(algorithm), salt_length)
    signature = HIGH.key.sign(content, scheme, algorithm)
    der = assembled(content, identifier, signature)
    leaf = x509.load_der_x509_certificate(der)
    assert built(HIGH_BY_ROOT, leaf) == [leaf, HIGH_BY_ROOT]
    assert refusal(flipped(leaf), HIGH_BY_ROOT).startswith("is not signed by")
    other = x509.load_der_x509_certificate(
        der[:-256] + HIGH.key.sign(b"", scheme, algorithm)
    )
    assert refusal(other, HIGH_BY_ROOT).startswith("is not signed by")


PRIME256V1 = bytes.fromhex("06082a8648ce3d030107")
UNKNOWN_CURVE = bytes.fromhex("06082a8648ce3d030177")


def test_an_issuer_with_a_key_that_is_not_known_here_cannot_be_verified(
    capfd: pytest.CaptureFixture[str],
) -> None:
    odd = renamed(LOW_BY_HIGH, PRIME256V1, UNKNOWN_CURVE)
    with pytest.raises(Fatal, match='is not signed by the key of "CN=Low"'):
        build_chain(pem(LEAF) + odd, URL, SERVER.key.public_key(), NOW)
    chain = build_chain(pem(*ALL) + odd, URL, SERVER.key.public_key(), NOW)
    assert chain == ALL
    assert '"CN=Low" is no part of it' in capfd.readouterr().err


# Hostile


def test_more_than_twenty_certificates_are_refused() -> None:
    twenty = pem(*ALL, *[STRANGER.certify(STRANGER) for _ in range(16)])
    key = SERVER.key.public_key()
    assert build_chain(twenty, URL, key, NOW) == ALL
    with pytest.raises(Fatal, match="more than 20 certificates"):
        build_chain(twenty + pem(LEAF), URL, key, NOW)
    with pytest.raises(Fatal, match="chain: more than 20 certificates"):
        parse_chain(pem(LEAF) * 21, "chain")


BEGIN, END = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----\n"


@pytest.mark.parametrize(
    ("text", "most_loads"),
    [
        pytest.param(BEGIN * 40_000, 0, id="begins"),
        pytest.param(BEGIN * 40_000 + END, 1, id="begins and one end"),
        pytest.param(END * 40_000 + BEGIN, 0, id="ends"),
        pytest.param((BEGIN + END) * 40_000, 20, id="pairs"),
    ],
)
def test_forty_thousand_lines_are_little_work(
    text: bytes, most_loads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = []
    load = x509.load_pem_x509_certificate

    def counted(one: bytes) -> x509.Certificate:
        loads.append(len(one))
        return load(one)

    monkeypatch.setattr(x509, "load_pem_x509_certificate", counted)
    with pytest.raises(Fatal, match=URL):
        build_chain(text, URL, SERVER.key.public_key(), NOW)
    with pytest.raises(Fatal, match="chain: "):
        parse_chain(text, "chain")
    assert len(loads) <= 2 * most_loads


ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def signed(content: bytes, issuer: Party) -> bytes:
    """A certificate with any content, signed with an EC key, in PEM."""
    signature = issuer.key.sign(content, ec.ECDSA(SHA256))
    return pem_of(assembled(content, ECDSA_WITH_SHA256, signature))


LOW_BY_ROOT = ROOT.certify(LOW)


def with_content(where: str, content: bytes) -> bytes:
    """Three certificates, of which one has another content, but is signed."""
    parts = {"leaf": pem(LEAF), "issuer": pem(LOW_BY_ROOT), "top": pem(ROOT_ITSELF)}
    parts[where] = signed(content, LOW if where == "leaf" else ROOT)
    return b"".join(parts.values())


CONTENTS = {
    "leaf": LEAF.tbs_certificate_bytes,
    "issuer": LOW_BY_ROOT.tbs_certificate_bytes,
    "top": ROOT_ITSELF.tbs_certificate_bytes,
}


@pytest.mark.parametrize("where", CONTENTS)
def test_what_is_signed_again_without_a_change_is_used(where: str) -> None:
    text = with_content(where, CONTENTS[where])
    assert len(build_chain(text, URL, SERVER.key.public_key(), NOW)) == 3


A_NAME = b"\x82\x09a.example"


@pytest.mark.parametrize(
    ("where", "part", "damage"),
    [
        pytest.param("leaf", A_NAME, b"\x82\x09\xff.example", id="name in bytes"),
        pytest.param("leaf", A_NAME, b"\x82\x09a b c d e", id="name with blanks"),
        pytest.param("leaf", A_NAME, b"\x82\x7fa.example", id="broken extension"),
        pytest.param("leaf", b"\x0c\x03Low", b"\x0c\x03\xff\xff\xff", id="issuer"),
        pytest.param("leaf", b"270114", b"279914", id="month 99"),
        pytest.param("issuer", b"\x0c\x03Low", b"\x0c\x03\xff\xff\xff", id="CA's name"),
        pytest.param("issuer", b"\x0c\x04Root", b"\x0c\x04\xff\xff\xff\xff", id="CA's CA"),
        pytest.param("issuer", b"270114", b"279914", id="CA's month 99"),
        pytest.param("top", b"\x0c\x04Root", b"\x0c\x04\xff\xff\xff\xff", id="root's name"),
    ],
)  # fmt: skip
def test_a_certificate_that_is_wrong_inside_is_refused(
    where: str, part: bytes, damage: bytes
) -> None:
    content = CONTENTS[where]
    assert part in content
    text = with_content(where, content.replace(part, damage))
    with pytest.raises(Fatal, match=f"{URL}: not a certificate: "):
        build_chain(text, URL, SERVER.key.public_key(), NOW)


def test_broken_extensions_of_an_issuer_are_not_read() -> None:
    content = CONTENTS["issuer"].replace(A_NAME, b"\x82\x7fa.example")
    text = with_content("issuer", content)
    assert len(build_chain(text, URL, SERVER.key.public_key(), NOW)) == 3


def test_a_certificate_without_names_and_with_a_huge_serial_is_a_certificate() -> None:
    """What it is not for is told by `misfit`."""
    builder = x509.CertificateBuilder(
        issuer_name=common_name("Low"), subject_name=x509.Name([])
    )
    leaf = (
        builder.serial_number(2**159 - 1)
        .not_valid_before(at(-DAY))
        .not_valid_after(at(DAY))
        .public_key(SERVER.key.public_key())
        .sign(LOW.key, SHA256)
    )
    assert built(leaf, LOW_BY_ROOT) == [leaf, LOW_BY_ROOT]
    assert misfit([leaf], {"a.example"}, SERVER.key.public_key())


@given(
    where=st.sampled_from(sorted(CONTENTS)),
    changes=st.lists(
        st.tuples(st.integers(0, 10**6), st.binary(min_size=1, max_size=3)),
        min_size=1, max_size=3,
    ),
)  # fmt: skip
def test_any_signed_content_is_used_or_refused(
    where: str, changes: list[tuple[int, bytes]]
) -> None:
    content = bytearray(CONTENTS[where])
    for place, octets in changes:
        place %= len(content) - len(octets)
        content[place : place + len(octets)] = octets
    text = with_content(where, bytes(content))
    try:
        chain = build_chain(text, URL, SERVER.key.public_key(), NOW)
    except Fatal as fatal:
        assert str(fatal).startswith(f"{URL}: ")
    else:
        assert not misfit(chain, set(), SERVER.key.public_key())
        assert describe(chain[0]).is_usable(NOW)
