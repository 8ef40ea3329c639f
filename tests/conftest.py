"""Real programs for the tests; each is started once, and its files are in pytest's own folder."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.pebble import (
    PEBBLE,
    ChallTestSrv,
    Pebble,
    WebServer,
    challtestsrv,
    pebble,
    web_server,
)
from support.program import require


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
    require(PEBBLE)
    with pebble(tmp_path_factory.mktemp("pebble"), web.port, dns) as server:
        yield server


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A directory that other users get into too, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="s6gen-") as name:
        Path(name).chmod(0o755)
        yield Path(name)
