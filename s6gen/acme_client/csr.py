"""The request of a certificate: its names and its key, made where they are missing."""

# ruff: noqa: PTH110, PTH113, PTH120 (pathlib is slow to load)

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from .certificates import Request, common_name, names_of, parse_chain
from .files import read_file, read_own_file, remove_file, replace_file
from .keys import (
    Key,
    is_same_key,
    key_type_warning,
    load_key,
    load_or_make_key,
    parse_key,
)
from .locks import lock_existing
from .messages import USAGE, Fatal, inform, reason, shortened, warn_once
from .names import address_of, normal_name
from .options import Options


def wanted_names_and_key(options: Options) -> tuple[set[str], Any]:
    """The names and the public key that a certificate has to be for.

    Raises Fatal or OSError for a key or a CSR that cannot be read.
    """
    if options.makes_request:
        return wanted_names(options), load_key(options.domain_key).public_key()
    request = load_csr(options.csr)
    return names_of(request), public_key_of(request, options.csr)


def wanted_names(options: Options) -> set[str]:
    """The names of --domain, else those of the CSR. Raises Fatal or OSError."""
    if options.makes_request:
        return {normal_name(name) for name in options.domain}
    return names_of(load_csr(options.csr))


def make_request(options: Options) -> Request:
    """The request in --csr, made anew where it is missing or not for names and key.

    With --new-key it is for a new key, which waits beside the old one in .next. Once
    made, that one is used until it is the key.
    """
    if not options.makes_request:
        request = load_csr(options.csr)
        public_key_of(request, options.csr)
        return request
    names = wanted_names(options)
    if options.new_key:
        beside = next_key(options)
        key = load_or_make_key(beside, options.key_type, quiet=True)
        warn_of_other_type(options, beside, key)
        return make_csr(key, names)
    key = load_or_make_key(options.domain_key, options.key_type, options.quiet)
    warn_of_other_type(options, options.domain_key, key)
    if options.csr and os.path.exists(options.csr):
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


def warn_of_other_type(options: Options, path: str, key: Key) -> None:
    """Warn if --key-type was given, but the key is there and is of another type."""
    if options.asks_key_type:
        warning = key_type_warning(path, key, options.key_type)
        if warning:
            warn_once(warning)


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
        request = x509.load_pem_x509_csr(content_of(path))
    except ValueError as error:
        message = f"{path}: not a certificate signing request in PEM"
        raise Fatal(message, USAGE) from error
    name = ""
    try:
        name = common_name(request.subject)
        names = names_of(request)
    except OSError:
        raise
    except Fatal as fault:
        which = "its common name, " if str(fault).startswith(f"{name}: ") else ""
        raise Fatal(f"{path}: {which}{fault}", USAGE) from fault
    except Exception as error:  # cryptography's, of many kinds
        raise Fatal(f"{path}: its names cannot be read: {error}", USAGE) from error
    if not names:
        raise Fatal(f"{path}: asks for no names", USAGE)
    return request


def public_key_of(request: Request, path: str) -> Any:
    """The public key that a request is for. Raises Fatal for one of an unknown kind."""
    try:
        return request.public_key()
    except Exception as error:  # cryptography's, of many kinds
        raise Fatal(f"{path}: its key cannot be read: {error}", USAGE) from error


def content_of(path: str) -> bytes:
    """The content of a CSR's file: that of a pipe can be read only once."""
    is_file = os.path.isfile(path)
    return read_file(path) if is_file else read_pipe(path)


@functools.cache
def read_pipe(path: str) -> bytes:
    """The content of a pipe, such as /dev/stdin."""
    return read_file(path)


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


# The key of an order


def fingerprint_of(public_key: Any) -> str:
    """SHA-256 of a public key in hex: how an order knows the key that it is for."""
    der = public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def find_public_key(options: Options, fingerprint: str) -> Any:
    """The public key with this fingerprint, of those that are at hand; None without.

    It may be the key, the new key that waits beside it, or that of the CSR. Raises
    OSError for a file that is there but cannot be read.
    """
    paths = (options.domain_key, next_key(options)) if options.domain_key else ()
    for path in paths:
        with contextlib.suppress(FileNotFoundError, Fatal):
            public_key: Any = load_key(path).public_key()
            if fingerprint_of(public_key) == fingerprint:
                return public_key
    if options.csr:
        with contextlib.suppress(FileNotFoundError, Fatal):
            public_key = public_key_of(load_csr(options.csr), options.csr)
            if fingerprint_of(public_key) == fingerprint:
                return public_key
    return None


def next_key(options: Options) -> str:
    """The path at which the key of --new-key waits until a chain is for it."""
    return f"{options.domain_key}.next"


def settle_new_key(options: Options, is_ordered: bool) -> None:
    """Make the new key the key once FILE is for it, also after a kill.

    From then on key and chain belong together again. Until the key is in its place, and
    looked at, the new one stays where it is. It also stays as long as an order is under
    way, and for the next --new-key: before an order is noted, no certificate can be for
    it. Raises Fatal if it cannot be put in place.
    """
    beside = next_key(options)
    if options.domain_key and os.path.exists(beside):
        settle_waiting_key(options, beside, is_ordered)


def settle_waiting_key(options: Options, beside: str, is_ordered: bool) -> None:
    """Put the new key in place, or remove it, or leave it: see `settle_new_key`."""
    try:
        leaf = parse_chain(read_file(options.out), options.out)[0].public_key()
        content = read_own_file(beside)
        is_next = is_same_key(leaf, parse_key(content, beside).public_key())
    except (OSError, Fatal):
        return  # nobody knows what it is for: nothing is deleted
    if not is_next and (is_ordered or options.new_key):
        return
    with lock_existing(os.path.dirname(beside) or "."):
        if is_next and not is_key_in(options.domain_key, leaf):
            install_new_key(options, beside, content)
        if is_key_in(options.domain_key, leaf):
            remove_file(beside)


def install_new_key(options: Options, beside: str, content: bytes) -> None:
    """Put the new key in the place of the key; raises Fatal."""
    try:
        replace_file(options.domain_key, content, 0o600, secret=True)
    except (OSError, Fatal) as error:
        what = f"is for the key in {beside}, which has to become {options.domain_key}"
        remedy = "copy it there, and run this again"
        message = f"{options.out}: {what}: {reason(error)}: {remedy}"
        raise Fatal(message) from error


def is_key_in(path: str, public_key: Any) -> bool:
    """Tell whether a file holds the key of this public key."""
    with contextlib.suppress(OSError, Fatal):
        return is_same_key(load_key(path).public_key(), public_key)
    return False
