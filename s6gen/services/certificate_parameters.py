"""The parameters of a certificate, of the machine that keeps it, and of its renewal.

Each stands once: the field is an option of `s6gen render` and a key of s6gen.toml too.
The parameters of the services around it are in renew_lets_encrypt_parameters.py.
"""

import attrs

from s6gen.errors import Fatal
from s6gen.services import snooze, validators
from s6gen.services.domain_names import check_domain, domain_names
from s6gen.services.parameters import Section, option


@attrs.frozen(kw_only=True, slots=False, eq=False)  # cached_property needs a __dict__
class CertificateParameters:
    """The parameters of one certificate, its keys, and the client that renews it.

    Raises Fatal for a value that cannot be right.
    """

    page: str = attrs.field(
        validator=validators.page,
        metadata=option(
            Section.CERTIFICATE,
            "page",
            "NAME",
            "Directory of the site in the web root.",
        ),
    )
    domains: tuple[str, ...] = attrs.field(
        converter=domain_names,
        validator=[validators.each(check_domain), validators.not_twice],
        metadata=option(
            Section.CERTIFICATE,
            "domain",
            "NAME",
            "Name in the certificate; repeat it for more. A "
            "name in Unicode is converted. No wildcards: HTTP-01 cannot prove them.",
        ),
    )
    web_root: str = attrs.field(
        default="/home/www",
        converter=validators.normal_path,
        validator=validators.directory,
        metadata=option(
            Section.MACHINE, "web-root", "DIR", "Where the sites' directories are."
        ),
    )
    certificate_dir: str = attrs.field(
        default="/etc/ssl/letsencrypt",
        converter=validators.normal_path,
        validator=validators.directory,
        metadata=option(
            Section.MACHINE,
            "certificate-dir",
            "DIR",
            "Keys, CSR, chain and state. Made if missing.",
        ),
    )
    account_key: str = attrs.field(
        converter=validators.normal_path,
        validator=validators.file,
        metadata=option(
            Section.MACHINE,
            "account-key",
            "FILE",
            "The key of the account at the CA.",
            default="account.key in --certificate-dir",
        ),
    )
    """The key of the account at the CA. Certificates of one user may share it."""
    user: str = attrs.field(
        default="tls",
        validator=validators.account,
        metadata=option(
            Section.MACHINE,
            "user",
            "NAME",
            "Who owns them, and runs snooze and the client.",
        ),
    )
    group: str = attrs.field(
        validator=validators.account,
        metadata=option(
            Section.MACHINE,
            "group",
            "NAME",
            "Group of the certificate directory.",
            default="like --user",
        ),
    )
    ca: str = attrs.field(
        default="letsencrypt",
        validator=validators.authority,
        metadata=option(
            Section.CERTIFICATE,
            "ca",
            "CA",
            "letsencrypt, letsencrypt-staging, or the https URL of another CA's ACME "
            "directory.",
        ),
    )
    ca_bundle: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(validators.file),
        metadata=option(
            Section.CERTIFICATE,
            "ca-bundle",
            "FILE",
            "PEM file of the roots that the CA's own TLS is verified with, for a "
            "private CA.",
        ),
    )
    contacts: tuple[str, ...] = attrs.field(
        default=(),
        converter=validators.contact_urls,
        validator=[validators.each(validators.contact), validators.not_twice],
        metadata=option(
            Section.CERTIFICATE,
            "contact",
            "ADDRESS",
            "Mail address, or URL, that the CA is told; repeat it for more.",
        ),
    )
    client: str = attrs.field(
        default="bundled",
        validator=validators.client,
        metadata=option(
            Section.RENEWAL,
            "client",
            "CLIENT",
            "bundled: a copy of s6gen-acme, in data/. installed: the command "
            "s6gen-acme. acme-tiny: the command acme-tiny, with keys and CSR that you "
            "make; called twice a day, it renews in the last 21 days. Anything else is "
            "a command line, quoted as for a shell, called twice a day as --user: it "
            "must know itself when to renew.",
        ),
    )
    python: str = attrs.field(
        default="/usr/bin/python3",
        validator=validators.file,
        metadata=option(
            Section.MACHINE,
            "python",
            "PATH",
            "The Python that runs the bundled client; it needs acme.",
            position=1,
        ),
    )
    execlineb: str = attrs.field(
        default="/bin/execlineb",
        validator=validators.interpreter,
        metadata=option(
            Section.MACHINE,
            "execlineb",
            "PATH",
            "execlineb, as the scripts' first line names it.",
        ),
    )
    raw_snooze: str | None = attrs.field(
        default=None,
        validator=attrs.validators.optional(snooze.check_arguments),
        metadata=option(
            Section.RENEWAL,
            "snooze",
            "ARGUMENTS",
            "Arguments of snooze instead of the schedule that s6gen derives: a look "
            "every hour, missed ones made up for. '-d 1' is the first of each month, "
            "and nothing before it.",
        ),
    )

    @account_key.default
    def default_account_key(self) -> str:
        """Each certificate's directory holds the key of its account."""
        return f"{self.certificate_dir}/account.key"

    @group.default
    def default_group(self) -> str:
        """The group is called like the user."""
        return self.user

    def __attrs_post_init__(self) -> None:
        """Refuse a certificate without a name."""
        if not self.domains:
            raise Fatal("--domain: give at least one")

    @property
    def domain_key(self) -> str:
        """The certificate's key."""
        return f"{self.certificate_dir}/domain.key"
