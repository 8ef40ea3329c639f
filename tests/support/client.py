"""The bundled client as its users run it: a process, its files, its messages."""

import contextlib
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from support.command import PACKAGE
from support.pebble import Pebble

if TYPE_CHECKING:  # cryptography has it since version 40
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

CLIENT = PACKAGE / "acme_client/__main__.py"
WITHIN = 60
NAME = "www.example.org"


class Server(Protocol):
    """A CA, or a proxy in front of one."""

    @property
    def directory_url(self) -> str:
        """Its directory (RFC 8555 section 7.1.1)."""

    @property
    def ca_file(self) -> Path:
        """The PEM file that verifies its TLS."""


@attrs.frozen
class Finished:
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def fatal(self) -> list[str]:
        """Its last words, without the program's name."""
        mark = "s6gen-acme: fatal: "
        return [
            line.removeprefix(mark) for line in self.err.splitlines() if mark in line
        ]


@attrs.frozen(kw_only=True)
class Host:
    """A machine with one certificate: where its files are, and which CA it asks."""

    directory: Path
    challenges: Path
    ca: Server
    names: tuple[str, ...] = (NAME,)

    @property
    def chain(self) -> Path:
        """The file that is kept current."""
        return self.directory / "chain.pem"

    @property
    def domain_key(self) -> Path:
        """The certificate's key."""
        return self.directory / "domain.key"

    @property
    def account_key(self) -> Path:
        """The account's key."""
        return self.directory / "account.key"

    @property
    def ca_options(self) -> list[str]:
        """Which CA to ask, and as whom."""
        return [
            *("--account-key", str(self.account_key)),
            *("--directory-url", self.ca.directory_url),
            *("--ca-bundle", str(self.ca.ca_file)),
        ]

    @property
    def options(self) -> list[str]:
        """What keeps the chain current."""
        names = [option for name in self.names for option in ("--domain", name)]
        files = ["--out", str(self.chain), "--domain-key", str(self.domain_key)]
        return [*self.ca_options, *files, "--acme-dir", str(self.challenges), *names]

    def keep(self, *more: str, prefix: tuple[str, ...] = ()) -> Finished:
        """Look, and renew what is due."""
        return run(*self.options, *more, prefix=prefix)

    def content(self) -> dict[str, bytes]:
        """What must survive whatever happens: the chain and the keys."""
        files = (self.chain, self.domain_key, self.account_key)
        return {file.name: file.read_bytes() for file in files if file.exists()}

    def leftovers(self) -> list[str]:
        """Files that should not be there between two runs."""
        kept = {
            "chain.pem",
            "chain.pem.state",
            "chain.pem.lock",
            "domain.key",
            "account.key",
            "account.key.account",
        }
        found = [
            str(file.relative_to(self.directory)) for file in self.directory.rglob("*")
        ]
        return sorted({*found} - kept) + sorted(
            file.name for file in self.challenges.iterdir()
        )

    def certificate(self) -> x509.Certificate:
        """The end-entity certificate of the chain."""
        return x509.load_pem_x509_certificate(self.chain.read_bytes())

    def public_key(self) -> bytes:
        """The key that the chain is for."""
        return spki(self.certificate().public_key())


def run(
    *arguments: str,
    prefix: tuple[str, ...] = (),
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run the client to its end."""
    command = [*prefix, sys.executable, "-I", str(CLIENT), *arguments]
    environment = {**os.environ, **(env or {})}
    ended = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        timeout=WITHIN,
        env=environment,
        check=False,
    )
    return Finished(ended.returncode, ended.stdout.decode(), ended.stderr.decode())


@contextlib.contextmanager
def begun(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """The client, running; killed at the end if it still does."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(CLIENT), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: "subprocess.Popen[str]") -> Finished:
    """Wait until it is done."""
    out, err = process.communicate(timeout=WITHIN)
    return Finished(process.returncode, out, err)


def faults_of(
    chain: bytes, key: bytes, names: tuple[str, ...], root: bytes, tmp: Path
) -> str:
    """What openssl finds wrong with a chain for this key and these names, "" if nothing."""
    (tmp / "root").write_bytes(root)
    (tmp / "chain").write_bytes(chain)
    command = ["openssl", "verify", "-purpose", "sslserver"]
    command += [
        "-CAfile",
        str(tmp / "root"),
        "-untrusted",
        str(tmp / "chain"),
        str(tmp / "chain"),
    ]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    certificate = x509.load_pem_x509_certificate(chain)
    public = serialization.load_pem_private_key(key, None).public_key()
    faults = [checked.stderr] * bool(checked.returncode)
    if spki(certificate.public_key()) != spki(public):
        faults.append("another key")
    if sorted(names_of(certificate)) != sorted(names):
        faults.append(f"other names: {names_of(certificate)}")
    return " ".join(faults)


def assert_good(host: Host, ca: Pebble, tmp_path: Path) -> None:
    """Its chain fits the key and the names, and leads to the CA's root."""
    chain, key = host.chain.read_bytes(), host.domain_key.read_bytes()
    assert faults_of(chain, key, host.names, ca.root(), tmp_path) == ""


def names_of(certificate: x509.Certificate) -> list[str]:
    """What a certificate is for."""
    found = certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value
    addresses = found.get_values_for_type(x509.IPAddress)
    return [*found.get_values_for_type(x509.DNSName), *map(str, addresses)]


def spki(key: "PublicKeyTypes") -> bytes:
    """A public key in DER."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.DER, form)


def powerless() -> tuple[str, ...]:
    """A prefix that makes file modes bind root as they bind others."""
    if os.geteuid():
        return ()
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def state_of(host: Host) -> dict[str, Any]:
    """The JSON of FILE.state."""
    text = Path(f"{host.chain}.state").read_text()
    return dict(json.loads(text.split("\n", 2)[2]))


def store_state(host: Host, state: dict[str, Any]) -> None:
    """Store another state, as an older version has left it, or at a later time."""
    content = json.dumps(state).encode() + b"\n"
    head = b"0 0 \n%08x\n" % zlib.crc32(content)
    Path(f"{host.chain}.state").write_bytes(head + content)
