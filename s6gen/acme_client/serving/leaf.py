"""What a certificate is called, and whether another one is for the same names."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cryptography import x509

from ..certificates import common_name, validity
from ..messages import shortened, utc
from ..names import address_of

LONGEST_SHOWN = 100
"""Characters of a name that are shown."""


@dataclass(frozen=True)
class Leaf:
    """What is told of a certificate, and what it is compared by.

    Names are in lower case, addresses as Python writes them.
    """

    names: tuple[str, ...]
    serial: str
    end: float
    is_self_signed: bool

    def __str__(self) -> str:
        """As `status` has it, in one line. What cannot be printed is still in it."""
        names = shortened([name[:LONGEST_SHOWN] for name in self.names]) or "no names"
        over = "expired" if self.end < time.time() else "until"
        return f"serial {self.serial}, {names}, {over} {utc(self.end)}"

    def is_for(self, name: str) -> bool:
        """Tell whether a client that asks for this name would take it."""
        return any(matches(own, name) for own in self.names)

    def shares_names(self, other: Leaf) -> bool:
        """Tell whether one of them is for a name of the other."""
        return any(map(self.is_for, other.names)) or any(map(other.is_for, self.names))


def matches(own: str, name: str) -> bool:
    """Tell whether a certificate's name stands for this one (RFC 9525 section 6.3)."""
    if own == name:
        return True
    first, _, rest = name.partition(".")
    return bool(first) and bool(rest) and own == f"*.{rest}" and not address_of(name)


def read_leaf(der: bytes) -> Leaf:
    """Read anybody's certificate. Raises Exception of many kinds (cryptography)."""
    certificate = x509.load_der_x509_certificate(der)
    return Leaf(
        names=tuple(names_in(certificate)),
        serial=f"{certificate.serial_number:x}",
        end=validity(certificate)[1],
        is_self_signed=certificate.subject == certificate.issuer,
    )


def names_in(certificate: x509.Certificate) -> list[str]:
    """All names as they are in it, or its common name: nobody has checked them."""
    try:
        extension = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
    except x509.ExtensionNotFound:
        name = common_name(certificate.subject)
        return [name.lower()] if name else []
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return [*map(str.lower, names), *map(str, addresses)]
