"""What a run begins with, before it asks anything."""

import ssl
import threading
import time
from collections.abc import Callable

import pytest
from support.program import free_port

from s6gen.acme_client.command import connect_ahead
from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.server import Server


def server(bundle: str = "") -> Server:
    """A CA at a port at which nothing listens."""
    url = f"https://127.0.0.1:{free_port()}/dir"
    return Server(url, bundle, "1", time.monotonic() + 60)


def test_tls_is_set_up_before_the_imports_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both set up OpenSSL, which some processes survive without any cipher."""
    ca = server()
    contexts: list[ssl.SSLContext | None] = []

    class Thread:
        """Notes what is there when it would begin."""

        def __init__(self, target: Callable[[], None], daemon: bool) -> None:
            assert callable(target)
            assert daemon

        def start(self) -> None:
            contexts.append(ca.context)

        def join(self) -> None:
            pass

    monkeypatch.setattr(threading, "Thread", Thread)
    connect_ahead(ca)
    assert contexts == [ca.context]
    assert ca.context is not None
    assert ca.context.get_ciphers()


def test_a_ca_that_cannot_be_reached_is_no_error_yet() -> None:
    connect_ahead(server())


def test_a_bundle_that_cannot_be_read_is_one_at_once() -> None:
    with pytest.raises(Fatal, match=r"^/missing: "):
        connect_ahead(server("/missing"))
