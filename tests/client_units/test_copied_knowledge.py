"""The client's copies of s6gen's knowledge: it uses nothing of s6gen, so both have it."""

import pytest

from s6gen.acme_client import __main__, messages
from s6gen.acme_client.names import normal_name
from s6gen.acme_client.options import AUTHORITIES
from s6gen.acme_client.serving.starttls import PROTOCOLS
from s6gen.deployment.servers import STARTTLS
from s6gen.errors import Fatal
from s6gen.services import validators
from s6gen.services.domain_names import domain_name


def test_the_hourly_run_knows_the_exit_codes() -> None:
    assert (__main__.OK, __main__.TEMPORARY) == (messages.OK, messages.TEMPORARY)


def test_both_know_the_same_protocols() -> None:
    assert tuple(PROTOCOLS) == STARTTLS


def test_both_know_the_same_authorities() -> None:
    assert AUTHORITIES == validators.AUTHORITIES


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example.org", "example.org"),
        ("Example.ORG", "example.org"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--Bcher-KVA.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("\uff45xample.org", "example.org"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
    ],
)
def test_both_convert_a_name_alike(name: str, expected: str) -> None:
    assert (domain_name(name), normal_name(name)) == (expected, expected)


@pytest.mark.parametrize("name", ["a b.bücher", "☃.example", "\u200d.example", "ü..de"])
def test_both_refuse_what_is_no_internationalised_name(name: str) -> None:
    with pytest.raises(Fatal, match="is not an internationalised name"):
        domain_name(name)
    with pytest.raises(Exception, match="not a domain name"):
        normal_name(name)
