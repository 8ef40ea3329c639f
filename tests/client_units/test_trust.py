"""The roots that the user names are trusted as openssl and curl do it."""

import functools
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from support.authority import (
    DAY,
    Authority,
    begin,
    common_name,
    key_pem,
    new_key,
    pem,
)

from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.protocol.server import Server
from s6gen.acme_client.protocol.trust import distrust

HOST = "ca.example.org"


def plain_authority(name: str, issuer: Authority | None = None) -> Authority:
    """A CA that has nothing but its basic constraints, and these not critical."""
    key = new_key()
    signer = issuer.key if issuer else key
    subject = common_name(name)
    issuer_name = issuer.certificate.subject if issuer else subject
    builder = begin(subject, issuer_name, key.public_key(), -DAY, 10 * DAY)
    builder = builder.add_extension(x509.BasicConstraints(True, None), False)
    return Authority(builder.sign(signer, SHA256()), key)


def context_of_server(tmp_path: Path, issuer: Authority) -> ssl.SSLContext:
    """The TLS of a CA whose certificate was issued by an authority."""
    key = new_key()
    certificate = issuer.issue([HOST], key.public_key())
    (tmp_path / "server").write_bytes(pem(certificate) + key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server")
    return context


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """Connect both in memory; raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asks = client.wrap_bio(to_client, to_server, server_hostname=HOST)
    answers = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[ssl.SSLObject] = set()
    for _ in range(10):
        for side in (asks, answers):
            if side in done:
                continue
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
    assert len(done) == 2


@pytest.fixture
def strict_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.13 and later want more of a root (cpython#107361)."""
    real = ssl.create_default_context

    @functools.wraps(real)
    def create(*arguments: Any, **more: Any) -> ssl.SSLContext:
        context = real(*arguments, **more)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", create)


def trusting(tmp_path: Path, *named: Authority) -> Server:
    """The client with a bundle of these."""
    bundle = tmp_path / "bundle"
    bundle.write_bytes(b"".join(pem(one.certificate) for one in named))
    return Server(f"https://{HOST}/dir", str(bundle), "1", time.monotonic() + 60)


@pytest.mark.usefixtures("strict_python")
def test_a_root_that_is_not_strict_is_trusted(tmp_path: Path) -> None:
    root = plain_authority("private root")
    peer = context_of_server(tmp_path, root)
    strict = ssl.create_default_context(cadata=pem(root.certificate).decode())
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(strict, peer)
    shake_hands(trusting(tmp_path, root).connections.trusted_roots(), peer)


@pytest.mark.usefixtures("strict_python")
def test_an_intermediate_alone_is_trusted(tmp_path: Path) -> None:
    """Its root may be one that nobody has at hand."""
    root = plain_authority("private root")
    intermediate = plain_authority("private intermediate", root)
    peer = context_of_server(tmp_path, intermediate)
    shake_hands(trusting(tmp_path, intermediate).connections.trusted_roots(), peer)


def test_another_root_is_not_trusted(tmp_path: Path) -> None:
    peer = context_of_server(tmp_path, plain_authority("private root"))
    other = trusting(tmp_path, plain_authority("private root"))
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(other.connections.trusted_roots(), peer)


@pytest.mark.parametrize("code", [9, 10])
def test_dates_that_are_wrong_tell_the_clock(tmp_path: Path, code: int) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, "certificate has expired"
    said = distrust(error, str(tmp_path))
    assert said.startswith(
        "its TLS certificate is not trusted: certificate has expired"
    )
    assert "(the clock says 20" in said


def test_advice_is_about_what_was_given(tmp_path: Path) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = 19, "self-signed certificate"
    assert distrust(error, "").endswith("(for a private CA: --ca-bundle)")
    given = distrust(error, f"{tmp_path}/bundle")
    assert given.endswith(f"(by the roots in {tmp_path}/bundle)")


# The clock


@pytest.fixture
def asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Server, list[float]]:
    """A client, and what its clock says."""
    clock = [1_800_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    return trusting(tmp_path), clock


@pytest.mark.parametrize("days", [-400, -61, -1.1, 1.1, 61, 400])
def test_the_clock_of_the_ca_counts_if_they_are_a_day_apart(
    asked: tuple[Server, list[float]],
    days: float,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server, clock = asked
    for _ in range(3):
        server.compare_clocks(clock[0] + days * 86400)
        assert server.time() == clock[0] + days * 86400
    said = capfd.readouterr().err
    assert said.count("warning: the clock says 2027-01-15T08:00:00Z, the CA's") == 1


@pytest.mark.parametrize("seconds", [-86000, -60, 0, 60, 86000])
def test_below_a_day_our_own_counts(
    asked: tuple[Server, list[float]],
    seconds: float,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server, clock = asked
    server.compare_clocks(clock[0] + seconds)
    server.compare_clocks(0)  # the CA does not say
    assert server.time() == clock[0]
    assert capfd.readouterr().err == ""


def test_a_bundle_without_a_certificate_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Fatal):
        trusting(tmp_path).prepare()
