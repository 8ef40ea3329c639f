"""What passes between a client and the counting CA: JSON in HTTP, over TLS (RFC 8555 section 6)."""

import base64
import datetime
import hashlib
import http.server
import json
import ssl
import sys
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

from support.authority import ServerFiles
from support.virtual_clock import SharedClock

Json = dict[str, Any]
PROBLEM = "urn:ietf:params:acme:error:"


class Answer(NamedTuple):
    """An HTTP response."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Gone(Exception):  # noqa: N818
    """The client was killed: there is nobody to answer."""


# Requests and answers


def protected(body: Json) -> Json:
    """The protected header of a request (section 6.2)."""
    header: Json = json.loads(decoded(body["protected"]))
    return header


def payload(body: Json) -> Json:
    """What a request asks for."""
    content: Json = json.loads(decoded(body["payload"]))
    return content


def decoded(text: str) -> bytes:
    """The bytes of a base64url text without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(content: bytes) -> str:
    """Bytes in base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def thumbprint_of(jwk: Json) -> str:
    """The thumbprint of a public key (RFC 7638), whose other members do not count."""
    needed = {"kty", "crv", "x", "y", "n", "e"}
    members = {name: jwk[name] for name in sorted(needed & jwk.keys())}
    text = json.dumps(members, separators=(",", ":"))
    return encoded(hashlib.sha256(text.encode()).digest())


def reply(content: Json, status: int = 200, location: str = "") -> Answer:
    """A JSON object."""
    headers = [("Content-Type", "application/json")]
    if location:
        headers.append(("Location", location))
    return Answer(status, json.dumps(content).encode(), tuple(headers))


def problem(status: int, kind: str, detail: str) -> Answer:
    """A refusal (section 6.7)."""
    return reply({"type": f"{PROBLEM}{kind}", "detail": detail}, status)


def identifier(name: str) -> Json:
    """A name as an order has it."""
    return {"type": "dns", "value": name}


def date(moment: float) -> str:
    """A time as RFC 3339 spells it."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat()


# The server


class Listener(http.server.ThreadingHTTPServer):
    """A server whose clients may be killed."""

    def handle_error(self, *_: object) -> None:
        """Say only what is a bug of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()


def listen(files: ServerFiles) -> Listener:
    """An HTTPS server on localhost, on a port that the kernel chooses; it does not serve yet."""
    server = Listener(("localhost", 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    return server


def serve(
    server: Listener, clock: SharedClock, respond: Callable[[str, bytes], Answer]
) -> None:
    """Let a function answer to paths and bodies, without end; dates come from the clock."""

    class Handler(http.server.BaseHTTPRequestHandler):
        """One connection."""

        protocol_version = "HTTP/1.1"
        # A response leaves in one piece, and at once:
        wbufsize = 1 << 16
        disable_nagle_algorithm = True

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            try:
                answer = respond(self.path, self.rfile.read(length))
            except Gone:
                self.close_connection = True
                return
            except Exception:
                traceback.print_exc()
                answer = problem(500, "serverInternal", "a bug of the counting CA")
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_HEAD = do_POST = answer  # noqa: N815

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(timestamp or int(clock.now))

        def log_message(self, *_: object) -> None:
            """The notes say more."""

    server.RequestHandlerClass = Handler
    server.serve_forever()
