"""FILE.state: what one run tells the next. Nothing in it is secret.

The first line is for the hourly run (`__main__`), the second is a checksum of the
rest, which is JSON. What another version wrote, or left out, is dealt with in
`parse_state` alone.
"""

from __future__ import annotations

import contextlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .files import read_file, replace_file
from .messages import say
from .responses import Json

T = TypeVar("T")


@dataclass(frozen=True)
class KnownAccount:
    """An account at a CA: its URL, and the contacts that the CA was told."""

    url: str
    contact: tuple[str, ...] | None = None
    """None if that was not noted."""


@dataclass(frozen=True)
class Suggestion:
    """The renewal of one certificate, as the CA suggests it (RFC 9773)."""

    certificate: str
    """The certificate's identifier (section 4.1)."""
    ask: float
    """The time from which on the CA is asked again."""
    window: tuple[float, float] | None = None
    """Start and end of the suggested window; None if the CA did not say."""
    moment: float | None = None
    """The time in it that was chosen for the renewal."""


@dataclass(frozen=True)
class Failure:
    """The last of several failed attempts in a row."""

    count: int
    next: float
    """The time of the earliest next attempt."""
    what: str
    options: Json
    """The relevant options of the failed order: with others it is tried at once."""


@dataclass(frozen=True)
class Issued:
    """What is known of the order of the certificate in FILE."""

    terms: tuple[str, ...] = ()
    """The CA's directory, the profile, the names."""
    renewal_info: str = ""
    """The URL at which the CA is asked when to renew, "" if it has none."""


@dataclass(frozen=True)
class Challenge:
    """One challenge file or TXT record, for one name."""

    label: str
    """The name of the file, or of the record."""
    text: str
    """Its content: the key authorization (section 8.1), or its digest."""
    name: str


@dataclass(frozen=True)
class Provisioned:
    """The challenge files or TXT records that may be in place."""

    kind: str
    """http-01 or dns-01."""
    location: str
    """The directory of the files, or the program that removes the records."""
    made: tuple[Challenge, ...]


@dataclass(frozen=True)
class State:
    """All that is remembered between two runs."""

    accounts: Mapping[str, KnownAccount] = field(default_factory=dict)
    """By the CA's directory and the thumbprint of the account's key."""
    suggestion: Suggestion | None = None
    failure: Failure | None = None
    issued: Issued | None = None
    provisioned: Provisioned | None = None


class StateFile:
    """FILE.state and what it holds; without FILE it is kept in memory alone."""

    def __init__(self, out: str, fingerprint: Callable[[], str]) -> None:
        """Read it. A missing one is empty; a damaged one too, with a warning."""
        self.path = f"{out}.state" if out else ""
        self.fingerprint = fingerprint
        self.state = State()
        with contextlib.suppress(FileNotFoundError):
            self.state = self.load()

    def load(self) -> State:
        """Return the content of the file, with a warning for each damage.

        Raises OSError.
        """
        if not self.path:
            return State()
        _, _, rest = read_file(self.path).partition(b"\n")
        checksum, _, content = rest.partition(b"\n")
        if checksum == checksum_of(content):
            with contextlib.suppress(ValueError, RecursionError):
                state, unusable = parse_state(json.loads(content))
                for name in unusable:
                    say("warning", f"{self.path}: section {name} is damaged, dropped")
                return state
        say("warning", f"{self.path}: damaged, starting it anew")
        return State()

    def save(self, start: float = 0, end: float = 0, synced: bool = False) -> None:
        """Replace the file; from start until end nothing is due.

        A power cut may take what was not synced, which costs little. Not so a failure:
        after it, a machine that comes up again and again must not ask each time.
        """
        if not self.path:
            return
        content = json.dumps(dump_state(self.state), indent=1).encode() + b"\n"
        first = f"{int(start)} {end:.0f} {self.fingerprint()}\n".encode()
        head = first + checksum_of(content) + b"\n"
        replace_file(self.path, head + content, 0o600, synced)


def no_fingerprint() -> str:
    """The fingerprint of a state that is only read, or kept in memory alone."""
    return ""


def checksum_of(content: bytes) -> bytes:
    """CRC-32 in hex: enough to tell a torn file from a whole one."""
    return b"%08x" % zlib.crc32(content)


def parse_state(sections: object) -> tuple[State, list[str]]:
    """A state from its JSON, of this version or another, and its unusable sections.

    A section that lacks a field, or has one of another type, counts as absent. A field
    that is not known is passed over.
    """
    unusable: list[str] = []
    state = State(
        accounts=accounts_from(section(sections, "accounts")),
        suggestion=read_section(sections, "renewal", suggestion_from, unusable),
        failure=read_section(sections, "failure", failure_from, unusable),
        issued=read_section(sections, "issued", issued_from, unusable),
        provisioned=read_section(sections, "answers", provisioned_from, unusable),
    )
    return state, unusable


def section(sections: object, name: str) -> Json:
    """A section that is an object, else an empty one."""
    if not isinstance(sections, dict):
        return {}
    content = sections.get(name)
    return content if isinstance(content, dict) else {}


def read_section(
    sections: object, name: str, convert: Callable[[Json], T], unusable: list[str]
) -> T | None:
    """A section as its record; None if it is absent or empty.

    None also if it is not what it should be: then its name is added to `unusable`.
    """
    content = section(sections, name)
    if not content:
        return None
    try:
        return convert(content)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        unusable.append(name)
        return None


def accounts_from(content: Json) -> dict[str, KnownAccount]:
    """The accounts that have a URL."""
    accounts = {}
    for key, account in content.items():
        if not isinstance(account, dict) or not isinstance(account.get("url"), str):
            continue
        contact = account.get("contact")
        if isinstance(contact, list):
            contact = tuple(map(str, contact))
        else:
            contact = None
        accounts[key] = KnownAccount(account["url"], contact)
    return accounts


def suggestion_from(content: Json) -> Suggestion:
    """The section `renewal`."""
    window, moment = content.get("window"), content.get("moment")
    return Suggestion(
        certificate=str(content["id"]),
        ask=float(content.get("ask", 0)),
        window=(float(window[0]), float(window[1])) if window else None,
        moment=float(moment) if moment is not None else None,
    )


def failure_from(content: Json) -> Failure:
    """The section `failure`."""
    return Failure(
        count=int(content["count"]),
        next=float(content["next"]),
        what=str(content["what"]),
        options=dict(content["of"]),
    )


def issued_from(content: Json) -> Issued:
    """The section `issued`."""
    terms = tuple(map(str, content.get("terms", ())))
    return Issued(terms, str(content.get("renewal-info") or ""))


def provisioned_from(content: Json) -> Provisioned:
    """The section `answers`."""
    made = []
    for label, text, name in content["made"]:
        made.append(Challenge(str(label), str(text), str(name)))
    return Provisioned(str(content["kind"]), str(content["place"]), tuple(made))


def dump_state(state: State) -> Json:
    """The JSON of a state, under the names that every version reads."""
    accounts: Json = {}
    for key, account in state.accounts.items():
        accounts[key] = {"url": account.url}
        if account.contact is not None:
            accounts[key]["contact"] = list(account.contact)
    sections: Json = {"accounts": accounts}
    if suggestion := state.suggestion:
        sections["renewal"] = {"id": suggestion.certificate, "ask": suggestion.ask}
        if suggestion.window:
            sections["renewal"]["window"] = list(suggestion.window)
        if suggestion.moment is not None:
            sections["renewal"]["moment"] = suggestion.moment
    if failure := state.failure:
        sections["failure"] = {
            "count": failure.count,
            "next": failure.next,
            "what": failure.what,
            "of": failure.options,
        }
    if issued := state.issued:
        sections["issued"] = {
            "terms": list(issued.terms),
            "renewal-info": issued.renewal_info,
        }
    if provisioned := state.provisioned:
        sections["answers"] = {
            "kind": provisioned.kind,
            "place": provisioned.location,
            "made": [[made.label, made.text, made.name] for made in provisioned.made],
        }
    return sections
