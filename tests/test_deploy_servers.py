"""The presets on the real servers: each serves the new certificate and refuses nobody."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from support.host import Host
from support.program import free_port, require

WITHIN = 20.0


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
            return x509.load_der_x509_certificate(secured.getpeercert(True) or b"").serial_number


def at_once(_: socket.socket) -> None:
    """TLS from the start."""


def starttls(plain: socket.socket) -> None:
    """SMTP (RFC 3207)."""
    plain.recv(1000)
    plain.sendall(b"EHLO example.org\r\n")
    while b"\n250 " not in plain.recv(1000):
        pass
    plain.sendall(b"STARTTLS\r\n")
    assert plain.recv(1000).startswith(b"220")


def nginx(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"daemon off; pid {directory}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {directory}/tls/chain.pem; ssl_certificate_key {directory}/tls/key.pem;\n"
        f"return 200; }} }}\n"
    )
    return f"exec nginx -c {directory}/conf"


def haproxy(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        "global\n user nobody\ndefaults\n mode http\n timeout connect 5s\n timeout client 5s\n"
        f" timeout server 5s\nfrontend x\n bind 127.0.0.1:{port} ssl crt {directory}/tls/site.pem\n"
        " http-request return status 200\n"
    )
    return f"exec haproxy -W -db -f {directory}/conf"


def lighttpd(directory: Path, port: int) -> str:
    (directory / "www").mkdir()
    (directory / "conf").write_text(
        f'server.modules = ("mod_openssl")\nserver.document-root = "{directory}/www"\n'
        f'server.bind = "127.0.0.1"\nserver.port = {port}\nserver.username = "www-data"\n'
        f'server.groupname = "www-data"\n'
        f'ssl.engine = "enable"\nssl.pemfile = "{directory}/tls/chain.pem"\n'
        f'ssl.privkey = "{directory}/tls/key.pem"\n'
        'server.feature-flags += ("server.graceful-restart-bg" => "enable")\n'
    )
    return f"exec lighttpd -D -f {directory}/conf"


def dovecot(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"base_dir = {directory}/base\nlog_path = /dev/stderr\nprotocols = imap\nssl = yes\n"
        f"ssl_cert = <{directory}/tls/chain.pem\nssl_key = <{directory}/tls/key.pem\n"
        "service imap-login {\n inet_listener imap {\n  port = 0\n }\n"
        f" inet_listener imaps {{\n  address = 127.0.0.1\n  port = {port}\n  ssl = yes\n }}\n}}\n"
        "passdb {\n driver = static\n args = nopassword=y\n}\n"
        "userdb {\n driver = static\n args = uid=65534 gid=65534 home=/nonexistent\n}\n"
    )
    return f"exec dovecot -F -c {directory}/conf"


def postfix(directory: Path, port: int) -> str:
    """An instance of its own: etc, queue, data."""
    for name in ("etc", "queue", "data"):
        (directory / name).mkdir()
    shutil.chown(directory / "data", "postfix")
    (directory / "etc/main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {directory}/queue\n"
        f"data_directory = {directory}/data\ninet_interfaces = 127.0.0.1\n"
        "mydestination =\nmynetworks = 127.0.0.0/8\nmyhostname = mail.example.org\n"
        "maillog_file = /dev/stdout\nsmtpd_tls_security_level = may\nalias_maps =\n"
        f"smtpd_tls_chain_files = {directory}/tls/site.pem\n"
    )
    (directory / "etc/master.cf").write_text(
        f"127.0.0.1:{port} inet n - n - - smtpd\n"
        + "".join(
            f"{line}\n"
            for line in (
                "pickup unix n - n 60 1 pickup",
                "cleanup unix n - n - 0 cleanup",
                "qmgr unix n - n 300 1 qmgr",
                "tlsmgr unix - - n 1000? 1 tlsmgr",
                "rewrite unix - - n - - trivial-rewrite",
                "anvil unix - - n - 1 anvil",
                "postlog unix-dgram n - n - 1 postlogd",
                "proxymap unix - - n - - proxymap",
            )
        )
    )
    (directory / "command").write_text(f'#!/bin/sh\nexec postfix -c {directory}/etc "$@"\n')
    (directory / "command").chmod(0o755)
    return f"exec postfix -c {directory}/etc start-fg"


@contextlib.contextmanager
def supervised(directory: Path, command: str) -> Iterator[None]:
    run = directory / "run"
    run.write_text(f"#!/bin/sh\nexec 2>&1\n{command}\n")
    run.chmod(0o755)
    with (directory / "log").open("wb") as log:
        supervisor = subprocess.Popen(["s6-supervise", str(directory)], stdout=log, stderr=log)
    try:
        yield
    finally:
        supervisor.terminate()
        supervisor.wait(WITHIN)


SERVERS = {
    "nginx": (nginx, at_once, "service={directory}"),
    "haproxy": (haproxy, at_once, "service={directory}"),
    "lighttpd": (lighttpd, at_once, "service={directory}"),
    "dovecot": (dovecot, at_once, "service={directory}"),
    "postfix": (postfix, starttls, "command={directory}/command"),
}


@pytest.mark.parametrize("name", SERVERS)
def test_the_new_certificate_is_served(name: str, scratch: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become other users")
    require("execlineb", "s6-supervise", "s6-setuidgid", name)
    if name == "dovecot":
        require("/usr/lib/dovecot/imap-login", "/usr/lib/dovecot/imap")
    configure, greeting, settings = SERVERS[name]
    directory, port = scratch / name, free_port()
    directory.mkdir()
    host = Host(scratch, os.environ["PATH"])
    host.has_new_certificate()
    host.renders(f"{name} dir={directory}/tls {settings.format(directory=directory)}")
    refused: list[str] = []
    done = threading.Event()

    def ask() -> int:
        try:
            return served(port, greeting)
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
            assert time.monotonic() < deadline, f"{number:x} is not served\n{refused[-3:]}\n{log}"
            time.sleep(0.05)

    said = [host.finishes()]
    with supervised(directory, configure(directory, port)):
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
    assert said[1:] == [f"deployed: {name}\n"] * 3
    assert refused == []
