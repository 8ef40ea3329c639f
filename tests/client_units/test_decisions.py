"""The client's decisions, and how it takes apart what comes from outside."""

import argparse
import base64
import datetime
import email.message
import email.utils
import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("acme", reason="the client needs the acme package")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from s6gen import acme_client as client

client.import_standard()
client.import_acme()

DAY, HOUR, MINUTE = 86400.0, 3600.0, 60.0
BEGIN = 1_800_000_000.0
CA = "https://ca.example/directory"


def options(*more: str) -> argparse.Namespace:
    return client.parse(
        ["--account-key=a", "--csr=c", "--acme-dir=d", f"--directory-url={CA}", *more]
    )


def held(days: float, fault: str = "", identifier: str = "") -> client.Held:
    chain = client.Held()
    chain.start, chain.end, chain.fault, chain.id = (
        BEGIN,
        BEGIN + days * DAY,
        fault,
        identifier,
    )
    chain.terms = (CA, "", "example.org")
    return chain


def state(**sections: dict[str, Any]) -> client.State:
    known = client.State("")
    known.sections = sections
    return known


# When


@pytest.mark.parametrize(
    ("days", "sections", "expected"),
    [
        pytest.param(90, {}, (60, "two thirds of its lifetime are over"), id="90 days"),
        pytest.param(45, {}, (30, "two thirds of its lifetime are over"), id="45 days"),
        pytest.param(6, {}, (3, "half of its lifetime is over"), id="6 days"),
        pytest.param(
            90,
            {"renewal": {"id": "this", "moment": BEGIN + 58 * DAY}},
            (58, "the CA suggests this moment"),
            id="the CA's moment",
        ),
        pytest.param(
            90,
            {"renewal": {"id": "this", "moment": BEGIN - 1}},
            (-1 / DAY, "the CA suggests this moment"),
            id="the CA's moment is past: revoked",
        ),
        pytest.param(
            100,
            {"renewal": {"id": "this", "moment": BEGIN + 99 * DAY}},
            (95, "5 % of its lifetime is left"),
            id="the CA's moment is too late",
        ),
        pytest.param(
            90,
            {"renewal": {"id": "another", "moment": BEGIN}},
            (60, "two thirds of its lifetime are over"),
            id="the CA spoke of another certificate",
        ),
        pytest.param(
            90,
            {"renewal": {"id": "this", "ask": BEGIN}},
            (60, "two thirds of its lifetime are over"),
            id="the CA was asked and did not say",
        ),
    ],
)
def test_a_usable_certificate_is_renewed(
    days: float, sections: dict[str, Any], expected: tuple[float, str]
) -> None:
    when, why = client.decide(
        options(), state(**sections), held(days, "", "this"), BEGIN
    )
    assert (round((when - BEGIN) / DAY, 6), why) == (round(expected[0], 6), expected[1])


@pytest.mark.parametrize(
    ("chain", "sections", "more", "why"),
    [
        pytest.param(held(90, "is missing"), {}, (), "is missing", id="no usable file"),
        pytest.param(held(1), {}, (), "expired 2027-01-16T08:00:00Z", id="expired"),
        pytest.param(held(90), {}, ("--force",), "--force was given", id="forced"),
        *(
            pytest.param(
                held(90),
                {"issued": {"terms": terms}},
                (),
                "was ordered from another CA, for more names or with another profile",
                id=f"ordered as {terms}",
            )
            for terms in (
                ["https://staging.example/directory", "", "example.org"],
                [CA, "shortlived", "example.org"],
                [CA, "", "example.org", "www.example.org"],
            )
        ),
    ],
)
def test_ordered_at_once(
    chain: client.Held, sections: dict[str, Any], more: tuple[str, ...], why: str
) -> None:
    assert client.decide(options(*more), state(**sections), chain, BEGIN + 2 * DAY) == (
        0,
        why,
    )


@pytest.mark.parametrize(
    ("chain", "sections", "expected"),
    [
        pytest.param(held(90, "", "this"), {}, 0, id="never asked"),
        pytest.param(
            held(90, "", "this"),
            {"renewal": {"id": "old", "ask": 9e9}},
            0,
            id="a new certificate",
        ),
        pytest.param(
            held(90, "", "this"),
            {"renewal": {"id": "this", "ask": BEGIN + 7}},
            BEGIN + 7,
            id="told",
        ),
        pytest.param(
            held(90, "", "this"),
            {"renewal": {"id": "this", "ask": BEGIN + 30 * DAY}},
            BEGIN + DAY,
            id="told when the clock was wrong",
        ),
        pytest.param(
            held(90), {}, client.NEVER, id="a certificate without a name for it"
        ),
        pytest.param(
            held(90, "is for another key", "this"), {}, client.NEVER, id="of no use"
        ),
        pytest.param(held(-1, "", "this"), {}, client.NEVER, id="expired"),
    ],
)
def test_next_question(
    chain: client.Held, sections: dict[str, Any], expected: float
) -> None:
    assert client.next_question(state(**sections), chain, BEGIN) == expected


@pytest.mark.parametrize(
    ("failures", "low", "high"),
    [
        *(
            (1, 0.9, 1.1),
            (2, 1.8, 2.2),
            (3, 3.6, 4.4),
            (5, 14.4, 17.6),
            (6, 21.6, 26.4),
        ),
        (99, 21.6, 26.4),
    ],
)
@pytest.mark.parametrize("spent", [True, False])
def test_pause_with_a_usable_certificate_doubles_from_an_hour_to_a_day(
    failures: int, low: float, high: float, spent: bool
) -> None:
    assert low * HOUR <= client.pause_after(failures, 30 * DAY, spent) <= high * HOUR


def test_pause_leaves_time_for_another_attempt_before_the_end() -> None:
    left = [client.pause_after(9, hours * HOUR, True) / HOUR for hours in (10, 2, 0.1)]
    assert left == [5, 1, 0.2]
    left = [client.pause_after(9, hours * HOUR, False) / HOUR for hours in (10, 2, 0.1)]
    assert left == [2.5, 0.5, 0.025]


def test_pause_without_a_certificate_grows_from_a_minute_to_a_day() -> None:
    pauses = [client.pause_after(failures, 0, True) for failures in (1, 2, 3, 4, 5, 99)]
    assert pauses == [MINUTE, 10 * MINUTE, 100 * MINUTE, DAY, DAY, DAY]
    pauses = [
        client.pause_after(failures, 0, False) for failures in (1, 2, 3, 4, 5, 99)
    ]
    assert pauses == [MINUTE, 10 * MINUTE, HOUR, HOUR, HOUR, HOUR]


@pytest.mark.parametrize(
    ("ahead", "more", "expected"),
    [
        pytest.param(60, (), 60, id="waiting"),
        pytest.param(-1, (), 0, id="over"),
        pytest.param(8 * DAY, (), 0, id="set when the clock was wrong"),
        pytest.param(60, ("--profile=other",), 0, id="for other options"),
        pytest.param(60, ("--quiet", "--timeout=5"), 60, id="for the same order"),
    ],
)
def test_hold(ahead: float, more: tuple[str, ...], expected: float) -> None:
    failure = {"next": BEGIN + ahead, "of": client.asked(options())}
    until = client.hold_until(options(*more), state(failure=failure), BEGIN)
    assert until == (BEGIN + expected if expected else 0)


@pytest.mark.parametrize(
    ("now", "message"),
    [
        pytest.param(
            0.0,
            "the clock says 1970-01-01T00:00:00Z, which cannot be: set it",
            id="no clock",
        ),
        pytest.param(
            BEGIN - HOUR,
            "the clock says 2027-01-15T07:00:00Z, but the certificate begins 2027-01-15T08:00:00Z",
            id="before the certificate",
        ),
    ],
)
def test_absurd_clock(now: float, message: str) -> None:
    with pytest.raises(client.Fatal) as fatal:
        client.check_clock(held(90), now)
    assert (str(fatal.value), fatal.value.code) == (message, 111)


@given(st.floats(1.6e9, 1.7e9), st.floats(1, 30 * DAY))
def test_chosen_moment_leaves_an_hourly_look_inside_the_window(
    start: float, length: float
) -> None:
    moment = client.choose_moment(start, start + length)
    assert start <= moment <= start + length
    assert moment <= start + max(length / 2, length - HOUR)


# What the CA says

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)
PROBLEM = st.dictionaries(
    st.sampled_from(["type", "detail", "subproblems", "identifier", "value", "status"]),
    JSON,
)


def answer(body: bytes, status: int = 200, **headers: str) -> client.Response:
    message = email.message.Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return client.Response("https://ca.example/x", status, message, body)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        pytest.param(
            {"type": "urn:ietf:params:acme:error:dns", "detail": "No A record."},
            "dns: No A record",
            id="type and detail",
        ),
        pytest.param(
            {
                "type": "urn:ietf:params:acme:error:compound",
                "detail": "Two errors",
                "subproblems": [
                    {
                        "type": "urn:ietf:params:acme:error:caa",
                        "detail": "CAA forbids it.",
                        "identifier": {"type": "dns", "value": "a.example"},
                    },
                    {"type": "urn:ietf:params:acme:error:dns", "detail": "SERVFAIL"},
                ],
            },
            "compound: Two errors; a.example: caa: CAA forbids it; in detail: dns: SERVFAIL",
            id="subproblems name their names",
        ),
        pytest.param(
            {"status": 500}, "problem: no detail", id="neither type nor detail"
        ),
        pytest.param({}, "no reason given", id="empty"),
        pytest.param(["x"], "no reason given", id="not an object"),
    ],
)
def test_problem_in_words(problem: object, expected: str) -> None:
    assert client.in_words(problem) == expected


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("rejectedIdentifier", 100),
        ("badCSR", 100),
        ("rateLimited", 111),
        ("serverInternal", 111),
    ],
)
def test_only_what_the_user_must_change_is_a_usage_error(kind: str, code: int) -> None:
    body = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": "No"}
    refusal = answer(json.dumps(body).encode(), 400, Retry_After="90").refusal()
    assert (str(refusal), refusal.code, refusal.kind, refusal.status, refusal.wait) == (
        f"https://ca.example/x: HTTP status 400: {kind}: No",
        code,
        kind,
        400,
        90,
    )


def test_a_redirect_is_told() -> None:
    refusal = answer(b"", 302, Location="http://evil.example/").refusal()
    message = "https://ca.example/x: HTTP status 302: a redirect, which is not followed"
    assert (str(refusal), refusal.code) == (message, 111)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("120", 120, id="seconds"),
        pytest.param(
            email.utils.formatdate(BEGIN + 120, usegmt=True), 120, id="HTTP date"
        ),
        pytest.param(
            email.utils.formatdate(BEGIN - 120, usegmt=True), 0, id="past date"
        ),
        pytest.param("", 0, id="none"),
        pytest.param("-5", 0, id="negative"),
        pytest.param("1e9", 0, id="not a whole number"),
        pytest.param("9" * 400, 0, id="absurdly long"),
        pytest.param("Wed, 99 Foo 2026 25:61:61 GMT", 0, id="no date"),
    ],
)
def test_retry_after(text: str, expected: float) -> None:
    assert client.seconds_until(text, BEGIN) == expected


@given(st.text())
def test_retry_after_is_never_negative_and_never_raises(text: str) -> None:
    assert client.seconds_until(text, BEGIN) >= 0


@given(JSON | PROBLEM)
def test_any_problem_becomes_words(problem: object) -> None:
    words = client.in_words(problem)
    assert words
    assert len(words) <= 1000


@given(
    st.binary() | JSON.map(lambda value: json.dumps(value).encode()),
    st.integers(300, 599),
)
def test_any_refusal_becomes_one_error(body: bytes, status: int) -> None:
    refusal = answer(body, status).refusal()
    assert (refusal.status, refusal.code in (100, 111)) == (status, True)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_an_answer_is_an_object_or_an_error(body: bytes) -> None:
    try:
        assert isinstance(answer(body).json().content, dict)
    except client.Fatal as fatal:
        assert str(fatal) == "https://ca.example/x: the answer is not a JSON object"


def test_a_deeply_nested_answer_is_an_error() -> None:
    with pytest.raises(client.Fatal, match="not a JSON object"):
        answer(b"[" * 100_000).json()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ca.example/acme?x=1", ("ca.example", "/acme?x=1")),
        ("https://ca.example:14000", ("ca.example:14000", "/")),
        ("https://[::1]:14000/dir", ("[::1]:14000", "/dir")),
    ],
)
def test_https_url(url: str, expected: tuple[str, str]) -> None:
    assert client.split_url(url, CA) == expected


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://ca.example/",
            "file:///etc/passwd",
            "//ca.example/",
            "https://",
            "https:///x",
        ),
        *(
            "https://user@ca.example/",
            "https://ca.example:0/",
            "https://ca.example:x/",
            "",
        ),
        *("https://[::1/", 5, None, ["https://ca.example/"], {}),
    ],
)
def test_no_https_url(url: object) -> None:
    with pytest.raises(client.Fatal, match=f"{CA}: leads to what is no https URL"):
        client.split_url(url, CA)


@given(JSON | st.from_regex(r"\Ahttps://.*\Z"))
def test_any_url_is_split_or_refused(url: object) -> None:
    try:
        host, target = client.split_url(url, CA)
    except client.Fatal:
        return
    assert host
    assert target.startswith("/")


@given(
    st.dictionaries(
        st.just("suggestedWindow"), JSON | st.fixed_dictionaries({"start": JSON})
    )
)
def test_any_window_is_one_or_refused(document: dict[str, Any]) -> None:
    with pytest.raises(client.Fatal):
        client.parse_window(client.Document(CA, document))


def test_window() -> None:
    window = {"start": "2027-01-15T08:00:00Z", "end": "2027-01-15T10:00:00.5+01:00"}
    assert client.parse_window(client.Document(CA, {"suggestedWindow": window})) == [
        BEGIN,
        BEGIN + HOUR + 0.5,
    ]


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    window = {"start": "2027-01-15T08:00:00Z", "end": "2027-01-15T08:00:00Z"}
    with pytest.raises(
        client.Fatal, match=f"{CA}: suggestedWindow ends before it starts"
    ):
        client.parse_window(client.Document(CA, {"suggestedWindow": window}))


@given(st.binary() | st.binary().map(lambda one: b"-----BEGIN CERTIFICATE-----" + one))
def test_any_chain_is_parsed_or_refused(pem: bytes) -> None:
    with pytest.raises(client.Fatal):
        client.parse_chain(pem + b"\n-----END CERTIFICATE-----\n", "chain")


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
        chain = client.parse_chain(pem * 2, "chain")
    except client.Fatal as fatal:
        assert str(fatal).startswith("chain: not a certificate: ")
    else:
        key = client.make_key("ec256").public_key()
        assert client.misfit(chain, {"a.example"}, key)
        assert client.defect(chain)
        assert client.common_name(chain[1].issuer) == client.describe(chain[0]).issuer


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
    with pytest.raises(client.Fatal, match="chain: not a certificate: "):
        client.parse_chain(pem, "chain")


@given(
    st.text()
    | st.sampled_from(["..", ".", "a/b", "/etc/passwd", "a\0b", "", "x" * 300])
)
def test_a_token_is_a_plain_file_name_or_refused(
    tmp_path_factory: Any, token: str
) -> None:
    place = tmp_path_factory.getbasetemp()
    answers = client.Answers(
        argparse.Namespace(dns_hook="", acme_dir=place), state(), {"example.org"}
    )
    try:
        answers.plan(CA, "example.org", token, "thumbprint")
    except client.Fatal as fatal:
        assert str(fatal).startswith(f"{CA}: a token outside of its alphabet")
    else:
        assert answers.planned == [[token, f"{token}.thumbprint", "example.org"]]
        assert set(token) <= set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        )
    finally:
        os.close(answers.folder)


def test_a_name_that_was_not_asked_for_is_refused() -> None:
    told = argparse.Namespace(dns_hook="hook", acme_dir="")
    answers = client.Answers(told, state(), {"*.example.org"})
    answers.plan(CA, "Example.ORG.", "token", "thumbprint")
    assert [(one[0], one[2]) for one in answers.planned] == [
        ("_acme-challenge.example.org", "example.org")
    ]
    with pytest.raises(
        client.Fatal, match=f"{CA}: is for a name that was not asked for: evil"
    ):
        answers.plan(CA, "evil", "token", "thumbprint")


# Names, requests, certificates


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
    assert client.normal(name) == expected


def test_a_request_asks_for_its_names_and_addresses() -> None:
    key = client.make_key("ec256")
    names = {"example.org", "*.example.org", "192.0.2.1", "2001:db8::1"}
    assert client.names_of(client.make_csr(key, names)) == names


def test_the_common_name_of_a_request_is_asked_for_too() -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example.org")])
    other = x509.SubjectAlternativeName([x509.DNSName("www.example.org")])
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder(subject).add_extension(
        other, critical=False
    )
    request = builder.sign(key, hashes.SHA256())
    assert client.names_of(request) == {"example.org", "www.example.org"}


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


def test_description_of_a_certificate() -> None:
    """The identifier is the example of RFC 9773, section 4.1."""
    identifier = bytes.fromhex("69885b6b87464041e1b37b847ba0ae2cde01c8d4")
    described = client.describe(
        certificate(
            "b.example", "a.example", serial=0x87654321, key_identifier=identifier
        )
    )
    assert vars(described) == {
        "fault": "",
        "names": ("a.example", "b.example"),
        "start": BEGIN,
        "end": BEGIN + 90 * DAY,
        "issuer": "Some CA",
        "serial": "87654321",
        "id": "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
    }


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
    key = one.public_key() if own_key else client.make_key("ec256").public_key()
    assert client.misfit([one], asked, key) == expected


# Options


def test_acme_tinys_options() -> None:
    line = "--account-key a --csr c --acme-dir d --disable-check --quiet --contact mailto:a mailto:b"
    told = client.parse(
        [*line.split(), "--check-port", "8080", "--ca", "https://ca.example"]
    )
    given = (
        "account_key",
        "csr",
        "acme_dir",
        "quiet",
        "contact",
        "directory_url",
        "check_port",
    )
    assert [getattr(told, name) for name in given] == [
        *(
            "a",
            "c",
            "d",
            True,
            ["mailto:a", "mailto:b"],
            "https://ca.example/directory",
            "8080",
        )
    ]
    assert told.command is client.write_to_stdout


WORD = st.text(min_size=1).filter(lambda text: not {*text} & {"\0", "/"})


@given(WORD, WORD)
def test_any_value_is_taken_as_it_is(path: str, name: str) -> None:
    path = f"missing{path}"
    key, account = f"{path}.key", f"{path}.account"
    told = client.parse(
        [
            f"--out={path}",
            f"--account-key={account}",
            f"--domain-key={key}",
            f"--domain={name}",
        ]
    )
    taken = (told.out, told.account_key, told.domain_key, told.domain)
    assert taken == (path, account, key, [name])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--account-key is needed (see --help)"),
        (
            "--account-key a",
            "--csr is needed, or --domain and --domain-key (see --help)",
        ),
        ("--account-key a --csr c --check", "--check needs --out (see --help)"),
        (
            "--account-key a --csr c --timeout 0",
            "--timeout must be positive (see --help)",
        ),
        (
            "--account-key a --csr c --timeout nan",
            "--timeout must be positive (see --help)",
        ),
        (
            "--account-key a --csr c --new-key",
            "--new-key needs --out and --domain-key (see --help)",
        ),
        (
            "--account-key a --csr c --eab-kid k",
            "--eab-kid needs --eab-key-file (see --help)",
        ),
        ("--account-key a --csr c --domain=", "--domain is empty (see --help)"),
        ("--revoke f", "--revoke needs a key (see --help)"),
        (
            "--account-key a --csr c --directory-url http://ca.example/",
            "--directory-url http://ca.example/: neither a known CA nor an https URL (see --help)",
        ),
        ("--status", "--status needs FILE or --out (see --help)"),
        ("--nonsense", "unrecognized arguments: --nonsense (see --help)"),
    ],
)
def test_wrong_usage_is_one_line(
    capfd: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    code = client.run(arguments.split())
    assert (code, *capfd.readouterr()) == (100, "", f"s6gen-acme: fatal: {message}\n")


# State and files


@given(st.binary())
def test_a_damaged_state_is_started_anew(tmp_path_factory: Any, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "chain.state"
    path.write_bytes(content)
    assert client.State(str(path.with_suffix(""))).sections == {}


def test_a_state_is_read_as_it_was_saved(tmp_path: Path) -> None:
    told = str(tmp_path / "chain")
    saved = client.State(told)
    saved["failure"] = {"what": "ü\n\0", "next": 1.5}
    saved.save()
    assert client.State(told).sections == {"failure": {"what": "ü\n\0", "next": 1.5}}
    assert stat.S_IMODE((tmp_path / "chain.state").stat().st_mode) == 0o600


CLIENT = client.__file__


def look_without_packages(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the client where no package can be imported, as a look that finds nothing due may."""
    command = [sys.executable, "-I", "-S", CLIENT, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of a look that found nothing due for the next minute."""
    chain, key = tmp_path / "chain", tmp_path / "key"
    chain.write_text("chain")
    key.write_text("key")
    arguments = [
        "--out",
        str(chain),
        f"--domain-key={key}",
        f"--account-key={key}.account",
        "--domain",
        "a.b",
    ]
    monkeypatch.setattr(sys, "argv", ["s6gen-acme", *arguments])
    now = time.time()
    client.State(str(chain)).save(now, now + 60)
    return arguments


def test_a_look_that_finds_nothing_due_needs_no_package(settled: list[str]) -> None:
    done = look_without_packages(*settled)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "what", ["chain", "key", "arguments", "time", "clock", "state"]
)
def test_a_look_is_taken_anew_when_something_changed(
    settled: list[str], what: str
) -> None:
    chain = Path(settled[1])
    saved = client.State(str(chain))
    match what:
        case "chain" | "key":
            (chain.parent / what).write_text("another")
        case "arguments":
            settled += ["--domain", "www.example.org"]
        case "time":
            saved.save(time.time() - 60, time.time() - 1)
        case "clock":
            saved.save(time.time() + 60, time.time() + 120)
        case "state":
            Path(f"{chain}.state").unlink()
    done = look_without_packages(*settled)
    assert (done.returncode, done.stdout) == (100, "")
    assert done.stderr.endswith(
        "is missing: install python3-acme (Debian) or py3-acme (Alpine)\n"
    )


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "chain"
    path.write_text("old")
    path.chmod(0o604)
    client.replace(str(path), b"new", 0o640)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o604)
    assert [one.name for one in tmp_path.iterdir()] == ["chain"]


def test_a_new_file_has_the_mode_asked_for(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        client.replace(str(tmp_path / "chain"), b"new", 0o640)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "chain").stat().st_mode) == 0o640


def test_a_link_is_replaced_not_followed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target, link = tmp_path / "target", tmp_path / "chain"
    target.write_text("old")
    link.symlink_to(target)
    (tmp_path / "chain.tmp").symlink_to(target)
    client.replace(str(link), b"new", 0o640)
    assert (target.read_text(), link.read_text(), link.is_symlink()) == (
        "old",
        "new",
        False,
    )
    warning = (
        f"s6gen-acme: warning: {link}: was a symbolic link, is replaced by a file\n"
    )
    assert capfd.readouterr().err == warning


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "chain"
    with pytest.raises(client.Fatal) as fatal:
        client.replace(str(path), b"new", 0o640)
    expected = (f"{path}: unable to write: No such file or directory", 111)
    assert (str(fatal.value), fatal.value.code) == expected


def key_pair_of_a_killed_run(directory: Path, deployed: bool) -> argparse.Namespace:
    """Chain, key and next key, as a run with --new-key leaves them that was killed."""
    old, new = client.make_key("ec256"), client.make_key("ec256")
    chain = certificate("example.org", key=new if deployed else old)
    (directory / "chain").write_bytes(chain.public_bytes(serialization.Encoding.PEM))
    (directory / "key").write_bytes(client.pem_of(old))
    (directory / "key.next").write_bytes(client.pem_of(new))
    return argparse.Namespace(
        out=str(directory / "chain"), domain_key=str(directory / "key")
    )


@pytest.mark.parametrize("deployed", [True, False])
def test_key_and_chain_belong_together_again_after_a_kill(
    tmp_path: Path, deployed: bool
) -> None:
    told = key_pair_of_a_killed_run(tmp_path, deployed)
    client.settle_new_key(told)
    chain = client.parse_chain((tmp_path / "chain").read_bytes(), "chain")
    assert (
        client.misfit(
            chain, {"example.org"}, client.load_key(told.domain_key).public_key()
        )
        == ""
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == ["chain", "key"]


def test_a_message_is_one_line_whatever_it_holds(
    capfd: pytest.CaptureFixture[str],
) -> None:
    client.say("fatal", "a\nb\x1b[31m\r\0ü\udcff")
    expected = "s6gen-acme: fatal: a\\nb\\x1b[31m\\r\\x00ü\\udcff\n"
    assert capfd.readouterr().err == expected
