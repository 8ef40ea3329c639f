"""A CA, or who sits between, that says what nobody should: one line, whose, and bounded work.

Every attempt has to end soon after --timeout, with one line that names the host whose answer it
was, without a bug, having cost little of the processor, and with chain and keys as they were.
"""

import resource
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from support.authority import ServerFiles
from support.client import NAME, Finished, Host
from support.faults import edited, instead, put, with_header
from support.proxy import Fault, Proxy, Reply, Request

TIMEOUT = 5
"""Seconds of --timeout: what is attacked may take all of it."""
MOST_CPU = 15
"""Seconds of the processor. Most attempts take less than one; some attacks would take minutes."""
LARGE = 1_000_000
"""Characters of what is large, but may be sent."""

BAD_URLS = [
    "https://bad host/x",
    "https://bad\thost/x",
    "https://host:port/x",
    "https://host:99999999/x",
    "https://user:word@host/x",
    "https://h\u00f6st/x",
    "https://host/\u00f6",
    "https://host/a b",
    "https://host/a\r\nX: y",
    "https://[::1/x",
    "https://" + "a" * 300 + "/x",
    "https://host/" + "a" * LARGE,
    "http://localhost/x",
    "file:///etc/passwd",
    "",
    "x",
]
NO_STRINGS: list[Any] = [None, 5, 1e300, True, [], {}, ["https://host/x"]]
MANY_BEGINNINGS = b"-----BEGIN CERTIFICATE-----\n" * 35_000
EMPTY_BLOCK = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"
LONG_NAME = "\u00df" * 300_000


def listed(name: str, value: object) -> Fault:
    """Put a value into the first object of the list `challenges`."""

    def edit(content: dict[str, Any]) -> dict[str, Any]:
        content["challenges"][0][name] = value
        for challenge in content["challenges"]:
            if challenge["type"] == "http-01":
                challenge[name] = value
        return content

    return edited(edit)


def spread(size: int) -> Fault:
    """Put an object with very many members, or levels, in front of the answer's own."""

    def edit(content: dict[str, Any]) -> dict[str, Any]:
        return {f"x{number}": number for number in range(size)} | content

    return edited(edit)


def headers(count: int, length: int) -> Fault:
    """Add headers."""

    def fault(request: Request) -> Reply:
        reply = request.forward()
        more = [(f"X-{number}", "y" * length) for number in range(count)]
        return attrs.evolve(reply, headers=[*reply.headers, *more])

    return fault


def urls(step: str, field: str) -> list[tuple[str, Fault]]:
    """Return what may be wrong with a URL in a field."""
    return [(step, put(field, url)) for url in (*BAD_URLS, *NO_STRINGS)]


DIRECTORY = [
    *urls("directory", "newNonce"),
    *urls("directory", "newAccount"),
    *urls("directory", "newOrder"),
    ("directory", instead(b"[" * LARGE)),
    ("directory", instead(b'{"a":' * 200_000)),
    ("directory", instead(b'{"newNonce": ' + b"9" * LARGE + b"}")),
    ("directory", instead(b"\xff" * LARGE)),
    ("directory", instead(b"{}" + b" " * (2 << 20))),
    ("directory", headers(200, 10)),
]
ORDER = [
    *urls("newOrder", "finalize"),
    ("newOrder", put("authorizations", [])),
    ("newOrder", put("authorizations", ["https://localhost/x"] * 3000)),
    ("newOrder", put("authorizations", "https://localhost/x")),
    *[("newOrder", put("authorizations", [url])) for url in BAD_URLS],
    *[("newOrder", put("authorizations", [value])) for value in NO_STRINGS],
    *[("newOrder", with_header("Location", url)) for url in BAD_URLS[6:7]],
    ("newOrder", with_header("Location", "https://bad host/x")),
    ("newOrder", with_header("Location", "http://[")),
    ("newOrder", put("status", "x" * LARGE)),
    ("newOrder", put("status", ["valid"])),
]
AUTHORIZATION = [
    ("authz", put("identifier", {"type": "dns", "value": LONG_NAME})),
    ("authz", put("identifier", {"type": "dns", "value": "a." * 400_000})),
    ("authz", put("identifier", {"type": "dns", "value": "\u202egro.elpmaxe"})),
    ("authz", put("identifier", {"type": "dns", "value": "*." + NAME})),
    ("authz", put("identifier", {"type": "ip", "value": "127.0.0.1"})),
    ("authz", put("identifier", [])),
    ("authz", put("challenges", [{}] * 200_000)),
    ("authz", put("challenges", [[]])),
    ("authz", put("status", "x" * LARGE)),
    *[("authz", listed("url", url)) for url in (*BAD_URLS, *NO_STRINGS)],
    *[("authz", listed("token", value)) for value in NO_STRINGS],
    ("authz", listed("token", "../../etc/passwd")),
    ("authz", listed("token", "a/b")),
    ("authz", listed("token", "..")),
    ("authz", listed("token", "")),
    ("authz", listed("token", "t" * LARGE)),
    ("authz", listed("token", "t\n")),
    ("authz", listed("token", "\u0661" * 40)),
    ("authz", listed("status", "x" * LARGE)),
]
CERTIFICATE = [
    ("certificate", instead(MANY_BEGINNINGS)),
    ("certificate", instead(MANY_BEGINNINGS + b"-----END CERTIFICATE-----")),
    ("certificate", instead(EMPTY_BLOCK * 19_000)),
    ("certificate", instead(b"\0" * LARGE)),
    ("certificate", instead(b"")),
    ("certificate", instead(b"-----BEGIN CERTIFICATE-----\n" + b"A" * LARGE)),
]
FINALIZED = [
    *urls("order", "certificate"),
    ("order", put("status", "x" * LARGE)),
    ("finalize", put("status", "x" * LARGE)),
]
HARMLESS = [
    ("directory", with_header("Replay-Nonce", "x" * 60_000)),
    ("directory", spread(60_000)),
    ("directory", headers(90, 60_000)),
    ("directory", with_header("Date", "9" * 60_000)),
    ("newOrder", put("expires", "9" * 100_000)),
    ("newOrder", put("expires", "9999-12-31T23:59:59Z")),
    ("authz", listed("error", {"detail": "\x1b]0;x\a\u202e" * 10_000})),
    ("authz", listed("error", {"type": "x:" * 100_000})),
    ("authz", listed("error", {"subproblems": [{}] * 100_000})),
]
"""These are odd, and still say all that is needed."""

Attempt = tuple[str, Fault]


@pytest.mark.parametrize(
    "attempts",
    [DIRECTORY, ORDER, AUTHORIZATION, FINALIZED, CERTIFICATE, HARMLESS],
    ids=["directory", "order", "authorization", "finalized", "certificate", "harmless"],
)
def test_what_a_ca_says_is_bounded(
    renewing: Host, between: Proxy, attempts: list[Attempt]
) -> None:
    before = renewing.content()
    for number, (step, fault) in enumerate(attempts):
        done, cost = attempt(renewing, between, step, fault)
        if done.code == 0 and "authz" not in between.requests:
            # Pebble takes a valid authorization for a new order, once in a hundred times.
            before = renewing.content()
            done, cost = attempt(renewing, between, step, fault)

        where = f"attempt {number} at {step}: {done.err[:2000]}"
        assert cost < MOST_CPU, where
        assert list(renewing.challenges.iterdir()) == [], where
        assert done.err.replace("\n", "").isprintable(), where
        if attempts is HARMLESS:
            assert done.code == 0, where
            before = renewing.content()
            continue
        assert done.code == 111, where
        assert len(done.fatal) == 1, where
        assert f"localhost:{between.port}" in done.fatal[0], where
        assert len(done.fatal[0]) < 5000, where
        assert renewing.content() == before, where
    print(f"held: {len(attempts)}")


def attempt(
    host: Host, between: Proxy, step: str, fault: Fault
) -> tuple[Finished, float]:
    """Run the client once with a fault: how it ended, and its seconds of the processor."""
    forget(host)
    between.reset()
    with between.faulty(step, fault):
        return measured(host, "--force", "--timeout", str(TIMEOUT))


def forget(host: Host) -> None:
    """Remove what earlier attempts have left for the next run, which would wait for it."""
    for name in ("chain.pem.state", "account.key.account"):
        host.directory.joinpath(name).unlink(missing_ok=True)


def measured(host: Host, *more: str) -> tuple[Finished, float]:
    """Run the client, and tell how many seconds of the processor it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = host.keep(*more, prefix=("timeout", "-s", "KILL", "60"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# Who sits between may say nothing, or never stop.


def one_byte_a_second(connection: ssl.SSLSocket) -> None:
    """Send the beginning of an answer, then ever more of a header."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        connection.sendall(b"y")
        time.sleep(0.2)


def continue_for_ever(connection: ssl.SSLSocket) -> None:
    """Send answers that are not final (RFC 9110 section 15.2)."""
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def chunks_for_ever(connection: ssl.SSLSocket) -> None:
    """Send a body byte by byte, without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"1\r\nx\r\n" * 1000)


def trailers_for_ever(connection: ssl.SSLSocket) -> None:
    """Send headers behind a body, without an end (RFC 9112 section 7.1.2)."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    while True:
        connection.sendall(b"X: y\r\n" * 1000)


@pytest.fixture
def endless(proxy_files: ServerFiles, request: pytest.FixtureRequest) -> Iterator[int]:
    """Return the port of a server with trusted TLS that behaves as the test's parameter says."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(proxy_files.chain, proxy_files.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.recv(1000)
                        request.param(connection)
                except (OSError, ValueError):
                    if listener.fileno() < 0:
                        return

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "endless",
    [
        one_byte_a_second,
        continue_for_ever,
        chunks_for_ever,
        trailers_for_ever,
    ],
    indirect=True,
)
def test_an_answer_that_never_ends(
    renewing: Host, endless: int, proxy_files: ServerFiles
) -> None:
    before = renewing.content()
    url = f"https://localhost:{endless}/dir"
    options = ["--directory-url", url, "--ca-bundle", str(proxy_files.root)]
    limit = ("prlimit", "--as=2000000000", "timeout", "-s", "KILL", "60")
    done = renewing.keep("--force", *options, "--timeout", "2", prefix=limit)

    assert done.code == 111, done.err
    assert len(done.fatal) == 1
    assert f"localhost:{endless}" in done.fatal[0]
    assert renewing.content() == before
