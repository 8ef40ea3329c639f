"""What is done with a new certificate: steps, grouped by the consumer that they serve."""

import re
import shlex
from collections.abc import Iterable, Iterator
from typing import ClassVar

import attrs

from s6gen.deployment import presets
from s6gen.errors import Fatal
from s6gen.names import is_directory_below_root, is_service_name

PARTS = ("chain", "certificate", "issuers", "key")
"""What a file may be made of: the certificate and its issuers, either alone, the private key."""

STEP = re.compile(
    r"""(?:[^;'"\\]|'[^']*'|"(?:[^"\\]|\\.)*"|\\.|['"\\].*)*""", re.DOTALL
)
"""What reaches to the next semicolon that is not quoted."""

SIGNALS = {"ABRT": "b", "ALRM": "a", "CONT": "c", "HUP": "h", "INT": "i", "QUIT": "q"} | {
    "KILL": "k", "STOP": "p", "TERM": "t", "USR1": "1", "USR2": "2", "WINCH": "y", "reload": "l",
}  # fmt: skip
"""Each signal that s6-svc sends, and its option. "reload" is the service's own (s6 2.15.1: -l)."""


@attrs.frozen(kw_only=True)
class Copy:
    """Put parts of the certificate into one file: written beside its place, and renamed."""

    parts: tuple[str, ...]
    path: str
    owner: str = "root"
    group: str = "root"
    mode: str = attrs.field()

    seconds: ClassVar[int] = 0
    """How long finish has to wait for it at most, beyond what every deployment gets."""

    @mode.default
    def closed_if_secret(self) -> str:
        """What holds the key is for its owner alone."""
        return "0400" if "key" in self.parts else "0444"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be copied, or would make the key public."""
        for part in self.parts:
            refuse(part not in PARTS, f"must be of {', '.join(PARTS)}: {part!r}")
        refuse(
            self.path.endswith("/"), f"must be a file, not a directory: {self.path!r}"
        )
        refuse(
            not is_directory_below_root(self.path),
            f"must be an absolute path: {self.path!r}",
        )
        refuse(
            not re.fullmatch(r"0?[0-7]{3}", self.mode),
            f"mode must be octal: {self.mode!r}",
        )
        refuse(
            bool(int(self.mode, 8) & 0o333), f"mode must be read-only: {self.mode!r}"
        )
        public = "key" in self.parts and int(self.mode, 8) & 0o007
        refuse(
            bool(public),
            f"mode {self.mode} would show the key to everybody: {self.path!r}",
        )
        for name in (self.owner, self.group):
            refuse(
                not re.fullmatch(r"[^-:\s][^:\s]*", name),
                f"must be an account: {name!r}",
            )

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (as the others)
        """The helper that does it, and its arguments."""
        sources = [f"{state_dir}/now/{part}" for part in self.parts]
        owner, (directory, _, name) = (
            f"{self.owner}:{self.group}",
            self.path.rpartition("/"),
        )
        service = state_dir.rpartition("/")[2]
        return (
            "./data/copy",
            owner,
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

    seconds: ClassVar[int] = 10

    def __attrs_post_init__(self) -> None:
        """Refuse what s6-svc would."""
        refuse_no_service(self.service)
        refuse(
            self.signal not in SIGNALS,
            f"signal must be of {' '.join(SIGNALS)}: {self.signal}",
        )
        refuse(
            self.through not in ("s6-svc", "s6-rc"), "through must be s6-svc or s6-rc"
        )
        refuse(
            self.through == "s6-rc" and "/" in self.service,
            "s6-rc wants a service's name",
        )

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (as the others)
        """The helper that does it, and its arguments."""
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

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (as the others)
        """The helper that does it, and its arguments."""
        return ("./data/tell", service_directory(self.service, live), "-r")


@attrs.frozen(kw_only=True)
class Run:
    """Run a command, as root or as another user."""

    words: tuple[str, ...]
    user: str = "root"
    timeout: str = "60"

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be run."""
        refuse(not self.words, "run: give a command")
        refuse(
            not re.fullmatch(r"[1-9][0-9]{0,4}", self.timeout),
            "timeout must be in seconds",
        )
        refuse(
            not re.fullmatch(r"[^-:\s][^:\s]*", self.user),
            f"must be an account: {self.user!r}",
        )

    @property
    def seconds(self) -> int:
        """How long it may take."""
        return int(self.timeout) + 5

    def command(self, state_dir: str, live: str) -> tuple[str, ...]:  # noqa: ARG002 (as the others)
        """The command, ended when its time is over, without the lock, which a daemon would keep."""
        user = () if self.user == "root" else ("s6-setuidgid", self.user)
        return ("fdclose", "3", "timeout", "-k", "5", self.timeout, *user, *self.words)


Step = Copy | Reload | Restart | Run


@attrs.frozen
class Consumer:
    """Those steps that are done together, or again from the first: what one program needs."""

    name: str
    steps: tuple[Step, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        """The files that it is given."""
        return tuple(step.path for step in self.steps if isinstance(step, Copy))


def consumers(texts: Iterable[str]) -> tuple[Consumer, ...]:
    """What the values of --deploy ask for, in their order."""
    found = tuple(consumer(text) for text in texts)
    for one in found:
        twice = sum(other.name == one.name for other in found) > 1
        refuse(twice, f"two are named {one.name!r}: name one with name=, or 'NAME: …'")
    return found


def consumer(text: str) -> Consumer:
    """'NAME: STEP; STEP…', or a preset's name and settings."""
    try:
        own = re.match(r"([A-Za-z0-9_.@-]*):\s", text)
        name, steps = (
            (own[1], commands(text[own.end() :]))
            if own
            else presets.consumer(split(text))
        )
        refuse(not is_service_name(name), f"not a name for a consumer: {name!r}")
        return Consumer(name, tuple(step(words) for words in steps))
    except Fatal as fatal:
        raise Fatal(f"--deploy: {text!r}: {fatal}") from None


def split(text: str) -> list[str]:
    """Words, quoted as for a shell."""
    refuse("\0" in text, "contains a null character")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Fatal(str(error).lower()) from None


def commands(text: str) -> Iterator[list[str]]:
    """The steps of a text, each as words."""
    at = 0
    while at <= len(text):
        end = STEP.match(text, at).end()  # type: ignore[union-attr]
        words = split(text[at:end])
        refuse(not words, "a step is missing")
        yield words
        at = end + 1


def step(words: list[str]) -> Step:
    """A step from its words."""
    kind, *rest = words
    match kind:
        case "copy" | "combine":
            (parts, path), settings = arguments(kind, rest, 2, "owner", "group", "mode")
            one = tuple(parts.split("+"))
            refuse(
                (kind == "combine") != (len(one) > 1),
                f"{kind} {parts}: copy is for one part",
            )
            return Copy(parts=one, path=path, **settings)
        case "reload":
            (service,), settings = arguments(kind, rest, 1, "signal", "through")
            return Reload(service=service, **settings)
        case "restart":
            (service,), settings = arguments(kind, rest, 1)
            return Restart(service=service)
        case "run":
            settings = {}
            while rest and (setting := re.fullmatch(r"(user|timeout)=(.*)", rest[0])):
                settings[setting[1]] = setting[2]
                rest = rest[1:]
            return Run(words=tuple(rest), **settings)
    raise Fatal(f"a step is copy, combine, reload, restart or run: {kind!r}")


def arguments(
    kind: str, words: list[str], count: int, *names: str
) -> tuple[list[str], dict[str, str]]:
    """The arguments of a step, and the settings behind them."""
    refuse(len(words) < count, f"{kind}: needs {count} argument{'s' * (count > 1)}")
    settings = {}
    for text in words[count:]:
        name, equals, value = text.partition("=")
        refuse(
            not equals or name not in names,
            f"{kind}: {text!r} is not of {'= '.join(names)}=",
        )
        settings[name] = value
    return words[:count], settings


def service_directory(service: str, live: str) -> str:
    """Where a service is supervised: below s6-rc's live directory, unless it is a path."""
    return service if service.startswith("/") else f"{live}/servicedirs/{service}"


def refuse_no_service(service: str) -> None:
    """A service is a name that s6-rc knows, or the path of a service directory."""
    good = is_directory_below_root(service) or is_service_name(service)
    refuse(
        not good,
        f"must be a service's name, or the path of a service directory: {service!r}",
    )


def refuse(wrong: bool, message: str) -> None:
    """Raise Fatal if something is wrong."""
    if wrong:
        raise Fatal(message)
