"""One TLS handshake: the certificate that the server shows in it.

Nothing is verified but that the server has the key: what is compared is the certificate
itself. So old versions and weak algorithms are taken too.
"""

from __future__ import annotations

import contextlib
import ssl
from dataclasses import dataclass

from .connection import Connection, Unanswered, quoted

CIPHERS = "ALL:!aNULL:!PSK:!SRP:@SECLEVEL=0"
"""All that come with a certificate, however old."""
LEGACY_SERVER_CONNECT = 0x4
"""OpenSSL's option to take servers without RFC 5746; Python has it since 3.12."""
ALERT, HANDSHAKE = 21, 22
CERTIFICATE, CERTIFICATE_REQUEST = 11, 13
WRONG_KEY = frozenset(
    {
        "BAD_SIGNATURE",
        "BAD_ECPOINT",
        "WRONG_CERTIFICATE_TYPE",
        "WRONG_SIGNATURE_SIZE",
        "WRONG_SIGNATURE_TYPE",
    }
)
"""OpenSSL's words for a server whose key is not that of its certificate."""


@dataclass(frozen=True)
class Shown:
    """What a server has shown: its certificate in DER, b"" if none could be read.

    The fault is why the handshake failed, "" if it did not.
    """

    leaf: bytes
    fault: str = ""
    has_wrong_key: bool = False


def shake_hands(server: Connection, name: str) -> Shown:
    """Make a handshake, with this name for SNI ("": without). Raises Unanswered.

    A server may demand a certificate of its client, which has none. In TLS 1.3 that
    comes after its own was verified; before, what was seen in the clear counts.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context().wrap_bio(incoming, outgoing, server_hostname=name or None)
    seen = b""
    try:
        while not is_shaken(tls):
            server.send(outgoing.read())
            data = server.receive()
            seen += data
            incoming.write(data)
    except ssl.SSLError as error:
        with contextlib.suppress(Unanswered):
            server.send(outgoing.read())  # an alert: it would be in the server's log
        if "ALERT" in (error.reason or "") and demands_certificate(seen):
            return Shown(clear_leaf(seen))
        return failed(error.reason or "", seen)
    except Unanswered as error:
        known = clear_leaf(seen)
        if known and demands_certificate(seen) and not error.is_late:
            return Shown(known)
        if known:
            return Shown(known, f"the handshake fails: {error}")
        raise Unanswered(f"TLS: {error}", error.is_late) from error
    # What happens from here on is about the certificate that the client has not.
    with contextlib.suppress(Unanswered, ssl.SSLError):
        server.send(outgoing.read())
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.unwrap()
        server.send(outgoing.read())
    leaf = tls.getpeercert(binary_form=True)
    if not leaf:
        raise Unanswered("TLS: shows no certificate")
    return Shown(leaf)


def context() -> ssl.SSLContext:
    """Nothing is verified, and nothing is too old."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    made.options |= LEGACY_SERVER_CONNECT
    made.set_ciphers(CIPHERS)
    return made


def is_shaken(tls: ssl.SSLObject) -> bool:
    """Go on with a handshake; whether it is done. Raises SSLError if it fails."""
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def failed(why: str, seen: bytes) -> Shown:
    """A handshake that OpenSSL has given up. Raises Unanswered if no leaf was seen."""
    if seen and seen[0] not in (ALERT, HANDSHAKE):
        raise Unanswered(f"no TLS, but {quoted(seen)}")
    leaf = clear_leaf(seen)
    if why in WRONG_KEY:
        return Shown(leaf, "its key is not that of the certificate", True)
    words = why.lower().replace("_", " ") or "no reason is given"
    if leaf:
        return Shown(leaf, f"the handshake fails: {words}")
    raise Unanswered(f"TLS: {words}")


# What is sent in the clear before TLS 1.3


def clear_leaf(seen: bytes) -> bytes:
    """The first one in a Certificate message (RFC 5246 section 7.4.2), or b""."""
    for kind, body in clear_messages(seen):
        if kind == CERTIFICATE:
            length = int.from_bytes(body[3:6])
            leaf = body[6 : 6 + length]
            return leaf if len(leaf) == length else b""
    return b""


def demands_certificate(seen: bytes) -> bool:
    """Tell whether a CertificateRequest was sent (RFC 5246 section 7.4.4)."""
    return any(kind == CERTIFICATE_REQUEST for kind, _ in clear_messages(seen))


def clear_messages(seen: bytes) -> list[tuple[int, bytes]]:
    """The whole handshake messages before encryption begins, with their types.

    They lie in records of five bytes and a content (RFC 5246 section 6.2.1), and have
    heads of four bytes themselves (section 7.4).
    """
    content = b""
    while len(seen) > 5 and seen[0] == HANDSHAKE:
        length = int.from_bytes(seen[3:5])
        content += seen[5 : 5 + length]
        seen = seen[5 + length :]
    messages = []
    while len(content) >= 4:
        end = 4 + int.from_bytes(content[1:4])
        if end > len(content):
            break
        messages.append((content[0], content[4:end]))
        content = content[end:]
    return messages
