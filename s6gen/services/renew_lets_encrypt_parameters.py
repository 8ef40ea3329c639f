"""The parameters of the services that keep a certificate renewed.

Each stands once: the field is an option of `s6gen render` and a key of s6gen.toml too.
Those of the certificate come first. The order of the fields is that in which `s6gen
config` shows them, and in which they stand in the command line that is in every
rendered file.
"""

import attrs

from s6gen.errors import Fatal
from s6gen.services import validators
from s6gen.services.certificate_parameters import CertificateParameters
from s6gen.services.parameters import Section, option


def stem(service: str) -> str:
    """Return the name for a service's pipeline and log directory: foo for foo-srv."""
    return service.removesuffix("-srv")


@attrs.frozen(kw_only=True, slots=False, eq=False)  # as its base
class RenewLetsEncryptParameters(CertificateParameters):
    """All parameters: the certificate's, and those of services, log and deployment.

    Raises Fatal for a value that cannot be right.
    """

    mount_service: str = attrs.field(
        default="mount",
        validator=validators.service_name,
        metadata=option(
            Section.SERVICES,
            "mount-service",
            "NAME",
            "What mounts the file systems: both depend on it.",
            position=1,
        ),
    )
    network_service: str = attrs.field(
        default="networking",
        validator=validators.service_name,
        metadata=option(
            Section.SERVICES,
            "network-service",
            "NAME",
            "What brings up the network.",
            position=1,
        ),
    )
    depends_on: tuple[str, ...] = attrs.field(
        default=(),
        converter=validators.in_order,
        validator=[validators.each(validators.service_name), validators.not_twice],
        metadata=option(
            Section.SERVICES,
            "depends-on",
            "NAME",
            "One more service that the renewal depends on; repeat it for more.",
            position=1,
        ),
    )
    service: str = attrs.field(
        default="renew-lets-encrypt-srv",
        validator=validators.service_name,
        metadata=option(
            Section.SERVICES, "service", "NAME", "Name of the longrun that renews."
        ),
    )
    log_service: str = attrs.field(
        validator=validators.service_name,
        metadata=option(
            Section.SERVICES,
            "log-service",
            "NAME",
            "Name of its logger.",
            default="the same, with -log for -srv",
        ),
    )
    log_dir: str = attrs.field(
        converter=validators.normal_path,
        validator=validators.directory,
        metadata=option(
            Section.LOG,
            "log-dir",
            "DIR",
            "Where s6-log writes.",
            default="/var/log/, --log-service less -log",
        ),
    )
    log_user: str = attrs.field(
        default="s6log",
        validator=validators.account,
        metadata=option(
            Section.LOG, "log-user", "NAME", "Who owns it, and runs s6-log."
        ),
    )
    log_group: str = attrs.field(
        validator=validators.account,
        metadata=option(
            Section.LOG,
            "log-group",
            "NAME",
            "Group of the log directory.",
            default="like --log-user",
        ),
    )
    log_size: int = attrs.field(
        default=1000000,
        validator=validators.between(4096, 268435455),
        metadata=option(
            Section.LOG, "log-size", "BYTES", "When s6-log begins a new file."
        ),
    )
    deployments: tuple[str, ...] = attrs.field(
        default=(),
        converter=validators.in_order,
        validator=validators.deployments,
        metadata=option(
            Section.DEPLOYMENT,
            "deploy",
            "CONSUMER",
            "Who is given each new certificate, by finish, as root; repeat it for "
            "more. A preset of s6gen presets and its settings, such as 'nginx "
            "service=nginx-srv', or 'NAME: STEP; STEP' with steps such as 'copy chain "
            "/etc/x/chain.pem', 'combine key+chain /etc/x/tls.pem owner=root group=x "
            "mode=0440', 'test x -t', 'reload x signal=USR2', 'restart x', 'run user=x "
            "timeout=60 COMMAND' and 'serves localhost:443'. Tried again at every look "
            "until all succeed.",
        ),
    )
    state_dir: str = attrs.field(
        converter=validators.normal_path,
        validator=validators.directory,
        metadata=option(
            Section.DEPLOYMENT,
            "state-dir",
            "DIR",
            "Root's records of it.",
            default="/var/lib/s6gen/ and --service",
        ),
    )
    deployed_key: str = attrs.field(
        validator=validators.file,
        metadata=option(
            Section.DEPLOYMENT,
            "deploy-key",
            "FILE",
            "The key deployed.",
            default="the one of the client",
        ),
    )
    notify: int = attrs.field(
        default=0,
        validator=validators.between(0, 86400),
        metadata=option(
            Section.DEPLOYMENT,
            "notify",
            "SECONDS",
            "Signal readiness once a valid certificate is in place and deployed, so "
            "that servers can depend on it; s6-rc waits SECONDS at most (timeout-up).",
            default="no readiness",
        ),
    )
    placeholder: bool = attrs.field(
        default=False,
        metadata=option(
            Section.DEPLOYMENT,
            "placeholder",
            None,
            "Until the first certificate comes, a self-signed one stands in its place "
            "and is deployed, so that servers can start. Needs openssl.",
        ),
    )
    live: str = attrs.field(
        default="/run/s6-rc",
        converter=validators.normal_path,
        validator=validators.directory,
        metadata=option(
            Section.DEPLOYMENT,
            "live",
            "DIR",
            "s6-rc's live directory, for reload and restart.",
        ),
    )
    scandir: str = attrs.field(
        default="/run/service",
        converter=validators.normal_path,
        validator=validators.directory,
        metadata=option(
            Section.DEPLOYMENT,
            "scandir",
            "DIR",
            "Where services are supervised that s6-rc does not know.",
        ),
    )
    log_number: int = attrs.field(
        default=20,
        validator=validators.between(0, 4294967295),
        metadata=option(
            Section.LOG, "log-number", "COUNT", "How many old files it keeps."
        ),
    )

    @log_service.default
    def default_log_service(self) -> str:
        """The logger of foo-srv is foo-log, as on Artix."""
        return f"{stem(self.service)}-log"

    @log_dir.default
    def default_log_dir(self) -> str:
        """The log of foo-log is in foo."""
        return f"/var/log/{self.log_name}"

    @log_group.default
    def default_log_group(self) -> str:
        """The group is called like the user."""
        return self.log_user

    @state_dir.default
    def default_state_dir(self) -> str:
        """Each service has root's records in a directory of its own."""
        return f"/var/lib/s6gen/{self.service}"

    @deployed_key.default
    def default_deployed_key(self) -> str:
        """The certificate's key, as the client makes it."""
        return self.domain_key

    def __attrs_post_init__(self) -> None:
        """Refuse parameters that do not fit together."""
        super().__attrs_post_init__()
        if self.service == self.log_service:
            raise Fatal(f"--log-service: must differ from --service: {self.service!r}")

    @property
    def log_name(self) -> str:
        """The name of pipeline and log directory: foo of foo-log, or of foo-srv."""
        name = self.log_service.removesuffix("-log")
        if name == self.log_service:
            return stem(self.service)
        return name
