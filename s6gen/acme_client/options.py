"""The command line: a frozen record of what is asked for, checked."""

# ruff: noqa: PTH110, PTH113 (pathlib is slow to load)

from __future__ import annotations

import os
from dataclasses import dataclass

from .command_line import parser
from .messages import USAGE, Fatal, say
from .renewal.schedule import WEEK

AUTHORITIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
"""The CAs that have a name here."""
TIME_TO_SERVE = 10.0
"""Seconds that a server has, by default, to serve a new certificate."""
IRRELEVANT = frozenset(
    {"quiet", "timeout", "check", "force", "asks_key_type", "deployed"}
)
"""Options that do not change what is ordered."""


@dataclass(frozen=True)
class Options:
    """The options of one run. A text or path that was not given is "".

    The fields are named after the options; s6gen-acme(1) says what they do.
    """

    out: str = ""
    account_key: str = ""
    domain_key: str = ""
    csr: str = ""
    domain: tuple[str, ...] = ()
    key_type: str = "ec256"
    new_key: bool = False
    acme_dir: str = ""
    dns_hook: str = ""
    directory_url: str = AUTHORITIES["letsencrypt"]
    """The URL of the CA's directory, also where a name was given."""
    ca_bundle: str = ""
    contact: tuple[str, ...] = ()
    eab_kid: str = ""
    eab_key_file: str = ""
    profile: str = ""
    preferred_chain: str = ""
    timeout: float = 600.0
    """Seconds; by default TIME_TO_SERVE with --serves."""
    disable_check: bool = False
    check_port: str = ""
    quiet: bool = False
    force: bool = False
    check: bool = False
    status: tuple[str, ...] | None = None
    """The chains to show; None without --status, empty for that of --out."""
    deployed: str = ""
    """The directory of root's records of who was given the chain."""
    json: bool = False
    revoke: str = ""
    reason: int = 0
    deactivate: bool = False
    roll_over: bool = False
    serves: str = ""
    """HOST:PORT."""
    starttls: str = ""
    server_name: str = ""
    guess: bool = False
    asks_key_type: bool = False
    """Whether --key-type was given: then a key of another kind is worth a warning."""

    @property
    def makes_request(self) -> bool:
        """Tell whether the CSR is made of --domain and --domain-key."""
        return bool(self.domain and self.domain_key)

    @property
    def fetches_challenge(self) -> bool:
        """Tell whether a challenge file is fetched before the CA fetches it."""
        if self.check_port:
            return True
        return not self.out and not self.disable_check

    def relevant_options(self) -> dict[str, object]:
        """The options that an order depends on, as JSON has them."""
        relevant: dict[str, object] = {}
        for name, value in vars(self).items():
            if not value or name in IRRELEVANT:
                continue
            relevant[name] = list(value) if isinstance(value, tuple) else value
        if self.fetches_challenge:
            relevant["self_check"] = True  # the name that older states have
        return relevant


def parse(arguments: list[str], version: str) -> Options:
    """The options, checked. Raises Fatal for wrong usage."""
    values = vars(parser(version).parse_args(arguments))
    for name in ("domain", "contact", "status"):
        if name in values:
            values[name] = tuple(values[name])
    if values.get("serves"):
        values.setdefault("timeout", TIME_TO_SERVE)
    values["asks_key_type"] = "key_type" in values
    url = values.get("directory_url", "")
    if url in AUTHORITIES:
        values["directory_url"] = AUTHORITIES[url]
    if deprecated := values.pop("ca", ""):
        values["directory_url"] = f"{deprecated}/directory"
        if url:
            say("warning", "--ca and --directory-url were given: --ca counts")
    options = Options(**values)
    check(options)
    warn_of_no_effect(options)
    return options


def need(given: object, message: str) -> None:
    """Raise Fatal unless something was given."""
    if not given:
        raise Fatal(f"{message} (see --help)", USAGE)


def check(options: Options) -> None:
    """Raise Fatal for options that are missing or do not fit together."""
    check_values(options)
    check_commands(options)
    if options.status is not None:
        need(options.status or options.out, "--status needs FILE or --out")
        return
    if options.serves:
        return
    if options.revoke:
        need(options.account_key or options.domain_key, "--revoke needs a key")
        return
    need(options.account_key, "--account-key is needed")
    if not options.deactivate and not options.roll_over:
        check_order(options)
        check_files(options)


def check_values(options: Options) -> None:
    """Raise Fatal for a value that its option cannot have."""
    need(0 < options.timeout < WEEK, "--timeout must be positive")
    port = options.check_port
    if port:
        is_number = port.isascii() and port.isdigit()
        is_port = is_number and 0 < int(port[:6]) < 65536
        need(is_port, f"--check-port {port}: not a port")
    url = options.directory_url
    message = f"--directory-url {url}: neither a known CA nor an https URL"
    need(url.startswith("https://"), message)


def check_commands(options: Options) -> None:
    """Raise Fatal for more than one of the options that ask for something else."""
    commands = {
        "--status": options.status is not None,
        "--check": options.check,
        "--revoke": bool(options.revoke),
        "--deactivate": options.deactivate,
        "--roll-over": options.roll_over,
        "--serves": bool(options.serves),
    }
    given = [name for name, is_given in commands.items() if is_given]
    need(len(given) < 2, f"{' and '.join(given)}: only one of them at once")


def warn_of_no_effect(options: Options) -> None:
    """Warn of options that were given, and that change nothing."""
    for name in idle_options(options):
        say("warning", f"{name} has no effect with these options")


def idle_options(options: Options) -> list[str]:
    """The options that were given, and that change nothing."""
    idle = []
    if options.csr and not options.makes_request:
        idle += idle_with_request(options)
    if options.dns_hook:
        files = {"--acme-dir": options.acme_dir, "--check-port": options.check_port}
        idle += [name for name, value in files.items() if value]
    if options.status is None and options.json:
        idle.append("--json")
    if options.status is None and options.deployed:
        idle.append("--deployed")
    if not options.revoke and options.reason:
        idle.append("--reason")
    if not options.serves:
        given = {
            "--starttls": options.starttls,
            "--server-name": options.server_name,
            "--guess": options.guess,
        }
        idle += [name for name, value in given.items() if value]
    return idle


def idle_with_request(options: Options) -> list[str]:
    """The options that say nothing where the CSR is not made here."""
    given = {
        "--domain": bool(options.domain),
        "--domain-key": bool(options.domain_key),
        "--key-type": options.asks_key_type,
    }
    return [name for name, is_given in given.items() if is_given]


def check_order(options: Options) -> None:
    """Raise Fatal for options that do not make an order."""
    made = options.makes_request
    need(all(options.domain), "--domain is empty")
    need(options.csr or made, "--csr is needed, or --domain and --domain-key")
    if options.new_key:
        need(made and options.out, "--new-key needs --out and --domain-key")
    pair = bool(options.eab_kid) == bool(options.eab_key_file)
    need(pair, "--eab-kid needs --eab-key-file")
    if options.check:
        need(options.out, "--check needs --out")


def check_files(options: Options) -> None:
    """Raise Fatal where one file would take the place of another."""
    files = (options.out, options.account_key, options.domain_key, options.csr)
    given = [os.path.realpath(file) for file in files if file]
    differ = len(given) == len({*given})
    need(differ, "--out and the keys and the CSR must be different files")
    if os.path.exists(options.out) and not os.path.isfile(options.out):
        raise Fatal(f"{options.out}: not a regular file", USAGE)
