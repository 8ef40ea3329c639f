"""HTTPS to a CA: one kept-alive connection a host, nonces, retries, one deadline."""

from __future__ import annotations

import http.client
import random
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..files import LIMIT
from ..messages import (
    Disconnected,
    Fatal,
    TimeIsOver,
    Unfinished,
    reason,
    say,
    utc,
)
from ..threads import in_thread
from .connections import Connections
from .responses import Document, Response, split_url
from .trust import distrust

BAD_NONCES = 50
"""The number of nonces in a row that a CA may refuse before the request fails."""
TRIES = 4
"""The number of times that a request is sent at most, if it may be repeated.

An order that is under way has until the deadline.
"""
LONGEST_PAUSE = 30.0
"""Seconds between two of these, unless the CA says more."""
DAY = 86400.0
"""Seconds by which two clocks differ if one of them is plainly wrong."""
NONCE = re.compile(r"[A-Za-z0-9_-]{1,1000}")

T = TypeVar("T")
Sign = Callable[[str], bytes]
"""Makes the signed body of a request with a nonce."""


@dataclass
class Usage:
    """The cost of this run for the CA so far."""

    asked: bool = False
    """A request was sent."""
    spent: bool = False
    """A challenge was answered or an order finalized: CAs limit both."""


class Server:
    """A CA's ACME server: verified TLS, requests of bounded time and size."""

    def __init__(
        self, directory_url: str, ca_bundle: str, version: str, deadline: float
    ) -> None:
        """Nothing is sent yet. The deadline is a time of the monotonic clock.

        Without a ca_bundle, a file of roots in PEM, the system's roots are trusted.
        """
        self.directory_url = directory_url
        self.ca_bundle = ca_bundle
        self.user_agent = f"s6gen-acme/{version}"
        self.deadline = deadline
        self.usage = Usage()
        self.waited_for = ""
        """The beginning of a sentence: what the CA has not finished."""
        self.is_patient = False
        """An order is under way: requests are repeated until the deadline."""
        self.has_answered = False
        """The CA has answered in this run, and told its time if it tells it at all."""
        self.offset = 0.0
        """The seconds by which the CA's clock is ahead, 0 below a day."""
        self.took = 0.0
        """The seconds from the last request to its response."""
        self.nonce = ""
        self.known_directory: Document | None = None
        self.connections = Connections(ca_bundle)

    def directory(self) -> Document:
        """The CA's directory, fetched once a run: it may not be cached longer."""
        if self.known_directory is None:
            self.known_directory = self.get(self.directory_url).json()
        return self.known_directory

    def resource(self, name: str) -> str:
        """The URL of a resource (section 7.1.1)."""
        return self.directory().link(name)

    def renewal_info(self) -> str:
        """The URL of renewal information (RFC 9773 section 4.1), "" without one."""
        url = self.directory().content.get("renewalInfo")
        if isinstance(url, str) and len(url) < 2000:
            return url
        return ""

    def get(self, url: str) -> Response:
        """Fetch what needs no signature."""
        return self.try_often(lambda: self.request("GET", url), again=True)

    def get_once(self, url: str) -> Response:
        """Fetch what is optional: it is not waited for. Raises Fatal if refused."""
        response = self.request("GET", url)
        if response.status >= 300:
            raise response.refusal()
        return response

    def post(self, url: str, sign: Sign, again: bool) -> Response:
        """Send a signed request, with another nonce if the CA refuses the first.

        It is sent again after a failure only if it does no harm twice.
        """

        def attempt() -> Response:
            for _ in range(BAD_NONCES):
                response = self.request("POST", url, sign(self.take_nonce()))
                if response.status < 300 or response.refusal().kind != "badNonce":
                    break
            return response

        return self.try_often(attempt, again)

    def take_nonce(self) -> str:
        """The nonce of the last response, else a fresh one (section 7.2)."""
        if not self.nonce:
            url = self.resource("newNonce")
            self.try_often(lambda: self.request("HEAD", url), again=True)
            if not self.nonce:
                raise Fatal(f"{url}: the answer has no nonce")
        nonce = self.nonce
        self.nonce = ""
        return nonce

    def try_often(self, attempt: Callable[[], Response], again: bool) -> Response:
        """Make a few attempts, after the CA's Retry-After or ever more seconds.

        Raises Fatal with the last failure: at once where another attempt is no use, or
        would come after the deadline.
        """
        count = 0
        while True:
            count += 1
            failure: Fatal
            try:
                response = attempt()
            except Disconnected as lost:
                failure = lost
            else:
                if response.status < 300:
                    return response
                failure = response.refusal()
            grown = min(2.0**count, LONGEST_PAUSE / 0.4)
            pause = failure.wait or grown * random.uniform(0.2, 0.4)  # noqa: S311 (no secret)
            is_late = time.monotonic() + pause >= self.deadline
            is_last = count == TRIES and not self.is_patient
            if is_last or is_late or not may_repeat(failure, again):
                raise failure
            time.sleep(pause)

    def wait(self, seconds: float, what: str, asked: float = 0) -> None:
        """Wait for the CA, the seconds that it asked for if it did, else our own.

        Our own are counted from the last request: the CA has worked meanwhile. It is
        not waited in vain: raises Unfinished if that would be beyond the deadline. What
        the CA does not finish is the beginning of that message.
        """
        self.waited_for = what
        pause = asked or max(0.0, seconds - self.took)
        if time.monotonic() + pause >= self.deadline:
            message = f"{what}, and not done within --timeout"
            raise Unfinished(message, wait=asked)
        time.sleep(pause)

    def check_time(self) -> None:
        """Raise TimeIsOver if there is no time left for something new."""
        if time.monotonic() >= self.deadline:
            raise TimeIsOver("not done within --timeout")

    def time(self) -> float:
        """The time: the CA's, where this machine's clock is plainly wrong."""
        return time.time() + self.offset

    def request(self, method: str, url: str, body: bytes | None = None) -> Response:
        """Send one request, and read its response; a redirect is not followed.

        Raises Disconnected if no whole response comes, Fatal if the server is not to be
        trusted.
        """
        host, target = split_url(url, self.directory_url)
        connection = self.connections.to(host, self.usage.asked)
        self.usage.asked = True
        begin = time.monotonic()
        headers = {"User-Agent": self.user_agent}
        if body is not None:
            headers["Content-Type"] = "application/jose+json"

        def exchange() -> tuple[http.client.HTTPResponse, bytes]:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            return response, response.read(LIMIT + 1)

        try:
            response, content = self.await_host(host, exchange)
            if len(content) <= LIMIT and response.length:
                raise http.client.IncompleteRead(content, response.length)
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise Fatal(f"{host}: {distrust(error, self.ca_bundle)}") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise Disconnected(f"{host}: {reason(error)}") from error
        if len(content) > LIMIT:
            raise Fatal(f"{url}: the answer is larger than {LIMIT} bytes")
        self.took = time.monotonic() - begin
        self.keep_nonce(response.headers.get("Replay-Nonce", ""))
        received = Response(url, response.status, response.headers, content)
        self.has_answered = True
        self.compare_clocks(received.date())
        return received

    def await_host(self, host: str, work: Callable[[], T]) -> T:
        """Return what some work with a host returns, or raise what it raises.

        Raises TimeIsOver, which names the host, once the deadline has come.
        """
        try:
            return in_thread(work)
        except TimeIsOver as late:
            self.waited_for = ""  # this says more
            raise TimeIsOver(f"{host}: no answer: {late}") from late

    def keep_nonce(self, nonce: str) -> None:
        """Remember a nonce for the next request, if it is base64url (section 6.5.1)."""
        if NONCE.fullmatch(nonce) and len(nonce) % 4 != 1:
            self.nonce = nonce

    def compare_clocks(self, time_at_ca: float) -> None:
        """Believe the CA's clock where ours is a day away; 0 if the CA does not say."""
        if not time_at_ca:
            return
        now = time.time()
        offset = time_at_ca - now
        if abs(offset) <= DAY:
            offset = 0.0
        elif not self.offset:
            times = f"the clock says {utc(now)}, the CA's {utc(time_at_ca)}"
            say("warning", f"{times}: the CA's counts; set the clock")
        self.offset = offset

    def prepare(self) -> None:
        """Set TLS up for the CA, not yet connecting. Raises Fatal for a bad bundle."""
        host, _ = split_url(self.directory_url, self.directory_url)
        self.connections.to(host, False)

    def connect(self) -> None:
        """Connect before anything is asked; what fails here fails again later."""
        host, _ = split_url(self.directory_url, self.directory_url)
        connection = self.connections.to(host, False)
        try:
            self.await_host(host, connection.connect)
        except (OSError, ValueError, http.client.HTTPException):
            connection.close()  # a handshake that failed leaves a dead socket


def may_repeat(failure: Fatal, again: bool) -> bool:
    """Tell whether a request is sent again after a failure.

    The CA may have asked for it (503, or 429 with Retry-After); then it did nothing.
    """
    if failure.status == 503:
        return True
    if failure.status == 429 and failure.wait:
        return True
    return again and failure.is_passing()
