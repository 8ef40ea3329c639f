"""A resolver that does not answer: the client waits for it no longer than --timeout."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.client import run
from support.program import require

ADDRESS = "127.0.0.53"
"""One of the loopback's, at which nothing listens on port 53."""
RESOLVER = (
    f"nameserver {ADDRESS}\noptions timeout:30 attempts:5\nsearch a.example b.example\n"
)
"""A question lasts for minutes, and the C library does not let itself be interrupted."""


@pytest.fixture
def silent() -> Iterator[None]:
    """Let something listen for questions, and never answer."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to listen on port 53")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        try:
            listener.bind((ADDRESS, 53))
        except OSError as error:
            pytest.skip(f"{ADDRESS} port 53: {error.strerror}")
        yield


@pytest.mark.usefixtures("silent")
def test_a_resolver_that_is_silent(tmp_path: Path) -> None:
    require("unshare", "mount")
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(RESOLVER)
    script = 'mount --bind "$0" /etc/resolv.conf || exit 77; exec "$@"'
    apart = ["unshare", "--mount", "sh", "-c", script, str(resolver)]
    options = [
        *("--directory-url", "https://ca.example.net/dir"),
        *("--account-key", str(tmp_path / "account.key")),
        *("--domain-key", str(tmp_path / "domain.key")),
        *("--domain", "www.example.org", "--acme-dir", str(tmp_path)),
        *("--out", str(tmp_path / "chain.pem"), "--timeout", "2"),
    ]
    done = run(*options, prefix=("timeout", "-s", "KILL", "40", *apart))
    if done.code in (1, 77):
        pytest.skip(f"no mount namespace here: {done.err.strip()}")
    assert done.code == 111
    (message,) = done.fatal
    assert "ca.example.net: no answer: not done within --timeout, 2 s" in message
