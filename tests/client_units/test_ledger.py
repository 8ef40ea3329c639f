"""What was issued bounds what is ordered; regular renewals never wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s6gen.acme_client.renewal.ledger import (
    add,
    early_until,
    entries_for,
    explain,
    next_order,
)
from s6gen.acme_client.renewal.schedule import DAY, HOUR, WEEK
from s6gen.acme_client.state.records import Issuance

BEGIN = 1_800_000_000.0
CA = "https://ca.example/directory"
NAMES = ("a.example", "b.example")
CLASSIC, SHORT = 90 * DAY, 160 * HOUR


def issued(at: float, lifetime: float = CLASSIC, early: bool = False) -> Issuance:
    return Issuance(CA, NAMES, at, at - HOUR, at - HOUR + lifetime, is_early=early)


def test_nothing_was_issued() -> None:
    assert next_order([], True, BEGIN) == (BEGIN, False)


@pytest.mark.parametrize(
    "lifetime", [CLASSIC, 45 * DAY, SHORT, DAY, HOUR, 10 * DAY, 10 * DAY - 1]
)
def test_a_renewal_in_its_time_never_waits(lifetime: float) -> None:
    """As early as a CA suggests it: two thirds, half of a short lifetime, less a little."""
    ledger = [issued(BEGIN - day * DAY, lifetime, early=True) for day in (3, 2, 1)]
    ledger.append(issued(BEGIN, lifetime))
    part = 0.49 if lifetime < 10 * DAY else 0.64
    now = BEGIN - HOUR + part * lifetime
    assert next_order(ledger, True, now) == (now, False)


@pytest.mark.parametrize(
    ("usable", "waits"),
    [(True, [0, DAY, 3 * DAY, WEEK, WEEK]), (False, [0, HOUR, DAY])],
)
def test_early_ones_wait_longer_each_time(usable: bool, waits: list[float]) -> None:
    ledger: tuple[Issuance, ...] = (issued(BEGIN),)
    for wait in waits:
        last = ledger[-1].at
        when, is_early = next_order([*ledger], usable, last + 1)
        assert (when, is_early) == (max(last + 1, last + wait), True)
        ledger = add(ledger, issued(when, early=True))


@pytest.mark.parametrize("lifetime", [CLASSIC, SHORT, 45 * DAY, 10 * DAY])
@pytest.mark.parametrize("usable", [True, False])
def test_five_a_week_are_never_exceeded(lifetime: float, usable: bool) -> None:
    """Ordered as soon as it is allowed, for half a year."""
    ledger: tuple[Issuance, ...] = ()
    times: list[float] = []
    now = BEGIN
    while now < BEGIN + 26 * WEEK:
        when, is_early = next_order([*ledger], usable, now)
        if now < when:
            now = when
            continue
        ledger = add(ledger, issued(now, lifetime, is_early))
        times.append(now)
        now += 60
    for time in times:
        assert sum(time - WEEK < other <= time for other in times) <= 5


def test_a_wrong_clock_does_not_hold_for_ever() -> None:
    """What was noted in the future says nothing."""
    assert next_order([issued(BEGIN + 400 * DAY)], False, BEGIN) == (BEGIN, False)


@pytest.mark.parametrize("most", [6, 12, 23])
def test_a_clock_that_goes_back_now_and_then_changes_nothing(most: int) -> None:
    """By less than a day: the CA's clock does not correct that."""
    ledger: tuple[Issuance, ...] = ()
    times: list[float] = []
    for hour in range(4 * 7 * 24):
        true = BEGIN + hour * HOUR
        now = true - (hour * 7 % (most + 1)) * HOUR
        when, is_early = next_order([*ledger], False, now)
        if now >= when:
            ledger = add(ledger, issued(now, CLASSIC, is_early))
            times.append(true)
    for time in times:
        assert sum(time - WEEK < other <= time for other in times) <= 5


def test_a_clock_that_is_months_ahead_counts_from_the_order() -> None:
    """At a CA without a Date: the certificate began, so it seems, two months ago."""
    ahead = Issuance(
        CA, NAMES, BEGIN + 61 * DAY, BEGIN, BEGIN + CLASSIC, is_early=False
    )
    now = BEGIN + 61 * DAY + HOUR
    assert next_order([ahead, ahead], True, now) == (now, True)
    early = Issuance(CA, NAMES, now, BEGIN, BEGIN + CLASSIC, is_early=True)
    assert next_order([ahead, early], True, now + HOUR) == (now + DAY, True)


def test_a_certificate_that_was_never_seen_counts_for_a_week() -> None:
    lost = Issuance(CA, NAMES, BEGIN, 0, 0, is_early=True)
    assert early_until(lost) == BEGIN + WEEK
    when, is_early = next_order([lost], False, BEGIN + 1)
    assert (when, is_early) == (BEGIN + HOUR, True)


def test_what_counts_is_kept() -> None:
    ledger: tuple[Issuance, ...] = (
        issued(BEGIN - 29 * DAY, early=True),
        issued(BEGIN - 20 * DAY, early=True),
    )
    other = Issuance(CA, ("c.example",), BEGIN - DAY, 0, 0, is_early=False)
    ledger = add((*ledger, issued(BEGIN - 2 * DAY), other), issued(BEGIN))
    assert [entry.at for entry in entries_for(ledger, CA, NAMES)] == [
        BEGIN - 20 * DAY,
        BEGIN - 2 * DAY,
        BEGIN,
    ]
    assert entries_for(ledger, CA, ("c.example",)) == [other]
    assert entries_for(ledger, "https://other.example/", NAMES) == []


@given(st.lists(st.floats(0, 3 * HOUR), max_size=300))
def test_the_ledger_stays_small(pauses: list[float]) -> None:
    """Also of a private CA whose certificates live for an hour."""
    ledger: tuple[Issuance, ...] = ()
    now = BEGIN
    for number, pause in enumerate(pauses):
        now += pause
        ledger = add(ledger, issued(now, HOUR, early=number % 3 == 0))
    assert len(ledger) <= 100
    assert ledger[-1:] == (
        (issued(now, HOUR, early=(len(pauses) - 1) % 3 == 0),) if pauses else ()
    )


def test_it_is_told_what_was_issued() -> None:
    entries = [issued(BEGIN - 8 * DAY), issued(BEGIN - DAY), issued(BEGIN - HOUR)]
    assert explain(entries, BEGIN) == (
        "2 certificates for its names were issued in a week: "
        "2027-01-15T07:00:00Z 2027-01-14T08:00:00Z"
    )
    assert explain(entries[2:], BEGIN).endswith("was issued 2027-01-15T07:00:00Z")
