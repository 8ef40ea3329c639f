"""The CA's suggested window (RFC 9773)."""

import time
from pathlib import Path
from typing import Any

import pytest
from support.client import Host, assert_good, run
from support.faults import (
    cut,
    edited,
    instead,
    late,
    noting,
    redirected,
    status,
    truncated,
)
from support.pebble import Pebble
from support.proxy import Proxy, Reply, Request


def windows(start: float, end: float) -> Any:
    """A fault: the CA suggests to renew between these moments, in hours from now."""
    moments = (time.time() + hours * 3600 for hours in (start, end))
    texts = [
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)) for moment in moments
    ]
    window = dict(zip(("start", "end"), texts, strict=True))
    return edited(lambda _: {"suggestedWindow": window})


def ari(host: Host) -> Proxy:
    """The proxy that a machine has to ask."""
    assert isinstance(host.ca, Proxy)
    return host.ca


def test_the_window_is_asked_for_once(new_host: Host) -> None:
    new_host.keep()
    between = ari(new_host)
    between.reset()
    assert [new_host.keep().code for _ in range(3)] == [0, 0, 0]
    assert between.requests == ["renewalInfo"]


def test_a_revoked_certificate_is_replaced(
    new_host: Host, new_ca: Pebble, tmp_path: Path
) -> None:
    between = ari(new_host)
    payloads: list[Any] = []
    new_host.keep("--profile", "default")
    while new_host.certificate().serial_number.bit_length() <= 60:
        # Pebble does not find again what has a serial number that begins with zeros.
        new_host.keep("--profile", "default", "--force")
    first = new_host.certificate()
    assert run(*new_host.ca_options, "--revoke", str(new_host.chain)).code == 0
    assert new_ca.status(first.serial_number) == "Revoked"
    with between.faulty("newOrder", noting(payloads)):
        assert new_host.keep("--profile", "default").code == 0
    assert new_host.certificate() != first
    assert_good(new_host, new_ca, tmp_path)
    authority, serial = payloads[0]["replaces"].split(".")
    assert authority
    assert serial
    assert len(payloads) == 1


def test_past_window_orders_now_future_window_later(new_host: Host) -> None:
    new_host.keep()
    first, between = new_host.certificate(), ari(new_host)
    with between.faulty("renewalInfo", windows(24, 48)):
        assert new_host.keep().code == 0
    assert new_host.certificate() == first
    assert "the CA suggests this moment" in new_host.keep("--check").out
    new_host.keep("--force")
    second = new_host.certificate()
    with between.faulty("renewalInfo", windows(-48, -24)):
        assert new_host.keep().code == 0
    assert new_host.certificate() != second


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(status(409, "alreadyReplaced"), id="already replaced"),
        pytest.param(status(500, "serverInternal"), id="a CA that stumbles over it"),
    ],
)
def test_what_cannot_be_replaced_is_ordered_without(
    new_host: Host, refused: Any
) -> None:
    new_host.keep()
    first, between, wishes = new_host.certificate(), ari(new_host), []
    run(*new_host.ca_options, "--revoke", str(new_host.chain))

    def refuse_once(request: Request) -> Reply:
        wishes.append("replaces" in request.payload)
        return refused(request) if len(wishes) == 1 else request.forward()

    with between.faulty("newOrder", refuse_once):
        assert new_host.keep().code == 0
    assert wishes == [True, False]
    assert new_host.certificate() != first


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(status(500), id="500"),
        pytest.param(status(404, "malformed"), id="404"),
        pytest.param(windows(48, 24), id="ends before it starts"),
        pytest.param(edited(lambda _: {"suggestedWindow": "soon"}), id="no window"),
        pytest.param(
            edited(lambda _: {"suggestedWindow": {"start": "x", "end": "y"}}),
            id="no times",
        ),
        pytest.param(edited(lambda _: {"a": 1}), id="no field"),
        pytest.param(edited(lambda _: [7]), id="a list"),
        pytest.param(instead(b"{" + b" " * (3 << 20) + b"}"), id="3 MiB"),
        pytest.param(cut, id="cut before"),
        pytest.param(truncated, id="truncated"),
        pytest.param(late(6), id="late"),
        pytest.param(redirected("http://localhost/"), id="redirect to http"),
    ],
)
def test_without_a_window_the_lifetime_counts(new_host: Host, fault: Any) -> None:
    new_host.keep("--profile", "default")
    before, between = new_host.content(), ari(new_host)
    between.reset()
    with between.faulty("renewalInfo", fault):
        ended = new_host.keep("--profile", "default", "--timeout", "4")
        again = new_host.keep("--profile", "default", "--timeout", "4")
    assert (ended.code, again.code, again.err) == (0, 0, "")
    assert ended.err.startswith(
        "s6gen-acme: warning: the CA does not say when to renew: "
    )
    assert new_host.content() == before
    assert "newOrder" not in between.requests
    assert "two thirds" in new_host.keep("--profile", "default", "--check").out
