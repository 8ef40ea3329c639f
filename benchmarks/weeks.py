"""Weeks of a client that is left alone, against the limits of Let's Encrypt: one row for each scenario.

    python3 benchmarks/weeks.py [WORD]

In most of them there is trouble for three weeks, which then ends; the client looks once an hour.
With a word, only the scenarios that have it in their titles. "Without" counts the looks that found no
chain which a server can work with, "at last" those in the last three days; "runs" are the looks that did
more than to read a line. "Most" is the largest number in any such span of time: Let's Encrypt allows 300
orders in 3 hours, 5 certificates for one set of names in 7 days, 5 failed validations of one name in an
hour. A row that exceeds one ends with "!"; the certificates of a day and of an hour are a private CA's.
"""

import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.scenarios import SCENARIOS
from support.simulation import simulated
from support.tally import Count, table
from support.virtual_clock import HOUR, WEEK


def main() -> None:
    """Print the table."""
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    titles = [title for title in SCENARIOS if word in title]

    def run(title: str, directory: Path) -> Count:
        return simulated(title, directory, trouble=3 * WEEK, every=HOUR)

    with (
        tempfile.TemporaryDirectory() as name,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        directories = [Path(name) / str(number) for number in range(len(titles))]
        for directory in directories:
            directory.mkdir()
        counts = pool.map(run, titles, directories)
        print(table(dict(zip(titles, counts, strict=True))), end="")


if __name__ == "__main__":
    main()
