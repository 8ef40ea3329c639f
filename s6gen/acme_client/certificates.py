"""Certificate requests and chains: read, made, and compared."""

from __future__ import annotations

import contextlib
import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from josepy import b64

from .keys import is_same_key
from .messages import Fatal, shortened, utc
from .names import normal_name
from .renewal.schedule import SKEW, InstalledChain

Request = x509.CertificateSigningRequest
PEM_BEGIN, PEM_END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
MOST_CERTIFICATES = 20
"""No honest chain is as long; each may have to be compared with all others."""


# Names


def names_of(signed: Request | x509.Certificate) -> set[str]:
    """The names of a request or a certificate.

    They are in subjectAltName. A request may have one more as its common name.
    """
    names: list[str] = []
    with contextlib.suppress(x509.ExtensionNotFound):
        extension = signed.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        names += extension.value.get_values_for_type(x509.DNSName)
        names += map(str, extension.value.get_values_for_type(x509.IPAddress))
    if isinstance(signed, Request):
        name = common_name(signed.subject)
        if name:
            names.append(name)
    return {normal_name(name) for name in names}


def common_name(name: x509.Name) -> str:
    """The common name, "" if there is none."""
    attributes = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if not attributes:
        return ""
    return str(attributes[0].value)


# Chains


def parse_chain(pem: bytes, source: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, the end-entity's first. Raises Fatal.

    All that is read of them later is read here once: what is wrong inside of one shows
    here, as a mistake of the source, and not where it is used.
    """
    chain = load_certificates(pem, source)
    check_leaf(chain[0], source)
    return chain


def load_certificates(pem: bytes, source: str) -> list[x509.Certificate]:
    """The certificates of a PEM text as they are ordered there: 1 to 20.

    Names and dates of each can be read. Raises Fatal.
    """
    certificates = []
    try:
        for text in split_pem(pem, source):
            certificate = x509.load_pem_x509_certificate(text)
            for name in (certificate.subject, certificate.issuer):
                common_name(name)
                name.rfc4514_string()
            validity(certificate)
            certificates.append(certificate)
    except Fatal:
        raise
    except Exception as error:  # cryptography's, of many kinds
        raise Fatal(f"{source}: not a certificate: {error}") from error
    if not certificates:
        raise Fatal(f"{source}: no certificate in it")
    return certificates


def split_pem(pem: bytes, source: str) -> list[bytes]:
    """The texts of the certificates in a PEM text, whatever else there is in it.

    Takes time in proportion to its length. Raises Fatal for more than 20.
    """
    texts: list[bytes] = []
    start = pem.find(PEM_BEGIN)
    while start >= 0:
        end = pem.find(PEM_END, start)
        if end < 0:  # none of those that may begin later has an end
            break
        end += len(PEM_END)
        texts.append(pem[start:end])
        if len(texts) > MOST_CERTIFICATES:
            raise Fatal(f"{source}: more than {MOST_CERTIFICATES} certificates in it")
        start = pem.find(PEM_BEGIN, end)
    return texts


def check_leaf(leaf: x509.Certificate, source: str) -> None:
    """Raise Fatal if anything cannot be read that is read of an end-entity's one."""
    try:
        describe(leaf)
        leaf.public_key()
    except Exception as error:  # cryptography's, of many kinds
        raise Fatal(f"{source}: not a certificate: {error}") from error


def pem_chain(chain: list[x509.Certificate]) -> str:
    """A chain in PEM."""
    return "".join(
        certificate.public_bytes(serialization.Encoding.PEM).decode()
        for certificate in chain
    )


def describe(certificate: x509.Certificate) -> InstalledChain:
    """Return what `schedule` needs to know of a certificate, without a fault."""
    start, end = validity(certificate)
    return InstalledChain(
        fault="",
        names=tuple(sorted(names_of(certificate))),
        start=start,
        end=end,
        identifier=renewal_identifier(certificate),
        issuer=common_name(certificate.issuer),
        serial=f"{certificate.serial_number:x}",
    )


def renewal_identifier(certificate: x509.Certificate) -> str:
    """Return its identifier in renewal information (RFC 9773 section 4.1), or ""."""
    number = certificate.serial_number
    try:
        extension = certificate.extensions.get_extension_for_class(
            x509.AuthorityKeyIdentifier
        )
    except x509.ExtensionNotFound:
        return ""
    issuer = extension.value.key_identifier or b""
    serial = number.to_bytes(number.bit_length() // 8 + 1)
    return f"{b64.b64encode(issuer).decode()}.{b64.b64encode(serial).decode()}"


def validity(certificate: x509.Certificate) -> tuple[float, float]:
    """Return the begin and the end of its validity.

    cryptography before 42 has times without a zone only; they are UTC.
    """
    if hasattr(certificate, "not_valid_after_utc"):
        start = certificate.not_valid_before_utc
        end = certificate.not_valid_after_utc
    else:
        start = certificate.not_valid_before.replace(tzinfo=datetime.UTC)
        end = certificate.not_valid_after.replace(tzinfo=datetime.UTC)
    return start.timestamp(), end.timestamp()


def misfit(chain: list[x509.Certificate], names: set[str], key: Any) -> str:
    """Return why a chain is not for these names and this public key, or ""."""
    if not is_same_key(chain[0].public_key(), key):
        return "is for another key"
    missing = names - names_of(chain[0])
    if missing:
        return f"is not for {shortened(sorted(missing))}"
    return ""


def untimely(certificate: x509.Certificate, now: float) -> str:
    """Return why a new certificate is of no use at this time, or ""."""
    start, end = validity(certificate)
    if start - SKEW <= now < end:
        return ""
    return f"is valid {utc(start)} to {utc(end)}: not now"
