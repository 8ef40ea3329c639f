"""The steps that tell a server, and look at it."""

import re
import shlex
from typing import ClassVar

import attrs

from s6gen.deployment.refusals import (
    refuse_account,
    refuse_if,
    refuse_no_service,
    refuse_timeout,
)
from s6gen.deployment.sender import Program, Sender, shared_name

SIGNALS = {
    "ABRT": "b",
    "ALRM": "a",
    "CONT": "c",
    "HUP": "h",
    "INT": "i",
    "QUIT": "q",
    "KILL": "k",
    "STOP": "p",
    "TERM": "t",
    "USR1": "1",
    "USR2": "2",
    "WINCH": "y",
    "reload": "l",
}
"""Each signal that s6-svc sends, and its option.

"reload" is the one that the service itself names (s6 2.15.1: -l, reload-signal), which
data/tell looks up.
"""

PROGRAMS = ("s6-svc", "s6-rc")
"""The programs that reload a service."""

STARTTLS = ("smtp", "imap", "pop3", "ldap", "xmpp", "ftp", "postgres", "mysql")
"""The protocols in which TLS begins later, by the names that openssl has for them."""

PATIENCE = 200
"""Seconds in which a server is told: 80 to stay up, to hear and to come up again, and
120 for other services of s6gen that tell it at this moment (data/together)."""

UNTIL_UP = 20
"""Seconds in which data/if-up waits for a service (10), and asks how it is."""


@attrs.frozen(kw_only=True)
class Reload:
    """Send a signal to a supervised service, if it is up."""

    service: str
    signal: str = "HUP"
    through: str = "s6-svc"

    seconds: ClassVar[int] = PATIENCE

    def __attrs_post_init__(self) -> None:
        """Refuse what s6-svc would."""
        refuse_no_service(self.service)
        refuse_if(
            self.signal not in SIGNALS,
            f"signal must be of {' '.join(SIGNALS)}: {self.signal}",
        )
        refuse_if(
            self.through not in PROGRAMS, f"through must be {' or '.join(PROGRAMS)}"
        )
        refuse_if(
            self.through == "s6-rc" and "/" in self.service,
            "s6-rc wants a service's name",
        )

    @property
    def text(self) -> str:
        """What it is called in the log."""
        return f"reload {self.service}"

    def helpers(self, sender: Sender) -> tuple[str, ...]:  # noqa: ARG002 (every step has it)
        """Return the directories of its helpers, beside those of every deployment."""
        return ("reload-through-s6-rc",) if self.through == "s6-rc" else ()

    def programs(self, sender: Sender, target: str) -> tuple[Program, ...]:
        """Return what does it: programs, of which each becomes the next."""
        option = f"-{SIGNALS[self.signal]}"
        tell: Program = (
            "./data/tell",
            *sender.where(self.service),
            option,
            self.signal,
        )
        if self.through == "s6-rc":
            tell = ("./data/reload-through-s6-rc", sender.live, self.service)
        return (sender.together(target, self.service, tell), tell)


@attrs.frozen(kw_only=True)
class Restart:
    """Restart a supervised service, if it is up."""

    service: str

    seconds: ClassVar[int] = PATIENCE

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be a service."""
        refuse_no_service(self.service)

    @property
    def text(self) -> str:
        """What it is called in the log."""
        return f"restart {self.service}"

    def helpers(self, sender: Sender) -> tuple[str, ...]:  # noqa: ARG002 (every step has it)
        """Return the directories of its helpers, beside those of every deployment."""
        return ("restart",)

    def programs(self, sender: Sender, target: str) -> tuple[Program, ...]:
        """Return what does it: programs, of which each becomes the next."""
        where = sender.where(self.service)
        tell = ("./data/tell", *where, "-r", "TERM")
        tries = (sender.state_dir, target, shared_name(self.service, tell))
        seldom = ("./data/seldom", *tries, *where)
        return (seldom, sender.together(target, self.service, tell), tell)


@attrs.frozen(kw_only=True)
class Command:
    """A command, run as root or as another user: what Run and Trial have in common."""

    words: tuple[str, ...]
    user: str = "root"
    timeout: str = "60"
    service: str = ""
    """While this service is down, the command is left out. "": it is always run."""

    kind: ClassVar[str]

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_if(not self.words, f"{self.kind}: give a command")
        refuse_timeout(self.timeout)
        refuse_account(self.user)
        if self.service:
            refuse_no_service(self.service)

    @property
    def text(self) -> str:
        """What it is called in the log."""
        return f"{self.kind} {shlex.join(self.words)}"

    def helpers(self, sender: Sender) -> tuple[str, ...]:  # noqa: ARG002 (every step has it)
        """Return the directories of its helpers, beside those of every deployment."""
        return ()

    @property
    def limited(self) -> Program:
        """The words of the command, which is ended when its time is over.

        It does not get the lock, descriptor 3: a daemon would keep it.
        """
        without_lock = ("fdclose", "3")
        for_a_time = ("timeout", "-k", "5", self.timeout)
        user = () if self.user == "root" else ("s6-setuidgid", self.user)
        return (*without_lock, *for_a_time, *user, *self.words)


@attrs.frozen(kw_only=True)
class Run(Command):
    """Run a command."""

    kind: ClassVar[str] = "run"

    @property
    def seconds(self) -> int:
        """The time that finish has to wait for it: that of timeout(1), and its -k."""
        return int(self.timeout) + 5 + (PATIENCE if self.service else 0)

    def programs(self, sender: Sender, target: str) -> tuple[Program, ...]:
        """Return what does it; a command that tells a service is run once for all."""
        if not self.service:
            return (self.limited,)
        if_up = sender.if_up(self.service)
        together = sender.together(target, self.service, (*if_up, *self.limited))
        return (together, if_up, self.limited)


@attrs.frozen(kw_only=True)
class Trial(Command):
    """Run a command that changes nothing, and without which nothing is to follow."""

    kind: ClassVar[str] = "test"

    @property
    def seconds(self) -> int:
        """The time that finish has to wait for it."""
        return int(self.timeout) + 5 + (UNTIL_UP if self.service else 0)

    def programs(self, sender: Sender, target: str) -> tuple[Program, ...]:  # noqa: ARG002 (every step has both)
        """Return what does it."""
        if not self.service:
            return (self.limited,)
        return (sender.if_up(self.service), self.limited)


@attrs.frozen(kw_only=True)
class Serves:
    """Look, as a client does, whether a server serves the new certificate."""

    address: str
    """HOST:PORT; an IPv6 address in brackets."""
    starttls: str = ""
    name: str = ""
    """The name that the server is asked for. "": the certificate's first."""
    timeout: str = "10"
    service: str | None = None
    """While this service is down, nobody looks. None: that of an earlier step."""
    optional: str = "no"
    """"yes": nobody who answers, or somebody else, is no failure."""

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be looked at."""
        address = re.fullmatch(
            r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})", self.address
        )
        refuse_if(
            address is None or not 0 < int(address[2]) < 65536,
            f"must be HOST:PORT, with an IPv6 address in brackets: {self.address!r}",
        )
        refuse_if(
            self.starttls not in ("", *STARTTLS),
            f"starttls must be of {' '.join(STARTTLS)}: {self.starttls!r}",
        )
        refuse_if(
            not re.fullmatch(r"[A-Za-z0-9_.:-]*", self.name),
            f"name must be a host's: {self.name!r}",
        )
        refuse_timeout(self.timeout)
        refuse_if(
            self.optional not in ("yes", "no"),
            f"optional must be yes or no: {self.optional!r}",
        )
        if self.service:
            refuse_no_service(self.service)

    @property
    def seconds(self) -> int:
        """The time that finish has to wait for it."""
        return int(self.timeout) + 10 + (UNTIL_UP if self.service else 0)

    @property
    def text(self) -> str:
        """What it is called in the log."""
        return f"serves {self.address}"

    def helpers(self, sender: Sender) -> tuple[str, ...]:
        """Return the directories of its helpers, beside those of every deployment."""
        return ("serves",) if sender.client else ("serves", "serves-by-openssl")

    def programs(self, sender: Sender, target: str) -> tuple[Program, ...]:
        """Return what does it: programs, of which each becomes the next."""
        serves = (
            "./data/serves",
            sender.state_dir,
            sender.user,
            target,
            self.optional,
            str(int(self.timeout) + 5),
        )
        programs = (serves, self.looker(sender))
        if not self.service:
            return programs
        return (sender.if_up(self.service), *programs)

    def looker(self, sender: Sender) -> Program:
        """Return the command that looks, as data/serves has it."""
        name = self.name or sender.server_name
        if not sender.client:
            program = "./data/serves-by-openssl"
            return (
                program,
                self.address,
                self.starttls,
                name,
                self.timeout,
                self.optional,
            )
        starttls = ("--starttls", self.starttls) if self.starttls else ()
        guess = ("--guess",) if self.optional == "yes" else ()
        return (
            *sender.client,
            "--serves",
            self.address,
            *starttls,
            "--server-name",
            name,
            "--timeout",
            self.timeout,
            *guess,
        )
