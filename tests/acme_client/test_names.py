"""Names of every kind: international, wildcards through DNS, addresses."""

import signal
import time
from pathlib import Path

import attrs
import pytest
from support.client import Host, assert_good, begun, ended, names_of
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


def test_wildcard_through_dns(
    host: Host, ca: Pebble, tmp_path: Path, hook: Path
) -> None:
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
        sorted(call[2] for call in calls if call[0] == verb)
        for verb in ("add", "remove")
    )
    assert added == removed


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("#!/bin/sh\nexit 3\n", "failed with exit code 3", id="fails"),
        pytest.param(
            "#!/nonexistent\n", "No such file or directory", id="cannot be run"
        ),
        pytest.param("#!/bin/sh\nkill -9 $$\n", "-9", id="is killed"),
        pytest.param(
            "#!/bin/sh\necho secret\n", "the order is invalid", id="does nothing"
        ),
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
    new_host: Host,
    new_ca: Pebble,
    web: WebServer,
    tmp_path: Path,
    address: str,
    listen: str,
) -> None:
    host = attrs.evolve(new_host, names=(address,))
    if listen:
        with web_server(web.root.parent, listen, web.port):
            assert host.keep().code == 0
    else:
        assert host.keep().code == 0
    assert_good(host, new_ca, tmp_path)


@pytest.mark.parametrize("verb", ["add", "remove"])
def test_hook_that_hangs(host: Host, tmp_path: Path, verb: str) -> None:
    """What it is given is --timeout, and afterwards a few seconds to clean up."""
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\ntest "$1" != {verb} || exec sleep 50\n')
    hook.chmod(0o755)
    done = host.keep("--dns-hook", str(hook), "--timeout", "2")
    assert (done.code, len(done.fatal)) == (111, 1)
    assert "not done within --timeout, 2 s" in done.err


@pytest.mark.parametrize("signal_name", ["TERM", "INT"])
def test_hook_that_hangs_when_all_is_to_end(
    host: Host, tmp_path: Path, signal_name: str
) -> None:
    calls, hook = tmp_path / "calls", tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec sleep 50\n')
    hook.chmod(0o755)
    number = signal.Signals[f"SIG{signal_name}"]
    with begun(*host.options, "--dns-hook", str(hook)) as process:
        while not calls.exists():
            time.sleep(0.01)
        process.send_signal(number)
        stopped = ended(process)
    assert stopped.code == -number
    assert "unable to remove the answer" in stopped.err


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        ".",
        "..",
        "*",
        "*.*.example.org",
        "a..b",
        "[::1]",
        "x" * 64,
        "a/b",
        "a\n",
        "\udcff",
    ],
)
def test_impossible_name(host: Host, between: Proxy, name: str) -> None:
    done = attrs.evolve(host, names=(name,)).keep()
    assert (done.code, len(done.fatal)) == (100, 1)
    assert "not a domain name" in done.fatal[0]
    assert between.requests == []
