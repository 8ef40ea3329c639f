"""What a CA sends: whatever it is, it becomes a value or one error."""

import email.message
import email.utils
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.protocol.responses import (
    Document,
    Response,
    in_words,
    parse_window,
    seconds_until,
    split_url,
)

BEGIN, HOUR = 1_800_000_000.0, 3600.0
CA = "https://ca.example/directory"

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


def answer(body: bytes, status: int = 200, **headers: str) -> Response:
    message = email.message.Message()
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    return Response("https://ca.example/x", status, message, body)  # type: ignore[arg-type]


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
    assert in_words(problem) == expected


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
    what = "a redirect to http://evil.example/, which is not followed"
    message = f"https://ca.example/x: HTTP status 302: {what}"
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
    assert seconds_until(text, BEGIN) == expected


@given(st.text())
def test_retry_after_is_never_negative_and_never_raises(text: str) -> None:
    assert seconds_until(text, BEGIN) >= 0


@given(JSON | PROBLEM)
def test_any_problem_becomes_words(problem: object) -> None:
    words = in_words(problem)
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
    except Fatal as fatal:
        assert str(fatal) == "https://ca.example/x: the answer is not a JSON object"


def test_a_deeply_nested_answer_is_an_error() -> None:
    with pytest.raises(Fatal, match="not a JSON object"):
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
    assert split_url(url, CA) == expected


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
    with pytest.raises(Fatal, match=f"{CA}: leads to what is no https URL"):
        split_url(url, CA)


@given(JSON | st.from_regex(r"\Ahttps://.*\Z"))
def test_any_url_is_split_or_refused(url: object) -> None:
    try:
        host, target = split_url(url, CA)
    except Fatal:
        return
    assert host
    assert target.startswith("/")


@given(
    st.dictionaries(
        st.just("suggestedWindow"), JSON | st.fixed_dictionaries({"start": JSON})
    )
)
def test_any_window_is_one_or_refused(document: dict[str, Any]) -> None:
    with pytest.raises(Fatal):
        parse_window(Document(CA, document))


def test_window() -> None:
    window = {"start": "2027-01-15T08:00:00Z", "end": "2027-01-15T10:00:00.5+01:00"}
    assert parse_window(Document(CA, {"suggestedWindow": window})) == (
        BEGIN,
        BEGIN + HOUR + 0.5,
    )


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    window = {"start": "2027-01-15T08:00:00Z", "end": "2027-01-15T08:00:00Z"}
    with pytest.raises(Fatal, match=f"{CA}: suggestedWindow ends before it starts"):
        parse_window(Document(CA, {"suggestedWindow": window}))
