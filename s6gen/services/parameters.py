"""The options that set parameters, for every command that takes them."""

import os
from collections.abc import Mapping
from typing import Any

import attrs
import click

from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.services.validators import key_of

FIELDS = attrs.fields_dict(RenewLetsEncrypt)


def option(names: str, metavar: str, text: str, **settings: Any) -> click.Option:
    """An option that sets a parameter: the help ends in the parameter's default."""
    made = click.Option(names.split(), metavar=metavar, help=text, **settings)
    default = FIELDS[str(made.name)].default
    if isinstance(default, str | int) and default != 0:
        made.help = f"{text} [{default}]"
    return made


SECTIONS: Mapping[str, list[click.Option]] = {
    "The certificate": [
        option("--page", "NAME", "Directory of the site in the web root."),
        option(
            "--domain domains",
            "NAME",
            "Name in the certificate; repeat it for more, the first comes first. A name in "
            "Unicode is converted. No wildcards: HTTP-01 cannot prove them.",
            multiple=True,
        ),
        option(
            "--ca",
            "CA",
            "letsencrypt, letsencrypt-staging, or the https URL of another CA's ACME directory.",
        ),
        option(
            "--ca-bundle",
            "FILE",
            "PEM file of the roots that the CA's own TLS is verified with, for a private CA.",
        ),
        option(
            "--contact contacts",
            "ADDRESS",
            "Mail address, or URL, that the CA is told; repeat it for more.",
            multiple=True,
        ),
    ],
    "The machine": [
        option("--web-root", "DIR", "Where the sites' directories are."),
        option(
            "--certificate-dir", "DIR", "Keys, CSR, chain and state. Made if missing."
        ),
        option(
            "--account-key",
            "FILE",
            "The key of the account at the CA. [account.key in --certificate-dir]",
        ),
        option("--user", "NAME", "Who owns them, and runs snooze and the client."),
        option("--group", "NAME", "Group of the certificate directory. [like --user]"),
        option(
            "--execlineb", "PATH", "execlineb, as the scripts' first line names it."
        ),
        option(
            "--python",
            "PATH",
            "The Python that runs the bundled client; it needs acme.",
        ),
    ],
    "The renewal": [
        option(
            "--client",
            "CLIENT",
            "bundled: a copy of s6gen-acme, in data/. installed: the command s6gen-acme. "
            "acme-tiny: the command acme-tiny, with keys and CSR that you make; called twice a "
            "day, it renews in the last 21 days. Anything else is a command line, quoted as for "
            "a shell, called twice a day as --user: it must know itself when to renew.",
        ),
        option(
            "--snooze raw_snooze",
            "ARGUMENTS",
            "Arguments of snooze instead of the schedule that s6gen derives: a look every hour, "
            "missed ones made up for. '-d 1' is the first of each month, and nothing before it.",
        ),
    ],
    "The deployment": [
        option(
            "--deploy deployments",
            "CONSUMER",
            "Who is given each new certificate, by finish, as root; repeat it for more. A preset "
            "of s6gen presets and its settings, such as 'nginx service=nginx-srv', or 'NAME: "
            "STEP; STEP' with steps such as 'copy chain /etc/x/chain.pem', 'combine key+chain "
            "/etc/x/tls.pem owner=root group=x mode=0440', 'reload x signal=USR2', 'restart x' "
            "and 'run user=x timeout=60 COMMAND'. Tried again at every look until all succeed.",
            multiple=True,
        ),
        option(
            "--state-dir",
            "DIR",
            "Root's records of it. [/var/lib/s6gen/ and --service]",
        ),
        option(
            "--deploy-key deployed_key",
            "FILE",
            "The key deployed. [the one of the client]",
        ),
        option(
            "--notify",
            "SECONDS",
            "Signal readiness once a valid certificate is in place and deployed, so that servers "
            "can depend on it; s6-rc waits SECONDS at most (timeout-up). [no readiness]",
            type=int,
        ),
        click.Option(
            ["--placeholder"],
            is_flag=True,
            help="Until the first certificate comes, a self-signed one stands in its place and is "
            "deployed, so that servers can start. Needs openssl.",
        ),
        option("--live", "DIR", "s6-rc's live directory, for reload and restart."),
    ],
    "The services": [
        option("--service", "NAME", "Name of the longrun that renews."),
        option(
            "--log-service",
            "NAME",
            "Name of its logger. [the same, with -log for -srv]",
        ),
        option(
            "--mount-service",
            "NAME",
            "What mounts the file systems: both depend on it.",
        ),
        option("--network-service", "NAME", "What brings up the network."),
        option(
            "--depends-on",
            "NAME",
            "One more service that the renewal depends on; repeat it for more.",
            multiple=True,
        ),
    ],
    "The log": [
        option(
            "--log-dir",
            "DIR",
            "Where s6-log writes. [/var/log/, --log-service less -log]",
        ),
        option("--log-user", "NAME", "Who owns it, and runs s6-log."),
        option("--log-group", "NAME", "Group of the log directory. [like --log-user]"),
        option("--log-size", "BYTES", "When s6-log begins a new file.", type=int),
        option("--log-number", "COUNT", "How many old files it keeps.", type=int),
    ],
}

WHICH = [
    click.Option(
        ["-c", "--config"],
        metavar="FILE",
        help="The file that names the certificates. [s6gen.toml here or above]",
    ),
    click.Option(["--host"], metavar="NAME", help="Only that host of the file."),
]
"""Which certificates, for commands that read the file."""
PARAMETERS = [option for options in SECTIONS.values() for option in options]


class SectionedCommand(click.Command):
    """A command that lists its options in sections."""

    def __init__(
        self, name: str, *, sections: Mapping[str, list[click.Option]], **settings: Any
    ):
        """The sections in their order."""
        options: list[click.Parameter] = [
            one for some in sections.values() for one in some
        ]
        super().__init__(name, params=options, **settings)
        self.sections = sections

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """The options, section by section."""
        for heading, options in self.sections.items():
            with formatter.section(heading):
                records = [one.get_help_record(ctx) for one in options]
                formatter.write_dl([record for record in records if record])


def given_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the command line says of parameters, by key: only what was given."""
    return {
        key_of(field): as_given(given[name])
        for name, field in FIELDS.items()
        if given.get(name) not in (None, (), False)
    }


def as_given(value: Any) -> Any:
    """The bytes of the command line, read as UTF-8 whatever the locale."""
    if isinstance(value, tuple):
        return tuple(as_given(one) for one in value)
    return (
        os.fsencode(value).decode("utf-8", "surrogateescape")
        if isinstance(value, str)
        else value
    )
