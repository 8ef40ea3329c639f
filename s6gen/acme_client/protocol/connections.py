"""The connections to a CA's hosts."""

from __future__ import annotations

import http.client
import select
import ssl

from ..messages import USAGE, Fatal, reason
from .trust import tls_context

LONGEST_SILENCE = 30.0
"""Seconds in which a host has to say something."""


class Connections:
    """One connection to each host, kept alive, over verified TLS."""

    def __init__(self, ca_bundle: str) -> None:
        """None is open yet. The bundle is a file of roots, "" for the system's."""
        self.ca_bundle = ca_bundle
        self.context: ssl.SSLContext | None = None
        self.by_host: dict[str, http.client.HTTPSConnection] = {}

    def to(self, host: str, was_asked: bool) -> http.client.HTTPSConnection:
        """The connection to a host, made anew if the host hung up meanwhile."""
        if host not in self.by_host:
            self.by_host[host] = self.new(host)
        connection = self.by_host[host]
        # A connection that can be read although nothing is asked was closed. Before the
        # first request that proves nothing: TLS sends session tickets.
        if was_asked and connection.sock:
            if select.select([connection.sock], [], [], 0)[0]:
                connection.close()
        return connection

    def new(self, host: str) -> http.client.HTTPSConnection:
        """A connection that is not opened yet."""
        context = self.trusted_roots()
        try:
            return http.client.HTTPSConnection(
                host, timeout=LONGEST_SILENCE, context=context
            )
        except http.client.HTTPException as error:
            raise Fatal(f"{host}: {reason(error)}") from error

    def trusted_roots(self) -> ssl.SSLContext:
        """The TLS context of all connections; raises Fatal for an unusable bundle.

        It has to be there before a thread imports cryptography: where both set up
        OpenSSL at once, some processes find no ciphers (seen with Debian 13).
        """
        if self.context is None:
            try:
                self.context = tls_context(self.ca_bundle)
            except OSError as error:
                where = self.ca_bundle or "the system's roots"
                raise Fatal(f"{where}: {reason(error)}", USAGE) from error
        return self.context
