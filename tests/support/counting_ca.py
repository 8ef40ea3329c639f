"""A small CA on a virtual clock, which notes what it is asked for (RFC 8555, RFC 9773).

It verifies little: no signature of a request, no nonce. A challenge (HTTP-01) is valid if its file is
in the directory of challenges. What it issues is right, and dated by the clock. What Let's Encrypt
limits is noted, one JSON object a line.
"""

import datetime
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from support.acme_wire import (
    PROBLEM,
    Answer,
    Gone,
    Json,
    date,
    decoded,
    encoded,
    identifier,
    payload,
    problem,
    protected,
    reply,
    thumbprint_of,
)
from support.authority import common_name, new_key, pem
from support.virtual_clock import DAY, HOUR, WEEK, SharedClock

INTERMEDIATE = common_name("counting intermediate")


@attrs.frozen(kw_only=True)
class Behaviour:
    """What the CA's certificates are, and what goes wrong there. Times are in seconds."""

    lifetime: float = 90 * DAY
    has_windows: bool = True
    """It suggests when to renew."""
    window_is_past: bool = False
    """It suggests a time before the certificate began."""
    validates: bool = True
    """A right answer to a challenge is found."""
    processing: float = 0
    """From finalize until the certificate can be had."""
    latency: float = 0.05
    killed_at: str = ""
    """The resource at which the client's run is killed: the CA has done what it was asked for."""
    fails_at: str = ""
    """The resource that answers 500 after all was done."""
    down: tuple[int, int] = (0, 0)
    """From which until which hour of the day it answers 503 only."""

    def healed(self) -> "Behaviour":
        """The same certificates, and nothing goes wrong."""
        return Behaviour(lifetime=self.lifetime, has_windows=self.has_windows)


class Issued(NamedTuple):
    """A certificate, and its validity in seconds since 1970."""

    certificate: x509.Certificate
    start: float
    end: float


@attrs.define
class Order:
    """An order, and the status of the authorization of each name."""

    names: list[str]
    account: int
    created: float
    authorizations: list[str]
    finalized: float = 0
    issued: Issued | None = None


class CountingCA:
    """The resources of the CA, by the first part of their path; what follows is a number."""

    def __init__(
        self,
        clock: SharedClock,
        behaviour: Behaviour,
        challenges: Path,
        notes: Path,
        url: str,
    ) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.challenges = challenges
        self.notes = notes.open("a", buffering=1)
        self.url = url
        self.lock = threading.Lock()
        self.requests = 0
        self.thumbprints: list[str] = []
        """Of the accounts' keys."""
        self.orders: list[Order] = []
        self.windows: dict[str, Issued] = {}
        """The certificates by their identifier (RFC 9773 section 4.1)."""
        self.key = new_key()
        self.issuer = intermediate(self.key, clock.now)
        self.resources: dict[str, Callable[[str, Json], Answer]] = {
            "directory": self.directory,
            "newNonce": lambda _number, _body: Answer(200),
            "newAccount": self.new_account,
            "newOrder": self.new_order,
            "account": lambda number, _body: reply(
                {}, location=self.at("account", number)
            ),
            "authz": self.authorization,
            "challenge": self.challenge,
            "order": lambda number, _body: self.order(int(number)),
            "finalize": self.finalize,
            "certificate": self.certificate,
            "renewalInfo": self.renewal_info,
        }

    def answer(self, path: str, body: bytes) -> Answer:
        """Do what is asked for, and what goes wrong. Raises Gone.

        One request at a time: that of a run which was killed may still be under way.
        """
        with self.lock:
            return self.answer_alone(path, body)

    def answer_alone(self, path: str, body: bytes) -> Answer:
        """Like `answer`, with the lock."""
        self.clock.advance(self.behaviour.latency)
        if self.clock.now >= self.clock.trouble_ends:
            self.behaviour = self.behaviour.healed()
        self.requests += 1
        resource, _, number = path.strip("/").partition("/")
        self.note("request", resource=resource)
        since, until = self.behaviour.down
        if since <= self.clock.now % DAY / HOUR < until:
            return problem(503, "serverInternal", "down")
        if resource not in self.resources:
            return problem(404, "malformed", "no such resource")
        answer = self.resources[resource](number, json.loads(body) if body else {})
        if resource == self.behaviour.fails_at:
            return problem(500, "serverInternal", "stumbled")
        if resource == self.behaviour.killed_at:
            self.clock.kill_run()
            raise Gone
        nonce = ("Replay-Nonce", f"{self.requests:08}")
        return answer._replace(headers=(*answer.headers, nonce))

    def note(self, what: str, **more: object) -> None:
        """Write down what Let's Encrypt would count."""
        self.notes.write(
            json.dumps({"at": self.clock.now, "what": what, **more}) + "\n"
        )

    def at(self, resource: str, number: object = "") -> str:
        """The URL of a resource."""
        return f"{self.url}/{resource}/{number}".rstrip("/")

    # Directory and accounts

    def directory(self, _number: str, _body: Json) -> Answer:
        names = ["newNonce", "newAccount", "newOrder"]
        if self.behaviour.has_windows:
            names.append("renewalInfo")
        return reply({name: self.at(name) for name in names})

    def new_account(self, _number: str, body: Json) -> Answer:
        thumbprint = thumbprint_of(protected(body)["jwk"])
        is_new = thumbprint not in self.thumbprints
        if is_new and payload(body).get("onlyReturnExisting"):
            return problem(400, "accountDoesNotExist", "no account of this key")
        if is_new:
            self.thumbprints.append(thumbprint)
        url = self.at("account", self.thumbprints.index(thumbprint))
        return reply({"status": "valid"}, 201 if is_new else 200, url)

    # Orders

    def new_order(self, _number: str, body: Json) -> Answer:
        names = sorted(one["value"] for one in payload(body)["identifiers"])
        account = int(protected(body)["kid"].rpartition("/")[2])
        pending = ["pending"] * len(names)
        self.orders.append(Order(names, account, self.clock.now, pending))
        self.note("order", names=names)
        return self.order(len(self.orders) - 1, 201)

    def order(self, number: int, status: int = 200) -> Answer:
        order = self.orders[number]
        shown: Json = {
            "status": self.status(order),
            "expires": date(order.created + WEEK),
            "identifiers": [identifier(name) for name in order.names],
            "authorizations": [
                self.at("authz", f"{number}-{place}")
                for place in range(len(order.names))
            ],
            "finalize": self.at("finalize", number),
        }
        if shown["status"] == "valid":
            shown["certificate"] = self.at("certificate", number)
        answer = reply(shown, status, self.at("order", number))
        if shown["status"] == "processing":
            later = ("Retry-After", "3600")
            return answer._replace(headers=(*answer.headers, later))
        return answer

    def status(self, order: Order) -> str:
        """The status of an order now (section 7.1.6)."""
        if order.issued:
            is_done = self.clock.now >= order.finalized + self.behaviour.processing
            return "valid" if is_done else "processing"
        if "invalid" in order.authorizations or self.clock.now > order.created + WEEK:
            return "invalid"
        return "pending" if "pending" in order.authorizations else "ready"

    def authorization(self, number: str, _body: Json) -> Answer:
        order, place = self.place(number)
        return reply(
            {
                "status": order.authorizations[place],
                "expires": date(order.created + WEEK),
                "identifier": identifier(order.names[place]),
                "challenges": [self.shown(number)],
            }
        )

    def place(self, number: str) -> tuple[Order, int]:
        """The order of an authorization, and its place there."""
        order, _, place = number.partition("-")
        return self.orders[int(order)], int(place)

    def shown(self, number: str) -> Json:
        """The challenge of an authorization."""
        order, place = self.place(number)
        shown: Json = {
            "type": "http-01",
            "url": self.at("challenge", number),
            "token": f"token-{number}",
            "status": order.authorizations[place],
        }
        if shown["status"] == "invalid":
            what = {"type": f"{PROBLEM}unauthorized", "detail": "not found"}
            shown["error"] = what
        return shown

    def challenge(self, number: str, body: Json) -> Answer:
        order, place = self.place(number)
        if body["payload"] and order.authorizations[place] == "pending":
            is_valid = self.behaviour.validates and self.is_answered(number, order)
            order.authorizations[place] = "valid" if is_valid else "invalid"
            if not is_valid:
                self.note("failed validation", names=[order.names[place]])
        return reply(self.shown(number))

    def is_answered(self, number: str, order: Order) -> bool:
        """Tell whether the challenge's file is there (section 8.3)."""
        token = f"token-{number}"
        file = self.challenges / token
        wanted = f"{token}.{self.thumbprints[order.account]}"
        return file.exists() and file.read_text() == wanted

    def finalize(self, number: str, body: Json) -> Answer:
        order = self.orders[int(number)]
        if self.status(order) != "ready":
            return problem(403, "orderNotReady", f"it is {self.status(order)}")
        order.finalized = self.clock.now
        order.issued = self.issue(decoded(payload(body)["csr"]))
        self.note("certificate", names=order.names)
        return self.order(int(number))

    def issue(self, request: bytes) -> Issued:
        """A certificate for what a certificate request asks for."""
        csr = x509.load_der_x509_csr(request)
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        start = int(self.clock.now)
        end = start + self.behaviour.lifetime
        builder = begin(csr.public_key(), x509.Name([]), INTERMEDIATE, start, end)
        builder = builder.add_extension(names.value, False)
        builder = builder.add_extension(key_identifier(self.key), False)
        issued = Issued(builder.sign(self.key, SHA256()), start, end)
        self.windows[renewal_identifier(issued.certificate)] = issued
        return issued

    def certificate(self, number: str, _body: Json) -> Answer:
        issued = self.orders[int(number)].issued
        assert issued
        return Answer(200, pem(issued.certificate, self.issuer))

    def renewal_info(self, number: str, _body: Json) -> Answer:
        """The window: 2 % of the lifetime around two thirds of it, or half of a short one."""
        if number not in self.windows:
            return problem(404, "malformed", "no such certificate")
        _, start, end = self.windows[number]
        part = 1 / 2 if end - start < 10 * DAY else 2 / 3
        middle = start + (end - start) * part
        if self.behaviour.window_is_past:
            middle = start - DAY
        spread = (end - start) / 100
        window = {"start": date(middle - spread), "end": date(middle + spread)}
        answer = reply({"suggestedWindow": window})
        return answer._replace(headers=(*answer.headers, ("Retry-After", "21600")))


# Certificates


def begin(
    key: Any, subject: x509.Name, issuer: x509.Name, start: float, end: float
) -> x509.CertificateBuilder:
    """What every certificate of this CA has."""
    first, last = (
        datetime.datetime.fromtimestamp(moment, datetime.UTC) for moment in (start, end)
    )
    number = x509.random_serial_number()
    return x509.CertificateBuilder(issuer, subject, key, number, first, last)


def intermediate(key: ec.EllipticCurvePrivateKey, now: float) -> x509.Certificate:
    """The certificate that issues, by a root which nobody needs to know; it is valid for years."""
    root = new_key()
    above = common_name("counting root")
    start, end = now - 1000 * DAY, now + 4000 * DAY
    builder = begin(key.public_key(), INTERMEDIATE, above, start, end)
    builder = builder.add_extension(x509.BasicConstraints(True, 0), True)
    builder = builder.add_extension(key_identifier(root), False)
    return builder.sign(root, SHA256())


def key_identifier(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    """The identifier of the issuer's key."""
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def renewal_identifier(certificate: x509.Certificate) -> str:
    """A certificate's name in renewal information (RFC 9773 section 4.1)."""
    extension = certificate.extensions.get_extension_for_class(
        x509.AuthorityKeyIdentifier
    )
    number = certificate.serial_number
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return f"{encoded(extension.value.key_identifier or b'')}.{encoded(serial)}"
