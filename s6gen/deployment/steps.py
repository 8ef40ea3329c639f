"""The steps of a deployment, and how each is written, as text and as a table."""

import enum
import re
from collections.abc import Iterator, Mapping
from typing import ClassVar

import attrs

from s6gen.errors import Fatal
from s6gen.names import is_account_name, is_directory_below_root, is_service_name

PARTS = ("chain", "certificate", "issuers", "key")
"""The parts of a file: the certificate and its issuers, either alone, the key."""

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

"reload" is the one that the service itself names (s6 2.15.1: -l).
"""

PROGRAMS = ("s6-svc", "s6-rc")
"""The programs that reload a service."""


@attrs.frozen(kw_only=True)
class Copy:
    """Put parts of the certificate into one file, atomically."""

    parts: tuple[str, ...]
    path: str
    owner: str = "root"
    group: str = "root"
    mode: str = attrs.field()

    seconds: ClassVar[int] = 0
    """The time that finish has to wait for it, beyond what every deployment gets."""

    @mode.default
    def default_mode(self) -> str:
        """A file with the key is for its owner alone."""
        return "0400" if "key" in self.parts else "0444"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be copied, or would make the key public."""
        for part in self.parts:
            refuse_if(part not in PARTS, f"must be of {', '.join(PARTS)}: {part!r}")
        refuse_if(
            self.path.endswith("/"), f"must be a file, not a directory: {self.path!r}"
        )
        refuse_if(
            not is_directory_below_root(self.path),
            f"must be an absolute path: {self.path!r}",
        )
        is_octal = re.fullmatch(r"0?[0-7]{3}", self.mode)
        refuse_if(not is_octal, f"mode must be octal: {self.mode!r}")
        bits = int(self.mode, 8)
        refuse_if(bits & 0o333 != 0, f"mode must be read-only: {self.mode!r}")
        refuse_if(
            "key" in self.parts and bits & 0o007 != 0,
            f"mode {self.mode} would show the key to everybody: {self.path!r}",
        )
        for name in (self.owner, self.group):
            refuse_account(name)

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (every step has both)
        """Return the words that call the helper which does it."""
        directory, _, name = self.path.rpartition("/")
        service = state_dir.rpartition("/")[2]
        sources = [f"{state_dir}/now/{part}" for part in self.parts]
        return (
            "./data/copy",
            f"{self.owner}:{self.group}",
            self.mode,
            directory or "/",
            name,
            service,
            *sources,
        )


@attrs.frozen(kw_only=True)
class Reload:
    """Send a signal to a supervised service, if it is up."""

    service: str
    signal: str = "HUP"
    through: str = "s6-svc"

    seconds: ClassVar[int] = 15

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

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (every step has both)
        """Return the words that call the helper which does it."""
        if self.through == "s6-rc":
            return ("./data/reload-through-s6-rc", live, self.service)
        return (
            "./data/tell",
            service_directory(self.service, live),
            f"-{SIGNALS[self.signal]}",
        )


@attrs.frozen(kw_only=True)
class Restart:
    """Restart a supervised service, if it is up."""

    service: str

    seconds: ClassVar[int] = 10

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be a service."""
        refuse_no_service(self.service)

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (every step has both)
        """Return the words that call the helper which does it."""
        return ("./data/tell", service_directory(self.service, live), "-r")


@attrs.frozen(kw_only=True)
class Run:
    """Run a command, as root or as another user."""

    words: tuple[str, ...]
    user: str = "root"
    timeout: str = "60"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse_if(not self.words, "run: give a command")
        refuse_if(
            not re.fullmatch(r"[1-9][0-9]{0,4}", self.timeout),
            "timeout must be in seconds",
        )
        refuse_account(self.user)

    @property
    def seconds(self) -> int:
        """The time that finish has to wait for it: that of timeout(1), and its -k."""
        return int(self.timeout) + 5

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (every step has both)
        """Return the words of the command, which is ended when its time is over.

        It does not get the lock, descriptor 3: a daemon would keep it.
        """
        without_lock = ("fdclose", "3")
        for_a_time = ("timeout", "-k", "5", self.timeout)
        user = () if self.user == "root" else ("s6-setuidgid", self.user)
        return (*without_lock, *for_a_time, *user, *self.words)


Step = Copy | Reload | Restart | Run


@attrs.frozen
class Target:
    """One program that is given the certificate.

    Its steps are done in order, and all again from the first where one fails.
    """

    name: str
    steps: tuple[Step, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that it is given."""
        return tuple(step.path for step in self.steps if isinstance(step, Copy))


class ValueType(enum.Enum):
    """The types of values in a step."""

    TEXT = enum.auto()
    NUMBER = enum.auto()
    PARTS = enum.auto()
    """Parts of a certificate: with + between them in a text, a list in a table."""
    COMMAND = enum.auto()
    """The rest of a text; in a table one string, or a list of words."""


@attrs.frozen
class Value:
    """One value of a step."""

    key: str
    """Its key in a table."""
    type: ValueType = ValueType.TEXT
    choices: tuple[str, ...] = ()
    """All that it may be, where that is a list."""


@attrs.frozen
class Syntax:
    """The way in which one or more kinds of steps are written.

    As text: KIND VALUE ARGUMENT... SETTING=VALUE..., but for run, where the settings
    come before the command. As a table: every value under its key.
    """

    kinds: tuple[Value, ...]
    """The names of the kinds, which are keys too, and the value behind each."""
    arguments: tuple[Value, ...] = ()
    settings: tuple[Value, ...] = ()

    @property
    def values(self) -> Iterator[Value]:
        """All that can stand in a table."""
        yield from self.kinds
        yield from self.arguments
        yield from self.settings


SYNTAXES = (
    Syntax(
        kinds=(
            Value("copy", ValueType.PARTS, choices=PARTS),
            Value("combine", ValueType.PARTS),
        ),
        arguments=(Value("to"),),
        settings=(Value("owner"), Value("group"), Value("mode")),
    ),
    Syntax(
        kinds=(Value("reload"),),
        settings=(Value("signal"), Value("through", choices=PROGRAMS)),
    ),
    Syntax(kinds=(Value("restart"),)),
    Syntax(
        kinds=(Value("run", ValueType.COMMAND),),
        settings=(Value("user"), Value("timeout", ValueType.NUMBER)),
    ),
)
"""The grammar of steps, for the text form, the table form and the schema.

The names of settings are those of the fields of Copy, Reload and Run.
"""

KINDS: Mapping[str, Syntax] = {
    kind.key: syntax for syntax in SYNTAXES for kind in syntax.kinds
}
"""The syntax of each kind of step."""


def service_directory(service: str, live: str) -> str:
    """Return the service directory: in s6-rc's live directory, unless it is a path."""
    return service if service.startswith("/") else f"{live}/servicedirs/{service}"


def refuse_no_service(service: str) -> None:
    """Refuse what is neither a service's name nor the path of a service directory."""
    good = is_directory_below_root(service) or is_service_name(service)
    refuse_if(
        not good,
        f"must be a service's name, or the path of a service directory: {service!r}",
    )


def refuse_account(name: str) -> None:
    """Refuse what cannot be an account or a group."""
    refuse_if(not is_account_name(name), f"must be an account: {name!r}")


def refuse_if(wrong: bool, message: str) -> None:
    """Raise Fatal if something is wrong."""
    if wrong:
        raise Fatal(message)
