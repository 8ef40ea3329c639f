"""Real programs for the tests; each is started once, and its files are in pytest's own folder."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from support.authority import ServerFiles, server_files
from support.client import Host
from support.openssl import make_key
from support.other_authorities import Site, loopback_site
from support.pebble import (
    PEBBLE,
    PEBBLE_NEW,
    ChallTestSrv,
    Pebble,
    Settings,
    WebServer,
    challtestsrv,
    pebble,
    web_server,
)
from support.program import require
from support.proxy import Proxy, proxy

DAY = 86400


@pytest.fixture(scope="session")
def dns(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChallTestSrv]:
    """A DNS in which every name is 127.0.0.1."""
    require("pebble-challtestsrv")
    with challtestsrv(tmp_path_factory.mktemp("dns")) as server:
        yield server


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """A web server where the CA looks for challenge answers."""
    require("busybox" if shutil.which("busybox") else "nginx")
    with web_server(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture(scope="session")
def ca(
    tmp_path_factory: pytest.TempPathFactory, dns: ChallTestSrv, web: WebServer
) -> Iterator[Pebble]:
    """A CA without artificial pauses, refused nonces and reused authorisations."""
    require(PEBBLE, "openssl")
    with pebble(tmp_path_factory.mktemp("pebble"), web.port, dns) as server:
        yield server


@pytest.fixture(scope="session")
def new_ca(
    tmp_path_factory: pytest.TempPathFactory, dns: ChallTestSrv, web: WebServer
) -> Iterator[Pebble]:
    """A CA that tells when to renew, and offers two profiles."""
    require(PEBBLE_NEW)
    settings = Settings(
        binary=PEBBLE_NEW, profiles={"default": 90 * DAY, "shortlived": 6 * DAY}
    )
    with pebble(
        tmp_path_factory.mktemp("new-pebble"), web.port, dns, settings
    ) as server:
        yield server


@pytest.fixture(scope="session")
def proxy_files(tmp_path_factory: pytest.TempPathFactory) -> ServerFiles:
    """The TLS of the proxies."""
    return server_files(tmp_path_factory.mktemp("proxy"))


@pytest.fixture(scope="session")
def shared_proxy(ca: Pebble, proxy_files: ServerFiles) -> Iterator[Proxy]:
    """A proxy in front of the CA."""
    with proxy(ca, proxy_files) as server:
        yield server


@pytest.fixture
def between(shared_proxy: Proxy) -> Proxy:
    """The proxy in front of the CA; it has counted nothing yet."""
    shared_proxy.reset()
    return shared_proxy


@pytest.fixture
def host(tmp_path: Path, web: WebServer, between: Proxy) -> Iterator[Host]:
    """A machine without a certificate, in front of a proxy; at the end nothing is left behind."""
    directory = tmp_path / "host"
    directory.mkdir()
    machine = Host(directory=directory, challenges=web.challenges, ca=between)
    yield machine
    left = machine.leftovers()
    for answer in web.challenges.iterdir():
        answer.unlink()
    assert left == []


@pytest.fixture
def new_host(host: Host, new_ca: Pebble, proxy_files: ServerFiles) -> Iterator[Host]:
    """The same machine in front of the newer CA."""
    with proxy(new_ca, proxy_files) as between:
        yield attrs.evolve(host, ca=between)


@pytest.fixture(scope="session")
def issued(
    tmp_path_factory: pytest.TempPathFactory, ca: Pebble, web: WebServer
) -> Host:
    """A machine with a certificate and its keys, to be copied."""
    host = Host(
        directory=tmp_path_factory.mktemp("issued"),
        challenges=web.challenges,
        ca=ca,
    )
    assert host.keep().code == 0
    return host


@pytest.fixture
def renewing(host: Host, issued: Host) -> Host:
    """A machine with a certificate whose account is new to the CA: a renewal takes every step."""
    for file in (issued.chain, issued.domain_key):
        shutil.copy2(file, host.directory)
    make_key(host.account_key, "ec256")
    return host


@pytest.fixture(scope="session")
def loopback(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An address of its own with web server and DNS, for a CA that asks no other ports than theirs."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to listen on ports 53 and 80")
    require("pebble-challtestsrv", "busybox" if shutil.which("busybox") else "nginx")
    with loopback_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory that other users get into too, which pytest's own are not."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become other users")
    with tempfile.TemporaryDirectory(prefix="s6gen-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def site(scratch: Path) -> Iterator[WebServer]:
    """A web server whose root is closed to everybody else, as the tutorial has it."""
    with web_server(scratch / "home") as server:
        shutil.rmtree(server.root / ".well-known")
        owner = pwd.getpwnam("mail")
        os.chown(server.root, owner.pw_uid, owner.pw_gid)
        server.root.chmod(0o750)
        yield server
