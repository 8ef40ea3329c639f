"""Other CAs than Pebble: Caddy's acme_server, step-ca, acme2certifier.

Two of them validate on port 80 alone, and one asks DNS servers on port 53 alone. So all of them
get an address of their own on this machine, where a web server and a DNS listen on these ports.
"""

import contextlib
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from support.authority import Authority, key_pem, pem, server_files
from support.pebble import ChallTestSrv, WebServer, challtestsrv, web_server
from support.program import Command, free_port, running

CADDY = os.environ.get("S6GEN_CADDY", "caddy")
STEP_CA = os.environ.get("S6GEN_STEP_CA", "step-ca")
ACME2CERTIFIER = os.environ.get(
    "S6GEN_ACME2CERTIFIER",
    str(Path(__file__).parents[2] / "build/acme2certifier/bin/python"),
)
"""A Python that has acme2certifier; tests/run makes it."""


@attrs.frozen(kw_only=True)
class Site:
    """An address of this machine, with a web server on port 80; in its DNS it has every name."""

    address: str
    web: WebServer
    dns: ChallTestSrv


@attrs.frozen(kw_only=True)
class OtherAuthority:
    """A running CA."""

    directory_url: str
    ca_file: Path
    """The PEM file that verifies its TLS."""
    root_file: Path
    """The PEM file that verifies what it issues."""
    log: Path

    def root(self) -> bytes:
        """The root certificate of what it issues, in PEM."""
        return self.root_file.read_bytes()


Start = Callable[
    [Path, Site, Mapping[str, str]], contextlib.AbstractContextManager[OtherAuthority]
]
"""Starts a CA; its files are in the directory. Where keys for external accounts are given, an
account needs one (names and base64url keys)."""


@contextlib.contextmanager
def loopback_site(directory: Path) -> Iterator[Site]:
    """A site on an address that nobody else has; only root may listen on its ports."""
    address = "127.{}.{}.{}".format(*(random.randint(1, 254) for _ in range(3)))
    with (
        challtestsrv(directory / "dns", address, 53) as dns,
        web_server(directory, address, 80) as web,
    ):
        yield Site(address=address, web=web, dns=dns)


@contextlib.contextmanager
def caddy(
    directory: Path, site: Site, eab: Mapping[str, str]
) -> Iterator[OtherAuthority]:
    """Caddy's acme_server, which knows no external accounts."""
    assert not eab
    files = server_files(directory)
    storage, log = directory / "storage", directory / "log"

    def make() -> Command:
        port = free_port()
        config = directory / "caddy.json"
        server = {
            "listen": [f"127.0.0.1:{port}"],
            "automatic_https": {"disable": True},
            "tls_connection_policies": [{}],
            "routes": [{"handle": [{"handler": "acme_server"}]}],
        }
        told = {
            "admin": {"disabled": True},
            "storage": {"module": "file_system", "root": str(storage)},
            "apps": {
                "pki": {"certificate_authorities": {"local": {"install_trust": False}}},
                "tls": {
                    "certificates": {
                        "load_files": [
                            {"certificate": str(files.chain), "key": str(files.key)}
                        ]
                    }
                },
                "http": {"servers": {"acme": server}},
            },
        }
        config.write_text(json.dumps(told))
        home = {"HOME": str(directory), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}
        argv = (*asking(site.dns, directory), CADDY, "run", "--config", str(config))
        return Command(argv=argv, log=log, ports=(port,), env=home)

    with running(make) as command:
        yield OtherAuthority(
            directory_url=f"https://localhost:{command.ports[0]}/acme/local/directory",
            ca_file=files.root,
            root_file=storage / "pki/authorities/local/root.crt",
            log=log,
        )


@contextlib.contextmanager
def step_ca(
    directory: Path, site: Site, eab: Mapping[str, str]
) -> Iterator[OtherAuthority]:
    """step-ca, which keeps external accounts for its commercial edition."""
    assert not eab
    root, key = issuer_files(directory)
    log = directory / "log"

    def make() -> Command:
        port = free_port()
        config = directory / "ca.json"
        told = {
            "root": str(root),
            "crt": str(root),
            "key": str(key),
            "address": f"127.0.0.1:{port}",
            "dnsNames": ["localhost"],
            "db": {"type": "bbolt", "dataSource": str(directory / "db")},
            "logger": {"format": "text"},
            "authority": {"provisioners": [{"type": "ACME", "name": "acme"}]},
        }
        config.write_text(json.dumps(told))
        argv = (STEP_CA, "--resolver", site.dns.address, str(config))
        home = {"HOME": str(directory), "STEPPATH": str(directory)}
        return Command(argv=argv, log=log, ports=(port,), env=home)

    with running(make) as command:
        yield OtherAuthority(
            directory_url=f"https://localhost:{command.ports[0]}/acme/acme/directory",
            ca_file=root,
            root_file=root,
            log=log,
        )


@contextlib.contextmanager
def acme2certifier(
    directory: Path, site: Site, eab: Mapping[str, str]
) -> Iterator[OtherAuthority]:
    """acme2certifier, which signs with a key of ours."""
    files = server_files(directory)
    root, key = issuer_files(directory / "issuer")
    issued = directory / "issued"
    issued.mkdir()
    keys = directory / "eab.json"
    keys.write_text(json.dumps(dict(eab)))
    config = directory / "acme_srv.cfg"
    dns = site.dns.address.rpartition(":")[0]
    sections: dict[str, dict[str, Any]] = {
        "DEFAULT": {"dns_server_list": json.dumps([dns])},
        "CAhandler": {
            "handler_module": "acme2certifier.cahandlers.openssl_ca_handler",
            "issuing_ca_key": key,
            "issuing_ca_cert": root,
            "issuing_ca_crl": directory / "crl.pem",
            "cert_save_path": issued,
            "cert_validity_days": 8,
        },
        "DBhandler": {"handler": "wsgi", "dbfile": directory / "db"},
    }
    if eab:
        sections["EABhandler"] = {
            "eab_handler_module": "acme2certifier.eabhandlers.json_handler",
            "key_file": keys,
        }
    config.write_text(ini(sections))
    log = directory / "log"

    def make() -> Command:
        port = free_port()
        script = Path(__file__).with_name("acme2certifier_server.py")
        argv = (
            ACME2CERTIFIER,
            str(script),
            str(port),
            str(files.chain),
            str(files.key),
        )
        environment = {"ACME_SRV_CONFIGFILE": str(config)}
        return Command(argv=argv, log=log, ports=(port,), env=environment)

    with running(make) as command:
        yield OtherAuthority(
            directory_url=f"https://localhost:{command.ports[0]}/directory",
            ca_file=files.root,
            root_file=root,
            log=log,
        )


def asking(dns: ChallTestSrv, directory: Path) -> tuple[str, ...]:
    """A prefix for a program that asks the system's DNS servers: it sees this one instead."""
    conf = directory / "resolv.conf"
    conf.write_text(f"nameserver {dns.address.rpartition(':')[0]}\n")
    script = f'mount --bind {conf} /etc/resolv.conf && exec "$@"'
    return ("unshare", "--mount", "sh", "-c", script, "sh")


def issuer_files(directory: Path) -> tuple[Path, Path]:
    """A root certificate and its key, for a CA to issue with."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = Authority.new("root of another authority")
    root, key = directory / "issuer.crt", directory / "issuer.key"
    root.write_bytes(pem(authority.certificate))
    key.write_bytes(key_pem(authority.key))
    return root, key


def ini(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """A configuration in sections."""
    lines = []
    for name, section in sections.items():
        lines.append(f"[{name}]")
        lines += [f"{key}: {value}" for key, value in section.items()]
    return "\n".join(lines) + "\n"
