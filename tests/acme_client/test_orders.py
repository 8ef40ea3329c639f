"""An order survives the run that placed it, and each status has a way on (docs/orders.md)."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.client import Host, assert_good, begun, ended, state_of
from support.faults import Halt, cut, edited, only_first, put, status
from support.openssl import make_key
from support.pebble import Pebble
from support.proxy import Cut, Fault, Proxy, Reply, Request


def orders(between: Proxy) -> int:
    """The number of orders that were asked for."""
    return between.requests.count("newOrder")


def challenges_put(**values: object) -> Fault:
    """All challenges of an authorization have these values."""

    def edit(document: dict[str, Any]) -> None:
        for challenge in document["challenges"]:
            challenge.update(values)

    return edited(edit)


ERROR = {"type": "urn:ietf:params:acme:error:connection", "detail": "no web server"}


# An order goes on in the next run


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize(
    "step", ["authz", "challenge", "finalize", "order", "certificate"]
)
def test_the_next_run_goes_on_after_a_kill(
    renewing: Host,
    between: Proxy,
    ca: Pebble,
    tmp_path: Path,
    step: str,
    number: signal.Signals,
) -> None:
    halt = Halt()
    fault = halt if step != "challenge" else cut_at(halt)
    with between.faulty(step, fault), begun(*renewing.options, "--force") as process:
        assert halt.reached.wait(20)
        process.send_signal(number)
        ended(process)
        halt.released.set()
    assert orders(between) == 1
    before = renewing.content()
    assert renewing.keep().code == 0
    assert orders(between) == 1
    assert renewing.content() != before
    assert_good(renewing, ca, tmp_path)
    assert "order" not in state_of(renewing)
    between.reset()
    assert renewing.keep().code == 0
    assert orders(between) == 0


def cut_at(halt: Halt) -> Fault:
    """The CA never hears of the challenge, whose file is gone when the run is killed."""

    def fault(_: Request) -> Reply:
        halt.reached.set()
        halt.released.wait(20)
        raise Cut

    return fault


def test_a_kill_after_the_chain_is_in_place_orders_nothing(
    renewing: Host, between: Proxy
) -> None:
    """The state says that the order is under way, but FILE has its certificate."""
    halt = Halt()
    with (
        between.faulty("certificate", halt),
        begun(*renewing.options, "--force") as process,
    ):
        assert halt.reached.wait(20)
        process.kill()
        ended(process)
        halt.released.set()
    stored = Path(f"{renewing.chain}.state").read_bytes()
    assert renewing.keep().code == 0
    chain = renewing.chain.read_bytes()
    Path(f"{renewing.chain}.state").write_bytes(stored)
    between.reset()
    again = renewing.keep()
    assert again.code == 0
    assert (orders(between), renewing.chain.read_bytes()) == (0, chain)
    assert len(state_of(renewing)["ledger"]["issued"]) == 1


def test_a_slow_ca_is_asked_once_a_run(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    before = renewing.content()
    with between.faulty("order", put("status", "processing")):
        first = renewing.keep("--force", "--timeout", "3")
        assert first.code == 111
        order = state_of(renewing)["order"]["url"]
        assert order in first.fatal[0]
        assert "still processing" in first.fatal[0]
        assert "; trying again from 20" in first.fatal[0]
        for _ in range(3):
            between.reset()
            later = renewing.keep("--timeout", "3")
            assert (later.code, len(later.fatal)) == (111, 1)
            assert order in later.fatal[0]
            assert between.requests.count("order") == 1
            assert orders(between) == 0
    assert renewing.content() == before
    between.reset()
    assert renewing.keep().code == 0
    assert orders(between) == 0
    assert_good(renewing, ca, tmp_path)


def test_a_slow_ca_says_when_it_wants_to_be_asked(
    renewing: Host, between: Proxy
) -> None:
    def processing(request: Request) -> Reply:
        reply = put("status", "processing")(request)
        reply.headers.append(("Retry-After", "7200"))
        return reply

    with between.faulty("order", processing):
        first = renewing.keep("--force", "--timeout", "20")
    assert first.code == 111
    wait = state_of(renewing)["order"]["next"] - time.time()
    assert 7000 < wait <= 7200
    between.reset()
    assert renewing.keep().code == 0  # FILE is usable: nothing is due before
    assert between.requests == []
    assert renewing.keep("--force").code == 0
    assert orders(between) == 0


def test_a_certificate_that_was_issued_is_fetched(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    with between.faulty("certificate", status(504)):
        first = renewing.keep("--force", "--timeout", "3")
    assert first.code == 111
    assert state_of(renewing)["order"]["url"] in first.fatal[0]
    between.reset()
    assert renewing.keep().code == 0
    assert orders(between) == 0
    assert_good(renewing, ca, tmp_path)


@pytest.fixture
def full_disk(
    renewing: Host,
) -> Iterator[Callable[[], None]]:
    """The directory of FILE on a small file system; what is returned fills it up."""
    if os.geteuid():
        pytest.skip("needs root, to mount a small file system")
    directory = renewing.directory
    saved = {file: file.read_bytes() for file in directory.iterdir()}
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(directory)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a tmpfs here")
    for file, content in saved.items():
        file.write_bytes(content)

    def fill() -> None:
        with (directory / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                return

    yield fill
    (directory / "ballast").unlink(missing_ok=True)
    subprocess.run(["umount", directory], check=True)


def test_a_full_disk_costs_no_order(
    renewing: Host, between: Proxy, full_disk: Callable[[], None]
) -> None:
    """Full when the chain is to be written; then, full all the time."""

    def full(request: Request) -> Reply:
        full_disk()
        return request.forward()

    with between.faulty("certificate", full):
        first = renewing.keep("--force")
    assert first.code == 111
    assert "No space left on device" in first.fatal[0]
    assert orders(between) == 1
    ballast = renewing.directory / "ballast"
    between.reset()
    for _ in range(3):
        assert renewing.keep().code == 111
    assert orders(between) == 0
    ballast.unlink()
    assert renewing.keep().code == 0
    assert orders(between) == 0
    full_disk()
    between.reset()
    assert renewing.keep("--force").code == 111
    assert between.requests == []
    ballast.unlink()


def test_an_order_with_a_new_key_is_fetched_for_that_key(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    """Also if --new-key is not given any more; the key beside KEY is never lost."""
    with between.faulty("certificate", status(500)):
        assert renewing.keep("--new-key", "--force", "--timeout", "2").code == 111
    waiting = Path(f"{renewing.domain_key}.next").read_bytes()
    old = renewing.domain_key.read_bytes()
    between.reset()
    assert renewing.keep().code == 0
    assert orders(between) == 0
    assert renewing.domain_key.read_bytes() == waiting != old
    assert renewing.leftovers() == []
    assert_good(renewing, ca, tmp_path)


# An order that cannot be gone on with


def placed(renewing: Host, between: Proxy) -> str:
    """An order that waits for its certificate to be fetched; its URL."""
    with between.faulty("certificate", status(500)):
        assert renewing.keep("--force", "--timeout", "2").code == 111
    between.reset()
    return str(state_of(renewing)["order"]["url"])


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(status(404, "malformed"), id="gone"),
        pytest.param(status(403, "unauthorized"), id="of another account"),
        pytest.param(put("status", "invalid"), id="invalid"),
    ],
)
def test_an_order_that_has_ended_is_placed_anew(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path, refusal: Fault
) -> None:
    url = placed(renewing, between)
    old = renewing.content()
    times = 20  # also while it may be a replica that lags behind

    def first_order(request: Request) -> Reply:
        is_old = url.endswith(request.path)
        return refusal(request) if is_old else request.forward()

    with between.faulty("order", first_order, times):
        again = renewing.keep("--force")
    assert again.code == 0
    assert f"warning: the order {url} is given up: " in again.err
    assert orders(between) == 1
    assert renewing.content() != old
    assert_good(renewing, ca, tmp_path)


def test_an_order_for_other_names_is_given_up(renewing: Host, between: Proxy) -> None:
    url = placed(renewing, between)
    again = renewing.keep("--domain", "other.example.org")
    assert again.code == 0
    assert f"warning: the order {url} is given up: other names" in again.err
    assert orders(between) == 1


def test_an_order_whose_key_is_gone_is_given_up(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    url = placed(renewing, between)
    renewing.domain_key.unlink()
    make_key(renewing.domain_key, "ec256")
    again = renewing.keep("--force")
    assert again.code == 0, again.err
    assert f"the order {url} is given up: the key that it is for is gone" in again.err
    assert_good(renewing, ca, tmp_path)


# Every status has a way on


@pytest.mark.parametrize(
    "step", ["newOrder", "authz", "challenge", "finalize", "order", "certificate"]
)
def test_a_replica_that_lags_behind(renewing: Host, between: Proxy, step: str) -> None:
    """What another replica has just made is not found, twice."""
    with between.faulty(step, status(404, "malformed"), times=2):
        assert renewing.keep("--force").code == 0
    created = orders(between) - (2 if step == "newOrder" else 0)
    assert created == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (403, "orderNotReady"),
        (400, "malformed"),
        (403, "unauthorized"),
        (400, "badCSR"),
        (500, "serverInternal"),
    ],
)
def test_a_trial_that_is_refused_costs_nothing(
    renewing: Host, between: Proxy, code: int, kind: str
) -> None:
    """Some CAs have their own words for "not ready yet"."""
    times: list[float] = []
    refused = only_first(times, status(code, kind))
    with between.faulty("finalize", refused):
        assert renewing.keep("--force").code == 0
    assert len(times) == 2
    assert orders(between) == 1


@pytest.mark.parametrize("kind", ["badCSR", "unauthorized"])
def test_a_ready_order_that_is_refused_is_an_error(
    renewing: Host, between: Proxy, kind: str
) -> None:
    with between.faulty("finalize", status(400, kind)):
        refused = renewing.keep("--force", "--timeout", "20")
    assert refused.code == (100 if kind == "badCSR" else 111)
    assert kind in refused.fatal[0]
    assert between.requests.count("finalize") <= 3
    between.reset()
    assert renewing.keep().code == 0  # FILE is usable, and the refused order waits
    assert between.requests == []
    assert renewing.keep("--force").code == 0
    assert orders(between) == 0


@pytest.mark.parametrize("answer", ["ready", "pending"])
def test_an_order_that_comes_back_as_it_was(
    renewing: Host, between: Proxy, answer: str
) -> None:
    """Finalize answers 200, and the order is what it was (the CA has not done it)."""
    with between.faulty("finalize", unmoved(between, answer), times=1):
        assert renewing.keep("--force").code == 0
    assert orders(between) == 1


def unmoved(between: Proxy, answer: str) -> Fault:
    """An order with a status, whatever is asked of it; the CA hears nothing."""

    def fault(request: Request) -> Reply:
        document = {
            "status": answer,
            "identifiers": [{"type": "dns", "value": "www.example.org"}],
            "authorizations": [],
            "finalize": f"https://localhost:{between.port}{request.path}",
        }
        return Reply(200, [], json.dumps(document).encode())

    return fault


@pytest.mark.parametrize("answer", ["ready", "pending", "processing"])
def test_an_order_that_stays_as_it_is(
    renewing: Host, between: Proxy, answer: str
) -> None:
    """It is kept, asked for with growing pauses, and told."""

    def fault(request: Request) -> Reply:
        if request.step == "order":
            return put("status", answer)(request)
        if request.step == "finalize" and answer != "processing":
            return unmoved(between, answer)(request)
        return request.forward()

    with between.faulty("", fault):
        ended_run = renewing.keep("--force", "--timeout", "6")
    assert ended_run.code == 111
    assert f"the order is still {answer}" in ended_run.fatal[0]
    assert between.requests.count("finalize") < 12
    assert between.requests.count("order") < 20
    assert state_of(renewing)["order"]["url"] in ended_run.fatal[0]
    assert renewing.keep("--force").code == 0
    assert orders(between) == 1


def test_an_unknown_status_is_an_error(renewing: Host, between: Proxy) -> None:
    with between.faulty("order", put("status", "paused")):
        ended_run = renewing.keep("--force", "--timeout", "20")
    assert ended_run.code == 111
    assert "the order has status paused, which is none" in ended_run.fatal[0]
    assert renewing.keep("--force").code == 0
    assert orders(between) == 1


# Authorizations and challenges


def passed(request: Request) -> Reply:
    """The CA's own answer."""
    return request.forward()


def pending(request: Request) -> Reply:
    """The CA never says more of an order than that it is pending."""
    if request.step == "finalize":
        return status(403, "orderNotReady")(request)
    return put("status", "pending")(request)


def stuck(authz: Fault, challenge: Fault) -> Fault:
    """The order stays pending; authorizations and challenges are as told."""

    def fault(request: Request) -> Reply:
        if request.step in ("order", "finalize"):
            return pending(request)
        if request.step == "authz":
            return authz(request)
        if request.step == "challenge":
            return challenge(request)
        return request.forward()

    return fault


def test_a_challenge_that_is_invalid_while_the_order_is_pending(
    renewing: Host, between: Proxy
) -> None:
    """acme2certifier, and step-ca for another content: the challenge alone tells."""

    def answer(request: Request) -> Reply:
        return edited(lambda told: told.update(status="invalid", error=ERROR))(request)

    with between.faulty("", stuck(passed, answer)):
        failed = renewing.keep("--force", "--timeout", "60")
    assert failed.code == 111
    assert "www.example.org: connection: no web server" in failed.fatal[0]
    assert "trying again from" in failed.fatal[0]
    assert between.requests.count("order") <= 2
    assert "order" not in state_of(renewing)


def test_a_challenge_that_stays_pending_with_an_error(
    renewing: Host, between: Proxy
) -> None:
    """step-ca and Caddy: the CA tries once each time that it is told (section 8.2)."""
    values = {"status": "pending", "error": ERROR}

    def told(_: Request) -> Reply:
        return Reply(200, [], json.dumps({"type": "http-01"} | values).encode())

    seen = edited(
        lambda authorization: authorization.update(
            status="pending",
            challenges=[one | values for one in authorization["challenges"]],
        )
    )
    with between.faulty("", stuck(seen, told)):
        failed = renewing.keep("--force", "--timeout", "60")
    assert failed.code == 111
    assert "www.example.org: connection: no web server" in failed.fatal[0]
    assert between.requests.count("challenge") == 4
    assert orders(between) == 1


@pytest.mark.parametrize("final", ["invalid", "deactivated", "expired", "revoked"])
def test_an_authorization_that_has_ended(
    renewing: Host, between: Proxy, final: str
) -> None:
    times: list[float] = []

    def authz(request: Request) -> Reply:
        times.append(time.time())
        if len(times) == 1:
            return request.forward()
        return put("status", final)(request)

    with between.faulty("", stuck(authz, passed)):
        failed = renewing.keep("--force", "--timeout", "60")
    assert failed.code == 111
    assert f"authorization is {final}" in failed.fatal[0]
    assert "order" not in state_of(renewing)
    assert renewing.keep("--force").code == 0


def test_a_slow_validation_is_waited_for(renewing: Host, between: Proxy) -> None:
    """The challenge is `processing`, then the CA is through."""
    seen: list[str] = []

    def authz(request: Request) -> Reply:
        seen.append(request.step)
        if 1 < len(seen) < 4:
            values = {"status": "processing"}
            return edited(
                lambda told: told.update(
                    status="pending",
                    challenges=[one | values for one in told["challenges"]],
                )
            )(request)
        return request.forward()

    def fault(request: Request) -> Reply:
        if len(seen) < 4:
            return stuck(authz, passed)(request)
        return request.forward()

    with between.faulty("", fault):
        assert renewing.keep("--force").code == 0
    assert between.requests.count("challenge") == 1
    assert orders(between) == 1


def test_more_authorizations_than_names_are_refused(
    renewing: Host, between: Proxy
) -> None:
    """A hostile CA must not send the client round 3,000 URLs."""
    many = edited(
        lambda order: order.update(authorizations=order["authorizations"] * 3000)
    )
    with between.faulty("newOrder", many):
        failed = renewing.keep("--force", "--timeout", "20")
    assert failed.code == 111
    assert "3000 authorizations for 1 names" in failed.fatal[0]
    assert between.requests.count("authz") == 0


def test_ten_seconds_without_an_answer(renewing: Host, between: Proxy) -> None:
    """What is under way has until --timeout, not four tries."""
    begin = time.monotonic()

    def out_of_order(request: Request) -> Reply:
        if time.monotonic() - begin < 10:
            return status(504)(request) if len(between.requests) % 2 else cut(request)
        return request.forward()

    with between.faulty("order", out_of_order):
        assert renewing.keep("--force").code == 0
    assert orders(between) == 1


def test_a_web_server_that_serves_something_else(renewing: Host) -> None:
    """The CA's reason is told within the run, and the order, which is invalid, goes."""
    renewing_elsewhere = renewing.directory / "nowhere"
    renewing_elsewhere.mkdir()
    failed = renewing.keep("--force", "--acme-dir", str(renewing_elsewhere))
    renewing_elsewhere.rmdir()
    assert failed.code == 111
    assert "www.example.org: unauthorized" in failed.fatal[0]
    assert "order" not in state_of(renewing)
