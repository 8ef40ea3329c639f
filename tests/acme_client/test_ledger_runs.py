"""What was issued bounds what is ordered, seen from outside: files, messages, exit codes."""

import json
import zlib
from pathlib import Path

import pytest
from support.client import Host, begun, ended, state_of, store_state
from support.faults import Halt, edited, put
from support.proxy import Fault, Proxy, Reply, Request

PAST = {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00Z"}
LONG_AGO = {"start": "0001-01-01T00:00:00Z", "end": "0001-01-02T00:00:00Z"}


def test_a_chain_that_is_deleted_again_and_again(host: Host, between: Proxy) -> None:
    codes = []
    for _ in range(5):
        host.chain.unlink(missing_ok=True)
        codes.append(host.keep().code)
    assert codes == [0, 0, 111, 111, 111]
    assert between.requests.count("newOrder") == 2
    between.reset()
    refused = host.keep()
    assert between.requests == []
    assert "2 certificates for its names were issued in a week" in refused.fatal[0]
    assert "the next is ordered from 20" in refused.fatal[0]
    asked = host.keep("--check")
    assert asked.code == 1
    assert "due, next attempt 20" in asked.out
    # The remedy that is told works, with a warning, and counts.
    assert "now with --force" in refused.fatal[0]
    forced = host.keep("--force")
    assert forced.code == 0
    assert "warning: " in forced.err
    assert "ordering all the same" in forced.err
    host.chain.unlink()
    again = host.keep()
    assert again.code == 111
    assert "3 certificates for its names" in again.fatal[0]


@pytest.mark.parametrize("window", [PAST, LONG_AGO])
def test_a_window_that_is_always_past(new_host: Host, window: dict[str, str]) -> None:
    """A success is believed once; then the CA has to wait, and that is no error."""
    host, between = new_host, new_host.ca
    assert isinstance(between, Proxy)
    assert host.keep().code == 0

    def past(request: Request) -> Reply:
        explained = {
            "suggestedWindow": window,
            "explanationURL": "https://ca.example/why",
        }
        return edited(lambda told: told.update(explained))(request)

    with between.faulty("renewalInfo", past):
        runs = [host.keep() for _ in range(12)]
    assert [run.code for run in runs] == [0] * 12
    assert between.requests.count("newOrder") == 2
    assert "https://ca.example/why" in runs[0].err
    assert any("the next is ordered from 20" in run.err for run in runs[1:])
    assert runs[-1].err == ""  # the hourly run is quiet again


def test_other_names_are_another_set(host: Host, between: Proxy) -> None:
    """Two services that share one FILE by mistake."""
    codes = []
    for number in range(8):
        more = ["--domain", "b.example.org"] if number % 2 else []
        codes.append(host.keep(*more).code)
    assert between.requests.count("newOrder") <= 4
    assert set(codes) <= {0, 111}


def test_a_state_that_cannot_be_written_is_a_reason_not_to_order(
    host: Host, between: Proxy
) -> None:
    state = Path(f"{host.chain}.state")
    state.mkdir()
    for _ in range(3):
        refused = host.keep()
        assert refused.code == 111
        assert f"{state}: " in refused.err
    assert "newOrder" not in between.requests
    state.rmdir()
    assert host.keep("--force").code == 0


def test_attempts_that_do_not_end_wait(renewing: Host, between: Proxy) -> None:
    """Killed while newOrder is under way: nobody knows the URLs of these orders.

    After the first the next run need not wait: a power cut may have been the reason.
    """
    renewing.chain.unlink()
    for number in (1, 2):
        halt = Halt()
        with (
            between.faulty("newOrder", halt),
            begun(*renewing.options) as process,
        ):
            assert halt.reached.wait(20)
            process.kill()
            ended(process)
            halt.released.set()
        assert "attempt" in state_of(renewing)
        assert between.requests.count("newOrder") == number
    between.reset()
    held = renewing.keep()
    assert held.code == 111
    assert "ended while it placed an order" in held.fatal[0]
    assert "newOrder" not in between.requests
    assert "attempt" not in state_of(renewing)


# An order does not block for ever


def slow_order(renewing: Host, between: Proxy, fault: Fault) -> str:
    """An order at which the CA is always at work; its URL."""
    with between.faulty("order", fault):
        assert renewing.keep("--force", "--timeout", "3").code == 111
    between.reset()
    return str(state_of(renewing)["order"]["url"])


def make_older(renewing: Host, days: float, expired: bool) -> None:
    """Let the order be placed some days earlier."""
    state = state_of(renewing)
    state["order"]["placed"] -= days * 86400
    if expired:
        state["order"]["expires"] = state["order"]["placed"] + 3600
    store_state(renewing, state)


def test_an_order_that_has_expired_is_given_up(renewing: Host, between: Proxy) -> None:
    processing = put("status", "processing")
    url = slow_order(renewing, between, processing)
    make_older(renewing, 8, expired=True)
    with between.faulty("order", processing):
        last = renewing.keep("--timeout", "3")
    assert last.code == 111
    assert f"the order {url} is given up" in last.err
    assert "order" not in state_of(renewing)
    assert len(state_of(renewing)["ledger"]["issued"]) == 1
    assert renewing.keep("--force").code == 0


def test_force_is_the_way_out_of_an_order_that_never_ends(
    renewing: Host, between: Proxy
) -> None:
    url = slow_order(renewing, between, put("status", "processing"))

    def stuck(request: Request) -> Reply:
        old = url.endswith(request.path)
        return put("status", "processing")(request) if old else request.forward()

    with between.faulty("order", stuck):
        young = renewing.keep("--force")
        assert young.code == 111
        assert between.requests.count("newOrder") == 0
        make_older(renewing, 2, expired=False)
        old = renewing.keep("--force")
    assert old.code == 0, old.err
    assert f"the order {url} is given up: --force was given" in old.err
    assert between.requests.count("newOrder") == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 407, 421, 425])
def test_a_page_of_somebody_in_between_costs_no_order(
    renewing: Host, between: Proxy, code: int
) -> None:
    url = slow_order(renewing, between, put("status", "processing"))

    def page(_: Request) -> Reply:
        return Reply(code, [("Content-Type", "text/html")], b"<html>sorry</html>")

    with between.faulty("order", page):
        refused = renewing.keep("--timeout", "15")
    assert refused.code == 111
    assert state_of(renewing)["order"]["url"] == url
    between.reset()
    assert renewing.keep().code == 0
    assert between.requests.count("newOrder") == 0


# States of other versions, and of nobody


def test_a_state_of_an_older_version_is_gone_on_with(
    renewing: Host, between: Proxy
) -> None:
    """0.1.0 had neither order nor ledger, and kept the accounts there."""
    assert renewing.keep("--force").code == 0
    ((name, account),) = json.loads(
        Path(f"{renewing.account_key}.account").read_text()
    ).items()
    state = state_of(renewing)
    old = {"accounts": {name: account}, "issued": state["issued"]}
    store_state(renewing, old)
    Path(f"{renewing.account_key}.account").unlink()
    between.reset()
    assert renewing.keep("--force").code == 0
    assert "newAccount" not in between.requests


@pytest.mark.parametrize("value", ["file:///etc/passwd", "http://localhost/", 7, None])
def test_an_order_whose_url_is_none_is_dropped(
    renewing: Host, between: Proxy, value: object
) -> None:
    slow_order(renewing, between, put("status", "processing"))
    state = state_of(renewing)
    state["order"]["url"] = value
    store_state(renewing, state)
    again = renewing.keep("--force")
    assert again.code == 0
    assert "section order is damaged, dropped" in again.err


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "-1", '"x"', "null"])
@pytest.mark.parametrize("field", ["placed", "next", "expires", "runs"])
def test_times_that_are_none_do_no_harm(
    renewing: Host, between: Proxy, field: str, value: str
) -> None:
    slow_order(renewing, between, put("status", "processing"))
    state = state_of(renewing)
    state["order"][field] = "HERE"

    content = json.dumps(state).replace('"HERE"', value).encode() + b"\n"
    head = b"0 0 \n%08x\n" % zlib.crc32(content)
    Path(f"{renewing.chain}.state").write_bytes(head + content)
    again = renewing.keep("--force")
    assert again.code == 0, again.err
