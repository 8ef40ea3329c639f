"""When a certificate is renewed, and how long a failure waits."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s6gen.acme_client.messages import Fatal
from s6gen.acme_client.options import Options
from s6gen.acme_client.renewal.schedule import (
    DAY,
    HOUR,
    MINUTE,
    NEVER,
    InstalledChain,
    check_begin,
    check_clock,
    choose_moment,
    idle_until,
    next_attempt,
    next_question,
    pause_after,
    renewal_due,
)
from s6gen.acme_client.state.records import Failure, Issued, State, Suggestion

BEGIN = 1_800_000_000.0
CA = "https://ca.example/directory"
OPTIONS = Options(account_key="a", csr="c", acme_dir="d", directory_url=CA)


def installed(days: float, fault: str = "", identifier: str = "") -> InstalledChain:
    return InstalledChain(
        fault=fault,
        start=BEGIN,
        end=BEGIN + days * DAY,
        identifier=identifier,
        terms=(CA, "", "example.org"),
    )


def suggestion(
    identifier: str, ask: float = BEGIN, moment: float | None = None
) -> Suggestion:
    return Suggestion(identifier, ask=ask, moment=moment)


@pytest.mark.parametrize(
    ("days", "known", "expected"),
    [
        pytest.param(
            90, None, (60, "two thirds of its lifetime are over"), id="90 days"
        ),
        pytest.param(
            45, None, (30, "two thirds of its lifetime are over"), id="45 days"
        ),
        pytest.param(6, None, (3, "half of its lifetime is over"), id="6 days"),
        pytest.param(
            90,
            suggestion("this", moment=BEGIN + 58 * DAY),
            (58, "the CA suggests this moment"),
            id="the CA's moment",
        ),
        pytest.param(
            90,
            suggestion("this", moment=BEGIN - 1),
            (-1 / DAY, "the CA suggests this moment"),
            id="the CA's moment is past: revoked",
        ),
        pytest.param(
            100,
            suggestion("this", moment=BEGIN + 99 * DAY),
            (95, "5 % of its lifetime is left"),
            id="the CA's moment is too late",
        ),
        pytest.param(
            90,
            suggestion("another", moment=BEGIN),
            (60, "two thirds of its lifetime are over"),
            id="the CA spoke of another certificate",
        ),
        pytest.param(
            90,
            suggestion("this", ask=BEGIN),
            (60, "two thirds of its lifetime are over"),
            id="the CA was asked and did not say",
        ),
    ],
)
def test_a_usable_certificate_is_renewed(
    days: float, known: Suggestion | None, expected: tuple[float, str]
) -> None:
    chain = installed(days, "", "this")
    when, why = renewal_due(chain, State(suggestion=known), BEGIN)
    assert (round((when - BEGIN) / DAY, 6), why) == (round(expected[0], 6), expected[1])


@pytest.mark.parametrize(
    ("chain", "terms", "force", "why"),
    [
        pytest.param(
            installed(90, "is missing"), (), False, "is missing", id="no file"
        ),
        pytest.param(
            installed(1), (), False, "expired 2027-01-16T08:00:00Z", id="expired"
        ),
        pytest.param(installed(90), (), True, "--force was given", id="forced"),
        *(
            pytest.param(
                installed(90),
                terms,
                False,
                "was ordered from another CA, for more names or with another profile",
                id=f"ordered as {terms}",
            )
            for terms in (
                ("https://staging.example/directory", "", "example.org"),
                (CA, "shortlived", "example.org"),
                (CA, "", "example.org", "www.example.org"),
            )
        ),
    ],
)
def test_ordered_at_once(
    chain: InstalledChain, terms: tuple[str, ...], force: bool, why: str
) -> None:
    state = State(issued=Issued(terms))
    assert renewal_due(chain, state, BEGIN + 2 * DAY, force) == (0, why)


@pytest.mark.parametrize(
    ("chain", "known", "expected"),
    [
        pytest.param(installed(90, "", "this"), None, 0, id="never asked"),
        pytest.param(
            installed(90, "", "this"),
            suggestion("old", ask=9e9),
            0,
            id="a new certificate",
        ),
        pytest.param(
            installed(90, "", "this"),
            suggestion("this", ask=BEGIN + 7),
            BEGIN + 7,
            id="the CA said when",
        ),
        pytest.param(
            installed(90, "", "this"),
            suggestion("this", ask=BEGIN + 30 * DAY),
            BEGIN + DAY,
            id="it said so when the clock was wrong",
        ),
        pytest.param(
            installed(90), None, NEVER, id="a certificate without a name for it"
        ),
        pytest.param(
            installed(90, "is for another key", "this"), None, NEVER, id="of no use"
        ),
        pytest.param(installed(-1, "", "this"), None, NEVER, id="expired"),
    ],
)
def test_next_question(
    chain: InstalledChain, known: Suggestion | None, expected: float
) -> None:
    assert next_question(chain, known, BEGIN) == expected


@pytest.mark.parametrize(
    ("hold", "until"),
    [
        pytest.param(0, 60 * DAY, id="until it is due"),
        pytest.param(70 * DAY, 70 * DAY, id="until a failure may be tried again"),
        pytest.param(99 * DAY, 90 * DAY, id="but not beyond its end"),
    ],
)
def test_idle_with_a_usable_certificate(hold: float, until: float) -> None:
    now = BEGIN + DAY
    assert idle_until(installed(90), State(), now, BEGIN + hold) == BEGIN + until


def test_never_idle_without_a_usable_certificate() -> None:
    assert idle_until(installed(90, "is missing"), State(), BEGIN, BEGIN + DAY) == 0


@pytest.mark.parametrize(
    ("failures", "low", "high"),
    [
        *(
            (1, 0.9, 1.1),
            (2, 1.8, 2.2),
            (3, 3.6, 4.4),
            (5, 14.4, 17.6),
            (6, 21.6, 26.4),
        ),
        (99, 21.6, 26.4),
    ],
)
@pytest.mark.parametrize("spent", [True, False])
def test_pause_with_a_usable_certificate_doubles_from_an_hour_to_a_day(
    failures: int, low: float, high: float, spent: bool
) -> None:
    pauses = [pause_after(failures, 30 * DAY, spent, chance) for chance in (0, 1)]
    assert pauses == pytest.approx([low * HOUR, high * HOUR])


def test_pause_leaves_time_for_another_attempt_before_the_end() -> None:
    left = [pause_after(9, hours * HOUR, True, 0.5) / HOUR for hours in (10, 2, 0.1)]
    assert left == [5, 1, 0.2]
    left = [pause_after(9, hours * HOUR, False, 0.5) / HOUR for hours in (10, 2, 0.1)]
    assert left == [2.5, 0.5, 0.025]


def test_pause_without_a_certificate_grows_from_a_minute_to_a_day() -> None:
    pauses = [pause_after(failures, 0, True, 0.5) for failures in (1, 2, 3, 4, 5, 99)]
    assert pauses == [MINUTE, 10 * MINUTE, 100 * MINUTE, DAY, DAY, DAY]
    pauses = [pause_after(failures, 0, False, 0.5) for failures in (1, 2, 3, 4, 5, 99)]
    assert pauses == [MINUTE, 10 * MINUTE, HOUR, HOUR, HOUR, HOUR]


@pytest.mark.parametrize(
    ("ahead", "changes", "expected"),
    [
        pytest.param(60, {}, 60, id="waiting"),
        pytest.param(-1, {}, 0, id="over"),
        pytest.param(8 * DAY, {}, 0, id="set when the clock was wrong"),
        pytest.param(60, {"profile": "other"}, 0, id="for other options"),
        pytest.param(60, {"domain": ("a.example",)}, 0, id="for other names"),
        pytest.param(60, {"quiet": True, "timeout": 5.0}, 60, id="for the same order"),
    ],
)
def test_hold(ahead: float, changes: dict[str, object], expected: float) -> None:
    failure = Failure(1, BEGIN + ahead, "refused", OPTIONS.relevant_options())
    options = dataclasses.replace(OPTIONS, **changes).relevant_options()  # type: ignore[arg-type]
    assert next_attempt(failure, options, BEGIN) == (
        BEGIN + expected if expected else 0
    )


def test_no_failure_holds_nothing() -> None:
    assert next_attempt(None, OPTIONS.relevant_options(), BEGIN) == 0


@pytest.mark.parametrize(
    ("now", "message"),
    [
        pytest.param(
            0.0,
            "the clock says 1970-01-01T00:00:00Z, which cannot be: set it",
            id="no clock",
        ),
        pytest.param(
            BEGIN - HOUR,
            "the clock says 2027-01-15T07:00:00Z, but the certificate begins 2027-01-15T08:00:00Z",
            id="before the certificate",
        ),
    ],
)
def test_absurd_clock(now: float, message: str) -> None:
    with pytest.raises(Fatal) as fatal:
        check_clock(now)
        check_begin(installed(90), now)
    assert (str(fatal.value), fatal.value.code) == (message, 111)


@given(st.floats(1.6e9, 1.7e9), st.floats(1, 30 * DAY), st.floats(0, 1))
def test_chosen_moment_leaves_an_hourly_run_inside_the_window(
    start: float, length: float, chance: float
) -> None:
    moment = choose_moment(start, start + length, chance)
    assert start <= moment <= start + length
    assert moment <= start + max(length / 2, length - HOUR)
