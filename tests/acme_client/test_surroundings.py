"""Environments, file systems and clocks that are not as they should be."""

from pathlib import Path

import attrs
import pytest
from support.client import Host, assert_good
from support.pebble import Pebble
from support.program import require
from support.proxy import Proxy
from test_faults import assert_refused


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(("env", "-i"), id="no environment"),
        pytest.param(("env", "LC_ALL=C", "LANG=C", "PYTHONUTF8=0"), id="ASCII"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" 2>&-'), id="stderr closed"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" >&-'), id="stdout closed"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" <&-'), id="stdin closed"),
        pytest.param(("sh", "-c", 'exec "$0" "$@" 2>/dev/full'), id="stderr full"),
        pytest.param(
            ("sh", "-c", 'cd /proc && exec "$0" "$@"'), id="unwritable directory"
        ),
        pytest.param(("prlimit", "--nofile=24"), id="few descriptors"),
    ],
)
def test_surroundings(
    host: Host, ca: Pebble, tmp_path: Path, prefix: tuple[str, ...]
) -> None:
    assert host.keep(prefix=prefix).code == 0
    assert_good(host, ca, tmp_path)


def test_names_of_files_are_bytes(host: Host, ca: Pebble, tmp_path: Path) -> None:
    directory = host.directory / "a b\n$c\udcff"
    directory.mkdir()
    inner = attrs.evolve(host, directory=directory)
    ended = inner.keep()
    assert ended.code == 0
    assert all(line.startswith("s6gen-acme: ") for line in ended.err.splitlines())
    assert_good(inner, ca, tmp_path)
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()


def test_writes_nowhere_else(host: Host, ca: Pebble, tmp_path: Path) -> None:
    """All is read-only but the certificate's directory and that of the challenges."""
    require("unshare")
    script = """
        for directory in "$HOST" "$ANSWERS"; do mount --bind "$directory" "$directory"; done &&
        mount -o remount,bind,ro / && ! touch /written 2>/dev/null || exit 77
        exec "$0" "$@"
        """
    variables = (f"HOST={host.directory}", f"ANSWERS={host.challenges}")
    ended = host.keep(prefix=("env", *variables, "unshare", "-m", "sh", "-c", script))
    if ended.code in (1, 77):
        pytest.skip(f"no mount namespace here: {ended.err}")
    assert ended.code == 0
    assert_good(host, ca, tmp_path)


# Clocks


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        pytest.param("-1h", "the clock says", id="an hour slow"),
        pytest.param("-30d", "the clock says", id="a month slow"),
        pytest.param("@1970-01-02 00:00:00", "the clock says", id="1970"),
    ],
)
def test_slow_clock_decides_nothing(
    renewing: Host, between: Proxy, offset: str, said: str
) -> None:
    require("faketime")
    before = renewing.content()
    ended = renewing.keep(prefix=("faketime", "-f", offset))
    assert_refused(ended)
    assert ended.fatal[0].startswith(said)
    assert renewing.content() == before
    assert between.requests == []


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        pytest.param("+1h", 0, id="an hour fast"),
        pytest.param("-1h", 111, id="an hour slow"),
        pytest.param("+40y", 111, id="forty years fast"),
    ],
)
def test_first_issuance_with_a_wrong_clock(
    host: Host, ca: Pebble, tmp_path: Path, offset: str, code: int
) -> None:
    require("faketime")
    ended = host.keep("--timeout", "20", prefix=("faketime", "-f", offset))
    assert (ended.code, len(ended.fatal)) == (code, int(code > 0)), ended.err
    assert host.keep("--force").code == 0
    assert_good(host, ca, tmp_path)


def test_an_hour_fast_renews_nothing(renewing: Host) -> None:
    require("faketime")
    before = renewing.content()
    assert renewing.keep(prefix=("faketime", "-f", "+1h")).code == 0
    assert renewing.content() == before
