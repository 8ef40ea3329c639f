"""A CA that goes wrong at any step: the old chain stays, and one line says why."""

import itertools
import json

import pytest
from support.client import Finished, Host
from support.faults import (
    cut,
    cut_after,
    edited,
    instead,
    late,
    put,
    redirected,
    status,
    truncated,
    with_header,
    without,
    without_header,
)
from support.proxy import Fault, Proxy

STEPS = [
    *("directory", "newNonce", "newAccount", "newOrder", "authz", "challenge", "order"),
    *("finalize", "certificate"),
]
NOT_TWICE = ("newOrder",)
"""Steps that are not repeated unless the CA says that it did nothing."""
LARGE = b"{" + b" " * (3 << 20) + b"}"
DEEP = b"[" * 200_000


def assert_refused(ended: Finished, code: int = 111) -> None:
    """One line, the right exit code, nothing else."""
    assert (ended.code, ended.out, len(ended.fatal)) == (code, "", 1), ended.err
    assert "Traceback" not in ended.err
    assert ended.fatal[0].isprintable()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(500), id="500"),
        pytest.param(status(503), id="503"),
        pytest.param(status(503, retry_after="9999"), id="503, retry much later"),
        pytest.param(status(429, "rateLimited"), id="429"),
        pytest.param(status(429, "rateLimited", "3600"), id="429, retry later"),
        pytest.param(status(429, "rateLimited", "soon"), id="429, retry soon"),
        pytest.param(status(403, "unauthorized"), id="403"),
        pytest.param(cut, id="cut before"),
        pytest.param(cut_after, id="cut after"),
        pytest.param(late(2), id="late"),
        pytest.param(redirected("http://localhost/"), id="redirect to http"),
        pytest.param(redirected("https://localhost:1/"), id="redirect to another host"),
        pytest.param(redirected("file:///etc/passwd"), id="redirect to a file"),
    ],
)
def test_ca_fails_for_good(
    renewing: Host, between: Proxy, step: str, fault: Fault
) -> None:
    before = renewing.content()
    with between.faulty(step, fault):
        ended = renewing.keep("--force", "--timeout", "1")
    assert between.requests.count("newOrder") <= (4 if step == "newOrder" else 1)
    if step == "finalize" and fault is cut_after:
        assert ended.code == 0  # the order shows that the CA has done it
        return
    assert_refused(ended)
    assert renewing.content() == before


@pytest.mark.parametrize(
    "step", ["directory", "newOrder", "authz", "order", "finalize", "certificate"]
)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(truncated, id="truncated"),
        pytest.param(instead(LARGE), id="3 MiB"),
        pytest.param(instead(DEEP), id="deep"),
        pytest.param(instead(b""), id="empty"),
        pytest.param(instead(b"<html>come back later</html>"), id="html"),
        pytest.param(instead(b"\0\xff\xfe"), id="binary"),
        pytest.param(instead(b"[]"), id="a list"),
        pytest.param(instead(b"{}"), id="an empty object"),
    ],
)
def test_ca_sends_rubbish(
    renewing: Host, between: Proxy, step: str, fault: Fault
) -> None:
    before = renewing.content()
    with between.faulty(step, fault):
        ended = renewing.keep("--force", "--timeout", "1")
    if step == "finalize" and fault is truncated:
        assert ended.code == 0  # no answer: the order shows that the CA has done it
        return
    assert_refused(ended)
    assert renewing.content() == before


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("fault", "harmless"),
    [
        pytest.param(status(503), STEPS, id="503"),
        pytest.param(status(503, retry_after="1"), STEPS, id="503, retry in a second"),
        pytest.param(status(400, "badNonce"), STEPS[2:], id="badNonce"),
        pytest.param(status(500), [s for s in STEPS if s not in NOT_TWICE], id="500"),
        pytest.param(cut, [s for s in STEPS if s not in NOT_TWICE], id="cut before"),
        pytest.param(
            cut_after, [s for s in STEPS if s not in NOT_TWICE], id="cut after"
        ),
    ],
)
def test_ca_fails_once(
    renewing: Host, between: Proxy, step: str, fault: Fault, harmless: list[str]
) -> None:
    before = renewing.content()
    with between.faulty(step, fault, times=1):
        ended = renewing.keep("--force")
    if step in harmless:
        assert (ended.code, ended.fatal) == (0, [])
        assert renewing.content() != before
    else:
        assert_refused(ended)
        assert renewing.content() == before
        assert renewing.keep("--force").code == 0


def drop(name: str) -> Fault:
    """The answer lacks a field."""
    return edited(lambda document: document.pop(name, None) and None)


def token(value: object) -> Fault:
    """All the challenges have this token."""

    def edit(document: dict[str, list[dict[str, object]]]) -> None:
        for challenge in document["challenges"]:
            challenge["token"] = value

    return edited(edit)


def challenge(name: str, value: object) -> Fault:
    """All the challenges have another value in a field."""

    def edit(document: dict[str, list[dict[str, object]]]) -> None:
        for one in document["challenges"]:
            one[name] = value

    return edited(edit)


DIRECTORY = ["newNonce", "newAccount", "newOrder"]
ORDER = ["status", "authorizations", "finalize"]
AUTHZ = ["status", "identifier", "challenges"]
WRONG = [
    None,
    7,
    [7],
    {"a": 7},
    "",
    "http://localhost/",
    "file:///etc/passwd",
    "https://[/",
]


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        *[pytest.param("directory", drop(name), id=f"no {name}") for name in DIRECTORY],
        *[
            pytest.param(
                "directory", put(name, value), id=f"{name} is {json.dumps(value)}"
            )
            for name, value in itertools.product(DIRECTORY, WRONG)
        ],
        *[
            pytest.param("newOrder", drop(name), id=f"order has no {name}")
            for name in ORDER
        ],
        *[
            pytest.param(
                "newOrder", put(name, value), id=f"{name} is {json.dumps(value)}"
            )
            for name, value in itertools.product(ORDER[:2], WRONG)
        ],
        pytest.param(
            "newOrder", put("authorizations", ["http://localhost/"]), id="authz in http"
        ),
        pytest.param("newOrder", put("status", "invalid"), id="order is born invalid"),
        pytest.param("newOrder", without_header("Location"), id="order has no URL"),
        pytest.param(
            "newOrder",
            with_header("Location", "file:///etc/passwd"),
            id="URL is a file",
        ),
        pytest.param("newAccount", without_header("Location"), id="account has no URL"),
        pytest.param("newNonce", without_header("Replay-Nonce"), id="no nonce"),
        pytest.param(
            "newNonce", with_header("Replay-Nonce", "a\tb"), id="nonce is none"
        ),
        pytest.param(
            "newNonce", with_header("Replay-Nonce", "abcde"), id="nonce is no base64"
        ),
        *[
            pytest.param("authz", drop(name), id=f"authz has no {name}")
            for name in AUTHZ
        ],
        pytest.param("authz", put("challenges", []), id="no challenges"),
        pytest.param("authz", put("challenges", [7]), id="challenges are numbers"),
        pytest.param("authz", challenge("type", "new-01"), id="no challenge we know"),
        *[
            pytest.param(
                "authz",
                challenge("url", value),
                id=f"challenge URL {json.dumps(value)}",
            )
            for value in WRONG
        ],
        *[
            pytest.param("authz", token(value), id=f"token {json.dumps(value)[:30]}")
            for value in (
                None,
                7,
                "",
                ".",
                "..",
                "../../x",
                "/etc/passwd",
                "a/b",
                "a\0b",
                "a b",
            )
        ],
        pytest.param("authz", token("x" * 300), id="token too long for a file name"),
        pytest.param("authz", token("a\n"), id="token ends in a newline"),
        pytest.param("authz", token("\u0661"), id="token of another alphabet"),
        *[
            pytest.param(
                "order", put("status", value), id=f"order is {json.dumps(value)}"
            )
            for value in ("invalid", "deactivated", "\x1b[31m", None, 7)
        ],
        pytest.param("finalize", put("status", "invalid"), id="invalid at the end"),
        pytest.param(
            "order", put("certificate", "http://localhost/"), id="certificate in http"
        ),
        pytest.param(
            "order", edited(lambda _: {"status": "valid"}), id="valid, no certificate"
        ),
    ],
)
def test_ca_says_something_else(
    renewing: Host, between: Proxy, step: str, fault: Fault
) -> None:
    before = renewing.content()
    with between.faulty(step, fault):
        ended = renewing.keep("--force", "--timeout", "5")
    assert ended.code in (100, 111)
    assert_refused(ended, ended.code)
    assert between.directory_url.removesuffix("dir") in ended.fatal[0]
    assert renewing.content() == before


def test_an_order_that_never_ends(renewing: Host, between: Proxy) -> None:
    before = renewing.content()
    with between.faulty("order", put("status", "processing")):
        ended = renewing.keep("--force", "--timeout", "3")
    assert_refused(ended)
    assert "--timeout" in ended.fatal[0]
    assert renewing.content() == before
    assert between.requests.count("order") < 15


def test_every_nonce_is_bad(renewing: Host, between: Proxy) -> None:
    before = renewing.content()
    with between.faulty("newOrder", status(400, "badNonce")):
        ended = renewing.keep("--force", "--timeout", "20")
    assert_refused(ended)
    assert "badNonce" in ended.fatal[0]
    assert renewing.content() == before
    assert between.requests.count("newOrder") <= 60


def test_a_long_word_fills_neither_log_nor_state(
    renewing: Host, between: Proxy
) -> None:
    with between.faulty("order", put("status", "x" * 900_000)):
        ended = renewing.keep("--force", "--timeout", "5")
    assert_refused(ended)
    assert len(ended.err) < 5000
    with between.faulty(
        "directory", put("renewalInfo", "https://localhost/" + "x" * 1_000_000)
    ):
        assert renewing.keep("--force").code == 0
    assert (renewing.directory / "chain.pem.state").stat().st_size < 10_000
    with between.faulty("directory", without("renewalInfo")):
        again = renewing.keep()
    assert (again.code, again.err) == (0, "")
