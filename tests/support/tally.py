"""What a CA has counted in weeks of a client's life, beside what Let's Encrypt allows."""

from collections import defaultdict
from typing import Any

import attrs

from support.scenarios import PRIVATE
from support.virtual_clock import DAY, HOUR, WEEK


@attrs.define
class Seen:
    """What the machine has seen."""

    looks: int = 0
    runs: int = 0
    without: list[float] = attrs.field(factory=list)
    """The moments at which there was no good chain."""
    last: float = 0
    """The moment of the last look."""


@attrs.frozen(kw_only=True)
class Count:
    """What happened. "Most" is the largest number in any span of time of that length."""

    looks: int
    runs: int
    """The looks that did more than to read the first line of FILE.state."""
    requests: int
    orders: int
    orders_in_3_hours: int
    certificates: int
    certificates_in_a_week: int
    """For one set of names."""
    failed_validations: int
    failed_validations_in_an_hour: int
    """For one name."""
    without: int
    """The looks that found no chain which a server can work with."""
    without_at_last: int
    """Of these, the ones in the last three days."""


def count(notes: list[dict[str, Any]], seen: Seen) -> Count:
    """The numbers that a CA limits, and what the machine has seen."""
    times: dict[str, list[float]] = defaultdict(list)
    by_names: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for note in notes:
        times[note["what"]].append(note["at"])
        if "names" in note:
            by_names[note["what"]][" ".join(note["names"])].append(note["at"])
    return Count(
        looks=seen.looks,
        runs=seen.runs,
        requests=len(times["request"]),
        orders=len(times["order"]),
        orders_in_3_hours=most(times["order"], 3 * HOUR),
        certificates=len(times["certificate"]),
        certificates_in_a_week=most_of_one(by_names["certificate"], WEEK),
        failed_validations=len(times["failed validation"]),
        failed_validations_in_an_hour=most_of_one(by_names["failed validation"], HOUR),
        without=len(seen.without),
        without_at_last=sum(time > seen.last - 3 * DAY for time in seen.without),
    )


def most_of_one(by_names: dict[str, list[float]], length: float) -> int:
    """The largest number in such a span, for one set of names."""
    return max((most(times, length) for times in by_names.values()), default=0)


def most(times: list[float], length: float) -> int:
    """The largest number of times in any span of that length."""
    largest = first = 0
    for last, time in enumerate(times):
        while times[first] <= time - length:
            first += 1
        largest = max(largest, last - first + 1)
    return largest


# The table

COLUMNS = {
    "looks": "looks",
    "without": "without",
    "at last": "without_at_last",
    "runs": "runs",
    "requests": "requests",
    "orders": "orders",
    "most/3 h": "orders_in_3_hours",
    "certificates": "certificates",
    "most/7 d": "certificates_in_a_week",
    "failed": "failed_validations",
    "most/h": "failed_validations_in_an_hour",
}
"""The columns, and what they show of a Count."""
ALLOWED = {"most/3 h": 300, "most/7 d": 5, "most/h": 5}
"""Let's Encrypt's limits (letsencrypt.org/docs/rate-limits)."""


def cells(seen: Count) -> dict[str, int]:
    """The numbers by their columns."""
    numbers = attrs.asdict(seen)
    return {column: numbers[name] for column, name in COLUMNS.items()}


def exceeded(seen: Count) -> dict[str, int]:
    """The columns in which there is more than Let's Encrypt allows."""
    found = cells(seen)
    return {name: found[name] for name, most in ALLOWED.items() if found[name] > most}


def table(counts: dict[str, Count]) -> str:
    """One row for each scenario; a "!" at the end of those that exceed a limit that they have."""
    width = max(map(len, counts))
    head = "  ".join(COLUMNS)
    rows = [f"{'':<{width}}  {head}"]
    for title, seen in counts.items():
        row = "  ".join(f"{cell:>{len(name)}}" for name, cell in cells(seen).items())
        mark = "  !" if exceeded(seen) and title not in PRIVATE else ""
        rows.append(f"{title:<{width}}  {row}{mark}")
    return "\n".join(rows) + "\n"
