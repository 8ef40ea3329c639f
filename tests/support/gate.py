"""A door in front of a server: shut, it lets connections in and gives no answer; or it is gone."""

import contextlib
import socket
import threading
from collections.abc import Iterator


class Gate:
    """Passes bytes on to a port while it is open; counts the connections that came."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.connections = 0
        self.opened = threading.Event()
        self.opened.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])

    @contextlib.contextmanager
    def gone(self) -> Iterator[None]:
        """Meanwhile connections are refused."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        try:
            yield
        finally:
            self.listener = socket.create_server(("127.0.0.1", self.port))
            threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        """Accept connections until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.join, args=(client,), daemon=True).start()

    def join(self, client: socket.socket) -> None:
        """Join a client with the server, both ways."""
        with client:
            self.opened.wait()
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", self.target))
                threading.Thread(
                    target=pump, args=(server, client), daemon=True
                ).start()
                pump(client, server)


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on all that comes, then the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def gate(target: int) -> Iterator[Gate]:
    """An open gate."""
    made = Gate(target)
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.opened.set()
        made.listener.close()
