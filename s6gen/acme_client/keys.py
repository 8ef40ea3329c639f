"""Private keys: read, made, and what they sign (JWS, section 6.2)."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from acme import jws
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from josepy import b64, jwa, jwk

from .files import read_file, replace_file
from .locks import lock_existing
from .messages import USAGE, Fatal, inform
from .protocol.responses import Json

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
ALGORITHMS = {"secp256r1": jwa.ES256, "secp384r1": jwa.ES384}
"""The curves of account keys, and what signs with them (RFC 7518 section 3.4)."""


def load_or_make_key(path: str, kind: str, quiet: bool) -> Key:
    """The private key in a file, which is made if it is missing."""
    # pathlib is slow to load:
    if not os.path.exists(path):  # noqa: PTH110
        with lock_existing(os.path.dirname(path) or "."):  # noqa: PTH120
            # Another run may have made it while this one waited.
            if not os.path.exists(path):  # noqa: PTH110
                replace_file(path, pem_of(make_key(kind)), 0o600, secret=True)
                inform(quiet, f"{path}: new {kind} key")
    return load_key(path)


def load_key(path: str) -> Key:
    """The private key in a PEM file. Raises Fatal for another content."""
    return parse_key(read_file(path), path)


def parse_key(content: bytes, path: str) -> Key:
    """The private key in PEM that was read from a path. Raises Fatal for none."""
    try:
        key = serialization.load_pem_private_key(content, None)
    except UnsupportedAlgorithm as error:
        raise Fatal(
            f"{path}: a kind of key that is not known: {error}", USAGE
        ) from error
    except (ValueError, TypeError) as error:
        message = f"{path}: not an unencrypted private key in PEM"
        raise Fatal(message, USAGE) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Fatal(f"{path}: neither an RSA nor an EC key", USAGE)
    return key


def make_key(kind: str) -> Key:
    """A new private key: ec256, ec384, or rsa with its bits."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))
    if kind == "ec256":
        return ec.generate_private_key(ec.SECP256R1())
    return ec.generate_private_key(ec.SECP384R1())


def pem_of(key: Key) -> bytes:
    """A private key in PEM (PKCS#8, not encrypted)."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )


def is_same_key(first: Any, second: Any) -> bool:
    """Tell whether two public keys are one; cryptography before 40 has no ==."""
    form = (
        serialization.Encoding.DER,
        serialization.PublicFormat.SubjectPublicKeyInfo,
    )
    return bool(first.public_bytes(*form) == second.public_bytes(*form))


def jwk_of(key: Key) -> tuple[jwk.JWK, jwa.JWASignature]:
    """A key as JOSE spells it, and the algorithm that signs with it."""
    if isinstance(key, rsa.RSAPrivateKey):
        return jwk.JWKRSA(key=key), jwa.RS256
    if key.curve.name not in ALGORITHMS:
        raise Fatal(f"--account-key: {key.curve.name} is no curve for it", USAGE)
    return jwk.JWKEC(key=key), ALGORITHMS[key.curve.name]


def public_jwk(key: Key) -> Json:
    """The public key as JSON (RFC 7517)."""
    return dict(jwk_of(key)[0].public_key().to_partial_json())


def thumbprint_of(key: Key) -> str:
    """The thumbprint of a key in base64url (RFC 7638)."""
    return b64.b64encode(jwk_of(key)[0].thumbprint()).decode()


def sign(
    key: Key, url: str, payload: Json | None, nonce: str = "", kid: str = ""
) -> bytes:
    """The body of a request; an inner one has no nonce.

    Without payload it is a POST-as-GET (section 6.3). Without kid, the URL of the
    account, the whole public key goes along.
    """
    private_jwk, algorithm = jwk_of(key)
    text = b""
    if payload is not None:
        text = json.dumps(payload).encode()
    signed = jws.JWS.sign(
        text,
        key=private_jwk,
        alg=algorithm,
        nonce=b64.b64decode(nonce) if nonce else None,
        url=url,
        kid=kid or None,
    )
    return str(signed.json_dumps()).encode()


def load_mac_key(path: str) -> bytes:
    """The MAC key in a file, which has it in base64url. Raises Fatal for another."""
    encoded = read_file(path).strip().rstrip(b"=")
    is_base64url = re.fullmatch(rb"[A-Za-z0-9_-]{2,}", encoded)
    if not is_base64url or len(encoded) % 4 == 1:
        raise Fatal(f"{path}: not base64url", USAGE)
    return b64.b64decode(encoded)


def sign_binding(key: Key, url: str, kid: str, secret_file: str) -> Json:
    """The external account binding of a new account (section 7.3.4).

    The CA issued a MAC key: `kid` is its name, `secret_file` holds it.
    """
    bound = jws.JWS.sign(
        json.dumps(public_jwk(key)).encode(),
        key=jwk.JWKOct(key=load_mac_key(secret_file)),
        alg=jwa.HS256,
        nonce=None,
        url=url,
        kid=kid,
    )
    return dict(json.loads(bound.json_dumps()))


def kind_of_key(key: Key) -> str:
    """The kind of a key, as --key-type has it: ec256, rsa2048; else its curve."""
    if isinstance(key, rsa.RSAPrivateKey):
        return f"rsa{key.key_size}"
    kinds = {"secp256r1": "ec256", "secp384r1": "ec384"}
    return kinds.get(key.curve.name, key.curve.name)


def key_type_warning(path: str, key: Key, wanted: str) -> str:
    """What to warn of if a key is of another kind than --key-type, else ""."""
    kind = kind_of_key(key)
    if kind == wanted:
        return ""
    return (
        f"{path}: is {kind}, so --key-type {wanted} has no effect: "
        "move the key away, or use --new-key"
    )
