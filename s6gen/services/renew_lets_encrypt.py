"""A service that keeps one certificate renewed: what follows from its parameters."""

import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from s6gen.errors import Fatal
from s6gen.services import snooze
from s6gen.services.parameters import (
    Section,
    is_derived,
    key_of,
    option_name,
    option_of,
)
from s6gen.services.renew_lets_encrypt_log import RenewLetsEncryptLog
from s6gen.services.renew_lets_encrypt_parameters import RenewLetsEncryptParameters
from s6gen.services.validators import AUTHORITIES, CLIENTS, client_words, targets
from s6gen.shell import shell_word

if TYPE_CHECKING:
    from s6gen.deployment.sender import Sender
    from s6gen.deployment.steps import Target


class RenewLetsEncrypt(RenewLetsEncryptParameters):
    """A longrun that keeps one certificate renewed.

    Raises Fatal for parameters that cannot be right. Its templates see it as `service`.
    All fields are inherited: for attrs this is the same class.
    """

    template: ClassVar[str] = "renew-lets-encrypt"
    acme_tiny_days: ClassVar[int] = 21
    """acme-tiny renews so many days before the end: it cannot tell when that is due.

    This is the last third of 64 days, and less of a longer life.
    """

    def __attrs_post_init__(self) -> None:
        """Refuse names and paths that do not fit together."""
        super().__attrs_post_init__()
        self.refuse_circle()
        self.refuse_client_options()
        certificate_dir = ("--certificate-dir", self.certificate_dir)
        site = ("--page", self.site)
        log_dir = ("--log-dir", self.log_dir)
        refuse_overlap(("--state-dir", self.state_dir), certificate_dir)
        refuse_overlap(certificate_dir, site)
        refuse_overlap(("--account-key", self.account_dir), site)
        refuse_overlap(log_dir, site)
        refuse_overlap(log_dir, certificate_dir)
        self.refuse_private_name()

    def refuse_circle(self) -> None:
        """Refuse a service that depends on what is rendered with it."""
        own = (self.service, self.log_service, self.pipeline)
        for name in self.dependencies:
            if name in own:
                raise Fatal(
                    f"--depends-on: a service cannot depend on itself: {name!r}"
                )

    def refuse_client_options(self) -> None:
        """Refuse words after a client that s6gen itself gives its options.

        They would be a command line whose program is called `installed`.
        """
        name, *words = self.client_command
        if self.client in CLIENTS or name not in CLIENTS:
            return
        reason = repr(self.client)
        for word in words:
            if word.startswith("--"):
                reason = advice_on_client_option(word)
                break
        raise Fatal(f"--client: {name!r} stands alone: {reason}")

    def refuse_private_name(self) -> None:
        """Refuse names without a dot, which no public CA certifies."""
        if self.ca not in AUTHORITIES:
            return
        for name in self.domains:
            if "." not in name:
                raise Fatal(
                    f"--domain: {name!r} is not a public name: {self.ca} refuses it"
                )

    # What the renderer needs (kind.py).

    @property
    def directories(self) -> dict[str, str]:
        """Each directory of the template, and the service that it is for."""
        parts = ["renew-lets-encrypt-srv", "both"]
        if self.targets:
            parts.append("deployment")
            parts += self.helpers
        if self.notify:
            parts.append("readiness")
        if self.placeholder:
            parts.append("placeholder")
        return dict.fromkeys(parts, self.service)

    @property
    def empty_files(self) -> dict[str, tuple[str, ...]]:
        """Each directory of empty files, and the names in it."""
        return {f"{self.service}/dependencies.d": self.dependencies}

    @property
    def programs(self) -> dict[str, str]:
        """Each directory that is a package of s6gen, copied as it is."""
        if self.client != "bundled":
            return {}
        return {f"{self.service}/data/acme_client": "acme_client"}

    @property
    def parameter_text(self) -> str:
        """All parameters as one text."""
        return self.command_line

    @functools.cached_property
    def command_line(self) -> str:
        """The command that renders this, as one line.

        The order in which options were given does not change it.
        """
        words = ["s6gen", "render"]
        for field in PARAMETERS.values():
            for value in self.option_values(field):
                words.append(option_name(field))
                words.extend(map(shell_word, value))
        return " ".join(words)

    def option_values(self, field: "attrs.Attribute[Any]") -> Iterator[tuple[str, ...]]:
        """Yield the value for each time that an option is given; () for a flag."""
        value = getattr(self, field.name)
        if value == self.default_value(field):
            return
        if value is True:
            yield ()
        elif isinstance(value, tuple):
            for member in value:
                yield (member,)
        else:
            yield (str(value),)

    def default_value(self, field: "attrs.Attribute[Any]") -> Any:
        """Return the value that a parameter has if it is not given."""
        default: Any = field.default
        if is_derived(field):
            return default.factory(self)
        return default

    # Services.

    @property
    def pipeline(self) -> str:
        """The bundle of service and logger (s6-rc-compile: pipeline-name)."""
        name = self.log_name
        if name in (self.service, self.log_service):
            return f"{name}-pipeline"
        return name

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The services that have to be up before."""
        return (self.mount_service, self.network_service, *self.depends_on)

    @property
    def logger(self) -> RenewLetsEncryptLog:
        """The longrun that writes the log of this one."""
        return RenewLetsEncryptLog(
            service=self.log_service,
            producers=(self.service,),
            pipeline=self.pipeline,
            directory=self.log_dir,
            user=self.log_user,
            group=self.log_group,
            size=self.log_size,
            number=self.log_number,
            mount_service=self.mount_service,
            execlineb=self.execlineb,
            command_line=self.command_line,
        )

    # Paths.

    @property
    def site(self) -> str:
        """The directory of the site."""
        return f"{self.web_root}/{self.page}"

    @property
    def acme_dir(self) -> str:
        """The directory for HTTP-01 challenge files (RFC 8555 section 8.3)."""
        return f"{self.site}/.well-known/acme-challenge"

    @property
    def account_dir(self) -> str:
        """The directory of the account's key."""
        return self.account_key.rpartition("/")[0] or "/"

    @property
    def csr(self) -> str:
        """The certificate signing request."""
        return f"{self.certificate_dir}/domain.csr"

    @property
    def chain(self) -> str:
        """The certificate and its issuers, for the servers."""
        return f"{self.certificate_dir}/signed_chain.crt"

    # The client.

    @property
    def directory_url(self) -> str:
        """The URL of the CA's ACME directory (RFC 8555 section 7.1.1)."""
        return AUTHORITIES.get(self.ca, self.ca)

    @property
    def client_kind(self) -> str:
        """The client's template: s6gen-acme, acme-tiny, or command for all others."""
        if self.client in ("bundled", "installed"):
            return "s6gen-acme"
        if self.client == "acme-tiny":
            return "acme-tiny"
        return "command"

    @property
    def client_program(self) -> tuple[str, ...]:
        """The words that call s6gen's client."""
        if self.client == "installed":
            return ("s6gen-acme",)
        return (self.python, "-I", "./data/acme_client/__main__.py")

    @property
    def client_command(self) -> tuple[str, ...]:
        """The command line of another client."""
        return client_words(self.client)

    @property
    def validity_check(self) -> tuple[str, ...]:
        """The command that succeeds while the chain is valid."""
        if self.client_kind == "s6gen-acme":
            return (*self.client_program, "--status", self.chain)
        return ("openssl", "x509", "-noout", "-checkend", "0", "-in", self.chain)

    @property
    def alternative_names(self) -> str:
        """The names of a placeholder, as `openssl req -addext` wants them."""
        return "subjectAltName=" + ",".join(f"DNS:{name}" for name in self.domains)

    # The schedule.

    @property
    def is_regular(self) -> bool:
        """Tell whether the schedule is s6gen's own."""
        return self.raw_snooze is None

    @functools.cached_property
    def snooze(self) -> tuple[str, ...]:
        """The arguments of snooze."""
        if self.raw_snooze is not None:
            return snooze.parse_arguments(self.raw_snooze)
        return snooze.regular_arguments(
            "\0".join((self.page, *self.domains)),
            f"{self.certificate_dir}/timefile",
            every_hour=self.client_kind == "s6gen-acme",
        )

    @functools.cached_property
    def timefile(self) -> str | None:
        """The file that has the time of the last run, if the schedule has one."""
        return snooze.timefile(self.snooze)

    @property
    def runs_at_boot(self) -> bool:
        """Tell whether the client runs at boot too: a target may be pending.

        A run of s6gen's client costs little; others may ask the CA each time.
        """
        if not self.targets:
            return False
        return self.is_regular and self.client_kind == "s6gen-acme"

    # The deployment.

    @property
    def targets(self) -> "tuple[Target, ...]":
        """The programs that are given the certificate, and how."""
        return targets(self.deployments)

    @property
    def sender(self) -> "Sender":
        """What the steps of a deployment have to know of this service."""
        from s6gen.deployment.sender import Sender  # only for those who deploy

        return Sender(
            name=self.service,
            user=self.user,
            state_dir=self.state_dir,
            live=self.live,
            scandir=self.scandir,
            server_name=self.domains[0],
            client=self.client_program if self.client_kind == "s6gen-acme" else (),
        )

    @property
    def helpers(self) -> tuple[str, ...]:
        """The directories of those helpers that not every deployment needs."""
        helpers: dict[str, None] = {}
        for target in self.targets:
            for step in target.steps:
                helpers |= dict.fromkeys(step.helpers(self.sender))
        return tuple(helpers)

    @property
    def deployment_milliseconds(self) -> int:
        """The time for finish (timeout-finish): a minute, and that of the steps."""
        seconds = 60
        for target in self.targets:
            seconds += sum(step.seconds for step in target.steps)
        return 1000 * seconds


PARAMETERS: Mapping[str, "attrs.Attribute[Any]"] = {
    key_of(field): field for field in attrs.fields(RenewLetsEncrypt)
}
"""Every parameter by its key in s6gen.toml."""
CLIENT_OPTIONS = {"--directory-url": "ca"}
"""The options of s6gen-acme that are called otherwise here."""
REQUIRED_KEYS = tuple(
    key for key, field in PARAMETERS.items() if field.default is attrs.NOTHING
)
"""The keys that have no default: each certificate has its own page and domain."""


def advice_on_client_option(word: str) -> str:
    """Return where an option of s6gen-acme belongs that was given within --client."""
    option = word.partition("=")[0]
    key = CLIENT_OPTIONS.get(option, option.removeprefix("--"))
    if key in PARAMETERS:
        return f"for {option}, give --{key} to s6gen render, or {key} to s6gen.toml"
    return (
        f"s6gen render has no {option}; a client with options is a whole command "
        "line, such as 's6gen-acme --out FILE ...'"
    )


def parameters_in(section: Section) -> list["attrs.Attribute[Any]"]:
    """Return the parameters of a section, in the order in which they are listed."""
    fields = []
    for field in PARAMETERS.values():
        if option_of(field).section is section:
            fields.append(field)
    fields.sort(key=lambda field: option_of(field).position)
    return fields


def refuse_overlap(first: tuple[str, str], second: tuple[str, str]) -> None:
    """Keep apart what has different owners, and keys away from what is served.

    Each is an option and its path. Raises Fatal if one path lies in the other.
    """
    option, path = first
    other_option, other_path = second
    inside = f"{path}/".startswith(f"{other_path}/")
    around = f"{other_path}/".startswith(f"{path}/")
    if inside or around:
        raise Fatal(
            f"{option}: {path!r} and {other_option}, {other_path!r}: "
            "one lies in the other"
        )
