"""The bundled client against other CAs than Pebble: what RFC 8555 leaves open, each does its way.

| | Caddy's acme_server | step-ca | acme2certifier |
|---|---|---|---|
| issuance, renewal, addresses, DNS-01, revocation | yes | yes | yes |
| external account | no: it has none | no: keys for it come with the commercial edition | yes |
| roll-over | no: answers 501 | no: answers 501 | yes |
| says why a challenge failed | yes | yes | no: only that it did |

Of a challenge that failed, the first two say so in the challenge alone, and acme2certifier in its
authorization, too; the order stays pending with all of them. Where the file or the record is
missing, the first two leave even the challenge pending, with an error in it.
"""

import contextlib
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from support.client import NAME, Finished, Host, faults_of, run
from support.other_authorities import (
    ACME2CERTIFIER,
    CADDY,
    STEP_CA,
    OtherAuthority,
    Site,
    Start,
    acme2certifier,
    caddy,
    step_ca,
)
from support.program import require

SECRET = "dGhlIHNlY3JldCBvZiBhbiBleHRlcm5hbCBhY2NvdW50"


@attrs.frozen(kw_only=True)
class Reasons:
    """What a CA says of a challenge."""

    no_file: str
    """Where its file is missing."""
    other_file: str
    """Where there is another file."""
    no_record: str
    """Where its TXT record is missing."""


SMALLSTEP = Reasons(
    no_file="could not connect to validation target",
    other_file="will not issue certificates for the identifier",
    no_record="problem with a DNS query",
)
"""Caddy has its acme_server from step-ca."""
NONE = Reasons(no_file="invalid", other_file="invalid", no_record="invalid")


@attrs.frozen(kw_only=True)
class Kind:
    """A CA: how it is started, and what it can do."""

    name: str
    start: Start
    reasons: Reasons
    options: tuple[str, ...] = ()
    """What the client has to be told for it."""
    can: frozenset[str] = frozenset()
    """What not all of them can do."""


KINDS = (
    Kind(name="caddy", start=caddy, reasons=SMALLSTEP),
    Kind(name="step-ca", start=step_ca, reasons=SMALLSTEP),
    Kind(
        name="acme2certifier",
        start=acme2certifier,
        reasons=NONE,
        options=("--contact", "mailto:admin@example.org"),
        can=frozenset({"external account", "roll-over"}),
    ),
)


def require_kind(kind: Kind) -> None:
    """Skip unless the CA is there."""
    require("openssl")
    if kind.start is step_ca and not shutil.which(STEP_CA):
        pytest.skip("not installed: step-ca, of which Debian has the library alone")
    if kind.start is acme2certifier:
        require(ACME2CERTIFIER)
    if kind.start is caddy:
        require(CADDY)
        mounting = subprocess.run(["unshare", "--mount", "true"], check=False)
        if mounting.returncode:
            pytest.skip("needs a mount namespace, to tell Caddy its DNS server")


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """One CA after the other."""
    one: Kind = request.param
    require_kind(one)
    return one


@pytest.fixture(scope="session")
def started(
    loopback: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Kind], OtherAuthority]]:
    """Starts a CA, unless it already runs."""
    servers: dict[str, OtherAuthority] = {}
    with contextlib.ExitStack() as stack:

        def start(kind: Kind) -> OtherAuthority:
            if kind.name not in servers:
                directory = tmp_path_factory.mktemp(kind.name)
                server = kind.start(directory, loopback, {})
                servers[kind.name] = stack.enter_context(server)
            return servers[kind.name]

        yield start


@pytest.fixture
def authority(kind: Kind, started: Callable[[Kind], OtherAuthority]) -> OtherAuthority:
    """The CA, running."""
    return started(kind)


@attrs.frozen(kw_only=True)
class Client:
    """A machine, and what it has to tell its CA."""

    host: Host
    ca: OtherAuthority
    options: tuple[str, ...]

    def keep(self, *more: str) -> Finished:
        """Look, and renew what is due."""
        return self.host.keep(*self.options, *more)

    def faults(self, tmp_path: Path) -> str:
        """What is wrong with its chain."""
        chain = self.host.chain.read_bytes()
        key = self.host.domain_key.read_bytes()
        return faults_of(chain, key, self.host.names, self.ca.root(), tmp_path)

    def named(self, *names: str) -> "Client":
        """The same for other names."""
        return attrs.evolve(self, host=attrs.evolve(self.host, names=names))


@pytest.fixture
def client(
    kind: Kind, authority: OtherAuthority, loopback: Site, tmp_path: Path
) -> Iterator[Client]:
    """A machine without a certificate; at the end no challenge file is left behind."""
    directory = tmp_path / "host"
    directory.mkdir()
    host = Host(directory=directory, challenges=loopback.web.challenges, ca=authority)
    yield Client(host=host, ca=authority, options=kind.options)
    assert [*loopback.web.challenges.iterdir()] == []


def test_issuance(client: Client, tmp_path: Path) -> None:
    ended = client.keep("--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert client.faults(tmp_path) == ""
    assert client.host.leftovers() == []


def test_several_names(client: Client, tmp_path: Path) -> None:
    client = client.named(NAME, "a.example.org", "b.example.org")
    assert client.keep().code == 0
    assert client.faults(tmp_path) == ""


def test_renewal(client: Client, tmp_path: Path) -> None:
    client.keep()
    old, key = client.host.certificate(), client.host.public_key()
    assert client.keep("--force").code == 0
    assert client.host.certificate() != old
    assert client.host.public_key() == key
    assert client.faults(tmp_path) == ""
    before = client.host.content()
    ended = client.keep("--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert client.host.content() == before


def test_address(client: Client, loopback: Site, tmp_path: Path) -> None:
    client = client.named(loopback.address)
    assert client.keep().code == 0
    assert client.faults(tmp_path) == ""


@pytest.fixture
def hook(loopback: Site, tmp_path: Path) -> Path:
    """A program that adds and removes TXT records."""
    require("busybox")
    url = loopback.dns.management_url
    return program(
        tmp_path / "hook",
        f"""
say() {{ busybox wget -q -O /dev/null --post-data "$2" {url}/$1; }}
case $1 in
add) say set-txt "{{\\"host\\":\\"$2.\\",\\"value\\":\\"$3\\"}}" ;;
remove) say clear-txt "{{\\"host\\":\\"$2.\\"}}" ;;
esac
""",
    )


def program(path: Path, script: str) -> Path:
    """A shell script that can be started."""
    path.write_text(f"#!/bin/sh -e\n{script}\n")
    path.chmod(0o755)
    return path


def test_wildcard_through_dns(client: Client, hook: Path, tmp_path: Path) -> None:
    client = client.named("*.example.org", "example.org")
    assert client.keep("--dns-hook", str(hook)).code == 0
    assert client.faults(tmp_path) == ""


def test_external_account(kind: Kind, loopback: Site, tmp_path: Path) -> None:
    if "external account" not in kind.can:
        pytest.skip("this CA has no external accounts: see the table")
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(f"{SECRET}\n")
    bad.write_text(SECRET.swapcase())
    (tmp_path / "host").mkdir()
    with kind.start(tmp_path / "ca", loopback, {"kid-1": SECRET}) as ca:
        host = Host(
            directory=tmp_path / "host", challenges=loopback.web.challenges, ca=ca
        )
        client = Client(host=host, ca=ca, options=kind.options)
        without = client.keep()
        assert (without.code, len(without.fatal)) == (100, 1)
        assert "external" in without.fatal[0].lower()
        wrong = client.keep("--eab-kid", "kid-1", "--eab-key-file", str(bad))
        assert (wrong.code, len(wrong.fatal)) in ((100, 1), (111, 1))
        right = client.keep(
            "--force", "--eab-kid", "kid-1", "--eab-key-file", str(good)
        )
        assert right.code == 0
        assert client.faults(tmp_path) == ""


def test_roll_over(client: Client, kind: Kind) -> None:
    client.keep()
    old = client.host.account_key.read_bytes()
    ended = run(*client.host.ca_options, "--roll-over")
    if "roll-over" in kind.can:
        assert ended.code == 0
        assert client.host.account_key.read_bytes() != old
    else:
        assert (ended.code, len(ended.fatal)) in ((100, 1), (111, 1))
        assert "not implemented" in ended.fatal[0]
        assert client.host.account_key.read_bytes() == old
    assert client.keep("--force").code == 0


def test_revocation(client: Client) -> None:
    client.keep()
    revoke = [*client.host.ca_options, "--revoke", str(client.host.chain)]
    assert run(*revoke, "--reason", "4").code == 0
    again = run(*revoke)
    assert (again.code, len(again.fatal)) in ((100, 1), (111, 1))
    assert "alreadyRevoked" in again.fatal[0]


def assert_told(ended: Finished, name: str, reason: str) -> None:
    """It ended because of a challenge, before its time was up, and tells whose and why."""
    assert (ended.code, ended.out, len(ended.fatal)) == (111, "", 1)
    assert "not done within" not in ended.fatal[0]
    assert name in ended.fatal[0]
    assert reason in ended.fatal[0]


def test_challenge_without_a_file(client: Client, kind: Kind, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    client = attrs.evolve(client, host=attrs.evolve(client.host, challenges=elsewhere))
    assert_told(client.keep("--timeout", "50"), NAME, kind.reasons.no_file)
    assert [*elsewhere.iterdir()] == []


def test_challenge_with_another_file(
    client: Client, kind: Kind, loopback: Site
) -> None:
    with wrong_answers(loopback) as address:
        ended = client.named(address).keep("--timeout", "50")
    assert_told(ended, address, kind.reasons.other_file)


def test_challenge_without_a_record(client: Client, kind: Kind, tmp_path: Path) -> None:
    hook = program(tmp_path / "hook", "exit 0")
    ended = client.keep("--dns-hook", str(hook), "--timeout", "50")
    assert_told(ended, NAME, kind.reasons.no_record)


class WrongAnswer(http.server.BaseHTTPRequestHandler):
    """Whatever is asked for, the answer is the same."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the page of somebody else")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def wrong_answers(site: Site) -> Iterator[str]:
    """Another address, where a web server listens that knows no challenges."""
    address = site.address.rpartition(".")[0] + ".255"
    with http.server.ThreadingHTTPServer((address, 80), WrongAnswer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()
