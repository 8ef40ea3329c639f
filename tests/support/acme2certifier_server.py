"""Serve acme2certifier over TLS; run by a Python that has it: PORT CHAIN KEY."""

import socketserver
import ssl
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from acme2certifier.share.acme2certifier_wsgi import (  # type: ignore[import-not-found]
    application,
)


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """Answers several clients at once."""

    daemon_threads = True

    def setup_environ(self) -> None:
        """Say that its URLs begin with https."""
        super().setup_environ()
        self.base_environ["HTTPS"] = "on"


def main() -> None:
    """Serve until killed."""
    port, chain, key = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    server = make_server(
        "127.0.0.1", int(port), application, Server, WSGIRequestHandler
    )
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
