"""Where a server is: HOST:PORT, and the addresses that HOST has."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

from ..messages import USAGE, Fatal, reason
from ..names import address_of, normal_name
from ..threads import in_thread
from .connection import Unanswered


@dataclass(frozen=True)
class Address:
    """The host, a name or an IP address without brackets, and the port."""

    host: str
    port: int

    def __str__(self) -> str:
        """It is written as on the command line."""
        if ":" in self.host:
            return f"[{self.host}]:{self.port}"
        return f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """HOST:PORT with a name, an IPv4 address or [IPv6]. Raises Fatal."""
    host, _, port = text.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if is_bracketed:
        host = host[1:-1]
    if not host or is_bracketed != (":" in host):
        raise Fatal(f"--serves {text}: not HOST:PORT or [IPv6]:PORT", USAGE)
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    if not 0 < number < 65536:
        raise Fatal(f"--serves {text}: ends in no port, which is a number", USAGE)
    if is_bracketed:
        if not address_of(host):
            raise Fatal(f"--serves {text}: no IPv6 address in the brackets", USAGE)
        return Address(host, number)
    return Address(server_name(host, "--serves"), number)


def server_name(name: str, option: str) -> str:
    """The name of a server, or its IP address, as it is compared. Raises Fatal."""
    if name.startswith("*"):
        hint = "no server is called so: give one of the names that it stands for"
        raise Fatal(f"{option} {name}: {hint}", USAGE)
    try:
        return normal_name(name)
    except Fatal as fatal:
        raise Fatal(f"{option} {fatal}", USAGE) from fatal


Place = tuple[socket.AddressFamily, tuple[Any, ...]]
"""An IP address and a port, as a socket of this family connects to them."""


def places_of(address: Address, within: float) -> list[Place]:
    """All that the host's name leads to. Raises Unanswered after so many seconds."""

    def look_up() -> list[Place]:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        return [(family, place) for family, _, _, _, place in found]

    try:
        return [*dict.fromkeys(in_thread(look_up, within))]
    except TimeoutError as error:
        raise Unanswered("its name is not resolved in time", is_late=True) from error
    except (OSError, UnicodeError) as error:
        raise Unanswered(f"its name is not resolved: {reason(error)}") from error
