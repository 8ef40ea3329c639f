"""Retry-After, and what is remembered of failures."""

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import attrs
import pytest
from support.authority import ServerFiles
from support.client import Host
from support.faults import cut, only_first, status, with_header
from support.openssl import make_key
from support.pebble import ChallTestSrv, Settings, WebServer, pebble
from support.proxy import Fault, Proxy, Reply, Request, proxy


def retry_after(form: str) -> str:
    """Two seconds from now, in one of the two forms of the header."""
    if form == "seconds":
        return "2"
    return formatdate(time.time() + 2.5, usegmt=True)


@pytest.mark.parametrize(
    ("step", "code", "form"),
    [
        ("directory", 503, "seconds"),
        ("newAccount", 503, "date"),
        ("newOrder", 503, "seconds"),
        ("newOrder", 429, "date"),
    ],
)
def test_retry_after_is_honoured(
    host: Host, between: Proxy, step: str, code: int, form: str
) -> None:
    times: list[float] = []

    def refuse(request: Request) -> Reply:
        return status(code, "rateLimited", retry_after(form))(request)

    with between.faulty(step, only_first(times, refuse)):
        assert host.keep().code == 0
    assert len(times) == 2
    assert times[1] - times[0] >= 1.4


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_of_a_look_is_honoured(
    host: Host, between: Proxy, form: str
) -> None:
    times: list[float] = []

    def not_yet(request: Request) -> Reply:
        reply = with_header("Retry-After", retry_after(form))(request)
        is_finalized = json.loads(reply.body)["status"] in ("processing", "valid")
        seen = {"status": "processing" if is_finalized else "pending"}
        return attrs.evolve(reply, body=json.dumps(seen).encode())

    with between.faulty("order", only_first(times, not_yet)):
        assert host.keep().code == 0
    assert times[1] - times[0] >= 1.4


def test_longer_than_the_timeout_is_not_waited_for(host: Host, between: Proxy) -> None:
    with between.faulty(
        "newOrder", status(429, "rateLimited", "7200", "too many orders")
    ):
        begin = time.monotonic()
        ended = host.keep("--timeout", "50")
        assert time.monotonic() - begin < 45
    assert ended.code == 111
    assert "too many orders" in ended.fatal[0]
    between.reset()
    again = host.keep()
    assert again.code == 111
    assert again.fatal[0].startswith(f"{host.chain}: next attempt ")
    assert (between.requests, between.connections) == ([], 0)


@pytest.mark.parametrize(
    "value",
    ["-5", "0", "1e3", "soon", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 400, "\u0662"],
)
def test_odd_retry_after(host: Host, between: Proxy, value: str) -> None:
    with between.faulty("newOrder", status(503, retry_after=value), times=1):
        ended = host.keep("--timeout", "20")
    assert (ended.code, len(ended.fatal)) in ((0, 0), (111, 1))
    if not ended.code:
        assert host.chain.exists()


@pytest.fixture
def short_lived(
    host: Host,
    dns: ChallTestSrv,
    web: WebServer,
    proxy_files: ServerFiles,
    tmp_path: Path,
) -> Iterator[tuple[Host, Proxy]]:
    """The machine in front of a CA whose certificates are valid for ten minutes."""
    settings = Settings(validity=600)
    with (
        pebble(tmp_path, web.port, dns, settings) as ca,
        proxy(ca, proxy_files) as between,
    ):
        yield attrs.evolve(host, ca=between), between


@pytest.mark.parametrize(
    ("step", "fault", "spent"),
    [
        pytest.param("directory", cut, False, id="no answer"),
        pytest.param("newOrder", status(500), False, id="stumbles"),
        pytest.param("newOrder", status(503), False, id="overloaded"),
        pytest.param(
            "newOrder", status(403, "unauthorized"), True, id="refuses the order"
        ),
        pytest.param("authz", status(500), False, id="before the challenges"),
        pytest.param("challenge", status(500), True, id="at a challenge"),
        pytest.param("finalize", status(500), True, id="after the challenges"),
    ],
)
def test_a_ca_that_cannot_be_asked_is_asked_again_in_time(
    short_lived: tuple[Host, Proxy], step: str, fault: Fault, spent: bool
) -> None:
    """Also for a certificate of ten minutes; but not faster than the CA's limits allow."""
    short, between = short_lived
    assert short.keep().code == 0
    # Pebble may spare an account that it knows the challenges: see Settings.authz_reuse.
    make_key(short.account_key, "ec256")
    with between.faulty(step, fault):
        assert short.keep("--force", "--timeout", "10").code == 111
    stored = json.loads(Path(f"{short.chain}.state").read_text().split("\n", 2)[2])
    pause = stored["failure"]["next"] - time.time()
    assert pause > 11 * 60 if spent else pause < 600 / 3
