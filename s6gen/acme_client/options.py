"""The command line: a frozen record of what is asked for, checked."""

# ruff: noqa: PTH110, PTH113 (pathlib is slow to load)

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from typing import NoReturn

from .messages import USAGE, Fatal
from .schedule import WEEK

AUTHORITIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
"""The CAs that have a name here."""
KEY_TYPES = ("ec256", "ec384", "rsa2048", "rsa3072", "rsa4096")
IRRELEVANT = frozenset({"quiet", "timeout", "check", "force"})
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
    """Seconds."""
    disable_check: bool = False
    check_port: str = ""
    quiet: bool = False
    force: bool = False
    check: bool = False
    status: tuple[str, ...] | None = None
    """The chains to show; None without --status, empty for that of --out."""
    json: bool = False
    revoke: str = ""
    reason: int = 0
    deactivate: bool = False
    roll_over: bool = False

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


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake ends the run like every other."""

    def error(self, message: str) -> NoReturn:
        """Raise Fatal."""
        raise Fatal(f"{message} (see --help)", USAGE)


def parse(arguments: list[str], version: str) -> Options:
    """The options, checked. Raises Fatal for wrong usage."""
    values = vars(parser(version).parse_args(arguments))
    for name in ("domain", "contact", "status"):
        if name in values:
            values[name] = tuple(values[name])
    url = values.get("directory_url", "")
    if url in AUTHORITIES:
        values["directory_url"] = AUTHORITIES[url]
    if deprecated := values.pop("ca", ""):
        values["directory_url"] = f"{deprecated}/directory"
    options = Options(**values)
    check(options)
    return options


def parser(version: str) -> Parser:
    """The options of s6gen-acme, among them acme-tiny's."""
    about = "Keep a TLS certificate current by ACME. See s6gen-acme(1)."
    # What is not given is left out: `Options` has the defaults.
    made = Parser(
        prog="s6gen-acme", description=about, argument_default=argparse.SUPPRESS
    )
    add_files(made)
    add_authority(made)
    add_behaviour(made)
    add_commands(made, version)
    return made


def add_files(made: Parser) -> None:
    """Add the options that name files, and what is asked for."""
    add = made.add_argument
    text = "keep this chain current (else: to stdout)"
    add("--out", metavar="FILE", help=text)
    add("--account-key", metavar="FILE", help="made if missing")
    add("--domain-key", metavar="FILE", help="made if missing")
    text = "made if missing, by --domain and --domain-key"
    add("--csr", metavar="FILE", help=text)
    text = "domain or IP address"
    add("--domain", action="append", metavar="NAME", help=text)
    add("--key-type", choices=KEY_TYPES, help="of keys to be made")
    text = "a new domain key with every certificate"
    add("--new-key", action="store_true", help=text)
    text = "served as /.well-known/acme-challenge/"
    add("--acme-dir", metavar="DIR", help=text)
    text = "DNS-01: adds and removes a TXT record"
    add("--dns-hook", metavar="PROGRAM", help=text)


def add_authority(made: Parser) -> None:
    """Add the options about the CA, and the account there."""
    add = made.add_argument
    text = "URL or letsencrypt[-staging]"
    add("--directory-url", metavar="CA", help=text)
    text = "CA's URL without /directory (deprecated)"
    add("--ca", metavar="URL", help=text)
    text = "roots that verify the CA's own TLS"
    add("--ca-bundle", metavar="FILE", help=text)
    text = "mailto:a@b.c"
    add("--contact", action="extend", nargs="*", metavar="URL", help=text)
    text = "external account binding: name of its key"
    add("--eab-kid", metavar="ID", help=text)
    text = "the key itself in base64url"
    add("--eab-key-file", metavar="FILE", help=text)
    text = "kind of certificate that the CA offers"
    add("--profile", metavar="NAME", help=text)
    text = "issuer that the chain shall lead to"
    add("--preferred-chain", metavar="CN", help=text)


def add_behaviour(made: Parser) -> None:
    """Add the options that change how a run works."""
    add = made.add_argument
    text = "for the whole run"
    add("--timeout", type=float, metavar="SECONDS", help=text)
    text = "do not fetch an answer before the CA does"
    add("--disable-check", action="store_true", help=text)
    text = "where to fetch it, also with --out"
    add("--check-port", metavar="PORT", help=text)
    add("--quiet", action="store_true", help="only warnings and errors")
    add("--force", action="store_true", help="order now")


def add_commands(made: Parser, version: str) -> None:
    """Add the options that ask for something else than a current FILE."""
    add = made.add_argument
    add("--check", action="store_true", help="say what is due, and do nothing")
    add("--status", nargs="*", metavar="FILE", help="show chains")
    add("--json", action="store_true", help="show them in JSON")
    add("--revoke", metavar="FILE", help="revoke a certificate")
    text = "why (RFC 5280 section 5.3.1)"
    add("--reason", type=int, metavar="CODE", help=text)
    text = "deactivate the account, for ever"
    add("--deactivate", action="store_true", help=text)
    add("--roll-over", action="store_true", help="give the account a new key")
    add("--version", action="version", version=f"s6gen-acme {version}")


def need(given: object, message: str) -> None:
    """Raise Fatal unless something was given."""
    if not given:
        raise Fatal(f"{message} (see --help)", USAGE)


def check(options: Options) -> None:
    """Raise Fatal for options that are missing or do not fit together."""
    need(0 < options.timeout < WEEK, "--timeout must be positive")
    url = options.directory_url
    message = f"--directory-url {url}: neither a known CA nor an https URL"
    need(url.startswith("https://"), message)
    if options.status is not None:
        need(options.status or options.out, "--status needs FILE or --out")
        return
    if options.revoke:
        need(options.account_key or options.domain_key, "--revoke needs a key")
        return
    need(options.account_key, "--account-key is needed")
    if not options.deactivate and not options.roll_over:
        check_order(options)
        check_files(options)


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
