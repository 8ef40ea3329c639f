"""The programs the tests stand on do what their names say."""

import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
from support.pebble import ChallTestSrv, Pebble, WebServer
from support.power import cuts, outcomes
from support.program import Command, NotStartedError, free_port, running


def test_pebble_answers_over_verified_tls(ca: Pebble) -> None:
    context = ssl.create_default_context(cafile=str(ca.ca_file))
    with urllib.request.urlopen(ca.directory_url, context=context) as answer:
        assert b'"newOrder"' in answer.read()
    assert ca.root().startswith(b"-----BEGIN CERTIFICATE-----")
    assert ca.intermediate() != ca.root()


def test_web_server_serves_challenges(web: WebServer) -> None:
    answer = web.challenges / "token"
    answer.write_text("yes")
    url = f"http://127.0.0.1:{web.port}/.well-known/acme-challenge/token"
    try:
        with urllib.request.urlopen(url) as response:
            assert response.read() == b"yes"
    finally:
        answer.unlink()


def test_failure_shows_the_log(tmp_path: Path) -> None:
    command = Command(
        argv=("sh", "-c", "echo here is why >&2; exit 3"),
        log=tmp_path / "log",
        ports=(free_port(),),
    )
    with (
        pytest.raises(NotStartedError, match=r"(?s)ended with 3\nhere is why"),
        running(lambda: command),
    ):
        pass


def test_a_lost_race_for_a_port_is_repeated(tmp_path: Path, dns: ChallTestSrv) -> None:
    taken = int(dns.address.rpartition(":")[2])
    ports = iter([taken, free_port()])

    def make() -> Command:
        port = next(ports)
        argv = (
            "busybox",
            "httpd",
            "-f",
            "-p",
            f"127.0.0.1:{port}",
            "-h",
            str(tmp_path),
        )
        return Command(argv=argv, log=tmp_path / "log", ports=(port,))

    with running(make) as command:
        assert command.ports[0] != taken


@pytest.mark.parametrize(
    ("script", "during", "after"),
    [
        pytest.param(
            "printf newnew >f.new; mv f.new f",
            {b"old", b"", b"ne", b"newn", b"newnew"},
            {b"old", b"", b"ne", b"newn", b"newnew"},
            id="not flushed",
        ),
        pytest.param(
            "printf newnew >f.new; sync f.new; mv f.new f",
            {b"old", b"newnew"},
            {b"old", b"newnew"},
            id="the name not flushed",
        ),
        pytest.param(
            "printf newnew >f.new; sync f.new; mv f.new f; sync .",
            {b"old", b"newnew"},
            {b"newnew"},
            id="all flushed",
        ),
        pytest.param(
            "printf newnew >f.new; mv f.new f; sync .; sync f",
            {b"old", b"", b"ne", b"newn", b"newnew"},
            {b"newnew"},
            id="in the wrong order",
        ),
        pytest.param(
            "mkdir d; printf new >d/f; sync d/f d; mv d/f f; sync f .",
            {b"old", b"new"},
            {b"new"},
            id="from another directory",
        ),
    ],
)
def test_what_a_power_cut_leaves(
    tmp_path: Path, script: str, during: set[bytes], after: set[bytes]
) -> None:
    (tmp_path / "f").write_bytes(b"old")
    command = ["sh", "-ec", script]
    moments = cuts(
        tmp_path, lambda strace: subprocess.run([*strace, *command], cwd=tmp_path)
    )
    seen = [
        {found.content for (found,) in outcomes(one, "f") if found} for one in moments
    ]

    assert set.union(*seen) == during
    assert seen[-1] == after
