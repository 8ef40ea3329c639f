"""Names of every kind: international, wildcards through DNS, addresses."""

from pathlib import Path

import attrs
import pytest
from support.client import Host, assert_good, names_of
from support.pebble import ChallTestSrv, Pebble, WebServer, web_server
from support.program import require
from support.proxy import Proxy


def test_idn_is_converted(host: Host) -> None:
    assert attrs.evolve(host, names=("bücher.example.org",)).keep().code == 0
    assert names_of(host.certificate()) == ["xn--bcher-kva.example.org"]


def test_wildcard_is_refused_without_dns(host: Host, between: Proxy) -> None:
    ended = attrs.evolve(host, names=("*.example.org",)).keep()
    assert ended.code == 100
    assert ended.fatal == ["a wildcard needs DNS-01: give --dns-hook"]
    assert "newOrder" not in between.requests


@pytest.fixture
def hook(tmp_path: Path, dns: ChallTestSrv) -> Path:
    """A program that adds and removes TXT records, and notes how it was called."""
    require("busybox")
    program = tmp_path / "hook"
    url = dns.management_url
    program.write_text(
        f"""#!/bin/sh -e
echo "$*" >> {tmp_path}/calls
say() {{ busybox wget -q -O /dev/null --post-data "$2" {url}/$1; }}
case $1 in
add) say set-txt "{{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}}" ;;
remove) say clear-txt "{{\\"host\\":\\"$2.\\"}}" ;;
esac
"""
    )
    program.chmod(0o755)
    return program


def test_wildcard_through_dns(host: Host, ca: Pebble, tmp_path: Path, hook: Path) -> None:
    host = attrs.evolve(host, names=("*.example.org", "example.org"))
    assert host.keep("--dns-hook", str(hook)).code == 0
    assert_good(host, ca, tmp_path)
    calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert [call[:2] for call in calls] == [
        ["add", "_acme-challenge.example.org"],
        ["add", "_acme-challenge.example.org"],
        ["remove", "_acme-challenge.example.org"],
        ["remove", "_acme-challenge.example.org"],
    ]
    added, removed = (
        sorted(call[2] for call in calls if call[0] == verb) for verb in ("add", "remove")
    )
    assert added == removed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("#!/bin/sh\nexit 3\n", "failed with exit code 3", id="fails"),
        pytest.param("#!/nonexistent\n", "No such file or directory", id="cannot be run"),
        pytest.param("#!/bin/sh\nkill -9 $$\n", "-9", id="is killed"),
        pytest.param("#!/bin/sh\necho secret\n", "the order is invalid", id="does nothing"),
    ],
)
def test_hook_that_fails(host: Host, tmp_path: Path, content: str, said: str) -> None:
    hook = tmp_path / "hook"
    hook.write_text(content)
    hook.chmod(0o755)
    ended = host.keep("--dns-hook", str(hook))
    assert (ended.code, len(ended.fatal), ended.out) == (111, 1, "")
    assert said in ended.fatal[0]


@pytest.mark.parametrize(("address", "listen"), [("127.0.0.1", ""), ("::1", "::1")])
def test_ip_addresses(
    new_host: Host, new_ca: Pebble, web: WebServer, tmp_path: Path, address: str, listen: str
) -> None:
    host = attrs.evolve(new_host, names=(address,))
    if listen:
        with web_server(web.root.parent, listen, web.port):
            assert host.keep().code == 0
    else:
        assert host.keep().code == 0
    assert_good(host, new_ca, tmp_path)
