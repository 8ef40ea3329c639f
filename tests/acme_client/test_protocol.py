"""The bundled client against a real CA: what it gets, asks for, and leaves."""

import itertools
import shutil
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
from support.authority import ServerFiles
from support.client import CLIENT, NAME, Host, assert_good, begun, ended, names_of
from support.faults import Halt, without
from support.openssl import make_key
from support.pebble import PEBBLE, ChallTestSrv, Pebble, Settings, WebServer, pebble
from support.program import require
from support.proxy import Proxy, proxy

FIRST = [
    *("directory", "newNonce", "newAccount", "newOrder", "authz", "challenge"),
    *("finalize", "certificate"),
]
"""The requests of a first issuance for one name; beside them the order is looked at, at least once.

docs/s6gen-acme.md gives the sums.
"""
RENEWAL = [step for step in FIRST if step != "newAccount"]
VALID_AUTHORISATION = ["directory", "newNonce", "newOrder", "finalize", "certificate"]


def taken(requests: list[str]) -> list[str]:
    """The steps; what depends on how quick the CA is left out: looks, and finalising too early."""
    steps = [step for step in requests if step != "order"]
    return [
        step
        for step, run in itertools.groupby(steps)
        for _ in ([step] if step == "finalize" else run)
    ]


def test_first_issuance(host: Host, between: Proxy, ca: Pebble, tmp_path: Path) -> None:
    ended = host.keep("--quiet")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert_good(host, ca, tmp_path)
    modes = {
        file.name: file.stat().st_mode & 0o777 for file in host.directory.iterdir()
    }
    assert modes == {
        "account.key": 0o600,
        "account.key.account": 0o644,
        "domain.key": 0o600,
        "chain.pem": 0o640,
        "chain.pem.state": 0o600,
        "chain.pem.lock": 0o600,
    }
    assert taken(between.requests) == FIRST
    assert between.connections == 1


def test_a_known_account_is_not_asked_for(host: Host, between: Proxy) -> None:
    host.keep()
    between.reset()
    assert attrs.evolve(host, names=("other.example.org",)).keep().code == 0
    assert taken(between.requests) == RENEWAL
    assert names_of(host.certificate()) == ["other.example.org"]


def test_a_renewal_has_the_same_key(host: Host, ca: Pebble, tmp_path: Path) -> None:
    host.keep()
    old, key = host.certificate(), host.public_key()
    assert host.keep("--force").code == 0
    assert host.certificate() != old
    assert host.public_key() == key
    assert_good(host, ca, tmp_path)


def test_renewal_with_a_valid_authorisation(
    host: Host,
    dns: ChallTestSrv,
    web: WebServer,
    proxy_files: ServerFiles,
    tmp_path: Path,
) -> None:
    require(PEBBLE)
    settings = Settings(authz_reuse=100)
    with (
        pebble(tmp_path / "ca", web.port, dns, settings) as ca,
        proxy(ca, proxy_files) as between,
    ):
        host = attrs.evolve(host, ca=between)
        host.keep()
        between.reset()
        assert host.keep("--force").code == 0
        assert taken(between.requests) == VALID_AUTHORISATION
        assert between.requests.count("finalize") == 1
        assert_good(host, ca, tmp_path)


def test_the_fewest_requests(host: Host, between: Proxy) -> None:
    """What the CA is not quick enough for makes more; of a few renewals one has the fewest."""
    host.keep()
    assert len(between.requests) >= 9
    renewals = []
    for letter in "abcde":
        between.reset()
        assert attrs.evolve(host, names=(f"{letter}.example.org",)).keep().code == 0
        renewals.append(len(between.requests))
    assert min(renewals) == 8


def test_nothing_due_asks_nothing(host: Host, between: Proxy) -> None:
    host.keep()
    host.keep()
    before = host.content()
    between.reset()
    ended = host.keep()
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert (between.requests, between.connections) == ([], 0)
    assert host.content() == before


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(Settings(nonce_reject=50), id="half of all nonces rejected"),
        pytest.param(Settings(strict=True), id="strict"),
        pytest.param(Settings(authz_reuse=50), id="authorisations reused at random"),
        pytest.param(Settings(sleep=1), id="validation takes its time"),
    ],
)
def test_moods_of_the_ca(
    host: Host, dns: ChallTestSrv, web: WebServer, tmp_path: Path, settings: Settings
) -> None:
    require(PEBBLE)
    with pebble(tmp_path / "ca", web.port, dns, settings) as ca:
        names = tuple(f"{letter}.example.org" for letter in "abcdef")
        host = attrs.evolve(host, ca=ca, names=names)
        for _ in range(2):
            assert host.keep("--force").code == 0
            assert_good(host, ca, tmp_path)


def test_renews_at_half_of_a_short_life(
    host: Host,
    dns: ChallTestSrv,
    web: WebServer,
    proxy_files: ServerFiles,
    tmp_path: Path,
) -> None:
    """Where the CA does not tell when to renew; each Pebble since 2.5 does."""
    require(PEBBLE)
    with (
        pebble(tmp_path / "ca", web.port, dns, Settings(validity=20)) as ca,
        proxy(ca, proxy_files) as between,
        between.faulty("directory", without("renewalInfo")),
    ):
        host = attrs.evolve(host, ca=between)
        host.keep()
        first = host.certificate()
        assert host.keep("--check").code == 0
        assert host.keep().code == 0
        assert host.certificate() == first
        time.sleep(10.2)
        assert host.keep("--check").code == 1
        assert host.certificate() == first
        assert host.keep().code == 0
        assert host.certificate() != first


def test_a_hundred_names(
    host: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    host = attrs.evolve(
        host, names=tuple(f"n{number}.example.org" for number in range(100))
    )
    assert host.keep().code == 0
    assert_good(host, ca, tmp_path)
    steps = taken(between.requests)
    assert [(step, len([*run])) for step, run in itertools.groupby(steps)] == [
        (step, 100 if step in ("authz", "challenge") else 1) for step in FIRST
    ]
    assert between.connections == 1


@pytest.mark.parametrize(
    ("change", "why"),
    [
        pytest.param("names", "is not for new.example.org", id="more names"),
        pytest.param("fewer", "", id="fewer names"),
        pytest.param("key", "is for another key", id="another key"),
        pytest.param("missing", "is missing", id="chain missing"),
        pytest.param("garbage", "is not usable", id="chain is garbage"),
        pytest.param("empty", "is not usable", id="chain is empty"),
    ],
)
def test_due_at_once(
    host: Host, ca: Pebble, tmp_path: Path, change: str, why: str
) -> None:
    names = (NAME, "b.example.org") if change == "fewer" else (NAME,)
    attrs.evolve(host, names=names).keep()
    if change == "names":
        host = attrs.evolve(host, names=(NAME, "new.example.org"))
    elif change == "key":
        make_key(host.domain_key, "rsa2048")
    elif change == "missing":
        host.chain.unlink()
    elif change != "fewer":
        host.chain.write_text("no certificate" if change == "garbage" else "")
    asked = host.keep("--check")
    assert asked.code == 1
    assert why in asked.out
    assert host.keep().code == 0
    assert_good(host, ca, tmp_path)


def test_the_state_is_lost_or_damaged(host: Host, between: Proxy) -> None:
    host.keep()
    state = host.chain.with_suffix(".pem.state")
    before = host.content()
    for content in (b"", b"\0\xff", state.read_bytes()[:-20], b"0 9999999999 []\n\n{}"):
        state.write_bytes(content)
        assert host.keep().code == 0
    state.unlink()
    assert host.keep().code == 0
    assert host.content() == before
    assert "newOrder" not in between.requests[len(FIRST) + 1 :]


@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777], ids="umask {:03o}".format)
def test_modes_do_not_depend_on_the_umask(host: Host, mask: int) -> None:
    prefix = ("sh", "-c", f'umask {mask:03o} && exec "$0" "$@"')
    assert host.keep(prefix=prefix).code == 0
    modes = [file.stat().st_mode & 0o777 for file in (host.chain, host.domain_key)]
    assert modes == [0o640, 0o600]


def test_mode_of_the_chain_is_kept(host: Host) -> None:
    host.keep()
    host.chain.chmod(0o644)
    assert host.keep("--force").code == 0
    assert host.chain.stat().st_mode & 0o777 == 0o644


def test_a_new_key_with_every_certificate(
    host: Host, ca: Pebble, tmp_path: Path
) -> None:
    host.keep("--new-key")
    old = host.public_key()
    assert host.keep("--new-key", "--force").code == 0
    assert host.public_key() != old
    assert_good(host, ca, tmp_path)


@pytest.mark.parametrize("kind", ["ec256", "ec384", "rsa2048"])
def test_kinds_of_new_keys(host: Host, ca: Pebble, tmp_path: Path, kind: str) -> None:
    assert host.keep("--key-type", kind).code == 0
    assert_good(host, ca, tmp_path)
    assert host.certificate().public_key().key_size == int(kind.strip("ecrsa"))  # type: ignore[union-attr]


def test_two_at_once_order_once(host: Host, between: Proxy) -> None:
    halt = Halt()
    with (
        between.faulty("newOrder", halt),
        begun(*host.options) as one,
        begun(*host.options) as two,
    ):
        assert halt.reached.wait(20)
        time.sleep(0.5)
        assert between.connections == 1
        halt.released.set()
        assert (ended(one).code, ended(two).code) == (0, 0)
    assert between.requests.count("newOrder") == 1


def test_two_services_share_an_account(host: Host) -> None:
    other = attrs.evolve(
        host, directory=host.directory / "other", names=("other.example.org",)
    )
    other.directory.mkdir()
    options = [*other.options, "--account-key", str(host.account_key)]
    with begun(*host.options) as one, begun(*options) as two:
        assert (ended(one).code, ended(two).code) == (0, 0)
    assert names_of(host.certificate()) == [NAME]
    assert names_of(other.certificate()) == ["other.example.org"]
    for file in other.directory.iterdir():
        file.unlink()
    other.directory.rmdir()


def launcher(client: Path, blocked: tuple[str, ...]) -> list[str]:
    """Run a file as a program in which some modules cannot be imported."""
    program = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({blocked!r})); "
        f"sys.argv[0] = {str(client)!r}; runpy.run_path({str(client)!r}, run_name='__main__')"
    )
    return [sys.executable, "-I", "-c", program]


def test_needs_nothing_of_the_project(host: Host, tmp_path: Path) -> None:
    copy = tmp_path / "acme_client"
    shutil.copytree(CLIENT.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    blocked = ("s6gen", "click", "jinja2", "attr", "attrs")
    command = launcher(copy / "__main__.py", blocked) + host.options
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_says_which_module_is_missing(host: Host) -> None:
    command = launcher(CLIENT, ("acme",)) + host.options
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 100
    assert len(ended.stderr.splitlines()) == 1
    assert "python3-acme" in ended.stderr
