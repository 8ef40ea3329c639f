"""Responses of a CA, taken with suspicion: their types, dates, URLs, problems."""

from __future__ import annotations

import datetime
import email.utils
import http.client
import json
import re
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any, TypeVar

from ..messages import TEMPORARY, Fatal

Json = dict[str, Any]
T = TypeVar("T")
LONGEST = 1000
"""Characters of a problem in words."""
LINK = re.compile(r"<([^<>]*)>([^<>]*)")
"""A link's target and its parameters (RFC 8288 section 3)."""
RELATION = re.compile(r'\brel\s*=\s*"?([^";,]*)', re.IGNORECASE)
LONGEST_LINKS = 20000
"""Characters of the links that are read."""
URL = re.compile(r"(?i:https)://[!-~]+")
"""What is sent of a URL is printable ASCII without blanks (RFC 3986 section 2)."""
HOST = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
"""A name or an address, and a port (RFC 3986 section 3.2), but no user's name."""
LONGEST_URL = 2000
"""Characters of a URL."""


@dataclass(frozen=True)
class Response:
    """An HTTP response to one request."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def json(self) -> Document:
        """The body as a JSON object. Raises Fatal for another one."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            content = None
        return Document.of(self.url, content)

    def located(self) -> tuple[str, Document]:
        """The URL of what was created, and itself."""
        location = self.headers.get("Location")
        if not location:
            raise Fatal(f"{self.url}: the answer has no Location")
        url = absolute_url(self.url, location)
        split_url(url, self.url)
        return url, self.json()

    def retry_after(self) -> float:
        """The seconds to wait, 0 if the CA does not say."""
        now = self.date() or time.time()
        return seconds_until(self.headers.get("Retry-After") or "", now)

    def date(self) -> float:
        """The time by the CA's clock (RFC 9110 section 6.6.1), 0 if it does not say."""
        return timestamp_of(self.headers.get("Date") or "")

    def refusal(self) -> Fatal:
        """The reason for which the CA refuses (RFC 7807)."""
        try:
            problem = self.json().content
        except Fatal:
            problem = {}
        if self.status >= 400:
            words = in_words(problem) + self.where_to_act(problem)
        else:
            target = self.headers.get("Location", "nowhere")[:200]
            words = f"a redirect to {target}, which is not followed"
        message = f"{self.url}: HTTP status {self.status}: {words}"
        kind = kind_of(problem)
        return Fatal(message, TEMPORARY, kind, self.status, self.retry_after())

    def where_to_act(self, problem: Json) -> str:
        """The pages that tell the user what to do, "" without one (section 7.3.3)."""
        pages = []
        if kind_of(problem) == "userActionRequired":
            pages.append(problem.get("instance"))
            pages += self.links("terms-of-service")
        known = [str(page)[:LONGEST] for page in pages if page]
        return f"; see {' and '.join(dict.fromkeys(known))}" if known else ""

    def links(self, relation: str) -> list[str]:
        """The targets of the links with a relation (RFC 8288), as absolute URLs."""
        header = ", ".join(self.headers.get_all("Link") or [])[:LONGEST_LINKS]
        targets = []
        for target, parameters in LINK.findall(header):
            match = RELATION.search(parameters)
            if match and relation in match[1].lower().split():
                targets.append(absolute_url(self.url, target))
        return targets


@dataclass(frozen=True)
class Document:
    """A JSON object from a CA; its URL is part of each error about it."""

    url: str
    content: Json

    @classmethod
    def of(cls, url: str, content: object) -> Document:
        """The document, if the content is an object; else raises Fatal."""
        if not isinstance(content, dict):
            raise Fatal(f"{url}: the answer is not a JSON object")
        return cls(url, content)

    def field(self, name: str, kind: type[T], default: T | None = None) -> T:
        """A field of this kind, which must be there unless there is a default."""
        value = self.content.get(name, default)
        if not isinstance(value, kind):
            raise Fatal(f"{self.url}: the answer has no usable {name}")
        return value

    def link(self, name: str) -> str:
        """An https URL in a field."""
        url = self.field(name, str)
        split_url(url, f"{self.url}: {name}")
        return url

    def inner(self, name: str, default: Json | None = None) -> Document:
        """An object in a field."""
        return Document(self.url, self.field(name, dict, default))

    def each(self, name: str) -> list[Document]:
        """The objects in a list."""
        return [Document.of(self.url, item) for item in self.field(name, list)]


def absolute_url(base: str, url: str) -> str:
    """A URL that is relative to another, or the text itself if it is none."""
    try:
        return urllib.parse.urljoin(base, url)
    except ValueError:  # such as http://[
        return url


def split_url(url: Any, source: str) -> tuple[str, str]:
    """Host (with its port) and target of an https URL that comes from a source.

    Raises Fatal, which names the source, for what is none: it is sent to nobody.
    """
    try:
        if len(url) > LONGEST_URL or not URL.fullmatch(url):
            raise ValueError
        parts = urllib.parse.urlsplit(url)
        if not HOST.fullmatch(parts.netloc) or parts.port == 0:
            raise ValueError
    except (ValueError, TypeError):
        message = f"{source}: leads to what is no https URL: {str(url)[:200]}"
        raise Fatal(message) from None
    target = parts.path or "/"
    if parts.query:
        target += f"?{parts.query}"
    return parts.netloc, target


def seconds_until(retry_after: str, now: float) -> float:
    """The seconds that Retry-After means, 0 if it means nothing.

    It is a number or a date (RFC 9110 section 10.2.3).
    """
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    date = timestamp_of(retry_after)
    return max(0.0, date - now) if date else 0


def timestamp_of(date: str) -> float:
    """The seconds since 1970 of a date in a header, 0 if it is none."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0


def time_in(document: Document, name: str) -> float:
    """A time in a field (RFC 3339), 0 if it is missing or none."""
    value = document.content.get(name)
    try:
        return datetime.datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError):
        return 0


def parse_window(document: Document) -> tuple[float, float]:
    """Start and end of the suggested window (RFC 9773 section 4.2)."""
    suggested = document.inner("suggestedWindow")
    times = []
    try:
        for name in ("start", "end"):
            date = datetime.datetime.fromisoformat(suggested.field(name, str))
            times.append(date.timestamp())
    except (ValueError, OverflowError) as error:
        raise Fatal(f"{document.url}: suggestedWindow: {error}") from error
    start, end = times
    if not start < end:
        raise Fatal(f"{document.url}: suggestedWindow ends before it starts")
    return start, end


def in_words(problem: Any) -> str:
    """A problem document in one sentence: type, detail, subproblems (section 6.7.1)."""
    if not isinstance(problem, dict) or not problem:
        return "no reason given"
    words = [problem_sentence(problem)]
    subproblems = problem.get("subproblems")
    if isinstance(subproblems, list):
        for subproblem in subproblems[:5]:
            words.append(subproblem_sentence(subproblem))
    return "; ".join(words)[:LONGEST]


def problem_sentence(problem: Json) -> str:
    """A problem's type and detail."""
    detail = str(problem.get("detail", "no detail")).strip(". ")
    return f"{kind_of(problem)}: {detail}"[:LONGEST]


def subproblem_sentence(subproblem: Any) -> str:
    """The identifier that a subproblem is about, and what is wrong with it."""
    if not isinstance(subproblem, dict) or not subproblem:
        return "in detail: no reason given"
    identifier = subproblem.get("identifier")
    name = identifier.get("value") if isinstance(identifier, dict) else "in detail"
    return f"{name}: {problem_sentence(subproblem)}"


def kind_of(problem: Json) -> str:
    """A problem's type without its namespace (section 6.7)."""
    return str(problem.get("type", "problem")).rpartition(":")[2]
