"""The parameters of a service that keeps one certificate renewed, and what follows from them."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from s6gen.errors import Fatal
from s6gen.services import snooze, validators
from s6gen.services.renew_lets_encrypt_log import RenewLetsEncryptLog
from s6gen.shell import shell_word, shell_words

if TYPE_CHECKING:
    from s6gen.deployment.steps import Consumer

CAS = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}


def domain_names(texts: Iterable[str]) -> tuple[str, ...]:
    """The names as the certificate has them."""
    return tuple(validators.domain_name(text) for text in texts)


def several(texts: Iterable[str]) -> tuple[str, ...]:
    """Values in their order."""
    return tuple(texts)


def contact_urls(texts: Iterable[str]) -> tuple[str, ...]:
    """Contacts as RFC 8555 (section 7.3) wants them: URLs. An address becomes a mailto URL."""
    return tuple(
        f"mailto:{text}" if "@" in text and ":" not in text else text for text in texts
    )


def is_directory_url(ca: str) -> bool:
    """A name we know, or an https URL (RFC 8555 section 6.1)."""
    if ca in CAS:
        return True
    try:
        url = urlsplit(ca)
        usable = bool(url.hostname) and url.port != 0  # port raises for what is none
        return url.scheme == "https" and usable and not re.search(r"\s", ca)
    except ValueError:
        return False


def client_words(text: str) -> tuple[str, ...]:
    """The words of a client's command line."""
    try:
        return shell_words(text)
    except ValueError as error:
        raise Fatal(f"--client: {error}: {text!r}") from None


def is_client(text: str) -> bool:
    """A command line with a command in it, which snooze takes for one."""
    words = client_words(text)
    return words[:1] not in ((), ("",)) and not words[0].startswith("-")


@functools.cache
def consumers(deployments: tuple[str, ...]) -> "tuple[Consumer, ...]":
    """Who is given the certificate, as --deploy says."""
    if not deployments:
        return ()
    from s6gen.deployment import (
        steps as deploy,  # only for those who deploy: it takes a while to load
    )

    return deploy.consumers(deployments)


def deployable(_: object, attribute: object, deployments: tuple[str, ...]) -> None:  # noqa: ARG001 (attrs' signature)
    """Refuse what cannot be deployed."""
    consumers(deployments)


def stem(service: str) -> str:
    """What a service's pipeline and log directory are named after: foo of foo-srv."""
    return service.removesuffix("-srv")


def derived(function: Callable[["RenewLetsEncrypt"], str], **arguments: Any) -> Any:
    """A field whose default follows from the other parameters."""
    return attrs.field(default=attrs.Factory(function, takes_self=True), **arguments)


@attrs.frozen(kw_only=True, slots=False, eq=False)  # cached_property needs a __dict__
class RenewLetsEncrypt:
    """A longrun that keeps one certificate renewed.

    Every field is an option of `s6gen render`. Raises Fatal for a value that cannot be right.
    """

    template: ClassVar[str] = "renew-lets-encrypt"
    acme_tiny_days: ClassVar[int] = 21
    """acme-tiny does not know when a renewal is due: later than two thirds of 64 days or more."""

    page: str = attrs.field(validator=validators.page)
    domains: tuple[str, ...] = attrs.field(
        converter=domain_names,
        validator=[validators.each(validators.domain), validators.not_twice],
        metadata={"option": "domain"},
    )
    web_root: str = attrs.field(
        default="/home/www",
        converter=validators.normal_path,
        validator=validators.directory,
    )
    certificate_dir: str = attrs.field(
        default="/etc/ssl/letsencrypt",
        converter=validators.normal_path,
        validator=validators.directory,
    )
    account_key: str = derived(
        lambda self: f"{self.certificate_dir}/account.key",
        converter=validators.normal_path,
        validator=validators.file,
    )
    """The key of the account at the CA. Certificates of one user may share it."""
    user: str = attrs.field(default="tls", validator=validators.account)
    group: str = derived(lambda self: self.user, validator=validators.account)
    ca: str = attrs.field(
        default="letsencrypt",
        validator=validators.must(
            is_directory_url, "letsencrypt, letsencrypt-staging or an https URL"
        ),
    )
    ca_bundle: str | None = attrs.field(
        default=None, validator=attrs.validators.optional(validators.file)
    )
    contacts: tuple[str, ...] = attrs.field(
        default=(),
        converter=contact_urls,
        validator=[
            validators.each(
                validators.must(
                    lambda text: (
                        re.match(r"[a-z][a-z0-9+.-]*:.", text, re.DOTALL) is not None
                    ),
                    "an address or a URL such as mailto:hostmaster@example.org",
                )
            ),
            validators.not_twice,
        ],
        metadata={"option": "contact"},
    )
    client: str = attrs.field(
        default="bundled",
        validator=validators.must(
            is_client, "bundled, installed, acme-tiny or a command line"
        ),
    )
    python: str = attrs.field(default="/usr/bin/python3", validator=validators.file)
    execlineb: str = attrs.field(
        default="/bin/execlineb", validator=validators.interpreter
    )
    raw_snooze: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(snooze.validator),
        metadata={"option": "snooze"},
    )
    mount_service: str = attrs.field(default="mount", validator=validators.service_name)
    network_service: str = attrs.field(
        default="networking", validator=validators.service_name
    )
    depends_on: tuple[str, ...] = attrs.field(
        default=(),
        converter=tuple,
        validator=[validators.each(validators.service_name), validators.not_twice],
    )
    service: str = attrs.field(
        default="renew-lets-encrypt-srv", validator=validators.service_name
    )
    log_service: str = derived(
        lambda self: f"{stem(self.service)}-log", validator=validators.service_name
    )
    log_dir: str = derived(
        lambda self: f"/var/log/{self.log_name}",
        converter=validators.normal_path,
        validator=validators.directory,
    )
    log_user: str = attrs.field(default="s6log", validator=validators.account)
    log_group: str = derived(lambda self: self.log_user, validator=validators.account)
    log_size: int = attrs.field(
        default=1000000, validator=validators.between(4096, 268435455)
    )
    deployments: tuple[str, ...] = attrs.field(
        default=(),
        converter=several,
        validator=deployable,
        metadata={"option": "deploy"},
    )
    state_dir: str = derived(
        lambda self: f"/var/lib/s6gen/{self.service}",
        converter=validators.normal_path,
        validator=validators.directory,
    )
    deployed_key: str = derived(
        lambda self: self.domain_key,
        validator=validators.file,
        metadata={"option": "deploy-key"},
    )
    notify: int = attrs.field(default=0, validator=validators.between(0, 86400))
    placeholder: bool = False
    live: str = attrs.field(
        default="/run/s6-rc",
        converter=validators.normal_path,
        validator=validators.directory,
    )
    log_number: int = attrs.field(
        default=20, validator=validators.between(0, 4294967295)
    )

    def __attrs_post_init__(self) -> None:
        """Refuse parameters that do not fit together."""
        if not self.domains:
            raise Fatal("--domain: give at least one")
        if self.service == self.log_service:
            raise Fatal(f"--log-service: must differ from --service: {self.service!r}")
        for name in self.dependencies:
            if name in (self.service, self.log_service, self.pipeline):
                raise Fatal(
                    f"--depends-on: a service cannot depend on itself: {name!r}"
                )
        self.refuse_overlap(
            "--state-dir", self.state_dir, "--certificate-dir", self.certificate_dir
        )
        self.refuse_overlap(
            "--certificate-dir", self.certificate_dir, "--page", self.site
        )
        self.refuse_overlap("--account-key", self.account_dir, "--page", self.site)
        self.refuse_overlap("--log-dir", self.log_dir, "--page", self.site)
        self.refuse_overlap(
            "--log-dir", self.log_dir, "--certificate-dir", self.certificate_dir
        )
        if self.ca in CAS:
            for name in self.domains:
                if "." not in name:
                    raise Fatal(
                        f"--domain: {name!r} is not a public name: {self.ca} refuses it"
                    )

    @staticmethod
    def refuse_overlap(one: str, path: str, other: str, place: str) -> None:
        """Keep apart what has different owners, and keys away from what is served."""
        if f"{path}/".startswith(f"{place}/") or f"{place}/".startswith(f"{path}/"):
            raise Fatal(
                f"{one}: {path!r} and {other}, {place!r}: one lies in the other"
            )

    @property
    def site(self) -> str:
        """The directory of the site."""
        return f"{self.web_root}/{self.page}"

    @property
    def account_dir(self) -> str:
        """Where the account's key is."""
        return self.account_key.rpartition("/")[0] or "/"

    @property
    def log_name(self) -> str:
        """What pipeline and log directory are named after: foo of foo-log, else foo of foo-srv."""
        name = self.log_service.removesuffix("-log")
        return name if name != self.log_service else stem(self.service)

    @property
    def pipeline(self) -> str:
        """The bundle of service and logger (s6-rc-compile: pipeline-name)."""
        name = self.log_name
        return (
            name if name not in (self.service, self.log_service) else f"{name}-pipeline"
        )

    @property
    def logger(self) -> RenewLetsEncryptLog:
        """The longrun that writes what this one says."""
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

    @property
    def directories(self) -> dict[str, str]:
        """Each directory of the template, and the name of the service that it is for."""
        parts = {
            "renew-lets-encrypt-srv": True,
            "both": True,
            "deployment": self.consumers,
            "readiness": self.notify,
            "placeholder": self.placeholder,
        }
        return {part: self.service for part, wanted in parts.items() if wanted}

    @property
    def consumers(self) -> "tuple[Consumer, ...]":
        """Who is given the certificate, and how."""
        return consumers(self.deployments)

    @property
    def looks_at_boot(self) -> bool:
        """Whether a boot makes a look: there is something to deploy, and a look is cheap."""
        return (
            bool(self.consumers)
            and self.is_regular
            and self.client_kind == "s6gen-acme"
        )

    @property
    def deployment_milliseconds(self) -> int:
        """What s6-supervise gives finish: a minute, and what the steps may take."""
        steps = [step for consumer in self.consumers for step in consumer.steps]
        return 1000 * (60 + sum(step.seconds for step in steps))

    @property
    def dependencies(self) -> tuple[str, ...]:
        """What has to be up before."""
        return (self.mount_service, self.network_service, *self.depends_on)

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """Each directory of empty files (s6-rc-compile: Source format), and what is in it."""
        return {f"{self.service}/dependencies.d": self.dependencies}

    @property
    def programs(self) -> dict[str, str]:
        """Each directory that is a package of s6gen, copied as it is."""
        bundled = {f"{self.service}/data/acme_client": "acme_client"}
        return bundled if self.client == "bundled" else {}

    @property
    def directory_url(self) -> str:
        """Where the CA's ACME directory is (RFC 8555 section 7.1.1)."""
        return CAS.get(self.ca, self.ca)

    @property
    def acme_dir(self) -> str:
        """Where the answers to HTTP-01 challenges go (RFC 8555 section 8.3)."""
        return f"{self.site}/.well-known/acme-challenge"

    @property
    def domain_key(self) -> str:
        """The certificate's key."""
        return f"{self.certificate_dir}/domain.key"

    @property
    def csr(self) -> str:
        """The certificate signing request."""
        return f"{self.certificate_dir}/domain.csr"

    @property
    def chain(self) -> str:
        """The certificate and its issuers, for the servers."""
        return f"{self.certificate_dir}/signed_chain.crt"

    @property
    def client_kind(self) -> str:
        """Which of the template's clients it is: s6gen-acme, acme-tiny, or a command of others."""
        if self.client in ("bundled", "installed"):
            return "s6gen-acme"
        return "acme-tiny" if self.client == "acme-tiny" else "command"

    @property
    def client_program(self) -> tuple[str, ...]:
        """How s6gen's client is called."""
        if self.client == "installed":
            return ("s6gen-acme",)
        return (self.python, "-I", "./data/acme_client/__main__.py")

    @property
    def alternative_names(self) -> str:
        """What a placeholder is for, as `openssl req -addext` wants it."""
        return "subjectAltName=" + ",".join(f"DNS:{name}" for name in self.domains)

    @property
    def validity_check(self) -> tuple[str, ...]:
        """What succeeds while the chain is valid."""
        if self.client_kind == "s6gen-acme":
            return (*self.client_program, "--status", self.chain)
        return ("openssl", "x509", "-noout", "-checkend", "0", "-in", self.chain)

    @property
    def client_command(self) -> tuple[str, ...]:
        """The command line of others."""
        return client_words(self.client)

    @property
    def is_regular(self) -> bool:
        """Whether the schedule is ours."""
        return self.raw_snooze is None

    @functools.cached_property
    def snooze(self) -> tuple[str, ...]:
        """The arguments of snooze."""
        if self.raw_snooze is not None:
            return snooze.parse(self.raw_snooze)
        return snooze.slots(
            "\0".join((self.page, *self.domains)),
            f"{self.certificate_dir}/timefile",
            every_hour=self.client_kind == "s6gen-acme",
        )

    @functools.cached_property
    def timefile(self) -> str | None:
        """The file whose time is that of the last look, if the schedule has one."""
        return snooze.timefile(self.snooze)

    @property
    def parameters(self) -> str:
        """All that it is rendered from."""
        return self.command_line

    @functools.cached_property
    def command_line(self) -> str:
        """The command that renders this, whatever the order in which it was given: one line."""
        arguments = [
            shell_word(text)
            for field in attrs.fields(RenewLetsEncrypt)
            for value in given(self, field)
            for text in (validators.option(field), *value)
        ]
        return " ".join(["s6gen", "render", *arguments])


def given(
    kind: RenewLetsEncrypt, field: "attrs.Attribute[Any]"
) -> Iterator[tuple[str, ...]]:
    """For each time that the option of a field has to be given, its value, or none for a flag."""
    value, default = getattr(kind, field.name), field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        default = default.factory(kind)  # type: ignore[union-attr]
    if value is True:
        yield ()
    elif value != default:
        yield from (
            (one,) for one in (value if isinstance(value, tuple) else (str(value),))
        )
