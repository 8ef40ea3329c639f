"""The presets on the real servers: each serves the new certificate and refuses nobody."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.host import Host
from support.program import free_port, require
from support.server import SERVERS, WITHIN, supervised


def serial(path: Path) -> int:
    return x509.load_pem_x509_certificates(path.read_bytes())[0].serial_number


def served(port: int, greeting: Callable[[socket.socket], None]) -> int:
    """The serial number of the certificate that a server shows."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        greeting(plain)
        with context.wrap_socket(plain) as secured:
            return x509.load_der_x509_certificate(
                secured.getpeercert(True) or b""
            ).serial_number


def served_after_a_reset(port: int, greeting: Callable[[socket.socket], None]) -> int:
    """The same, asked once more at once when the server cuts the connection off.

    A server that reloads closes its old sockets, and may cut off who has just come;
    clients try that again by themselves. Who is refused, or cut off twice, notices.
    """
    try:
        return served(port, greeting)
    except (ConnectionResetError, ssl.SSLEOFError):
        return served(port, greeting)


@pytest.mark.parametrize("name", SERVERS)
def test_the_new_certificate_is_served(name: str, scratch: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become other users")
    server = SERVERS[name]
    require("execlineb", "s6-supervise", "s6-setuidgid", *server.programs)
    directory, port = scratch / name, free_port()
    directory.mkdir()
    host = Host(scratch, os.environ["PATH"])
    host.has_new_certificate()
    host.renders(
        f"{name} dir={directory}/tls {server.settings.format(directory=directory)}"
    )
    refused: list[str] = []
    done = threading.Event()

    def ask() -> int:
        try:
            return served_after_a_reset(port, server.greet)
        except OSError as error:
            refused.append(repr(error))
            return 0

    def keep_asking() -> None:
        while not done.wait(0.02):
            ask()

    def until_served(number: int) -> None:
        deadline = time.monotonic() + WITHIN
        while ask() != number:
            log = (directory / "log").read_text()
            assert time.monotonic() < deadline, (
                f"{number:x} is not served\n{refused[-3:]}\n{log}"
            )
            time.sleep(0.05)

    said = [host.finishes()]
    with supervised(directory, server.configure(directory, port)):
        until_served(serial(host.chain))
        refused.clear()
        client = threading.Thread(target=keep_asking)
        client.start()
        try:
            for _ in range(3):
                host.has_new_certificate()
                said.append(host.finishes())
                until_served(serial(host.chain))
                time.sleep(0.5)
        finally:
            done.set()
            client.join()
    assert all(one.endswith(f"deployed: {name}\n") for one in said[1:])
    assert refused == [] or server.has_a_gap
