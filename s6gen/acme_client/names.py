"""What names are: domain names and IP addresses, as they are compared."""

from __future__ import annotations

import ipaddress
import re

from .messages import USAGE, Fatal

DOMAIN_NAME = re.compile(r"([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}")
LONGEST_NAME = 256
"""Characters of a name: 253 (RFC 1035 section 2.3.4), `*.`, and a full stop at its end.

Longer ones are not looked at: some releases of idna would take minutes for them.
"""


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a name is, None if it is none (RFC 8738)."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def normal_name(name: str) -> str:
    """A name as it is compared: an address, or lower case ASCII (RFC 5891).

    Raises Fatal for a text that no certificate can be for.
    """
    if len(name) > LONGEST_NAME:
        fault = f"longer than {LONGEST_NAME} characters"
        raise Fatal(f"{name[:80]}...: not a domain name: {fault}", USAGE)
    if address := address_of(name):
        return str(address)
    wildcard = "*." if name.startswith("*.") else ""
    plain = name.removeprefix("*.").removesuffix(".")
    try:
        if not plain.isascii():
            import idna  # few need it, and only they must have it

            plain = idna.encode(plain, uts46=True).decode()
        if not DOMAIN_NAME.fullmatch(plain):
            fault = "a character that none has, or a part that is empty or too long"
            raise ValueError(fault)
    except ValueError as error:  # an IDNAError is one
        raise Fatal(f"{name}: not a domain name: {error}", USAGE) from error
    return wildcard + plain.lower()
