"""The rendered service on the real thing: s6, execline, snooze, a CA, a web server."""

import contextlib
import os
import pwd
import shutil
import ssl
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from support.gate import Gate, gate
from support.pebble import PEBBLE, ChallTestSrv, Pebble, Settings, WebServer, pebble
from support.program import require
from support.supervision import (
    LOG_USER,
    USER,
    Machine,
    python_for_all,
    under_s6,
    under_s6_rc,
)

from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt

WEB_USER = "mail"
"""Whose the web server is."""
NAMES = ["example.org", "www.example.org"]
KINDS = {"s6": under_s6, "s6-rc": under_s6_rc}

Start = Callable[..., contextlib.AbstractContextManager[Machine]]


@pytest.fixture(params=KINDS)
def start(request: pytest.FixtureRequest, scratch: Path, site: WebServer) -> Start:
    """Starts the rendered service, against a CA of its own unless told which."""
    require("execlineb", "s6-svscan", "s6-log", "snooze", PEBBLE)
    if request.param == "s6-rc":
        require("s6-rc-compile", "s6-rc-init", "s6-rc")

    def parameters(ca: str, bundle: Path, **others: Any) -> RenewLetsEncrypt:
        given = {
            "page": "www",
            "domains": NAMES,
            "web_root": str(site.root.parent),
            "certificate_dir": str(scratch / "etc/ssl/letsencrypt"),
            "log_dir": str(scratch / "var/log/renew-lets-encrypt"),
            "user": USER,
            "log_user": LOG_USER,
            "ca": ca,
            "ca_bundle": str(bundle),
            "python": python_for_all(),
            "execlineb": str(shutil.which("execlineb")),
        }
        return RenewLetsEncrypt(**given | others)

    def running(
        authority: Pebble, port: int | None = None, **others: Any
    ) -> contextlib.AbstractContextManager[Machine]:
        bundle = scratch / "ca.pem"
        bundle.write_bytes(authority.ca_file.read_bytes())
        url = f"https://localhost:{port or authority.port}/dir"
        return KINDS[request.param](parameters(url, bundle, **others), scratch)

    return running


@pytest.fixture
def authority(scratch: Path, site: WebServer, dns: ChallTestSrv) -> Iterator[Pebble]:
    """A CA that finds the site."""
    with pebble(make(scratch / "ca"), site.port, dns) as server:
        yield server


def make(directory: Path) -> Path:
    directory.mkdir()
    return directory


def owner_and_mode(path: Path) -> tuple[str, str]:
    status = path.stat()
    return pwd.getpwuid(status.st_uid).pw_name, oct(stat.S_IMODE(status.st_mode))


def names_of(chain: Path) -> list[str]:
    leaf = x509.load_pem_x509_certificates(chain.read_bytes())[0]
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return sorted(found.value.get_values_for_type(x509.DNSName))


def test_a_certificate_within_seconds_of_the_first_start(
    start: Start, authority: Pebble, site: WebServer
) -> None:
    with start(authority) as machine:
        machine.until(machine.chain.exists, "a certificate")
        machine.until(machine.is_waiting, "snooze, and nothing but snooze")

        assert names_of(machine.chain) == NAMES
        ssl.create_default_context().load_cert_chain(
            machine.chain, machine.keys / "domain.key"
        )
        assert {path.name: owner_and_mode(path) for path in machine.keys.iterdir()} == {
            "account.key": (USER, "0o600"),
            "account.key.account": (USER, "0o644"),
            "domain.csr": (USER, "0o644"),
            "domain.key": (USER, "0o600"),
            "signed_chain.crt": (USER, "0o640"),
            "signed_chain.crt.lock": (USER, "0o600"),
            "signed_chain.crt.state": (USER, "0o600"),
            "timefile": (USER, "0o644"),
            "timefile.now": (USER, "0o644"),
        }
        assert owner_and_mode(machine.keys) == (USER, "0o750")
        assert owner_and_mode(site.challenges) == (USER, "0o755")
        assert owner_and_mode(site.root) == (WEB_USER, "0o751")
        assert list(site.challenges.iterdir()) == []
        assert owner_and_mode(Path(machine.parameters.log_dir)) == (LOG_USER, "0o750")
        machine.until(
            lambda: "new certificate for example.org" in machine.log, "a line of it"
        )
        assert machine.status("up,wantedup") == "true true"


def test_readiness_is_a_certificate_that_is_deployed(
    start: Start, authority: Pebble, scratch: Path
) -> None:
    target = scratch / "server/chain.pem"
    with start(
        authority,
        notify=60,
        deployments=[f"x: copy chain {target}"],
        state_dir=f"{scratch}/state",
    ) as machine:
        subprocess.run(
            ["s6-svwait", "-U", "-t", "30000", str(machine.service_directory)],
            check=True,
        )
        assert target.read_bytes() == machine.chain.read_bytes()
        machine.until(
            lambda: "deployed: x" in machine.log, "finish's own words in the log"
        )
        machine.svc("-a")
        machine.until(
            lambda: machine.status("ready") == "true", "ready again after a look"
        )


def test_a_boot_deploys_what_a_power_cut_left(
    start: Start, authority: Pebble, scratch: Path
) -> None:
    target, state = scratch / "server/chain.pem", scratch / "state"
    deployments = [f"x: copy chain {target}", "bad: run false"]
    with start(authority, deployments=deployments, state_dir=str(state)) as machine:
        machine.until(lambda: "not deployed" in machine.log, "the first deployment")
        machine.until(machine.is_waiting, "snooze after the first certificate")
        machine.svc("-wD", "-d")
        target.unlink()
        shutil.rmtree(state)
        machine.timefile.touch()
        shutil.chown(machine.timefile, USER)
        (machine.service_directory / "data/looked").unlink()  # a boot makes a new copy
        machine.svc("-u")
        machine.until(target.exists, "the deployment after the boot")
        machine.until(machine.is_waiting, "snooze again")
        time.sleep(3)

        machine.says("not deployed", times=3)  # at -d as well
        machine.says("ordering", times=1)
        assert not list((scratch / "sv").rglob("looked"))
        assert not list((scratch / "compiled").rglob("looked"))


def test_a_placeholder_until_there_is_a_certificate(
    start: Start, authority: Pebble, door: Callable[[int], Gate], scratch: Path
) -> None:
    require("openssl")
    entrance = door(authority.port)
    entrance.opened.clear()
    both = scratch / "server/both.pem"
    with start(
        authority,
        entrance.port,
        placeholder=True,
        deployments=[f"x: combine key+chain {both}"],
        state_dir=f"{scratch}/state",
    ) as machine:
        machine.until(lambda: entrance.connections, "a connection to the CA")
        assert names_of(machine.chain) == NAMES
        machine.svc("-r")  # as if the attempt had failed
        machine.until(both.exists, "the placeholder is deployed")
        ssl.create_default_context().load_cert_chain(both)
        assert b"s6gen placeholder" in both.read_bytes()
        entrance.opened.set()
        machine.svc("-a")
        machine.until(
            lambda: machine.log.count("deployed: x") == 2, "a real certificate"
        )
        real = both.read_bytes()
        assert machine.chain.read_bytes() in real
        assert b"placeholder" not in real

        machine.until(machine.is_waiting, "snooze after the first certificate")
        machine.svc("-d")
        machine.until(lambda: machine.status("up") == "false", "the service is down")
        entrance.opened.clear()
        machine.chain.unlink()
        connections = entrance.connections
        machine.svc("-u")
        machine.until(
            lambda: entrance.connections > connections, "a connection to the CA"
        )
        machine.svc("-r")
        machine.until(lambda: entrance.connections > connections + 1, "another one")
        assert b"placeholder" in machine.chain.read_bytes()
        assert both.read_bytes() == real


def test_a_ca_that_is_down_does_not_block_a_boot(
    start: Start,
    authority: Pebble,
    door: Callable[[int], Gate],
    request: pytest.FixtureRequest,
) -> None:
    if "s6-rc" not in request.node.callspec.id:
        pytest.skip("s6-rc alone waits with a timeout-up")
    entrance = door(1)  # where nobody listens
    with (
        pytest.raises(subprocess.CalledProcessError),
        start(authority, entrance.port, notify=2),
    ):
        pass


def test_a_restart_and_a_look_do_not_order_again(
    start: Start, authority: Pebble
) -> None:
    with start(authority) as machine:
        machine.until(machine.chain.exists, "a certificate")
        machine.until(machine.is_waiting, "snooze after the first certificate")
        chain = machine.chain.read_bytes()
        machine.svc("-wr", "-r")
        machine.until(machine.timefile.exists, "a look after the restart")
        machine.until(machine.is_waiting, "snooze after the restart")
        machine.runs_again()

        assert machine.chain.read_bytes() == chain
        machine.says("ordering", times=1)


def test_sigalrm_does_not_harm_an_order(
    start: Start, authority: Pebble, door: Callable[[int], Gate]
) -> None:
    entrance = door(authority.port)
    entrance.opened.clear()
    with start(authority, entrance.port) as machine:
        machine.until(lambda: entrance.connections, "a connection to the CA")
        for _ in range(10):
            machine.svc("-a")
        entrance.opened.set()
        machine.until(machine.chain.exists, "a certificate")

        assert entrance.connections == 1


@pytest.fixture
def door() -> Iterator[Callable[[int], Gate]]:
    with contextlib.ExitStack() as stack:
        yield lambda port: stack.enter_context(gate(port))


def test_down_in_the_middle_leaves_nothing_and_up_goes_on(
    start: Start, scratch: Path, site: WebServer, dns: ChallTestSrv
) -> None:
    with (
        pebble(make(scratch / "slow"), site.port, dns, Settings(sleep=5)) as slow,
        start(slow) as machine,
    ):
        machine.until(
            lambda: site.challenges.exists() and any(site.challenges.iterdir()),
            "an answer",
        )
        machine.svc("-wD", "-d")

        assert machine.processes() == []
        assert list(site.challenges.iterdir()) == []
        machine.svc("-u")
        machine.until(machine.chain.exists, "a certificate")
        machine.until(machine.is_waiting, "snooze again")


def test_a_ca_that_is_down_is_asked_once(
    start: Start, authority: Pebble, door: Callable[[int], Gate]
) -> None:
    entrance = door(1)  # where nobody listens
    with start(authority, entrance.port) as machine:
        machine.until(lambda: "fatal" in machine.log, "a failure")
        machine.until(machine.is_waiting, "snooze after the failure")
        attempts = entrance.connections
        for signal in ("-a", "-r", "-a"):
            machine.svc(signal)
            time.sleep(1)
            machine.until(machine.is_waiting, "snooze")

        assert entrance.connections == attempts
        machine.says("ordering", times=1)
        assert not machine.chain.exists()


@pytest.mark.parametrize(
    "clock", [0, time.time() + 366 * 86400], ids=["1970", "next year"]
)
def test_a_timefile_of_a_wrong_clock_does_no_harm(
    start: Start, authority: Pebble, clock: float
) -> None:
    with start(authority) as machine:
        machine.until(machine.chain.exists, "a certificate")
        machine.until(machine.is_waiting, "snooze after the first certificate")
        machine.svc("-wD", "-d")
        machine.timefile.touch()
        os.utime(machine.timefile, (clock, clock))
        machine.svc("-u")
        machine.until(
            lambda: (
                machine.timefile.exists()
                and abs(machine.timefile.stat().st_mtime - time.time()) < 60
            ),
            "a look",
        )
        machine.until(machine.is_waiting, "snooze again")

        machine.says("ordering", times=1)


def test_what_cannot_start_says_why_and_tries_again_in_a_minute(
    start: Start, authority: Pebble
) -> None:
    with start(authority, user="no-such-user", group="nogroup") as machine:
        machine.until(
            lambda: "no such user: no-such-user" in machine.log, "the reason in the log"
        )
        time.sleep(3)

        machine.says("no such user: no-such-user", times=1)
        assert machine.status("up") == "true"
        machine.svc("-wD", "-d")
        assert machine.status("up") == "false"


def test_a_snooze_that_is_missing_is_given_up(
    start: Start, authority: Pebble, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = make(scratch / "bin")
    for directory in ("/usr/lib/execline/bin", *os.environ["PATH"].split(":")):
        for program in Path(directory).glob("*"):
            if program.name != "snooze" and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(programs))
    with start(authority) as machine:
        machine.until(
            lambda: machine.status("up,wantedup") == "false false", "it is given up"
        )

        machine.says("snooze", times=5)


def plant_in_place(site: WebServer, target: Path) -> None:
    site.challenges.parent.mkdir()
    site.challenges.symlink_to(target)


def plant_above(site: WebServer, target: Path) -> None:
    site.challenges.parent.symlink_to(target)


@pytest.mark.parametrize("plant", [plant_in_place, plant_above])
def test_nothing_of_others_is_followed_or_taken(
    start: Start,
    authority: Pebble,
    site: WebServer,
    scratch: Path,
    plant: Callable[..., None],
) -> None:
    """The web server's user puts a link to somebody's directory where the answers are to go."""
    precious = make(scratch / "precious")
    precious.chmod(0o700)
    plant(site, precious)
    with start(authority) as machine:
        machine.until(lambda: "symbolic link" in machine.log, "the reason in the log")

        assert owner_and_mode(precious) == ("root", "0o700")
        assert list(precious.iterdir()) == []
        assert (
            f"is a symbolic link to {precious}: render with the real path"
            in machine.log
        )


def test_a_directory_of_others_is_not_taken(
    start: Start, authority: Pebble, scratch: Path
) -> None:
    (make(scratch / "etc") / "passwd").write_text("precious")
    with start(authority, certificate_dir=str(scratch / "etc")) as machine:
        machine.until(
            lambda: "does not belong to" in machine.log, "the reason in the log"
        )

        assert owner_and_mode(scratch / "etc") == ("root", "0o755")


def test_acme_tiny_is_called_when_the_chain_runs_out(
    start: Start, authority: Pebble, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tutorial's client, with keys and CSR made as its own documentation says."""
    require("acme-tiny", "openssl")
    keys = scratch / "etc/ssl/letsencrypt"
    keys.mkdir(parents=True)
    for command in (
        "openssl genrsa -out account.key 2048",
        "openssl ecparam -genkey -name prime256v1 -noout -out domain.key",
        "openssl req -new -sha256 -key domain.key -out domain.csr -subj / "
        "-addext subjectAltName=DNS:example.org",
    ):
        subprocess.run(command.split(), cwd=keys, check=True, capture_output=True)
    owner = pwd.getpwnam(USER)
    for path in (keys, *keys.iterdir()):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    authority.ca_file.parent.chmod(0o755)
    with start(authority, client="acme-tiny", ca_bundle=None) as machine:
        machine.until(machine.chain.exists, "a certificate")
        machine.until(machine.is_waiting, "snooze after it")
        machine.runs_again()

        ssl.create_default_context().load_cert_chain(
            machine.chain, machine.keys / "domain.key"
        )
        machine.says("Certificate signed!", times=1)
        assert "signed_chain.crt.new" not in {path.name for path in keys.iterdir()}


def test_any_command_is_a_client(start: Start, authority: Pebble) -> None:
    command = """sh -c 'echo "it is $(id -un) in $(basename "$PWD"), with $1" >&2' sh '$1 {}'"""
    with start(authority, client=command) as machine:
        machine.until(lambda: "it is" in machine.log, "the command's words in the log")

        assert (
            f"it is {USER} in {machine.service_directory.name}, with $1 {{}}\n"
            in machine.log
        )
