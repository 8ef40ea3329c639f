"""STARTTLS: what is said in the clear until TLS may begin, for each protocol.

Each function takes a connection and the name of the server, and returns when the server
is ready for a handshake. It raises Unanswered if the server is not. What the server has
said too much is dropped: only its certificate counts.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from .connection import Connection, Unanswered, quoted

LONGEST_PACKET = 10_000
"""Bytes of what tells its own length, or of a stanza."""
MOST_LINES = 200
"""Lines of one reply: no honest one is as long."""


# Protocols of numbered lines


def smtp(server: Connection, _: str) -> None:
    """SMTP (RFC 3207)."""
    expect(b"220", numbered(server))
    # The name of this host need not exist in the DNS; its address is true (RFC 5321
    # section 4.1.3).
    host = server.socket.getsockname()[0].partition("%")[0]
    literal = f"[IPv6:{host}]" if ":" in host else f"[{host}]"
    server.send(f"EHLO {literal}\r\n".encode())
    lines = numbered(server)
    expect(b"250", lines)
    if not any(line[4:].strip().upper() == b"STARTTLS" for line in lines):
        raise Unanswered("offers no STARTTLS")
    server.send(b"STARTTLS\r\n")
    expect(b"220", numbered(server))


def ftp(server: Connection, _: str) -> None:
    """FTP (RFC 4217 section 4)."""
    expect(b"220", numbered(server))
    server.send(b"AUTH TLS\r\n")
    lines = numbered(server)
    if lines[-1][:1] == b"5":
        raise Unanswered(f"offers no AUTH TLS: {quoted(lines[-1])}")
    expect(b"234", lines)


def numbered(server: Connection) -> list[bytes]:
    """The lines of one reply (RFC 5321 section 4.2, RFC 959 section 4.2).

    The last one has the number of the first, and a space behind it or nothing.
    """
    lines = [server.line()]
    number = lines[0][:3]
    if not number.isdigit():
        raise Unanswered(f"says what is nothing here: {quoted(lines[0])}")
    while lines[-1][:3] != number or lines[-1][3:4] not in (b" ", b""):
        lines.append(server.line())
        if len(lines) > MOST_LINES:
            raise Unanswered(f"does not end its reply: {quoted(lines[0])}")
    return lines


def expect(number: bytes, lines: list[bytes]) -> None:
    """Raise Unanswered unless a reply has this number."""
    if lines[-1][:3] != number:
        raise Unanswered(f"refuses: {quoted(lines[-1])}")


# Protocols of lines


def imap(server: Connection, _: str) -> None:
    """IMAP (RFC 3501 section 6.2.1)."""
    greeting = server.line()
    if not greeting.upper().startswith((b"* OK", b"* PREAUTH")):
        raise Unanswered(f"refuses: {quoted(greeting)}")
    server.send(b"s STARTTLS\r\n")
    for _number in range(MOST_LINES):
        line = server.line()
        if line.upper().startswith(b"S OK"):
            return
        if line[:2].upper() == b"S ":
            raise Unanswered(f"offers no STARTTLS: {quoted(line)}")
    raise Unanswered("does not end its reply")


def pop3(server: Connection, _: str) -> None:
    """POP3 (RFC 2595 section 4)."""
    greeting = server.line()
    if not greeting.upper().startswith(b"+OK"):
        raise Unanswered(f"refuses: {quoted(greeting)}")
    server.send(b"STLS\r\n")
    line = server.line()
    if not line.upper().startswith(b"+OK"):
        raise Unanswered(f"offers no STLS: {quoted(line)}")


def xmpp(server: Connection, name: str) -> None:
    """A client's stream (RFC 6120 section 5.4)."""
    namespace = b"urn:ietf:params:xml:ns:xmpp-tls"
    server.send(
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0'"
        b" xmlns:stream='http://etherx.jabber.org/streams'"
        b" to='%s'>" % name.encode("ascii")
    )
    ends = (b"</stream:features>", b"<stream:features/>", b"</stream:error>")
    features = server.until(*ends, b"</stream:stream>", most=LONGEST_PACKET)
    if features.endswith((b"</stream:error>", b"</stream:stream>")):
        raise Unanswered(f"refuses: {quoted(features.rpartition(b'<stream:error')[2])}")
    if namespace not in features:
        raise Unanswered("offers no STARTTLS")
    server.send(b"<starttls xmlns='%s'/>" % namespace)
    answer = server.until(b">", most=LONGEST_PACKET)
    if b"<proceed" not in answer:
        raise Unanswered(f"refuses: {quoted(answer)}")


# Binary protocols


def ldap(server: Connection, _: str) -> None:
    """An ExtendedRequest (RFC 4511 section 4.14), in BER (section 5.1)."""
    identifier = b"1.3.6.1.4.1.1466.20037"
    request = element(0x77, element(0x80, identifier))
    server.send(element(0x30, element(0x02, b"\x01") + request))
    tag, length = server.exactly(2)
    if length & 0x80:
        length = int.from_bytes(server.exactly(length & 0x7F))
    if tag != 0x30 or not 0 < length < LONGEST_PACKET:
        raise Unanswered("does not speak LDAP")
    message = server.exactly(length)
    _number, response = split_element(message)
    result, _rest = split_element(split_element(response)[0])
    if response[:1] != b"\x78" or result == b"":
        raise Unanswered("does not speak LDAP")
    if result != b"\x00":
        code = int.from_bytes(result[:4])
        raise Unanswered(f"offers no StartTLS: result code {code}")


def element(tag: int, content: bytes) -> bytes:
    """A short element in BER."""
    return bytes((tag, len(content))) + content


def split_element(data: bytes) -> tuple[bytes, bytes]:
    """The content of the first element, and what comes behind; b"" where it is none."""
    length, begin = int.from_bytes(data[1:2]), 2
    if length & 0x80:
        begin += length & 0x7F
        length = int.from_bytes(data[2:begin])
    return data[begin : begin + length], data[begin + length :]


def postgres(server: Connection, _: str) -> None:
    """PostgreSQL's SSLRequest ("Message Formats" in its documentation)."""
    server.send(struct.pack("!ii", 8, 80877103))
    answer = server.exactly(1)
    if answer == b"N":
        raise Unanswered("offers no TLS")
    if answer == b"E":
        raise Unanswered("refuses, with an error")
    if answer != b"S":
        raise Unanswered("does not speak PostgreSQL")


def mysql(server: Connection, _: str) -> None:
    """MySQL's SSLRequest, the answer to its first packet ("Connection Phase")."""
    length = int.from_bytes(server.exactly(3), "little")
    server.exactly(1)
    if not 0 < length < LONGEST_PACKET:
        raise Unanswered("does not speak MySQL")
    packet = server.exactly(length)
    if packet[:1] == b"\xff":
        raise Unanswered(f"refuses: {quoted(packet[3:])}")
    # Behind the version, which ends in a zero: thread (4), challenge (8), a zero.
    begin = packet.find(b"\0") + 1 + 13
    offered = int.from_bytes(packet[begin : begin + 2], "little")
    if packet[:1] != b"\x0a" or len(packet) < begin + 2:
        raise Unanswered("does not speak MySQL")
    protocol_41, tls, secure_connection = 0x200, 0x800, 0x8000
    if not offered & tls:
        raise Unanswered("offers no TLS")
    wanted = protocol_41 | tls | secure_connection
    request = struct.pack("<IIB23x", wanted, 1 << 24, 45)
    server.send(struct.pack("<I", len(request) | 1 << 24) + request)


Starttls = Callable[[Connection, str], None]
PROTOCOLS: dict[str, Starttls] = {
    "smtp": smtp,
    "imap": imap,
    "pop3": pop3,
    "ldap": ldap,
    "xmpp": xmpp,
    "ftp": ftp,
    "postgres": postgres,
    "mysql": mysql,
}
"""The values of --starttls."""
