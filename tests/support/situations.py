"""What happens to a server and its preset: functions that take any server of `support.servers`.

The old certificate is served until the new one is; one line says what is wrong, and of which target; what is
mended is served without a hand; and no process is ended but by a restart.
"""

import contextlib
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from cryptography import x509

from support.host import NOT_DEPLOYED, Host
from support.noting import state_of
from support.program import free_port, require
from support.servers.server import Server
from support.supervision import WITHIN, supervised


@attrs.frozen
class Scene:
    """A host with a certificate, and a server that it is for."""

    name: str
    """The preset's."""
    server: Server
    host: Host
    directory: Path
    """The server's service directory."""
    port: int

    def renders(self, more: str = "") -> None:
        """The renewal service, with these settings of the preset besides."""
        values = {"directory": self.directory, "port": self.port}
        if self.server.deployment:
            example = self.server.deployment
            self.host.renders(example.format(**values, address=self.address))
            return
        settings = self.server.settings.format(**values)
        serves = f"serves='{self.address} timeout=5'"
        self.host.renders(
            f"{self.name} dir={self.directory}/tls {serves} {settings} {more}"
        )

    @property
    def address(self) -> str:
        """Where it listens."""
        host, port = self.server.address(self.port)
        return f"{host}:{port}"

    @property
    def new(self) -> int:
        """The serial number of the certificate that is to be served."""
        return serial(self.host.chain)

    @contextlib.contextmanager
    def connected(self) -> Iterator[ssl.SSLSocket]:
        """A connection to the server. Raises OSError."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        address = self.server.address(self.port)
        with socket.create_connection(address, 10) as plain:
            self.server.greet(plain)
            with context.wrap_socket(plain) as secured:
                yield secured

    def served(self) -> int:
        """The serial number of the certificate that the server shows. Raises OSError."""
        with self.connected() as secured:
            shown = secured.getpeercert(True) or b""
            return x509.load_der_x509_certificate(shown).serial_number

    def served_after_a_reset(self) -> int:
        """The same, asked once more at once when the server cuts the connection off.

        A server that reloads closes its old sockets, and may cut off who has just come;
        clients try that again by themselves. Who is refused, or cut off twice, notices.
        """
        try:
            return self.served()
        except (ConnectionResetError, ssl.SSLEOFError):
            return self.served()

    def until_served(self) -> None:
        """Wait for the new certificate."""
        deadline = time.monotonic() + WITHIN
        answer = ""
        while time.monotonic() < deadline:
            try:
                if self.served() == self.new:
                    return
                answer = "another certificate"
            except OSError as error:
                answer = repr(error)
            time.sleep(0.1)
        log = (self.directory / "log").read_text(errors="replace")
        pytest.fail(f"the new certificate is not served: {answer}\n{log[-3000:]}")

    def svc(self, *options: str) -> None:
        """Tell s6-supervise."""
        subprocess.run(["s6-svc", *options, str(self.directory)], check=True)

    @property
    def process(self) -> str:
        """The server's process."""
        return state_of(self.directory, "pid")

    def refuses(self, reason: str) -> None:
        """The next look says in one line why it does not deploy, and harms nothing."""
        old, process = self.served(), self.process
        assert old != self.new
        said = self.host.finishes()
        (line,) = [one for one in said.splitlines() if "deployed" in one]
        assert line.startswith(f"{NOT_DEPLOYED}{self.name}: "), said
        assert re.search(reason, line), said
        assert self.served() == old
        assert self.server.is_restarted or self.process == process

    def deploys(self) -> None:
        """The next look deploys, and then the new certificate is served."""
        process = self.process
        said = self.host.finishes()
        assert said.endswith(f"deployed: {self.name}\n"), said
        assert self.served_after_a_reset() == self.new
        assert self.server.is_restarted or self.process == process, said

    def deploys_at_last(self) -> None:
        """One of the next looks deploys, and then the new certificate is served."""
        deadline = time.monotonic() + WITHIN
        while not (said := self.host.finishes()).endswith(f"deployed: {self.name}\n"):
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        self.until_served()


def serial(path: Path) -> int:
    """The serial number of the first certificate in a file."""
    return x509.load_pem_x509_certificates(path.read_bytes())[0].serial_number


@contextlib.contextmanager
def scene(name: str, server: Server, scratch: Path) -> Iterator[Scene]:
    """The server, running with a certificate that the preset of this name gave to it."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become other users")
    require("execlineb", "s6-supervise", "s6-setuidgid", *server.programs)
    directory, port = scratch / name, free_port()
    directory.mkdir()
    it = Scene(name, server, Host(scratch, os.environ["PATH"]), directory, port)
    it.host.has_new_certificate()
    it.renders()
    it.host.finishes()  # the server is not supervised yet, but has its files then
    with supervised(directory, server.configure(directory, port)):
        it.until_served()
        yield it


@contextlib.contextmanager
def nobody_refused(it: Scene) -> Iterator[None]:
    """A client connects all the time, and gets a certificate unless there has to be a gap."""
    refused: list[str] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.wait(0.02):
            try:
                it.served_after_a_reset()
            except OSError as error:
                refused.append(repr(error))

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
        yield
    finally:
        done.set()
        client.join()
    assert refused == [] or it.server.has_a_gap


def renews_while_a_client_connects(it: Scene) -> None:
    """Three renewals: each is served when finish says so, and nobody is refused."""
    with nobody_refused(it):
        for _ in range(3):
            it.host.has_new_certificate()
            it.deploys()


def has_a_mistake(it: Scene) -> None:
    """A mistake in the configuration, which nobody has noticed so far."""
    configuration = it.directory / it.server.configuration
    good = configuration.read_bytes()
    configuration.write_bytes(good + it.server.mistake.encode())
    it.host.has_new_certificate()
    if it.server.minds_mistakes:
        it.refuses(": (test|run|serves) .*: .*[a-z]")
        it.refuses(": (test|run|serves) .*: .*[a-z]")
        configuration.write_bytes(good)
        it.deploys()
    else:
        it.deploys()
        configuration.write_bytes(good)


def cannot_read_its_key(it: Scene) -> None:
    """The key is given to another group than the server's account has."""
    it.renders(it.server.unreadable)
    it.host.has_new_certificate()
    it.refuses(": (test|run) .*[Pp]ermission denied")
    it.refuses(": (test|run) .*[Pp]ermission denied")
    it.renders()
    it.deploys()


def is_called_by_another_name(it: Scene) -> None:
    """The service that is to be told is supervised nowhere."""
    it.renders(f"service={it.directory}-wrong")
    it.host.has_new_certificate()
    it.refuses("-wrong: is not supervised")
    it.renders()
    it.deploys()


def is_down(it: Scene) -> None:
    """It is down, is left down, and serves the new certificate when it comes up."""
    it.svc("-wD", "-T", "30000", "-d")
    it.host.has_new_certificate()
    said = it.host.finishes()
    assert said.endswith(f"deployed: {it.name}\n"), said
    assert it.process == "-1"
    it.svc("-u")
    it.until_served()


def starts(it: Scene) -> None:
    """Its run script takes its time: what is told to it meanwhile does not end it."""
    run = it.directory / "run"
    script = run.read_text()
    run.write_text(script.replace("exec 2>&1\n", "exec 2>&1\nsleep 3\n"))
    it.svc("-wD", "-T", "30000", "-d")
    it.svc("-wu", "-T", "30000", "-u")
    process = it.process
    it.host.has_new_certificate()
    it.deploys_at_last()
    assert it.server.is_restarted or it.process == process
    run.write_text(script)


def is_restarted(it: Scene) -> None:
    """Somebody restarts it in the same moment."""
    it.host.has_new_certificate()
    it.svc("-r")
    it.deploys_at_last()


def reads_other_files(it: Scene) -> None:
    """Its configuration names files that are not deployed: whether told or not, it serves the old."""
    configuration = it.directory / it.server.configuration
    good = configuration.read_text()
    subprocess.run(["cp", "-a", it.directory / "tls", it.directory / "old"], check=True)
    configuration.write_text(good.replace("/tls/", "/old/"))
    it.svc("-wr", "-T", "30000", "-r")
    it.until_served()
    it.host.has_new_certificate()
    it.refuses(f": serves {it.address}: .*another certificate")
    configuration.write_text(good)
    if it.server.reopens:
        it.deploys()
    else:
        it.svc("-wr", "-T", "30000", "-r")
        it.deploys_at_last()


SITUATIONS: tuple[Callable[[Scene], None], ...] = (
    renews_while_a_client_connects,
    has_a_mistake,
    cannot_read_its_key,
    is_called_by_another_name,
    is_down,
    starts,
    is_restarted,
    reads_other_files,
)
"""All that can happen, one after the other with a server that runs."""


def happens(situation: Callable[[Scene], None], server: Server) -> bool:
    """Whether a situation can be that of a server."""
    match situation.__name__:
        case "has_a_mistake":
            return bool(server.mistake)
        case "cannot_read_its_key":
            return bool(server.unreadable)
        case "is_called_by_another_name":
            return server.is_told and "service=" in server.settings
        case "reads_other_files":
            return bool(server.mistake) and server.names_its_files
    return True
