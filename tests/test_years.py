"""Years in minutes: certificates valid for seconds, twenty renewals, and all that goes wrong."""

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from support.gate import Gate, gate
from support.pebble import PEBBLE, ChallTestSrv, Settings, WebServer, pebble
from support.program import free_port, require
from support.rendering import rendered, store
from support.supervision import Machine, argv, under_s6, under_s6_rc
from test_service import LOG_USER, NAMES, USER, python_for_all

from s6gen.renew_lets_encrypt import RenewLetsEncrypt

RENEWALS, VALIDITY = 20, 24
KINDS = {"s6": under_s6, "s6-rc": under_s6_rc}


@attrs.frozen
class Visitor:
    """A TLS client that connects all the time, and notes what it would have complained of."""

    port: int
    root: Path
    complaints: list[str] = attrs.field(factory=list)
    serials: dict[str, None] = attrs.field(factory=dict)
    done: threading.Event = attrs.field(factory=threading.Event)

    def visit(self) -> None:
        """Connect as a browser does: chain, name and time are verified."""
        context = ssl.create_default_context(cafile=str(self.root))
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 10) as plain,
                context.wrap_socket(plain, server_hostname=NAMES[0]) as secured,
            ):
                self.serials[str((secured.getpeercert() or {})["serialNumber"])] = None
        except OSError as error:
            self.complaints.append(f"{time.strftime('%X')} {error}")

    def keep_visiting(self) -> None:
        while not self.done.wait(0.1):
            self.visit()


@contextlib.contextmanager
def visiting(port: int, root: Path) -> Iterator[Visitor]:
    visitor = Visitor(port, root)
    thread = threading.Thread(target=visitor.keep_visiting)
    thread.start()
    try:
        yield visitor
    finally:
        visitor.done.set()
        thread.join()


@contextlib.contextmanager
def nginx(directory: Path, port: int) -> Iterator[None]:
    """The real server, supervised; it waits for its first certificate."""
    (directory / "conf").write_text(
        f"daemon off; pid {directory}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {directory}/tls/chain.pem; ssl_certificate_key {directory}/tls/key.pem;\n"
        f"return 200; }} }}\n"
    )
    run = directory / "run"
    run.write_text(
        f"#!/bin/sh\nexec 2>&1\nwhile ! test -e {directory}/tls/chain.pem; do sleep 0.1; done\n"
        f"exec nginx -c {directory}/conf\n"
    )
    run.chmod(0o755)
    with (directory / "log").open("wb") as log:
        supervisor = subprocess.Popen(["s6-supervise", str(directory)], stdout=log, stderr=log)
    try:
        yield
    finally:
        supervisor.terminate()
        supervisor.wait(20)


@contextlib.contextmanager
def small_disk(directory: Path) -> Iterator[None]:
    """A file system of 64 KiB."""
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "none", str(directory)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def footprint(machine: Machine, directories: list[Path]) -> dict[str, object]:
    """What must not grow: files, processes and what they hold."""
    machine.until(machine.is_waiting, "snooze")
    supervisors = [
        process
        for process in Path("/proc").glob("[0-9]*")
        if Path(argv(process)[0]).name in ("s6-supervise", "s6-svscan")
        and str((process / "cwd").readlink()).startswith(str(machine.keys.parents[2]))
    ]
    return {
        "files": sorted(str(path) for one in directories for path in one.rglob("*")),
        "supervisors": len(supervisors),
        "descriptors": sum(len(list((process / "fd").iterdir())) for process in supervisors),
    }


def kill_client(machine: Machine) -> None:
    """SIGKILL to whatever the service is at this moment."""
    pid = machine.status("pid")
    if pid not in ("", "-1"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def trouble(machine: Machine, door: Gate, disk: Path) -> dict[int, Callable[[], None]]:
    """What goes wrong, by the number of certificates seen before."""

    def outage() -> None:
        door.opened.clear()
        time.sleep(3)
        door.opened.set()

    def killed() -> None:
        for _ in range(6):
            kill_client(machine)
            time.sleep(0.4)

    def full() -> None:
        with contextlib.suppress(OSError):
            (disk / "ballast").write_bytes(bytes(1 << 17))
        deadline = time.monotonic() + VALIDITY / 2
        while "not deployed" not in machine.log and time.monotonic() < deadline:
            time.sleep(0.1)
        (disk / "ballast").unlink()

    return {4: outage, 6: killed, 8: full, 10: killed, 12: outage, 15: killed}


def update(machine: Machine, scratch: Path) -> None:
    """Render with another schedule, compile, and switch the live database to it."""
    other = attrs.evolve(
        machine.parameters, raw_snooze=str(machine.parameters.raw_snooze).replace("-S/2", "-S/3")
    )
    store(rendered(other), scratch / "sv", force=False)
    compiled = scratch / "compiled-again"
    subprocess.run(["s6-rc-compile", str(compiled), str(scratch / "sv")], check=True)
    subprocess.run(["s6-rc-update", "-l", str(scratch / "live"), str(compiled)], check=True)
    machine.until(
        lambda: any("-S/3" in argv(process) for process in Path("/proc").glob("[0-9]*")),
        "snooze with the new schedule",
    )


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_renewals(kind: str, scratch: Path, dns: ChallTestSrv, site: WebServer) -> None:
    require("execlineb", "s6-svscan", "s6-log", "snooze", "nginx", PEBBLE)
    if kind == "s6-rc":
        require("s6-rc-compile", "s6-rc-init", "s6-rc")
    server, port = scratch / "nginx", free_port()
    server.mkdir()
    (scratch / "ca").mkdir()
    settings = Settings(validity=VALIDITY)
    with (
        pebble(scratch / "ca", site.port, dns, settings) as authority,
        gate(authority.port) as door,
        small_disk(server / "tls"),
        nginx(server, port),
    ):
        (scratch / "ca.pem").write_bytes(authority.ca_file.read_bytes())
        (scratch / "root.pem").write_bytes(authority.root())
        keys = scratch / "etc/ssl/letsencrypt"
        parameters = RenewLetsEncrypt(
            page="www",
            domains=NAMES,
            web_root=str(site.root.parent),
            certificate_dir=str(keys),
            log_dir=str(scratch / "var/log/renew-lets-encrypt"),
            user=USER,
            log_user=LOG_USER,
            ca=f"https://localhost:{door.port}/dir",
            ca_bundle=str(scratch / "ca.pem"),
            python=python_for_all(),
            execlineb=str(shutil.which("execlineb")),
            raw_snooze=f"-H* -M* -S/2 -s1m -t{keys}/timefile",
            state_dir=str(scratch / "var/lib/s6gen"),
            deployments=[f"nginx dir={server}/tls service={server}"],
        )
        with KINDS[kind](parameters, scratch) as machine:
            machine.until((server / "tls/chain.pem").exists, "the first deployment")
            time.sleep(1)
            with visiting(port, scratch / "root.pem") as visitor:
                troubles = trouble(machine, door, server / "tls")
                if kind == "s6-rc":
                    troubles[14] = lambda: update(machine, scratch)
                renew_often(machine, visitor, troubles)
                assert visitor.complaints == []


def renew_often(
    machine: Machine, visitor: Visitor, troubles: dict[int, Callable[[], None]]
) -> None:
    """Wait for each new certificate, with the trouble that is due before it."""
    directories = [
        machine.keys,
        Path(machine.parameters.state_dir),
        Path(visitor.root).parent / "nginx/tls",
    ]
    early: dict[str, object] = {}
    for number in range(1, RENEWALS + 2):
        deadline = time.monotonic() + 3 * VALIDITY
        while len(visitor.serials) < number:
            assert not visitor.complaints, f"{visitor.complaints}\n{machine.log}"
            assert time.monotonic() < deadline, f"renewal {number}\n{machine.log}"
            time.sleep(0.1)
        troubles.get(number, lambda: None)()
        if number == 2:
            early = footprint(machine, directories)
    assert footprint(machine, directories) == early
