"""What one run tells the next, as frozen records, stored by `state_file`.

Times are those of this machine's clock, unless the CA's is named; those of a suggestion
are by the CA's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    options: Mapping[str, Any]
    """The relevant options of the failed order: with others it is tried at once."""
    recent: tuple[float, ...] = ()
    """The times of the last failures, with whatever options."""


@dataclass(frozen=True)
class Attempt:
    """An order that is about to be placed: it is noted before the CA is asked.

    If nothing takes its place, the run has ended in between, and that is a failure.
    """

    begun: float
    options: Mapping[str, Any]
    """The relevant options of the order."""


@dataclass(frozen=True)
class Wanted:
    """All that makes one order another one than the last."""

    directory_url: str
    account: str
    """The URL of the account."""
    profile: str
    names: tuple[str, ...]
    """Sorted."""


@dataclass(frozen=True)
class PlacedOrder:
    """An order that the CA has taken (section 7.4); it is gone on with."""

    url: str
    wanted: Wanted
    key: str
    """The fingerprint of the public key that its certificate is for."""
    placed: float
    expires: float
    """Both by the CA's clock: the order is given up after this time."""
    is_early: bool = False
    """It replaces a certificate before that one's time."""
    is_forced: bool = False
    """It does so because of --force."""
    may_be_issued: bool = False
    """The CA was asked to issue the certificate."""
    is_slow: bool = False
    """A run has waited in vain for the CA, which is asked once a run from now on."""
    runs: int = 0
    """The number of runs that went on with it."""
    refused: float = 0.0
    """The time by the CA's clock since when its chain cannot be used, 0 without."""
    next: float = 0.0
    """The time from which on it is gone on with, 0 for at once."""


@dataclass(frozen=True)
class Issuance:
    """A certificate that a CA has issued; the times are by the CA's clock."""

    directory_url: str
    names: tuple[str, ...]
    """Sorted."""
    at: float
    start: float
    end: float
    """The begin and the end of its validity; both 0 if it was never seen."""
    is_early: bool
    """It replaced another one before that one's time."""
    is_forced: bool = False
    """It did so because of --force."""


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
    tries: int = 0
    """The number of runs that could not remove them."""
    is_kept: bool = False
    """All are in place, because the CA was still validating when a run ended."""


@dataclass(frozen=True)
class State:
    """All that is remembered between two runs."""

    accounts: Mapping[str, KnownAccount] = field(default_factory=dict)
    """By the CA's directory and the thumbprint of the account's key.

    They are beside that key too, if a file can be written there.
    """
    suggestion: Suggestion | None = None
    failure: Failure | None = None
    issued: Issued | None = None
    provisioned: Provisioned | None = None
    attempt: Attempt | None = None
    order: PlacedOrder | None = None
    ledger: tuple[Issuance, ...] = ()
    """The certificates of the last weeks, the oldest first."""
