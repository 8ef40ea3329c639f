"""A chain built from what a CA sent: each certificate signed by the next (RFC 5280)."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from .certificates import check_leaf, load_certificates, untimely, validity
from .keys import is_same_key
from .messages import Fatal, say, shortened

MOST_NAMED = 3
"""Certificates that a warning names."""
LONGEST_NAME = 100
"""Characters of a name in a message."""


@dataclass(frozen=True)
class Sent:
    """A certificate that a CA sent, and what is compared of it."""

    certificate: x509.Certificate
    subject: str
    issuer: str
    key: Any
    """Its public key, None if its kind is not known here."""
    untimely: str
    """Why it is of no use now, "" if it is valid."""
    end: float

    def is_same_authority(self, other: Sent) -> bool:
        """Tell whether both are for one name and key: they may have two issuers."""
        return self.subject == other.subject and is_for_key(self, other.key)


Issuers = dict[x509.Certificate, list[Sent]]
"""Of each certificate, those that it may be issued by."""


def build_chain(
    pem: bytes, source: str, key: Any, now: float
) -> list[x509.Certificate]:
    """Return the chain of the certificate for a public key, in the order of issuers.

    The certificates may come in any order. What is no part of the chain is left out,
    with a warning. A certificate that came alone is a chain too, with another warning.
    Now is in seconds since 1970. Raises Fatal, which names the source, if no chain
    leads from the certificate for the key to a valid issuer of it.
    """
    certificates = dict.fromkeys(load_certificates(pem, source))
    sent = [examine(certificate, now) for certificate in certificates]
    leaf = choose_leaf(sent, key, source)
    check_leaf(leaf.certificate, source)
    path = longest_path([leaf], find_issuers(sent))
    if len(path) == 1:
        check_lonely(leaf, sent, source)
    tell_left_out([one for one in sent if one not in path], path[-1], source)
    return [one.certificate for one in path]


def refusal(source: str, fault: str) -> Fatal:
    """The error for what is no chain; the fault ends a sentence about it."""
    return Fatal(f"{source}: the chain {fault}: it is not used")


def examine(certificate: x509.Certificate, now: float) -> Sent:
    """Read of a certificate what is compared: once, for a hostile one may be large."""
    key = None
    with contextlib.suppress(Exception):  # of many kinds: a key that is not known here
        key = certificate.public_key()
    return Sent(
        certificate=certificate,
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        key=key,
        untimely=untimely(certificate, now),
        end=validity(certificate)[1],
    )


def is_for_key(one: Sent, key: Any) -> bool:
    """Tell whether a certificate is for this public key."""
    return one.key is not None and is_same_key(one.key, key)


# Paths


def choose_leaf(sent: list[Sent], key: Any, source: str) -> Sent:
    """Return the certificate for a key: of several the one that lives longest.

    Raises Fatal if there is none, or none that is valid now.
    """
    own = [one for one in sent if is_for_key(one, key)]
    if not own:
        raise refusal(source, "is for another key")
    leaf = max(own, key=lambda one: (not one.untimely, one.end))
    if leaf.untimely:
        raise refusal(source, leaf.untimely)
    return leaf


def find_issuers(sent: list[Sent]) -> Issuers:
    """Find the valid issuers of all certificates: at most 20 times 19 signatures."""
    return {one.certificate: issuers_of(one, sent) for one in sent}


def issuers_of(one: Sent, sent: list[Sent]) -> list[Sent]:
    """Return the certificates that one may be issued by, in the CA's order.

    They have one name and one key. What its own key signed comes last: nothing follows
    after it.
    """
    found: list[Sent] = []
    for other in sent:
        if other is one or other.subject != one.issuer or other.untimely:
            continue
        if found:  # a second key that fits too is made on purpose, to make work
            fits = is_for_key(other, found[0].key)
        else:
            fits = is_signed_by(one.certificate, other.key)
        if fits:
            found.append(other)
    return sorted(found, key=lambda other: other.subject == other.issuer)


def longest_path(path: list[Sent], issuers: Issuers) -> list[Sent]:
    """Return the path that leads furthest, of equal ones the first of the CA's.

    No name and key is in it twice. So a cycle of cross-signatures ends, and a CA that
    is hostile gets few paths out of 20 certificates: about 3 ** (20 / 3).
    """
    best = path
    for issuer in issuers[path[-1].certificate]:
        if any(issuer.is_same_authority(one) for one in path):
            continue
        longer = longest_path([*path, issuer], issuers)
        if len(longer) > len(best):
            best = longer
    return best


def check_lonely(leaf: Sent, sent: list[Sent], source: str) -> None:
    """Warn of a certificate that came without its issuer, or raise Fatal.

    It is used if nothing else came, and if it is its own issuer.
    """
    if leaf.subject == leaf.issuer and is_signed_by(leaf.certificate, leaf.key):
        return
    if len(sent) == 1:
        say("warning", f"{source}: the CA sent no issuer with the certificate")
        return
    raise refusal(source, why_no_issuer(leaf, sent))


def why_no_issuer(leaf: Sent, sent: list[Sent]) -> str:
    """Return why none of the certificates that came with it is its issuer."""
    named = [one for one in sent if one is not leaf and one.subject == leaf.issuer]
    if not named:
        return "has certificates that form no chain"
    for issuer in named:
        if issuer.untimely and is_signed_by(leaf.certificate, issuer.key):
            return f"has an issuer that {issuer.untimely}"
    return f"is not signed by the key of {quoted(leaf.issuer)} that came with it"


def tell_left_out(left_out: list[Sent], last: Sent, source: str) -> None:
    """Warn of certificates that are no part of the chain, which ends with `last`."""
    if not left_out:
        return
    told = [f"{quoted(one.subject)} {why_left_out(one, last)};" for one in left_out]
    names = shortened(told, MOST_NAMED).removesuffix(";")
    say("warning", f"{source}: left out of the chain: {names}")


def why_left_out(one: Sent, last: Sent) -> str:
    """Return why a certificate is no part of the chain, which ends with `last`."""
    if one.untimely:
        return one.untimely
    if one.subject == last.issuer and not is_signed_by(last.certificate, one.key):
        return f"did not sign {quoted(last.subject)}"
    return "is no part of it"


def quoted(name: str) -> str:
    """A name as it is told: in quotes, not longer than a line."""
    return f'"{name[:LONGEST_NAME]}"'


# Signatures


def is_signed_by(certificate: x509.Certificate, key: Any) -> bool:
    """Tell whether a public key verifies the signature of a certificate.

    It does not if algorithm or kind of key are not known here.
    """
    try:
        verify_signature(certificate, key)
        return has_signed_algorithm(certificate)
    except Exception:  # InvalidSignature, and of many kinds what is not known here
        return False


def verify_signature(certificate: x509.Certificate, key: Any) -> None:
    """Raise an exception unless a public key verifies a certificate's signature.

    cryptography has this itself from version 40 on, with RSASSA-PSS from 41 on. But it
    wants that the names are the same byte by byte: a CA that changed their encoding
    would have no chain any more.
    """
    signed = certificate.signature, certificate.tbs_certificate_bytes
    if certificate.signature_algorithm_oid == x509.SignatureAlgorithmOID.RSASSA_PSS:
        verify_pss(key, *signed)
    elif isinstance(key, rsa.RSAPublicKey):
        hashed: Any = certificate.signature_hash_algorithm
        key.verify(*signed, padding.PKCS1v15(), hashed)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        hashed = certificate.signature_hash_algorithm
        key.verify(*signed, ec.ECDSA(hashed))
    else:  # Ed25519 and its like: the key says all
        key.verify(*signed)


def verify_pss(key: rsa.RSAPublicKey, signature: bytes, content: bytes) -> None:
    """Raise an exception unless an RSASSA-PSS signature is right (RFC 4055).

    cryptography before 41 does not say which hash was used: one of these.
    """
    for algorithm in (hashes.SHA256(), hashes.SHA384(), hashes.SHA512()):
        scheme = padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
        with contextlib.suppress(InvalidSignature):
            key.verify(signature, content, scheme, algorithm)
            return
    raise InvalidSignature


def has_signed_algorithm(certificate: x509.Certificate) -> bool:
    """Tell whether what is around the signed part is as it has to be, bit by bit.

    The algorithm is named in the signed part once more (RFC 5280 section 4.1.1.2), and
    a signature has no unused bits. Servers and their clients refuse another one.
    """
    whole = certificate.public_bytes(serialization.Encoding.DER)
    content = certificate.tbs_certificate_bytes
    rest = whole[whole.index(content) + len(content) :]
    algorithm = rest[: 2 + rest[1]]  # tag and length, less than 128
    return algorithm in content and rest.endswith(b"\0" + certificate.signature)
