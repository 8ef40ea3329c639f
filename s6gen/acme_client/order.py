"""One order (section 7.4): placed, answered, finalized, its chain verified."""

from __future__ import annotations

import random
import re
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from josepy import b64

from .account import Account
from .certificates import (
    Request,
    address_of,
    common_name,
    defect,
    make_request,
    misfit,
    names_of,
    parse_chain,
    pem_chain,
)
from .challenges import Challenges, remove_challenges
from .keys import load_or_make_key
from .messages import USAGE, Fatal, inform, say, shortened
from .options import Options
from .responses import Document, Json, in_words
from .server import Server
from .state import StateFile

ALTERNATE = re.compile(r'<([^<>]*)>\s*;\s*rel="?alternate\b')
"""A link to another chain (section 7.4.2)."""
SOON = 0.02
"""Seconds that a CA gets before it is polled for the first time."""
LONGEST_PAUSE = 5.0
"""Seconds between two polls, unless the CA says more."""


def obtain_chain(
    options: Options, memory: StateFile, server: Server, replaces: str
) -> str:
    """Order a chain, and return it in PEM, verified. Raises Fatal or OSError.

    Replaces is the identifier of the certificate that it takes the place of, "" if the
    CA does not know that one (RFC 9773 section 5).
    """
    key = load_or_make_key(options.account_key, "ec256", options.quiet)
    request = make_request(options)
    names = names_of(request)
    challenges = Challenges(options, memory, names)
    account = Account(options, server, memory, key)
    try:
        account.sign_in()
        url, order = place_order(account, names, replaces)
        if order.field("status", str) == "pending":
            answer_challenges(account, order, challenges)
            server.pause(SOON)
        order = finalize(account, url, order, request)
    finally:
        remove_challenges(memory)
    url = order.field("certificate", str)
    chain = choose_chain(account, url)
    fault = misfit(chain, names, request.public_key()) or defect(chain, time.time())
    if fault:
        raise Fatal(f"{url}: the chain {fault}: it is not used")
    return pem_chain(chain)


def place_order(
    account: Account, names: set[str], replaces: str
) -> tuple[str, Document]:
    """Place an order; return its URL and the order (section 7.4).

    A CA that stumbles over `replaces` is asked once more without: else it would refuse
    until the certificate has expired. Some answer 500.
    """
    wanted = order_payload(account, names)
    if replaces:
        try:
            return new_order(account, wanted | {"replaces": replaces})
        except Fatal as refusal:
            is_refused = 400 <= refusal.status <= 500 and refusal.status != 429
            if not is_refused:
                raise
            quiet = account.options.quiet
            inform(quiet, f"ordering without `replaces`: {refusal}")
    return new_order(account, wanted)


def order_payload(account: Account, names: set[str]) -> Json:
    """Return the payload of newOrder. Raises Fatal for a profile not on offer."""
    identifiers = []
    for name in sorted(names):
        kind = "ip" if address_of(name) else "dns"
        identifiers.append({"type": kind, "value": name})
    wanted: Json = {"identifiers": identifiers}
    profile = account.options.profile
    if profile:
        meta = account.server.directory().inner("meta", {})
        profiles = meta.field("profiles", dict, {})
        if profile not in profiles:
            on_offer = ", ".join(sorted(profiles)) or "none"
            raise Fatal(f"--profile {profile}: unknown, on offer: {on_offer}", USAGE)
        wanted["profile"] = profile
    return wanted


def new_order(account: Account, wanted: Json) -> tuple[str, Document]:
    """Ask for a new order, once; return its URL and the order."""
    url = account.server.resource("newOrder")
    return account.post(url, wanted, again=False).located()


def answer_challenges(
    account: Account, order: Document, challenges: Challenges
) -> None:
    """Provision all challenges, then tell the CA of each (section 7.5)."""
    urls = []
    for url in order.field("authorizations", list):
        authorization = account.post(url, None).json()
        if authorization.field("status", str) == "valid":
            continue
        name = authorization.inner("identifier").field("value", str)
        challenge = choose_challenge(url, name, authorization, challenges.kind)
        token = challenge.field("token", str)
        challenges.plan(url, name, token, account.thumbprint)
        urls.append(challenge.field("url", str))
    challenges.provision()
    for url in urls:
        account.server.usage.spent = True
        tell_ready(account, url)


def choose_challenge(
    url: str, name: str, authorization: Document, kind: str
) -> Document:
    """The challenge of the kind that can be answered. Raises Fatal if there is none."""
    for challenge in authorization.each("challenges"):
        if challenge.field("type", str) == kind:
            return challenge
    raise Fatal(f"{url}: no {kind} challenge for {name} is on offer", USAGE)


def tell_ready(account: Account, url: str) -> None:
    """Tell the CA that a challenge can be validated (section 7.5.1).

    If the response was lost, it is told again, and may refuse that: then the challenge
    is no longer pending, and all is well.
    """
    try:
        account.post(url, {})
    except Fatal as refusal:
        if not 400 <= refusal.status < 500:
            raise
        challenge = account.post(url, None).json()
        if challenge.field("status", str) == "pending":
            raise


def finalize(account: Account, url: str, order: Document, request: Request) -> Document:
    """Finalize an order; return it once it is valid and has a certificate.

    It is tried without a poll before: that saves a request if the order is ready.
    """
    der = request.public_bytes(serialization.Encoding.DER)
    payload = {"csr": b64.b64encode(der).decode()}
    finalize_url = order.field("finalize", str)
    pause = 5 * SOON
    while order.field("status", str) in ("pending", "ready"):
        account.server.usage.spent = True
        try:
            order = account.post(finalize_url, payload, again=False).json()
            break
        except Fatal as refusal:
            if refusal.kind != "orderNotReady":
                raise
        order = poll(account, url, "pending", pause)
        pause = min(3 * pause, LONGEST_PAUSE)
    if order.field("status", str) == "processing":
        order = poll(account, url, "processing", SOON)
    status = order.field("status", str)
    if status != "valid":
        raise Fatal(f"{url}: the order is {status}: {explain(account, order)}")
    return order


def poll(account: Account, url: str, unfinished: str, pause: float) -> Document:
    """Poll an order until its status is another one; return it.

    The CA's Retry-After counts; without it the pauses grow.
    """
    server = account.server
    wait = 0.0
    while True:
        if wait:
            server.sleep(wait)
        else:
            server.pause(pause * random.uniform(1, 1.2))  # noqa: S311 (no secret)
        response = account.post(url, None)
        order = response.json()
        if order.field("status", str) != unfinished:
            return order
        wait = response.retry_after()
        pause = min(max(3 * pause, 5 * SOON), LONGEST_PAUSE)


def explain(account: Account, order: Document) -> str:
    """The reasons for which an order failed, name by name."""
    reasons = []
    for url in order.field("authorizations", list):
        authorization = account.post(url, None).json()
        for challenge in authorization.each("challenges"):
            if "error" in challenge.content:
                name = authorization.inner("identifier").field("value", str)
                reasons.append(f"{name}: {in_words(challenge.content['error'])};")
    if not reasons:
        reasons.append(in_words(order.content.get("error")))
    return shortened(reasons).removesuffix(";")


def choose_chain(account: Account, url: str) -> list[x509.Certificate]:
    """The CA's own choice, or an alternate that leads to --preferred-chain.

    Section 7.4.2. Without a chain to that issuer it is the CA's choice, with a warning.
    """
    response = account.post(url, None)
    default = parse_chain(response.body, url)
    preferred = account.options.preferred_chain
    if not preferred or leads_to(default, preferred):
        return default
    links = ", ".join(response.headers.get_all("Link") or [])
    for link in ALTERNATE.findall(links):
        other = urllib.parse.urljoin(url, link)
        chain = parse_chain(account.post(other, None).body, other)
        if leads_to(chain, preferred):
            return chain
    why = "not on offer, using the default chain"
    say("warning", f"--preferred-chain {preferred}: {why}")
    return default


def leads_to(chain: list[x509.Certificate], issuer: str) -> bool:
    """Tell whether a certificate of the chain was issued by that common name."""
    return any(common_name(certificate.issuer) == issuer for certificate in chain)
