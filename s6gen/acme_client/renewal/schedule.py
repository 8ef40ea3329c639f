"""The schedule: when a certificate is renewed, and how long a failure waits.

Pure decisions: what is known, and the time, are passed in. All times are seconds
since 1970, all durations seconds. A `chance` is a random number from 0 to 1: many
machines shall not ask a CA in the same second.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..messages import Fatal, utc
from ..state.records import Failure, State, Suggestion

MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86400.0, 604800.0
MONTH = 30 * DAY
NEVER = float("inf")
RELEASED = 1795478400
"""2026-11-24: a clock before this day is wrong."""
SKEW = 5 * MINUTE
"""The most by which two honest clocks differ."""
SHORT_LIFETIME = 10 * DAY
"""A certificate that lives less is renewed at half of its life."""
MOST_FAILURES = 4
"""Within an hour, whatever the options; Let's Encrypt allows five of one name."""
LAST_PART = 0.05
"""When only this fraction of its lifetime is left, it is renewed in any case."""


@dataclass(frozen=True)
class InstalledChain:
    """The chain in FILE, and what is wrong with it for what is asked for."""

    fault: str = "is missing"
    """The end of a sentence about FILE, "" if nothing is wrong."""
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    """The terms of an order now: the CA's directory, the profile, the names."""
    start: float = 0.0
    end: float = 0.0
    identifier: str = ""
    """Its identifier in renewal information (RFC 9773 section 4.1), "" without one."""
    issuer: str = ""
    serial: str = ""
    """In hex."""

    def is_usable(self, now: float) -> bool:
        """Tell whether a server can work with it."""
        if self.fault:
            return False
        return self.start - SKEW <= now < self.end


def check_clock(now: float) -> None:
    """Raise Fatal for a clock that cannot be right: nothing is decided by it."""
    if now < RELEASED:
        raise Fatal(f"the clock says {utc(now)}, which cannot be: set it")


def begins_later(chain: InstalledChain, now: float) -> bool:
    """Tell whether the clock is wrong: the certificate begins after now."""
    return not chain.fault and now + SKEW < chain.start


def is_clock_doubtful(chain: InstalledChain, now: float) -> bool:
    """Tell whether only the CA can tell the time: the certificate begins in days."""
    return not chain.fault and now + DAY < chain.start


def check_begin(chain: InstalledChain, now: float) -> None:
    """Raise Fatal if the certificate begins after now: nothing is decided then."""
    if begins_later(chain, now):
        start = utc(chain.start)
        raise Fatal(f"the clock says {utc(now)}, but the certificate begins {start}")


def renewal_due(
    chain: InstalledChain, state: State, now: float, force: bool = False
) -> tuple[float, str]:
    """Return the time from which FILE is to be renewed (0: at once), and why."""
    if force:
        return 0, "--force was given"
    if chain.fault:
        return 0, chain.fault
    if now >= chain.end:
        return 0, f"expired {utc(chain.end)}"
    ordered = state.issued.terms if state.issued else ()
    if ordered and ordered != chain.terms:
        return 0, "was ordered from another CA, for more names or with another profile"
    return renewal_time(chain, state.suggestion)


def renewal_time(
    chain: InstalledChain, suggestion: Suggestion | None
) -> tuple[float, str]:
    """Return the time to renew a usable certificate, and the rule that says so."""
    lifetime = chain.end - chain.start
    known = suggestion_for(chain, suggestion)
    if known and known.moment is not None:
        latest = chain.end - lifetime * LAST_PART
        if known.moment <= latest:
            return known.moment, "the CA suggests this moment"
        return latest, "5 % of its lifetime is left"
    if lifetime < SHORT_LIFETIME:
        return chain.start + lifetime / 2, "half of its lifetime is over"
    return chain.start + lifetime * 2 / 3, "two thirds of its lifetime are over"


def suggestion_for(
    chain: InstalledChain, suggestion: Suggestion | None
) -> Suggestion | None:
    """Return the suggestion if it is for this certificate, else None."""
    if suggestion and suggestion.certificate == chain.identifier:
        return suggestion
    return None


def next_question(
    chain: InstalledChain, suggestion: Suggestion | None, now: float
) -> float:
    """Return when to ask the CA for its window (0: at once, NEVER if it is no use).

    RFC 9773 section 4.3. A time that was noted while the clock was wrong is at most a
    day away.
    """
    if not chain.is_usable(now) or not chain.identifier:
        return NEVER
    known = suggestion_for(chain, suggestion)
    if known is None:
        return 0
    return min(known.ask, now + DAY)


def idle_until(
    chain: InstalledChain, state: State, now: float, attempt: float
) -> float:
    """Return until when no run has anything to do, unless it is forced.

    The attempt is the earliest one after a failure, or with an order that is under way,
    0 for at once: a usable certificate waits for it, at most until it expires.
    """
    due, _ = renewal_due(chain, state, now)
    until = min(due, next_question(chain, state.suggestion, now))
    if state.attempt or state.order:
        until = 0
    if not chain.is_usable(now):
        return until
    return min(chain.end, max(until, attempt))


def next_attempt(
    failure: Failure | None, options: dict[str, object], now: float
) -> float:
    """Return the earliest next attempt after failures with these options, or 0.

    With other options there is none, unless they are changed all the time. A time that
    is more than a week away was noted while the clock was wrong.
    """
    if failure is None:
        return 0
    if failure.options != options:
        recent = [time for time in failure.recent if now - HOUR < time <= now]
        if len(recent) < MOST_FAILURES:
            return 0
        return recent[-MOST_FAILURES] + HOUR
    if now < failure.next <= now + WEEK:
        return failure.next
    return 0


def next_run(state: State, options: dict[str, object], now: float) -> float:
    """Return the earliest time at which something can be tried, 0 for at once.

    An order that is under way is not held up by a failure, but by the CA's wish.
    """
    if state.order is None:
        return next_attempt(state.failure, options, now)
    if state.failure and state.failure.options != options:
        return next_attempt(state.failure, options, now)
    if now < state.order.next <= now + WEEK:
        return state.order.next
    return 0


def pause_after(failures: int, left: float, spent: bool, chance: float) -> float:
    """Return the seconds to wait after so many failures in a row.

    Left is the rest of a usable certificate's life, 0 without one. A CA that has not
    `spent` one of the validations that it limits is asked again sooner.
    """
    if left <= 0:
        first = (MINUTE, 10 * MINUTE, 100 * MINUTE, DAY)
        pause = first[min(failures, 4) - 1]
        return pause if spent else min(pause, HOUR)
    doubled = HOUR * 2.0 ** min(failures - 1, 5)
    pause = min(DAY, doubled) * (0.9 + 0.2 * chance)
    if spent:
        return min(pause, max(left / 2, 12 * MINUTE))
    return min(pause, left / 4)


def choose_moment(start: float, end: float, chance: float) -> float:
    """Return a time in a window, so early that an hourly run comes before its end."""
    latest = max(end - HOUR, (start + end) / 2)
    return start + (latest - start) * chance


def next_question_after(retry_after: float, now: float) -> float:
    """Return when to ask for the window again; the CA wants so many seconds, or 0.

    Six hours unless it says; at least a minute, at most a day (RFC 9773 section 4.3.2).
    """
    wait = retry_after or 6 * HOUR
    return now + min(max(wait, MINUTE), DAY)


def next_question_after_failure(
    status: int, retry_after: float, now: float, chance: float
) -> float:
    """Return when to ask again after the question failed with an HTTP status.

    A CA that refuses it (4xx) is asked once a day.
    """
    pause = min(retry_after, DAY)
    if 400 <= status < 500:
        pause = DAY
    return now + max(pause, HOUR * (1 + chance))
