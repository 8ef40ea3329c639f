"""A TLS-terminating proxy in front of a CA, which counts requests and goes wrong when told to.

Pebble builds its URLs from the Host header, which is passed through: so all of a client's requests
come here, and the `url` that each of them signs (RFC 8555 section 6.4) is right.
"""

import base64
import contextlib
import http.client
import http.server
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from support.authority import ServerFiles
from support.pebble import Pebble

Headers = list[tuple[str, str]]
STEPS = {
    "directory": "/dir$",
    "newNonce": "/nonce-plz",
    "newAccount": "/sign-me-up",
    "account": "/my-account/",
    "newOrder": "/order-plz",
    "authz": "/authZ/",
    "challenge": "/chalZ/",
    "finalize": "/finalize-order/",
    "order": "/my-order/",
    "certificate": "/certZ/",
    "revokeCert": "/revoke-cert",
    "keyChange": "/rollover-account-key",
    "renewalInfo": "renewalInfo|renewal-info",
}
"""What a request is for, by Pebble's paths."""


@attrs.frozen
class Reply:
    """An answer; cut: the number of bytes of the body after which the connection ends."""

    status: int = 200
    headers: Headers = attrs.field(factory=list)
    body: bytes = b""
    cut: int | None = None


@attrs.frozen
class Request:
    """What the client sent, and how to get the CA's answer to it."""

    step: str
    method: str
    path: str
    body: bytes
    forward: Callable[[], Reply]

    @property
    def payload(self) -> Any:
        """What the request asks for, None if nothing (RFC 8555 section 6.2)."""
        encoded = json.loads(self.body)["payload"] if self.body else ""
        return json.loads(base64.urlsafe_b64decode(encoded + "==")) if encoded else None


class Cut(Exception):  # noqa: N818
    """A fault raises it to end the connection without an answer (support.faults has them)."""


Fault = Callable[[Request], Reply]
"""Makes the answer to a request."""


class Proxy:
    """Counts what passes, and applies at most one fault to the steps it is set for."""

    def __init__(self, ca: Pebble, files: ServerFiles, port: int) -> None:
        self.ca = ca
        self.ca_file = files.root
        self.port = port
        self.directory_url = f"https://localhost:{port}/dir"
        self.requests: list[str] = []
        """The steps asked for, in order."""
        self.connections = 0
        self.trust = ssl.create_default_context(cafile=str(ca.ca_file))
        self._fault: Fault | None = None
        self._step = ""
        self._left = 0
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Count anew."""
        self.requests.clear()
        self.connections = 0

    @contextlib.contextmanager
    def faulty(self, step: str, fault: Fault, times: int = 1 << 30) -> Iterator[None]:
        """Apply the fault to the first `times` requests of a step, "" for any step."""
        self._fault, self._step, self._left = fault, step, times
        try:
            yield
        finally:
            self._fault = None

    def answer(self, request: Request) -> Reply:
        """The CA's answer, or the fault's."""
        with self._lock:
            self.requests.append(request.step)
            fault = (
                self._fault
                if self._step in ("", request.step) and self._left > 0
                else None
            )
            self._left -= bool(fault)
        return fault(request) if fault else request.forward()


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of a client, and one to the CA behind it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 60
    proxy: Proxy
    context: ssl.SSLContext

    def setup(self) -> None:
        self.request = self.context.wrap_socket(self.request, server_side=True)
        super().setup()
        self.proxy.connections += 1
        self.upstream = http.client.HTTPSConnection(
            "localhost", self.proxy.ca.port, timeout=60, context=self.proxy.trust
        )

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def forward() -> Reply:
            self.upstream.request(
                self.command, self.path, body or None, dict(self.headers)
            )
            answer = self.upstream.getresponse()
            return Reply(answer.status, answer.getheaders(), answer.read())

        request = Request(step_of(self.path), self.command, self.path, body, forward)
        try:
            self.send(self.proxy.answer(request))
        except (Cut, OSError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = handle_any  # noqa: N815

    def send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            if name.lower() not in (
                "content-length",
                "connection",
                "transfer-encoding",
            ):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: reply.cut])
        self.wfile.flush()
        self.close_connection |= reply.cut is not None

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.upstream.close()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Server(http.server.ThreadingHTTPServer):
    """Ends without waiting for connections that clients keep open."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up, or does not trust the certificate, is no error here."""


@contextlib.contextmanager
def proxy(ca: Pebble, files: ServerFiles) -> Iterator[Proxy]:
    """A proxy in front of a CA, with the TLS of these files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.chain, files.key)
    handler = type("ProxyHandler", (Handler,), {"context": context})
    with Server(("127.0.0.1", 0), handler) as server:
        handler.proxy = Proxy(ca, files, server.server_address[1])  # type: ignore[attr-defined]
        thread = threading.Thread(
            target=server.serve_forever, args=(0.05,), daemon=True
        )
        thread.start()
        try:
            yield handler.proxy  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()


def step_of(path: str) -> str:
    """What a request is for."""
    return next(
        (step for step, pattern in STEPS.items() if re.search(pattern, path)), path
    )
