"""A client that is left alone takes no more than the CA allows, whatever happens for weeks.

The CA counts, and its clock is virtual. `benchmarks/weeks.py` prints all scenarios in one table, of
longer trouble and more looks.
"""

import os
import subprocess
from pathlib import Path

import pytest
from support.program import require
from support.scenarios import DISTURBED, PRIVATE, SCENARIOS, UNDISTURBED
from support.simulation import simulated
from support.tally import Count, exceeded, table
from support.virtual_clock import DAY, HOUR

TROUBLE = 8 * DAY
"""The longest of the CA's limits looks back for seven days."""
EVERY = 3 * HOUR


def weeks_of(title: str, directory: Path) -> Count:
    """What the CA has counted. Skips where the scenario mounts something, and cannot."""
    if SCENARIOS[title].mounts:
        require("unshare", "mount", "umount")
        if os.geteuid() or subprocess.run(["unshare", "--mount", "true"]).returncode:
            pytest.skip("needs root, and to be allowed to mount")
    seen = simulated(title, directory, TROUBLE, EVERY)
    print(table({title: seen}))
    return seen


@pytest.mark.parametrize("title", DISTURBED)
def test_no_more_than_the_ca_allows(title: str, tmp_path: Path) -> None:
    """While there is trouble, and not afterwards either; and at last there is a certificate."""
    seen = weeks_of(title, tmp_path)
    assert exceeded(seen) == {}
    assert seen.without_at_last == 0
    if SCENARIOS[title].keeps:
        assert seen.without == 0


@pytest.mark.parametrize("title", UNDISTURBED)
def test_undisturbed(title: str, tmp_path: Path) -> None:
    seen = weeks_of(title, tmp_path)
    assert exceeded(seen) == {}
    assert_renewed_in_time(title, seen)


@pytest.mark.parametrize("title", PRIVATE)
def test_a_private_ca_is_asked_as_often_as_it_needs(title: str, tmp_path: Path) -> None:
    assert_renewed_in_time(title, weeks_of(title, tmp_path))


def assert_renewed_in_time(title: str, seen: Count) -> None:
    """There always was a certificate; it was renewed at two thirds of its life, or at half."""
    scenario = SCENARIOS[title]
    lifetime = scenario.ca.lifetime
    part = 1 / 2 if lifetime < 10 * DAY else 2 / 3
    wanted = scenario.looks[-1] / (lifetime * part)
    assert seen.without == 0
    assert wanted * 0.9 - 1 < seen.certificates - 1 <= wanted * 1.1
    assert seen.orders == seen.certificates
