"""The authorizations of one order (section 7.5): answered, and watched until valid."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..messages import USAGE, Dead, Fatal, Judged
from .account import Account
from .challenges import Challenges
from .responses import Document, Json, Response, in_words, split_url

TRIES = 4
"""The number of times that the CA is told that one challenge is ready (section 8.2)."""


@dataclass(frozen=True)
class Open:
    """An authorization that is not valid yet, with the challenge that is to be met."""

    url: str
    name: str
    challenge_url: str
    tries: int = 0
    """The number of times that the CA was told in this run."""
    was_told: bool = False
    """The CA was told in an earlier run, and is at work on it."""


class Authorizations:
    """All authorizations of an order, from pending to valid (section 7.1.6)."""

    def __init__(self, account: Account, challenges: Challenges) -> None:
        """Nothing is asked yet."""
        self.account = account
        self.challenges = challenges
        self.open: list[Open] = []
        self.asked_wait = 0.0
        """The seconds of Retry-After in the last response, 0 without."""
        self.reason = ""
        """The error that the CA has met last without giving up."""

    def answer(self, order: Document) -> None:
        """Provision all challenges, then tell the CA of each that is pending."""
        urls = order.field("authorizations", list)
        most = self.challenges.count
        if not 0 < len(urls) <= most or len(urls) != len({*map(str, urls)}):
            raise Fatal(f"{order.url}: {len(urls)} authorizations for {most} names")
        untold = []
        for url in urls:
            split_url(url, f"{order.url}: authorizations")
        for url in urls:
            authorization = self.post(url).json()
            if authorization.field("status", str) == "valid":
                continue
            entry, challenge = self.plan(url, authorization)
            status = challenge.field("status", str, "pending")
            if status == "pending":
                untold.append(entry)
            elif status == "processing":
                entry = replace(entry, was_told=True)
            self.open.append(entry)
        self.challenges.provision()
        for entry in untold:
            self.tell(entry)

    def plan(self, url: str, authorization: Document) -> tuple[Open, Document]:
        """Plan to meet the challenge of an authorization that is pending."""
        name = authorization.inner("identifier").field("value", str)
        entry = Open(url, name, "")
        refuse_ended(entry, authorization)
        challenge = self.choose(entry, authorization)
        token = challenge.field("token", str)
        self.challenges.plan(url, name, token, self.account.thumbprint)
        return replace(entry, challenge_url=challenge.link("url")), challenge

    def choose(self, entry: Open, authorization: Document) -> Document:
        """The challenge of the kind that can be met. Raises Fatal if there is none."""
        kind = self.challenges.kind
        for challenge in authorization.each("challenges"):
            if challenge.field("type", str) == kind:
                return challenge
        what = f"no {kind} challenge for {entry.name} is on offer"
        raise Fatal(f"{entry.url}: {what}", USAGE)

    def tell(self, entry: Open) -> None:
        """Tell the CA that a challenge can be validated (section 7.5.1).

        Its answer shows how far the CA is. If that was lost, it is told again, and may
        refuse: then the challenge is no longer pending, and all is well.
        """
        self.account.server.usage.spent = True
        self.open.remove(entry)
        told = replace(entry, tries=entry.tries + 1)
        self.open.append(told)
        try:
            response = self.post(entry.challenge_url, payload={})
        except Fatal as refusal:
            if not 400 <= refusal.status < 500:
                raise
            response = self.post(entry.challenge_url)
            if response.json().field("status", str) == "pending":
                if self.reason:
                    raise Judged(f"{entry.url}: {self.reason}") from refusal
                raise
        self.judge(told, response.json())

    def judge(self, entry: Open, challenge: Document) -> None:
        """Look at the status of a challenge: raises Judged once it has failed.

        Some CAs leave a challenge that has failed pending, with its error inside.
        """
        status = challenge.field("status", str)
        error = challenge.content.get("error")
        if error:
            self.reason = f"{entry.name}: {in_words(error)}"
        if status == "invalid":
            if not error:
                refuse_ended(entry, self.post(entry.url).json())
            why = self.reason or f"{entry.name}: no reason given"
            raise Dead(f"{entry.url}: {why}")
        if status not in ("pending", "processing", "valid"):
            raise Fatal(f"{challenge.url}: has status {status}, which is none")

    def check(self) -> None:
        """Ask for one open authorization: the next time it is the turn of the next.

        Of a hundred names not all are asked for at once: the order tells when all are
        valid. But only the authorization tells what has failed, at some CAs.
        """
        if not self.open:
            return
        entry = self.open.pop(0)
        authorization = self.post(entry.url).json()
        if authorization.field("status", str) == "valid":
            return
        self.open.append(entry)
        refuse_ended(entry, authorization)
        self.look_at_challenge(entry, self.choose(entry, authorization))

    def were_told(self) -> bool:
        """Tell whether the CA was told of a challenge that is not decided yet."""
        return any(entry.tries or entry.was_told for entry in self.open)

    def look_at_challenge(self, entry: Open, challenge: Document) -> None:
        """Look at a challenge of an open authorization; tell the CA again if it helps.

        Section 8.2: a challenge that is pending with an error may be tried again.
        """
        self.judge(entry, challenge)
        has_failed = challenge.field("status", str) == "pending" and bool(
            challenge.content.get("error")
        )
        if not has_failed:
            return
        if entry.tries >= TRIES:
            raise Judged(f"{entry.url}: {self.reason}")
        server = self.account.server
        server.wait(2.0**entry.tries / 2, f"{entry.url}: {self.reason}")
        self.tell(entry)

    def post(self, url: str, payload: Json | None = None) -> Response:
        """Ask for an authorization or a challenge; with a payload, tell of one."""
        response = self.account.post(url, payload)
        self.asked_wait = response.retry_after()
        return response


def refuse_ended(entry: Open, authorization: Document) -> None:
    """Raise Dead for an authorization that can no longer become valid."""
    status = authorization.field("status", str)
    if status == "pending":
        return
    reasons = [
        in_words(challenge.content["error"])
        for challenge in authorization.each("challenges")
        if challenge.content.get("error")
    ]
    if status in ("invalid", "deactivated", "expired", "revoked"):
        why = "; ".join(reasons) or "no reason given"
        raise Dead(f"{entry.url}: {entry.name}: its authorization is {status}: {why}")
    raise Fatal(f"{entry.url}: has status {status}, which is none")
