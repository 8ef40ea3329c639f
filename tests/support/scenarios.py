"""What may happen to a client that is left alone for weeks, on its machine and at its CA.

Trouble begins with the first look, and lasts for some days; then all is well again.
"""

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import attrs

from support.authority import key_pem, new_key
from support.client import NAME
from support.counting_ca import Behaviour
from support.virtual_clock import DAY, HOUR, MINUTE, WEEK


@attrs.frozen
class Machine:
    """The client's files."""

    directory: Path

    @property
    def home(self) -> Path:
        """Where the chain and the keys are."""
        return self.directory / "home"

    @property
    def challenges(self) -> Path:
        """The directory of the challenges."""
        return self.directory / "challenges"

    @property
    def chain(self) -> Path:
        """The file that is kept current."""
        return self.home / "chain.pem"

    @property
    def key(self) -> Path:
        """The certificate's key."""
        return self.home / "domain.key"

    def options(self, names: Iterable[str]) -> list[str]:
        """What keeps the chain current, but the CA."""
        files = {
            "--out": self.chain,
            "--domain-key": self.key,
            "--account-key": self.home / "account.key",
            "--acme-dir": self.challenges,
        }
        options = [f"--domain={name}" for name in names]
        for option, path in files.items():
            options += [option, str(path)]
        return options


def hourly(weeks: float, every: float = HOUR) -> tuple[float, ...]:
    """Looks for so many weeks, in seconds from the first one."""
    return tuple(number * every for number in range(int(weeks * WEEK / every)))


def nothing(_machine: Machine, *_: object) -> None:
    """Nothing happens."""


@attrs.frozen(kw_only=True)
class Scenario:
    """What happens, and when the client looks. All but `ca` happens in the days of trouble only."""

    looks: tuple[float, ...] = ()
    """Seconds from the first one; none where there is trouble: see `looks_in_trouble`."""
    ca: Behaviour = attrs.field(factory=Behaviour)
    """In the days of trouble; then it is `healed`."""
    options: tuple[str, ...] = ()
    """More options of the client, always."""
    mounts: bool = False
    """It mounts something, as root."""
    keeps: bool = False
    """The chain stays good all the time."""

    ahead: float = 0
    """Seconds by which the machine's clock is wrong."""
    names: tuple[tuple[str, ...], ...] = ((NAME,),)
    """The names that are asked for, by turns; at last the first."""
    begin: Callable[[Machine], None] = nothing
    """Done once, before all."""
    before: Callable[[Machine, int], None] = nothing
    """Done before each look, which has a number."""
    fault: Callable[[Machine], None] = nothing
    """Done in the process of each run."""
    end: Callable[[Machine], None] = nothing
    """Done once, when trouble ends."""
    restarts: int = 0
    """So many looks come first, one each second."""
    signal: int = 0
    """The signal that ends each run, at a random moment."""
    longest: float = 0
    """Virtual seconds after which that happens at the latest."""

    def calmed(self) -> "Scenario":
        """The scenario after its days of trouble."""
        return Scenario(ca=self.ca, options=self.options)

    def looks_in_trouble(self, trouble: float, every: float) -> tuple[float, ...]:
        """Looks as long as trouble lasts, and for twelve days more."""
        rest = range(1, int((trouble + 12 * DAY) / every))
        later = (self.restarts + number * every for number in rest)
        return (0, *range(1, self.restarts), *later)


# On the machine


def remove(*names: str) -> Callable[[Machine, int], None]:
    """Somebody removes files of the client, before each look."""

    def remove_them(machine: Machine, _number: int) -> None:
        for name in names:
            (machine.home / name).unlink(missing_ok=True)

    return remove_them


def bind(name: str) -> Callable[[Machine], None]:
    """A file that is a bind mount: what is renamed to it fails with EBUSY."""

    def mount(machine: Machine) -> None:
        path = machine.home / name
        path.write_bytes(key_pem(new_key()) if name.endswith(".key") else b"")
        subprocess.run(["mount", "--bind", path, path], check=True)

    return mount


def unbind(name: str) -> Callable[[Machine], None]:
    """The file is no bind mount any more."""

    def unmount(machine: Machine) -> None:
        subprocess.run(["umount", machine.home / name], check=True)

    return unmount


def small_disk(machine: Machine) -> None:
    """A file system of its own, which is small enough to be filled."""
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(machine.home)]
    subprocess.run(command, check=True)


def fill(machine: Machine, number: int) -> None:
    """Fill the disk, once the first chain is there."""
    if not number:
        return
    filler = os.open(machine.home / "filler", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with contextlib.suppress(OSError):  # ENOSPC
        while True:
            os.write(filler, bytes(4096))
    os.close(filler)


def empty(machine: Machine) -> None:
    """Make place on the disk."""
    (machine.home / "filler").unlink()


def instead_of_rename(end: str, act: Callable[[], None]) -> Callable[[Machine], None]:
    """In a run, something else happens where a file would be put in place."""

    def guarded(rename: Callable[..., None]) -> Callable[..., None]:
        def put_in_place(source: Any, target: Any, **more: Any) -> None:
            if os.fspath(target).endswith(end):
                act()
            rename(source, target, **more)

        return put_in_place

    def install(_machine: Machine) -> None:
        os.rename = guarded(os.rename)
        os.replace = guarded(os.replace)

    return install


def kill() -> None:
    """The run is killed here."""
    os.kill(os.getpid(), signal.SIGKILL)


def no_space() -> None:
    """The disk is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


# The scenarios

SIX_DAYS = 160 * HOUR

UNDISTURBED = {
    "undisturbed, 90 days": Scenario(looks=hourly(12)),
    "undisturbed, 90 days, no windows": Scenario(
        looks=hourly(12), ca=Behaviour(has_windows=False)
    ),
    "undisturbed, 45 days": Scenario(looks=hourly(6), ca=Behaviour(lifetime=45 * DAY)),
    "undisturbed, 160 hours": Scenario(
        looks=hourly(4), ca=Behaviour(lifetime=SIX_DAYS)
    ),
    "undisturbed, 160 hours, no windows": Scenario(
        looks=hourly(4), ca=Behaviour(lifetime=SIX_DAYS, has_windows=False)
    ),
}
"""Let's Encrypt's kinds of certificates."""

PRIVATE = {
    "undisturbed, 1 day": Scenario(looks=hourly(2), ca=Behaviour(lifetime=DAY)),
    "undisturbed, 1 day, no windows": Scenario(
        looks=hourly(2), ca=Behaviour(lifetime=DAY, has_windows=False)
    ),
    "undisturbed, 1 hour": Scenario(
        looks=hourly(1 / 7, 5 * MINUTE), ca=Behaviour(lifetime=HOUR)
    ),
}
"""A private CA's, which renew as often as their lifetime asks for."""

ON_THE_MACHINE = {
    "clock 61 days ahead": Scenario(ahead=61 * DAY, keeps=True),
    "clock 61 days ahead, 45 days": Scenario(
        ahead=61 * DAY, ca=Behaviour(lifetime=45 * DAY)
    ),
    "clock 30 days behind": Scenario(ahead=-30 * DAY),
    "chain deleted before each look": Scenario(before=remove("chain.pem")),
    "chain deleted before each look, 160 hours": Scenario(
        before=remove("chain.pem"), ca=Behaviour(lifetime=SIX_DAYS)
    ),
    "state deleted before each look, 160 hours": Scenario(
        before=remove("chain.pem.state"), ca=Behaviour(lifetime=SIX_DAYS), keeps=True
    ),
    "key deleted before each look": Scenario(before=remove("domain.key")),
    "chain and account key deleted before each look": Scenario(
        before=remove("chain.pem", "account.key")
    ),
    "other names at each look": Scenario(names=((NAME,), (NAME, f"other.{NAME}"))),
    "killed where the chain is put in place": Scenario(
        fault=instead_of_rename("/chain.pem", kill)
    ),
    "disk full, 160 hours": Scenario(
        mounts=True,
        begin=small_disk,
        before=fill,
        end=empty,
        ca=Behaviour(lifetime=SIX_DAYS),
    ),
    "no place for the chain": Scenario(fault=instead_of_rename("/chain.pem", no_space)),
    "no place for the state, chain deleted": Scenario(
        fault=instead_of_rename(".state", no_space), before=remove("chain.pem")
    ),
    "key is a bind mount": Scenario(
        mounts=True,
        begin=bind("domain.key"),
        end=unbind("domain.key"),
        options=("--new-key",),
    ),
    "chain is a bind mount": Scenario(
        mounts=True, begin=bind("chain.pem"), end=unbind("chain.pem")
    ),
    "s6-svc -r in a loop": Scenario(
        restarts=300,
        signal=signal.SIGTERM,
        longest=1.15,
        ca=Behaviour(latency=0.2),
    ),
    "killed in a loop": Scenario(
        restarts=300,
        signal=signal.SIGKILL,
        longest=1.15,
        ca=Behaviour(latency=0.2),
    ),
    "s6-svc -r in a loop, no validation": Scenario(
        restarts=300,
        signal=signal.SIGTERM,
        longest=1.15,
        ca=Behaviour(latency=0.2, validates=False),
    ),
}
AT_THE_CA = {
    "window always past": Scenario(ca=Behaviour(window_is_past=True), keeps=True),
    "window always past, 160 hours": Scenario(
        ca=Behaviour(window_is_past=True, lifetime=SIX_DAYS), keeps=True
    ),
    "no validation": Scenario(ca=Behaviour(validates=False)),
    "no validation, killed there in a loop": Scenario(
        restarts=300, ca=Behaviour(validates=False, killed_at="challenge")
    ),
    "processing for 30 hours": Scenario(ca=Behaviour(processing=30 * HOUR)),
    "processing for 8 days": Scenario(ca=Behaviour(processing=8 * DAY)),
    "each answer takes 100 s": Scenario(ca=Behaviour(latency=100)),
    "down half of each day, chain deleted": Scenario(
        ca=Behaviour(down=(0, 12)), before=remove("chain.pem")
    ),
    "killed at each newOrder, in a loop": Scenario(
        restarts=320, ca=Behaviour(killed_at="newOrder")
    ),
    "killed at each finalize": Scenario(ca=Behaviour(killed_at="finalize")),
    "killed at each certificate": Scenario(ca=Behaviour(killed_at="certificate")),
    "500 at each newOrder": Scenario(ca=Behaviour(fails_at="newOrder")),
    "500 at each finalize": Scenario(ca=Behaviour(fails_at="finalize")),
    "500 at each certificate": Scenario(ca=Behaviour(fails_at="certificate")),
}

DISTURBED = ON_THE_MACHINE | AT_THE_CA
SCENARIOS = UNDISTURBED | PRIVATE | DISTURBED
