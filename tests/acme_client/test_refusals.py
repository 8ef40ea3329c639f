"""A CA that cannot be reached, cannot be trusted, or refuses; and what is said of it."""

import datetime
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import attrs
import pytest
from support.authority import server_files
from support.client import NAME, Host
from support.faults import status
from support.pebble import ChallTestSrv, Pebble, Settings, WebServer, pebble
from support.program import free_port
from support.proxy import Proxy, Reply, proxy
from test_faults import assert_refused

# TLS


class Tls(NamedTuple):
    """The names and the end, in days from now, of a CA's certificate; whether its root is known."""

    names: tuple[str, ...]
    end: float
    trusted: bool = True


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        (Tls(("localhost",), 9, trusted=False), "certificate is not trusted"),
        (Tls(("ca.example.org",), 9), "Hostname mismatch"),
        (Tls(("localhost",), -0.5), "certificate has expired"),
    ],
    ids=["another root", "another name", "expired"],
)
def test_certificate_of_the_ca(
    renewing: Host, ca: Pebble, tmp_path: Path, tls: Tls, said: str
) -> None:
    before = renewing.content()
    end = datetime.timedelta(days=tls.end)
    files = server_files(tmp_path / "tls", tls.names, end)
    with proxy(ca, files) as between:
        root = [] if tls.trusted else ["--ca-bundle", str(ca.ca_file)]
        host = attrs.evolve(renewing, ca=between)
        ended = host.keep("--force", *root, "--timeout", "5")
    assert_refused(ended)
    assert said in ended.fatal[0]
    assert renewing.content() == before
    assert between.requests == []


@pytest.fixture
def rude() -> Iterator[dict[str, int]]:
    """Ports of servers that are none: nobody there, one that is silent, one that speaks HTTP."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        socket.create_server(("127.0.0.1", 0)) as plain,
    ):

        def answer() -> None:
            while True:
                try:
                    connection, _ = plain.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(
                        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
                    )

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield {
            "nobody": free_port(),
            "silent": silent.getsockname()[1],
            "plain": plain.getsockname()[1],
        }
        plain.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("kind", ["nobody", "silent", "plain"])
def test_no_ca_there(renewing: Host, rude: dict[str, int], kind: str) -> None:
    before = renewing.content()
    url = f"https://localhost:{rude[kind]}/dir"
    ended = renewing.keep("--force", "--directory-url", url, "--timeout", "1")
    assert_refused(ended)
    assert renewing.content() == before


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/dir",
        "ftp://localhost/dir",
        "file:///etc/passwd",
        "localhost/dir",
        "https://",
        "https://[/dir",
        "https://localhost:0/dir",
        "https://localhost:99999/dir",
        "https://user@localhost/dir",
        "https://" + "a" * 64 + ".example/dir",
        "https://localhost/d\nX: y",
        "",
    ],
)
def test_wrong_directory_url(renewing: Host, url: str) -> None:
    before = renewing.content()
    ended = renewing.keep("--force", "--directory-url", url, "--timeout", "2")
    assert ended.code in (100, 111)
    assert_refused(ended, ended.code)
    assert renewing.content() == before


# Refusals


def test_says_what_the_ca_saw(renewing: Host, tmp_path: Path) -> None:
    """The answers are put where no web server looks."""
    before, directory = renewing.content(), tmp_path / "unserved"
    directory.mkdir()
    ended = renewing.keep("--force", "--acme-dir", str(directory))
    assert_refused(ended)
    assert f"{NAME}: unauthorized: " in ended.fatal[0]
    assert "404" in ended.fatal[0]
    assert renewing.content() == before
    assert list(directory.iterdir()) == []


def test_names_that_failed_are_named(renewing: Host, dns: ChallTestSrv) -> None:
    """One of three names has no address."""
    names = ("a.example.org", "bad.example.net", "c.example.org")
    dns.fail("bad.example.net.")
    host = attrs.evolve(renewing, names=names)
    before = host.content()
    ended = host.keep("--force")
    assert_refused(ended)
    assert "bad.example.net" in ended.fatal[0]
    assert "a.example.org" not in ended.fatal[0]
    assert host.content() == before


def test_blocked_name(
    renewing: Host, dns: ChallTestSrv, web: WebServer, tmp_path: Path
) -> None:
    settings = Settings(blocked=("example.org",))
    with pebble(tmp_path / "ca", web.port, dns, settings) as ca:
        ended = attrs.evolve(renewing, ca=ca).keep("--force")
    assert_refused(ended, 100)
    assert "rejectedIdentifier" in ended.fatal[0]
    assert "example.org" in ended.fatal[0]


def test_subproblems_are_told(renewing: Host, between: Proxy) -> None:
    """RFC 8555 section 6.7.1."""
    body = b"""{
        "type": "urn:ietf:params:acme:error:malformed",
        "detail": "Some of the identifiers requested were rejected",
        "subproblems": [
            {
                "type": "urn:ietf:params:acme:error:caa",
                "detail": "CAA forbids it",
                "identifier": {"type": "dns", "value": "sub.example.org"}
            }
        ]
    }"""
    with between.faulty("newOrder", lambda _: Reply(403, [], body)):
        ended = renewing.keep("--force")
    assert_refused(ended)
    for word in (
        "malformed",
        "were rejected",
        "sub.example.org",
        "caa",
        "CAA forbids it",
    ):
        assert word in ended.fatal[0]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("badCSR", 100),
        ("badPublicKey", 100),
        ("badSignatureAlgorithm", 100),
        ("caa", 111),
        ("connection", 111),
        ("dns", 111),
        ("externalAccountRequired", 100),
        ("invalidContact", 100),
        ("rateLimited", 111),
        ("rejectedIdentifier", 100),
        ("serverInternal", 111),
        ("unsupportedContact", 100),
        ("unsupportedIdentifier", 100),
        ("userActionRequired", 100),
        ("brandNew", 111),
        ("\x1b[31mred\r\nsecond line", 111),
    ],
)
def test_exit_code_of_a_problem(
    renewing: Host, between: Proxy, kind: str, code: int
) -> None:
    """100 where only another configuration helps, 111 where time may."""
    before = renewing.content()
    with between.faulty("newOrder", status(403, kind, detail="because\x07")):
        ended = renewing.keep("--force", "--timeout", "20")
    assert_refused(ended, code)
    assert "because" in ended.fatal[0]
    assert renewing.content() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"no JSON",
        b'{"type": 7, "detail": [], "subproblems": 3}',
        b'{"type": "' + b"x" * 5000 + b'"}',
        b'{"subproblems": [null, {"identifier": 7}, {"identifier": {"value": {}}}]}',
        b'{"detail": "' + "ünïcode \\ud800".encode() + b'"}',
    ],
)
def test_odd_problem_documents(renewing: Host, between: Proxy, body: bytes) -> None:
    before = renewing.content()
    with between.faulty("newOrder", lambda _: Reply(403, [], body)):
        ended = renewing.keep("--force", "--timeout", "20")
    assert_refused(ended)
    assert len(ended.fatal[0]) < 2000
    assert renewing.content() == before
