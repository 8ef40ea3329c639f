"""Names, certificate requests and chains: read, made, and compared."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import re
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from josepy import b64

from .files import read_file, replace_file
from .keys import Key, is_same_key, load_key, load_or_make_key, make_key, pem_of
from .messages import USAGE, Fatal, inform, shortened, utc
from .options import Options
from .schedule import SKEW, InstalledChain

Request = x509.CertificateSigningRequest
DOMAIN_NAME = re.compile(r"([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}")
PEM_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL
)


# Names


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


# Certificate requests


def wanted_names_and_key(options: Options) -> tuple[set[str], Any]:
    """The names and the public key that a certificate has to be for.

    Raises Fatal or OSError for a key or a CSR that cannot be read.
    """
    if options.makes_request:
        names = {normal_name(name) for name in options.domain}
        return names, load_key(options.domain_key).public_key()
    request = load_csr(options.csr)
    return names_of(request), request.public_key()


def make_request(options: Options) -> Request:
    """The request in --csr, made anew where it is missing or not for names and key.

    With --new-key it is for a new key, which waits beside the old one in .next.
    """
    if not options.makes_request:
        return load_csr(options.csr)
    names = {normal_name(name) for name in options.domain}
    if options.new_key:
        key = make_key(options.key_type)
        replace_file(f"{options.domain_key}.next", pem_of(key), 0o600)
        return make_csr(key, names)
    key = load_or_make_key(options.domain_key, options.key_type, options.quiet)
    if options.csr and os.path.exists(options.csr):  # noqa: PTH110 (pathlib is slow to load)
        request = load_csr(options.csr)
        if is_request_for(request, names, key):
            return request
    request = make_csr(key, names)
    if options.csr:
        pem = request.public_bytes(serialization.Encoding.PEM)
        replace_file(options.csr, pem, 0o644)
        names_text = shortened(sorted(names))
        inform(options.quiet, f"{options.csr}: new request for {names_text}")
    return request


def is_request_for(request: Request, names: set[str], key: Key) -> bool:
    """Tell whether a request is for exactly these names and this key."""
    if names_of(request) != names:
        return False
    try:
        return is_same_key(request.public_key(), key.public_key())
    except (ValueError, UnsupportedAlgorithm):  # a kind of key that is not known here
        return False


def load_csr(path: str) -> Request:
    """The certificate request in a PEM file. Raises Fatal for another content."""
    try:
        request = x509.load_pem_x509_csr(read_file(path))
        names = names_of(request)
    except ValueError as error:
        message = f"{path}: not a certificate signing request in PEM"
        raise Fatal(message, USAGE) from error
    if not names:
        raise Fatal(f"{path}: asks for no names", USAGE)
    return request


def make_csr(key: Key, names: set[str]) -> Request:
    """A new request for these names."""
    alternatives: list[x509.GeneralName] = []
    for name in sorted(names):
        if address := address_of(name):
            alternatives.append(x509.IPAddress(address))
        else:
            alternatives.append(x509.DNSName(name))
    extension = x509.SubjectAlternativeName(alternatives)
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256())


# Chains


def parse_chain(pem: bytes, source: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, the end-entity's first. Raises Fatal.

    All that is read of them later is read here once: what is wrong inside of one shows
    here, as a mistake of the source, and not where it is used.
    """
    chain = []
    try:
        for text in PEM_CERTIFICATE.findall(pem):
            certificate = x509.load_pem_x509_certificate(text)
            common_name(certificate.subject)
            common_name(certificate.issuer)
            chain.append(certificate)
        if chain:
            describe(chain[0])
            chain[0].public_key()
    except Exception as error:  # cryptography's, of many kinds
        raise Fatal(f"{source}: not a certificate: {error}") from error
    if not chain:
        raise Fatal(f"{source}: no certificate in it")
    return chain


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


def defect(chain: list[x509.Certificate], now: float) -> str:
    """Return why no server could use a new chain (dates, order of issuers), or ""."""
    start, end = validity(chain[0])
    if not start - SKEW <= now < end:
        return f"is valid {utc(start)} to {utc(end)}: not now"
    for number, issuer in enumerate(chain[1:]):
        if chain[number].issuer != issuer.subject:
            return "has certificates that form no chain"
    return ""
