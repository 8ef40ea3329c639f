"""One order (section 7.4): placed, and taken from status to status until it is valid.

docs/orders.md draws the statuses, and the ways between them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import serialization
from josepy import b64

from ..certificates import Request
from ..messages import USAGE, Dead, Fatal, Unfinished, inform, shortened
from ..names import address_of
from .account import Account
from .authorizations import Authorizations
from .challenges import Challenges
from .responses import Document, Json, Response, in_words
from .server import Server

SOON = 0.02
"""Seconds that a CA gets before it is polled for the first time."""
LONGEST_PAUSE = 2.0
"""Seconds between two polls, unless the CA says more."""
LONGEST_LATER = 30.0
"""The same once it has lasted for minutes: it grows with a tenth of what has passed."""
QUIET = 2.0
"""Seconds in which the order alone is asked for: mostly that is all that it needs."""
REASONS = 5
"""The number of names for which it is told why an order has failed."""


class Pace:
    """The pauses between two questions about one thing: longer each time."""

    def __init__(self, server: Server) -> None:
        """The first one is short: many CAs are quick."""
        self.server = server
        self.pause = SOON
        self.begun = time.monotonic()

    def passed(self) -> float:
        """The seconds since the first question."""
        return time.monotonic() - self.begun

    def wait(self, what: str, asked: float) -> None:
        """Wait before the next question, or for the seconds that the CA asked for.

        Raises Unfinished with what is not finished, if there is no time left for it.
        """
        pause = self.pause * random.uniform(1, 1.2)  # noqa: S311 (no secret)
        self.server.wait(pause, what, asked)
        longest = min(max(LONGEST_PAUSE, self.passed() / 10), LONGEST_LATER)
        self.pause = min(max(1.5 * self.pause, 5 * SOON), longest)


class Order:
    """An order at the CA, on its way to `valid` in this run (section 7.1.6)."""

    def __init__(self, account: Account, url: str, asks_once: bool) -> None:
        """An order at a URL. A CA that takes days is not polled, but asked once."""
        self.account = account
        self.server = account.server
        self.url = url
        self.asks_once = asks_once
        self.pace = Pace(account.server)
        self.asked_wait = 0.0
        """The seconds of Retry-After in the last response, 0 without."""
        self.status = ""
        """The status that was seen last, since the CA was told of challenges."""
        self.authorizations: Authorizations | None = None
        self.was_ready = False
        """It was finalized when it was known to be ready."""

    def is_validating(self) -> bool:
        """Tell whether the CA was still validating a challenge when last asked."""
        if self.authorizations is None or not self.authorizations.were_told():
            return False
        was_told = any(entry.was_told for entry in self.authorizations.open)
        return was_told or self.status == "pending"

    def look(self) -> Document:
        """Ask for the order."""
        return self.document(self.account.post(self.url, None))

    def document(self, response: Response) -> Document:
        """The order in a response, whose Retry-After counts."""
        self.asked_wait = response.retry_after()
        order = Document(self.url, response.json().content)
        self.status = order.field("status", str)
        return order

    def complete(
        self,
        order: Document,
        challenges: Callable[[], Challenges],
        request: Callable[[], Request],
    ) -> Document:
        """Take an order to `valid`, from whatever status it has; return it then.

        Challenges and request are made when they are needed. Raises Dead if the order
        has become invalid, Unfinished if the CA needs more time than there is.
        """
        while True:
            status = order.field("status", str)
            if status == "valid":
                return order
            if status == "pending":
                order = self.authorize(order, challenges, request)
            elif status == "ready":
                order = self.finalize(order, request())
            elif status == "processing":
                order = self.look_later("processing")
            elif status == "invalid":
                why = explain(self.account, order)
                raise Dead(f"{self.url}: the order is invalid: {why}")
            else:
                raise Fatal(f"{self.url}: the order has status {status}, which is none")

    def authorize(
        self,
        order: Document,
        challenges: Callable[[], Challenges],
        request: Callable[[], Request],
    ) -> Document:
        """Bring a pending order forward: meet its challenges, then watch them."""
        if self.authorizations is None:
            authorizations = Authorizations(self.account, challenges())
            self.authorizations = authorizations
            authorizations.answer(order)
            self.status = ""
            if any(entry.tries for entry in authorizations.open):
                self.asks_once = False
                return self.try_to_finalize(order, request())
            return self.look_later("pending")
        authorizations = self.authorizations
        self.asked_wait = self.asked_wait or authorizations.asked_wait
        authorizations.asked_wait = 0.0
        self.wait(self.still("pending", authorizations.reason))
        if self.pace.passed() > QUIET or authorizations.reason:
            try:
                authorizations.check()
            except Dead:
                order = self.look()
                if order.field("status", str) == "invalid":
                    return order  # its reasons are told
                raise
        return self.look()

    def try_to_finalize(self, order: Document, request: Request) -> Document:
        """Finalize an order that is not known to be ready: that saves a request.

        If the CA refuses it, in whatever words, the order shows whether it was too
        early: so nothing is lost.
        """
        if self.authorizations:
            self.asked_wait = self.authorizations.asked_wait
        self.wait(self.still("pending"))
        try:
            return self.send_finalize(order, request)
        except Fatal as refusal:
            if not refusal.status and not refusal.is_passing():
                raise
        return self.look()

    def finalize(self, order: Document, request: Request) -> Document:
        """Finalize an order that is ready.

        If the answer is lost, or is an error of the CA, it may have been finalized:
        then the order shows it.
        """
        if self.was_ready:
            self.wait(self.still("ready"))
        else:
            self.was_ready = True
            self.pace = Pace(self.server)  # validation may have been slow
        try:
            return self.send_finalize(order, request)
        except Fatal as refusal:
            is_early = refusal.kind == "orderNotReady"
            if not refusal.is_passing() and not is_early:
                raise
            self.wait(str(refusal))
        return self.look()

    def send_finalize(self, order: Document, request: Request) -> Document:
        """Ask for the certificate; return the order."""
        der = request.public_bytes(serialization.Encoding.DER)
        payload = {"csr": b64.b64encode(der).decode()}
        self.server.usage.spent = True
        self.asks_once = False
        url = order.link("finalize")
        return self.document(self.account.post(url, payload, again=False))

    def look_later(self, status: str) -> Document:
        """Wait, then ask for the order; a CA that takes days is asked once a run."""
        if self.asks_once:
            raise Unfinished(self.still(status), wait=self.asked_wait)
        self.wait(self.still(status))
        return self.look()

    def wait(self, what: str) -> None:
        """Wait before the next question."""
        self.pace.wait(what, self.asked_wait)

    def still(self, status: str, why: str = "") -> str:
        """The words for an order that is not finished."""
        words = f"{self.url}: the order is still {status}"
        return f"{words}: {why}" if why else words


def place_order(
    account: Account, names: set[str], replaces: str
) -> tuple[str, Document]:
    """Place an order; return its URL and the order (section 7.4).

    Replaces is the identifier of the certificate that it takes the place of, "" if the
    CA does not know that one (RFC 9773 section 5). A CA that stumbles over it is asked
    once more without: else it would refuse until the certificate has expired. Some
    answer 500.
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


def explain(account: Account, order: Document) -> str:
    """The reasons for which an order failed, name by name."""
    reasons = []
    urls = order.field("authorizations", list, [])
    try:
        for url in urls[: 10 * REASONS]:
            authorization = account.post_once(url, None, again=False).json()
            reasons += challenge_errors(authorization)
            if len(reasons) >= REASONS:
                break
    except Fatal as refusal:  # the order's own error is still there
        inform(account.options.quiet, f"no reasons for each name: {refusal}")
    if not reasons:
        reasons.append(in_words(order.content.get("error")))
    return shortened(reasons).removesuffix(";")


def challenge_errors(authorization: Document) -> list[str]:
    """The errors of the challenges of one name, in words."""
    reasons = []
    for challenge in authorization.each("challenges"):
        if "error" in challenge.content:
            name = authorization.inner("identifier").field("value", str)
            reasons.append(f"{name}: {in_words(challenge.content['error'])};")
    return reasons
