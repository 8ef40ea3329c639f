"""What is said to a server before TLS begins."""

import socket
import struct


def at_once(_: socket.socket) -> None:
    """TLS from the start."""


def ftp(plain: socket.socket) -> None:
    """FTP (RFC 4217)."""
    received(plain)
    plain.sendall(b"AUTH TLS\r\n")
    assert received(plain).startswith(b"234")


def mysql(plain: socket.socket) -> None:
    """MariaDB's and MySQL's SSLRequest: protocol 41, TLS, authentication by plugins."""
    greeting = received(plain)
    assert greeting[4] == 10, "protocol 10"
    capabilities = 0x0200 | 0x0800 | 0x8000 | 0x80000
    body = capabilities.to_bytes(4, "little") + (1 << 24).to_bytes(4, "little")
    body += bytes([45]) + bytes(23)
    plain.sendall(len(body).to_bytes(3, "little") + b"\x01" + body)


def postgres(plain: socket.socket) -> None:
    """PostgreSQL's SSLRequest."""
    plain.sendall(struct.pack("!ii", 8, 80877103))
    assert plain.recv(1) == b"S"


def smtp(plain: socket.socket) -> None:
    """SMTP (RFC 3207)."""
    plain.recv(1000)
    plain.sendall(b"EHLO example.org\r\n")
    while b"\n250 " not in plain.recv(1000):
        pass
    plain.sendall(b"STARTTLS\r\n")
    assert plain.recv(1000).startswith(b"220")


def xmpp(plain: socket.socket) -> None:
    """A client's stream (RFC 6120 section 5.4)."""
    opening = "<stream:stream to='example.org' version='1.0' xmlns='jabber:client'"
    plain.sendall(
        f"{opening} xmlns:stream='http://etherx.jabber.org/streams'>".encode()
    )
    seen = b""
    while b"</stream:features>" not in seen:
        seen += received(plain)
    plain.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    seen = b""
    while b"<proceed" not in seen:
        seen += received(plain)


def received(plain: socket.socket) -> bytes:
    """The next bytes; there must be some."""
    if not (data := plain.recv(4096)):
        raise ConnectionResetError("the server has hung up")
    return data
