"""What a server has shown: read from what it has sent, compared, and told."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.serving import certificate, self_signed

from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.options import parse
from s6gen.acme_client.serving.address import Address, parse_address, server_name
from s6gen.acme_client.serving.handshake import Shown, clear_leaf
from s6gen.acme_client.serving.leaf import matches, read_leaf
from s6gen.acme_client.serving.look import Question, is_served, new_leaf
from s6gen.acme_client.serving.starttls import split_element
from s6gen.acme_client.serving.verdict import Answer, verdict

NAME = "www.example.org"


def leaf(*names: str) -> bytes:
    return new_leaf(certificate(*names).chain)


NEW, OLD, OTHER = leaf(NAME), leaf(NAME), leaf("mail.example.net")
SELF_SIGNED = new_leaf(self_signed("debian").chain)


# HOST:PORT


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("example.org:443", "example.org", 443),
        ("Example.ORG.:443", "example.org", 443),
        ("localhost:1", "localhost", 1),
        ("bücher.example:993", "xn--bcher-kva.example", 993),
        ("127.0.0.1:65535", "127.0.0.1", 65535),
        ("[::1]:25", "::1", 25),
        ("[fe80::1%eth0]:25", "fe80::1%eth0", 25),
    ],
)
def test_an_address(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", ":443", "example.org", "example.org:", "example.org:https", "a b:1"),
        *("::1:443", "[::1]", "[::1]443", "[]:443", "[a]:443", "[a:b]:443", "[::1:443"),
        *("a:0", "a:65536", "a:-1", "a:+1", "a:1_0", "a:٤٤٣", "a:" + "1" * 5000),
        *("*.example.org:443", "a..b:443", "-" * 300 + ":443", "a\0b:443", "a\n:443"),
    ],
)
def test_no_address(text: str) -> None:
    with pytest.raises(Fatal) as caught:
        parse_address(text)
    assert caught.value.code == 100


def test_a_wildcard_is_no_server() -> None:
    with pytest.raises(Fatal, match="one of the names that it stands for"):
        server_name("*.example.org", "--server-name")


def test_an_address_is_not_indicated() -> None:
    for name in ("127.0.0.1", "::1"):
        assert Question(Address("example.org", 443), "", name).indication == ""
    assert Question(Address("127.0.0.1", 443), "", NAME).indication == NAME


# Options


@pytest.mark.parametrize(
    ("more", "timeout"), [([], 10), (["--timeout", "2.5"], 2.5), (["--quiet"], 10)]
)
def test_the_time_that_a_server_has(more: list[str], timeout: float) -> None:
    assert parse(["--serves", "localhost:443", *more], "").timeout == timeout


@pytest.mark.parametrize(
    "more",
    [["--status", "x"], ["--revoke", "x"], ["--check"], ["--starttls", "gopher"]],
)
def test_options_that_do_not_fit(more: list[str]) -> None:
    with pytest.raises(Fatal) as caught:
        parse(["--serves", "localhost:443", *more], "")
    assert caught.value.code == 100


def test_options_without_effect(capfd: pytest.CaptureFixture[str]) -> None:
    parse(["--status", "x", "--starttls", "smtp", "--server-name", NAME], "")
    said = capfd.readouterr().err
    assert "--starttls has no effect" in said
    assert "--server-name has no effect" in said


# Certificates


@pytest.mark.parametrize(
    ("own", "name", "expected"),
    [
        ("a.b", "a.b", True),
        ("*.b.c", "a.b.c", True),
        ("*.b.c", "*.b.c", True),
        ("*.b.c", "b.c", False),
        ("*.b.c", "x.a.b.c", False),
        ("*.b.c", ".b.c", False),
        ("a*.b.c", "ab.b.c", False),
        ("*.0.0.1", "127.0.0.1", False),
        ("*", "a", False),
        ("*.", "a.", False),
        ("::1", "::1", True),
    ],
)
def test_a_name_of_a_certificate(own: str, name: str, expected: bool) -> None:
    assert matches(own, name) == expected


@pytest.mark.parametrize(
    "pem",
    [
        *(b"", b"-----BEGIN CERTIFICATE-----", b"\xff" * 1000),
        b"-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n",
    ],
)
def test_no_chain(pem: bytes) -> None:
    with pytest.raises(Fatal) as caught:
        new_leaf(pem)
    assert caught.value.code == 100


def test_the_first_certificate_counts() -> None:
    first, second = certificate(NAME), certificate(NAME)
    junk = b"-----END CERTIFICATE-----\nsubject=...\n"
    assert new_leaf(junk + first.chain + second.chain) == new_leaf(first.chain)


def test_what_is_told_of_a_certificate() -> None:
    told = str(read_leaf(leaf(*(f"n{number}.example.org" for number in range(100)))))
    assert "n0.example.org" in told
    assert "and 95 more" in told


# What is seen in the clear


def server_flight(tmp_path: Path) -> bytes:
    """The first that a server sends in TLS 1.2."""
    context = certificate(NAME).context(tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there)
    answering = context.wrap_bio(there, back, server_side=True)
    for side in (asking, answering):
        with pytest.raises(ssl.SSLWantReadError):
            side.do_handshake()
    return back.read()


def test_the_certificate_before_encryption(tmp_path: Path) -> None:
    flight = server_flight(tmp_path)
    shown = clear_leaf(flight)
    assert shown == new_leaf((tmp_path / "chain.pem").read_bytes())
    for end in range(len(flight)):
        assert clear_leaf(flight[:end]) in (b"", shown)


@given(st.binary(max_size=200))
def test_whatever_is_sent(seen: bytes) -> None:
    for data in (seen, b"\x16\x03\x03" + seen, b"\x16\x03\x03\0\x20\x0b" + seen):
        assert clear_leaf(data) in data
    content, rest = split_element(seen)
    assert len(content) + len(rest) <= len(seen)


# Verdicts


def shows(der: bytes, fault: str = "") -> Answer:
    return Answer("127.0.0.1", True, Shown(der, fault), fault)


REFUSED = Answer("127.0.0.1", False, None, "connection refused")


@pytest.mark.parametrize(
    ("rounds", "code", "words"),
    [
        pytest.param([(REFUSED,)], 111, "connection refused", id="refused"),
        pytest.param([(shows(OLD),)], 1, "for these names", id="old"),
        pytest.param([(shows(OTHER),)], 2, "for other names", id="other"),
        pytest.param([(shows(SELF_SIGNED),)], 1, "self-signed", id="self-signed"),
        pytest.param([(shows(b"junk"),)], 1, "cannot be read", id="junk"),
        pytest.param([(shows(NEW, "it fails"),)], 1, "it fails", id="fault"),
        pytest.param([(shows(NEW),), (REFUSED,)], 1, "at times", id="ended"),
        pytest.param([(shows(OLD),), (REFUSED,)], 1, "before that", id="old, ended"),
        pytest.param([(shows(OTHER),), (REFUSED,)], 111, "refused", id="other, ended"),
        pytest.param([(REFUSED,), (shows(OTHER),)], 2, "other names", id="came up"),
        pytest.param([(shows(NEW), shows(OTHER))], 1, "at times", id="both"),
        pytest.param([(shows(NEW),)] * 2, 111, "--timeout", id="slow"),
    ],
)
def test_a_verdict(rounds: list[tuple[Answer, ...]], code: int, words: str) -> None:
    assert not is_served(rounds, NEW)
    number, text = verdict(rounds, NEW, NAME)
    assert (number, words in text) == (code, True), text


def test_three_times_in_a_row() -> None:
    new, old = (shows(NEW),), (shows(OLD),)
    assert is_served([old, new, new, new], NEW)
    assert not is_served([new, new, old, new, new], NEW)
    assert not is_served([new, new, (shows(NEW), shows(OLD))], NEW)
