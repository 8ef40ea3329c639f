"""The chain of a valid order: fetched, chosen, and verified (section 7.4.2)."""

from __future__ import annotations

from typing import Any

from cryptography import x509

from ..certificates import common_name, misfit, parse_chain
from ..chains import build_chain
from ..messages import Fatal, Refused, say
from .account import Account
from .responses import Response

GONE = (403, 404, 410)
"""HTTP statuses of a CA that does not have a certificate, or does not hand it out."""
MOST_ALTERNATES = 20
"""The number of other chains that are looked at."""


def fetch_chain(
    account: Account, url: str, names: set[str], key: Any
) -> list[x509.Certificate]:
    """Fetch the chain of a certificate: the CA's choice, or one to --preferred-chain.

    It is for these names and this public key. Raises Refused if no server could use it.
    """
    response = ask_for_chain(account, url)
    preferred = account.options.preferred_chain
    if preferred:
        response = preferred_response(account, response, preferred)
    try:
        chain = build_chain(response.body, response.url, key, account.server.time())
    except Fatal as fault:
        raise Refused(str(fault)) from fault
    why = misfit(chain, names, key)
    if why:
        raise Refused(f"{response.url}: the chain {why}: it is not used")
    return chain


def ask_for_chain(account: Account, url: str) -> Response:
    """Ask for the CA's own choice of a chain.

    Raises Refused if the CA says that there is none: that does not pass soon.
    """
    try:
        return account.post(url, None)
    except Fatal as refusal:
        if refusal.status in GONE:
            raise Refused(str(refusal), status=refusal.status) from refusal
        raise


def preferred_response(account: Account, default: Response, preferred: str) -> Response:
    """The response with a chain to an issuer; without one the default, and a warning.

    An alternate that cannot be had, or that is no chain, is passed over.
    """
    if leads_to(default, preferred):
        return default
    for url in default.links("alternate")[:MOST_ALTERNATES]:
        try:
            response = account.post_once(url, None, again=False)
        except Fatal as failure:
            say("warning", f"an alternate chain is not looked at: {failure}")
            continue
        if leads_to(response, preferred):
            return response
    why = "not on offer, using the default chain"
    say("warning", f"--preferred-chain {preferred}: {why}")
    return default


def leads_to(response: Response, issuer: str) -> bool:
    """Tell whether a certificate of the chain was issued by that common name."""
    try:
        chain = parse_chain(response.body, response.url)
    except Fatal:  # told if it is the one that is used
        return False
    return any(common_name(certificate.issuer) == issuer for certificate in chain)
