"""A real CA (Pebble), a real web server, and a DNS in which all names are 127.0.0.1."""

import contextlib
import itertools
import json
import os
import shutil
import ssl
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from support.authority import server_files
from support.program import Command, free_port, running

PEBBLE = os.environ.get("S6GEN_PEBBLE", "/usr/bin/pebble")
PEBBLE_NEW = os.environ.get(
    "S6GEN_PEBBLE_NEW", str(Path(__file__).parents[2] / "build/pebble/usr/bin/pebble")
)
"""A Pebble with ARI and profiles; tests/fetch-pebble gets it."""


@attrs.frozen(kw_only=True)
class Settings:
    """What a Pebble is told; seconds and percentages."""

    binary: str = PEBBLE
    validity: int = 90 * 86400
    profiles: Mapping[str, int] = attrs.field(factory=dict)
    """Name and validity; Pebble 2.10 offers "default" alone if none is given, 2.4 knows none."""
    nonce_reject: int = 0
    authz_reuse: int = 0
    """Percent of the orders that reuse a valid authorisation; Pebble takes 0 as 1."""
    alternate_roots: int = 0
    strict: bool = False
    sleep: int = 0
    """Longest pause before a validation; 0: none."""
    eab: Mapping[str, str] = attrs.field(factory=dict)
    """Key names and base64url keys; if any is given, an account needs one."""
    blocked: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Pebble:
    """A running Pebble."""

    directory_url: str
    ca_file: Path
    """The PEM file that verifies its TLS."""
    management_url: str
    log: Path

    @property
    def port(self) -> int:
        """Where it speaks ACME."""
        return urllib.parse.urlsplit(self.directory_url).port or 443

    def root(self, number: int = 0) -> bytes:
        """The root certificate of what it issues, in PEM; new at each start."""
        return self.manage(f"roots/{number}")

    def intermediate(self, number: int = 0) -> bytes:
        """The issuing certificate, in PEM."""
        return self.manage(f"intermediates/{number}")

    def status(self, serial: int) -> str:
        """Valid or Revoked."""
        return str(
            json.loads(self.manage(f"cert-status-by-serial/{serial:x}"))["Status"]
        )

    def manage(self, path: str) -> bytes:
        """Ask the management interface."""
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(
            f"{self.management_url}/{path}", context=context
        ) as answer:
            return bytes(answer.read())


@contextlib.contextmanager
def pebble(
    directory: Path,
    http_port: int,
    dns: "ChallTestSrv",
    settings: Settings | None = None,
) -> Iterator[Pebble]:
    """A Pebble that validates HTTP-01 on http_port and asks dns; its files are in directory."""
    told = settings or Settings()
    files = server_files(directory)
    log = directory / "log"

    def make() -> Command:
        acme, management = free_port(), free_port()
        config = directory / "config.json"
        config.write_text(
            json.dumps(
                {
                    "pebble": {
                        "listenAddress": f"127.0.0.1:{acme}",
                        "managementListenAddress": f"127.0.0.1:{management}",
                        "certificate": str(files.chain),
                        "privateKey": str(files.key),
                        "httpPort": http_port,
                        "tlsPort": 1,
                        **issuance(told),
                    }
                }
            )
        )
        strict = f"-strict={str(told.strict).lower()}"
        argv = (told.binary, "-config", str(config), "-dnsserver", dns.address, strict)
        return Command(
            argv=argv, log=log, ports=(acme, management), env=environment(told)
        )

    with running(make) as command:
        acme, management = command.ports
        yield Pebble(
            directory_url=f"https://localhost:{acme}/dir",
            ca_file=files.root,
            management_url=f"https://localhost:{management}",
            log=log,
        )


def issuance(told: Settings) -> dict[str, Any]:
    """What Pebble's configuration says of certificates; each version ignores what it knows not."""
    profiles = told.profiles or {"default": told.validity}
    return {
        "certificateValidityPeriod": told.validity,
        "profiles": {
            name: {"description": name, "validityPeriod": seconds}
            for name, seconds in profiles.items()
        },
        "externalAccountBindingRequired": bool(told.eab),
        "externalAccountMACKeys": dict(told.eab),
        "domainBlocklist": told.blocked,
    }


def environment(told: Settings) -> dict[str, str]:
    """What Pebble takes from its environment."""
    sleep = (
        {"PEBBLE_VA_SLEEPTIME": str(told.sleep)}
        if told.sleep
        else {"PEBBLE_VA_NOSLEEP": "1"}
    )
    return {
        "PEBBLE_WFE_NONCEREJECT": str(told.nonce_reject),
        "PEBBLE_AUTHZREUSE": str(told.authz_reuse),
        "PEBBLE_ALTERNATE_ROOTS": str(told.alternate_roots),
        **sleep,
    }


@attrs.frozen(kw_only=True)
class ChallTestSrv:
    """A running pebble-challtestsrv."""

    address: str
    management_url: str

    def set_txt(self, name: str, value: str) -> None:
        """Answer a TXT question; names end in a dot."""
        self.manage("set-txt", host=name, value=value)

    def clear_txt(self, name: str) -> None:
        """Forget what it was told."""
        self.manage("clear-txt", host=name)

    def fail(self, name: str) -> None:
        """Answer every question about a name with SERVFAIL."""
        self.manage("set-servfail", host=name)

    def manage(self, path: str, **arguments: str) -> None:
        """Tell it something."""
        body = json.dumps(arguments).encode()
        urllib.request.urlopen(f"{self.management_url}/{path}", body).close()


@contextlib.contextmanager
def challtestsrv(
    directory: Path, host: str = "127.0.0.1", port: int = 0
) -> Iterator[ChallTestSrv]:
    """A DNS in which every name is host, until told otherwise; it listens there, too."""
    directory.mkdir(parents=True, exist_ok=True)

    def make() -> Command:
        dns, management = port or free_port(host), free_port(host)
        options = {
            "-dns01": f"{host}:{dns}",
            "-management": f"{host}:{management}",
            "-defaultIPv4": host,
            **dict.fromkeys(("-defaultIPv6", "-http01", "-https01", "-tlsalpn01"), ""),
        }
        argv = ("pebble-challtestsrv", *itertools.chain(*options.items()))
        log, ports = directory / "log", (dns, management)
        return Command(argv=argv, log=log, ports=ports, host=host)

    with running(make) as command:
        dns, management = command.ports
        yield ChallTestSrv(
            address=f"{host}:{dns}", management_url=f"http://{host}:{management}"
        )


@attrs.frozen(kw_only=True)
class WebServer:
    """A running web server."""

    root: Path
    port: int

    @property
    def challenges(self) -> Path:
        """The directory of the challenge answers (RFC 8555 section 8.3)."""
        return self.root / ".well-known/acme-challenge"


@contextlib.contextmanager
def web_server(
    directory: Path, host: str = "127.0.0.1", port: int = 0
) -> Iterator[WebServer]:
    """busybox httpd, else nginx, serving directory/www on a free port, or on the one given."""
    root = directory / "www"
    (root / ".well-known/acme-challenge").mkdir(parents=True, exist_ok=True)

    def make() -> Command:
        chosen = port or free_port(host)
        if shutil.which("busybox"):
            where = f"[{host}]:{chosen}" if ":" in host else f"{host}:{chosen}"
            argv: tuple[str, ...] = (
                "busybox",
                "httpd",
                "-f",
                "-p",
                where,
                "-h",
                str(root),
            )
        else:
            argv = (
                "nginx",
                "-p",
                str(directory),
                "-c",
                str(nginx_conf(directory, host, chosen)),
            )
        return Command(argv=argv, log=directory / "web.log", ports=(chosen,), host=host)

    with running(make) as command:
        yield WebServer(root=root, port=command.ports[0])


def nginx_conf(directory: Path, host: str, port: int) -> Path:
    """What nginx needs to serve directory/www."""
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    places = "".join(
        f"{kind}_temp_path {directory}/temp;"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = directory / "nginx.conf"
    conf.write_text(
        f"daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr;\n"
        f"events {{}}\n"
        f"http {{ access_log off; {places} server {{ listen {where}; root {directory}/www; }} }}\n"
    )
    return conf
