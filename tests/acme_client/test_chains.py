"""A chain that must not replace the old one."""

import datetime
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from cryptography import x509
from support.authority import Authority, key_pem, new_key, pem
from support.client import NAME, Host, assert_good
from support.pebble import Pebble
from support.proxy import Proxy, Reply, Request

HOUR = datetime.timedelta(hours=1)
OTHER = Authority.new("another root")
Make = Callable[[x509.Certificate], bytes]


def issue(
    leaf: x509.Certificate,
    names: tuple[str, ...] = (NAME,),
    start: datetime.timedelta = -HOUR,
    end: datetime.timedelta = 24 * HOUR,
) -> bytes:
    """A chain for the key of the CA's own certificate."""
    key = leaf.public_key()
    return pem(OTHER.issue(list(names), key, start, end), OTHER.certificate)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(lambda _: b"", "no certificate in it", id="empty"),
        pytest.param(lambda _: b"<html></html>", "no certificate in it", id="html"),
        pytest.param(
            lambda leaf: pem(leaf)[:300], "no certificate in it", id="half of a PEM"
        ),
        pytest.param(
            lambda leaf: pem(leaf).replace(b"M", b"!"),
            "not a certificate",
            id="bad base64",
        ),
        pytest.param(
            lambda _: key_pem(new_key()), "no certificate in it", id="a private key"
        ),
        pytest.param(
            lambda _: pem(
                OTHER.issue([NAME], new_key().public_key()), OTHER.certificate
            ),
            "is for another key",
            id="another key",
        ),
        pytest.param(
            lambda leaf: issue(leaf, ("other.example.org",)),
            "is not for www.example.org",
            id="other names",
        ),
        pytest.param(lambda leaf: issue(leaf, end=-HOUR / 2), "not now", id="expired"),
        pytest.param(
            lambda leaf: issue(leaf, start=HOUR, end=2 * HOUR),
            "not now",
            id="not yet valid",
        ),
        pytest.param(
            lambda leaf: pem(leaf, Authority.new("a third root").certificate),
            "form no chain",
            id="two that do not belong together",
        ),
    ],
)
def test_wrong_chain_is_not_used(
    renewing: Host, between: Proxy, make: Make, why: str
) -> None:
    before = renewing.content()

    def fault(request: Request) -> Reply:
        reply = request.forward()
        return attrs.evolve(
            reply, body=make(x509.load_pem_x509_certificate(reply.body))
        )

    with between.faulty("certificate", fault):
        ended = renewing.keep("--force", "--timeout", "10")
    assert (ended.code, ended.out, len(ended.fatal)) == (111, "", 1), ended.err
    assert why in ended.fatal[0]
    assert renewing.content() == before
    assert renewing.keep("--force").code == 0


def test_only_certificates_are_written(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    """Whatever else the CA sends beside the chain does not reach the file."""

    def fault(request: Request) -> Reply:
        reply = request.forward()
        body = b"ssl_engine evil;\n" + reply.body + key_pem(new_key())
        return attrs.evolve(reply, body=body)

    with between.faulty("certificate", fault):
        assert renewing.keep("--force").code == 0
    content = renewing.chain.read_bytes()
    assert b"evil" not in content
    assert b"PRIVATE" not in content
    assert_good(renewing, ca, tmp_path)
