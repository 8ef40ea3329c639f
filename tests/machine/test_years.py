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
from support.authority import server_files
from support.faults import without
from support.gate import Gate, gate
from support.pebble import PEBBLE, ChallTestSrv, Settings, WebServer, pebble
from support.program import free_port, require
from support.proxy import proxy
from support.rendering import rendered, store
from support.servers.web import nginx
from support.supervision import (
    LOG_USER,
    USER,
    Machine,
    argv,
    python_for_all,
    supervised,
    under_s6,
    under_s6_rc,
)

from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt

NAMES = ["example.org", "www.example.org"]
RENEWALS, VALIDITY, PAGES = 20, 30, 16
"""A number, seconds, KiB: what 150 looks may add, which is a hundred bytes for each.

Half of the seconds are what an attempt against a CA that is gone (5 s), the pause after it, the
next look (2 s), the order and the deployment may take together on a busy machine.
"""
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


def processes(machine: Machine) -> Iterator[tuple[str, Path]]:
    """Name, and directory in /proc, of all that supervises, logs or waits."""
    top = machine.keys.parents[2]
    for process in Path("/proc").glob("[0-9]*"):
        name = Path(argv(process)[0]).name
        with contextlib.suppress(OSError):
            ours = (process / "cwd").readlink().is_relative_to(top)
            if ours and (name.startswith("s6-") or name == "snooze"):
                yield name, process


def footprint(machine: Machine, directories: list[Path]) -> dict[str, object]:
    """What must not grow: files, processes and what they hold."""
    descriptors: list[tuple[str, int]] = []
    # A look that begins in between ends snooze.
    while "snooze" not in dict(descriptors):
        descriptors.clear()
        machine.until(machine.is_waiting, "snooze")
        for name, process in processes(machine):
            with contextlib.suppress(OSError):
                descriptors.append((name, len([*(process / "fd").iterdir()])))
    return {
        "files": sorted(str(path) for one in directories for path in one.rglob("*")),
        "descriptors": sorted(descriptors),
    }


def memory(machine: Machine) -> dict[str, int]:
    """KiB that processes have for themselves: heap and stack, which a leak would make grow."""
    found: dict[str, int] = {}
    # A look that begins in between ends snooze.
    while "snooze" not in found:
        found.clear()
        machine.until(machine.is_waiting, "snooze")
        for name, process in processes(machine):
            with contextlib.suppress(OSError, ValueError):
                words = (process / "smaps_rollup").read_text().split()
                kib = int(words[words.index("Anonymous:") + 1])
                found[name] = found.get(name, 0) + kib
    return found


def trouble(machine: Machine, door: Gate, disk: Path) -> dict[int, Callable[[], None]]:
    """What goes wrong at the next renewal, by the number of certificates seen before."""

    def until_asked() -> None:
        before = door.connections
        machine.until(lambda: door.connections > before, "a connection to the CA")

    def hangs() -> None:
        door.opened.clear()
        until_asked()
        time.sleep(3)
        door.opened.set()

    def refuses() -> None:
        failures = machine.log.count("s6gen-acme: fatal")
        with door.gone():
            machine.until(
                lambda: machine.log.count("s6gen-acme: fatal") > failures,
                "an attempt that failed",
            )

    def killed() -> None:
        for pause in (0, 0.1, 0.3):
            until_asked()
            time.sleep(pause)
            kill(machine)

    def often_killed() -> None:
        for _ in range(6):
            kill(machine)
            time.sleep(0.4)

    def full() -> None:
        failures = machine.log.count("not deployed")
        with contextlib.suppress(OSError):
            (disk / "ballast").write_bytes(bytes(1 << 17))
        machine.until(
            lambda: machine.log.count("not deployed") > failures, "a full disk"
        )
        (disk / "ballast").unlink()

    return {
        3: refuses, 5: hangs, 7: killed, 9: full, 11: often_killed, 13: refuses, 15: killed,
        18: refuses,
    }  # fmt: skip


def kill(machine: Machine) -> None:
    """SIGKILL to whatever the service is at this moment."""
    pid = machine.status("pid")
    if pid not in ("", "-1"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def update(machine: Machine, scratch: Path) -> None:
    """Render with another schedule, compile, and switch the live database to it."""
    other = attrs.evolve(
        machine.parameters,
        raw_snooze=str(machine.parameters.raw_snooze).replace("-S/2", "-S/3"),
    )
    store(rendered(other), scratch / "sv", force=False)
    compiled = scratch / "compiled-again"
    subprocess.run(["s6-rc-compile", str(compiled), str(scratch / "sv")], check=True)
    subprocess.run(
        ["s6-rc-update", "-l", str(scratch / "live"), str(compiled)], check=True
    )
    machine.until(
        lambda: any(
            "-S/3" in argv(process) for process in Path("/proc").glob("[0-9]*")
        ),
        "snooze with the new schedule",
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_renewals(
    kind: str, scratch: Path, dns: ChallTestSrv, site: WebServer
) -> None:
    require("execlineb", "s6-svscan", "s6-log", "snooze", "nginx", PEBBLE)
    if kind == "s6-rc":
        require("s6-rc-compile", "s6-rc-init", "s6-rc")
    server, port = scratch / "nginx", free_port()
    server.mkdir()
    (scratch / "ca").mkdir()
    # Since Pebble 2.5 it suggests windows of two days, whatever the validity is.
    settings = Settings(validity=VALIDITY)
    waits = f"while ! test -e {server}/tls/chain.pem; do sleep 0.1; done"
    with (
        pebble(scratch / "ca", site.port, dns, settings) as authority,
        proxy(authority, server_files(scratch / "proxy")) as silent,
        silent.faulty("directory", without("renewalInfo")),
        gate(silent.port) as door,
        small_disk(server / "tls"),
        supervised(server, f"{waits}\n{nginx(server, port)}"),
    ):
        (scratch / "ca.pem").write_bytes(silent.ca_file.read_bytes())
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
            machine.until(lambda: is_listening(port), "the server")
            with visiting(port, scratch / "root.pem") as visitor:
                troubles = trouble(machine, door, server / "tls")
                if kind == "s6-rc":
                    troubles[14] = lambda: update(machine, scratch)
                renew_often(machine, visitor, troubles)
                assert visitor.complaints == []


def is_listening(port: int) -> bool:
    """Tell whether somebody accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


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
    held: dict[str, int] = {}
    for number in range(1, RENEWALS + 2):
        deadline = time.monotonic() + 3 * VALIDITY
        while len(visitor.serials) < number:
            assert not visitor.complaints, f"{visitor.complaints}\n{machine.log}"
            assert time.monotonic() < deadline, f"renewal {number}\n{machine.log}"
            time.sleep(0.1)
        troubles.get(number, lambda: None)()
        if number == 2:
            early = footprint(machine, directories)
        if number == RENEWALS // 2:
            held = memory(machine)
    for _ in range(5):  # a look may begin in between; a leak stays
        if footprint(machine, directories) == early:
            break
    assert footprint(machine, directories) == early
    # Some pages more are a stack that once was deeper, a line that once was longer.
    last = memory(machine)
    grown = {name for name, kib in last.items() if kib > held.get(name, kib) + PAGES}
    assert grown == set(), (held, last)
