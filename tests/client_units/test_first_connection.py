"""What a run begins with, before it asks anything."""

import dataclasses
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from support.program import free_port

from s6gen.acme_client import command
from s6gen.acme_client.command import connect_ahead, is_surely_due
from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.options import Options
from s6gen.acme_client.protocol.server import Server
from s6gen.acme_client.state.records import Failure, State
from s6gen.acme_client.state.state_file import StateFile


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

    def note() -> None:
        contexts.append(ca.connections.context)

    monkeypatch.setattr(command, "import_ahead", note)
    connect_ahead(ca)
    assert contexts == [ca.connections.context]
    assert ca.connections.context is not None
    assert ca.connections.context.get_ciphers()


def test_a_ca_that_cannot_be_reached_is_no_error_yet() -> None:
    ca = server()
    connect_ahead(ca)
    assert ca.connections.context is not None


def test_a_bundle_that_cannot_be_read_is_one_at_once() -> None:
    with pytest.raises(Fatal, match=r"^/missing: "):
        connect_ahead(server("/missing"))


@pytest.mark.parametrize(
    ("wait", "changes", "expected"),
    [
        pytest.param(None, {}, True, id="nothing is known"),
        pytest.param(-60, {}, True, id="the last attempt failed"),
        pytest.param(60, {}, False, id="the next attempt waits"),
        pytest.param(60, {"profile": "other"}, True, id="other options do not wait"),
        pytest.param(60, {"force": True}, True, id="--force does not wait"),
    ],
)
def test_the_ca_is_connected_to_at_once_where_an_order_follows(
    tmp_path: Path, wait: float | None, changes: dict[str, Any], expected: bool
) -> None:
    options = Options(out=str(tmp_path / "chain"))
    if wait is not None:
        memory = StateFile(options.out, str)
        failure = Failure(1, time.time() + wait, "x", options.relevant_options())
        memory.state = State(failure=failure)
        memory.save()
    assert is_surely_due(dataclasses.replace(options, **changes)) == expected


def test_a_certificate_is_inspected_before_the_ca_is_connected_to(
    tmp_path: Path,
) -> None:
    (tmp_path / "chain").touch()
    assert not is_surely_due(Options(out=str(tmp_path / "chain")))
