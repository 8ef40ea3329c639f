"""The command line: the options of s6gen-acme, among them acme-tiny's."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from .messages import USAGE, Fatal, say
from .serving.starttls import PROTOCOLS

KEY_TYPES = ("ec256", "ec384", "rsa2048", "rsa3072", "rsa4096")


class Parser(argparse.ArgumentParser):
    """argparse, but a mistake ends the run like every other."""

    def error(self, message: str) -> NoReturn:
        """Raise Fatal."""
        raise Fatal(f"{message} (see --help)", USAGE)


class LastValue(argparse.Action):
    """Keeps the last value of an option, and warns if that drops another one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 (argparse's signature)
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002 (argparse's signature)
    ) -> None:
        """Store a value in the namespace, which has the one before, if any."""
        is_another = getattr(namespace, self.dest, None) != values
        if hasattr(namespace, self.dest) and is_another:
            name = self.option_strings[0]
            say("warning", f"{name} was given more than once: the last one counts")
        setattr(namespace, self.dest, values)


def parser(version: str) -> Parser:
    """The options of s6gen-acme, among them acme-tiny's."""
    about = "Keep a TLS certificate current by ACME. See s6gen-acme(1)."
    # What is not given is left out: `Options` has the defaults.
    made = Parser(
        prog="s6gen-acme", description=about, argument_default=argparse.SUPPRESS
    )
    made.register("action", None, LastValue)  # of options that name no other action
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
    text = "for the whole run (600; --serves: 10)"
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
    text = "and who was given it: root's records, in --state-dir"
    add("--deployed", metavar="DIR", help=text)
    add("--json", action="store_true", help="show them in JSON")
    add("--revoke", metavar="FILE", help="revoke a certificate")
    text = "why (RFC 5280 section 5.3.1)"
    add("--reason", type=int, metavar="CODE", help=text)
    text = "deactivate the account, for ever"
    add("--deactivate", action="store_true", help=text)
    add("--roll-over", action="store_true", help="give the account a new key")
    text = "tell whether the chain on stdin is served"
    add("--serves", metavar="HOST:PORT", help=text)
    text = "what is spoken there before TLS"
    add("--starttls", choices=PROTOCOLS, help=text)
    text = "whom to ask for (else: HOST)"
    add("--server-name", metavar="NAME", help=text)
    text = "HOST:PORT is a guess: do not wait for nobody"
    add("--guess", action="store_true", help=text)
    add("--version", action="version", version=f"s6gen-acme {version}")
