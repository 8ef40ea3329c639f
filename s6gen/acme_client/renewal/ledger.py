"""The ledger: the certificates of the last weeks, and when the next may be ordered.

A CA limits how many it issues for one set of names: Let's Encrypt to five within seven
days. A certificate that is renewed in its time never comes near that. What does: a
chain that is deleted again and again, a clock that is wrong, a CA that always says
"renew now". So a certificate that is replaced *early* waits, longer each time.

Pure decisions; all times are by the CA's clock, in seconds since 1970.
"""

from __future__ import annotations

from ..messages import shortened, utc
from ..state.records import Issuance
from .schedule import DAY, HOUR, SHORT_LIFETIME, WEEK

KEPT = 4 * WEEK
"""Seconds that a certificate stays in the ledger."""
MOST = 100
"""The most certificates in it: of any set of names, the latest."""
MOST_REGULAR = 5
"""The most of one set of names that were issued in their time."""
WAITS_USABLE = (0.0, DAY, 3 * DAY, WEEK)
"""Seconds after the last certificate before the 1st, 2nd ... early one is ordered.

These hold while FILE is usable: it could wait for its time.
"""
WAITS_UNUSABLE = (0.0, HOUR, DAY)
"""The same while FILE is missing, or not usable."""


def entries_for(
    ledger: tuple[Issuance, ...], directory_url: str, names: tuple[str, ...]
) -> list[Issuance]:
    """Return the certificates that a CA has issued for exactly these names."""
    return [
        issuance
        for issuance in ledger
        if issuance.directory_url == directory_url and issuance.names == names
    ]


def add(ledger: tuple[Issuance, ...], issuance: Issuance) -> tuple[Issuance, ...]:
    """Return the ledger with one more certificate, without those that count no longer.

    Of those that were issued in their time only the last few of each set of names are
    kept: else certificates of an hour would fill the ledger.
    """
    recent = []
    for entry in (*ledger, issuance):
        if issuance.at - KEPT < entry.at:
            recent.append(entry)
    same = entries_for((*recent,), issuance.directory_url, issuance.names)
    regular = [entry for entry in same if not entry.is_early]
    dropped = regular[:-MOST_REGULAR]
    return tuple(entry for entry in recent if entry not in dropped)[-MOST:]


def next_order(
    entries: list[Issuance], is_usable: bool, now: float
) -> tuple[float, bool]:
    """Return the time from which on an order may be placed, and whether it is early.

    The entries are those for the names of the order, the latest last. One that is days
    ahead was noted by a wrong clock, and does not count.
    """
    entries = [entry for entry in entries if entry.at < now + DAY]
    if not entries or now >= early_until(entries[-1]):
        return now, False
    time = max(now, time_after_wait(entries, is_usable))
    return time_within_limit(entries, time), True


def time_after_wait(entries: list[Issuance], is_usable: bool) -> float:
    """Return when the wait after the last certificate is over.

    Each early one makes it longer, but not what somebody has forced.
    """
    early = [entry for entry in entries if entry.is_early and not entry.is_forced]
    waits = WAITS_USABLE if is_usable else WAITS_UNUSABLE
    return entries[-1].at + waits[min(len(early), len(waits) - 1)]


def time_within_limit(entries: list[Issuance], time: float) -> float:
    """Return the time, or the later one at which few enough lie within a week."""
    most = most_early(entries[-1])
    early = [entry.at for entry in entries if entry.is_early]
    within = [at for at in early if time - WEEK < at]
    if len(within) < most:
        return time
    return within[-most] + WEEK


def early_until(issuance: Issuance) -> float:
    """Return the time until which a certificate is too young to be replaced.

    That is a little before CAs suggest it: two thirds of its lifetime, half of a short
    one. If it began on another day than it was issued, this machine's clock was wrong,
    and the CA did not tell the time: then it is counted from when it was issued. Of a
    certificate that was never seen it is a week.
    """
    lifetime = issuance.end - issuance.start
    if not lifetime:
        return issuance.at + WEEK
    part = 0.45 if lifetime < SHORT_LIFETIME else 0.5
    is_clock_right = abs(issuance.at - issuance.start) < DAY
    begin = issuance.start if is_clock_right else issuance.at
    return begin + lifetime * part


def most_early(issuance: Issuance) -> int:
    """Return how many early certificates there may be within a week.

    Short-lived ones are renewed two or three times a week in their time.
    """
    return 2 if issuance.end - issuance.start < SHORT_LIFETIME else 3


def explain(entries: list[Issuance], now: float) -> str:
    """Tell how many certificates the CA has issued for these names, and when."""
    recent = [utc(entry.at) for entry in entries if now - WEEK < entry.at]
    if len(recent) < 2:
        last = utc(entries[-1].at)
        return f"the last certificate for its names was issued {last}"
    times = shortened(recent[::-1])
    return f"{len(recent)} certificates for its names were issued in a week: {times}"
