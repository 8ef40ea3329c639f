"""The servers that a certificate is for: how each is configured, started and asked."""

import contextlib
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from support.program import free_port

WITHIN = 60.0
"""Seconds in which a server has to do what it is told."""


@contextlib.contextmanager
def supervised(directory: Path, script: str) -> Iterator[None]:
    """A service directory with this run script, supervised; what it says is in directory/log."""
    directory.mkdir(exist_ok=True)
    run = directory / "run"
    run.write_text(f"#!/bin/sh\nexec 2>&1\n{script}\n")
    run.chmod(0o755)
    with (directory / "log").open("wb") as log:
        supervisor = subprocess.Popen(
            ["s6-supervise", str(directory)], stdout=log, stderr=log
        )
    try:
        yield
    finally:
        supervisor.terminate()
        supervisor.wait(WITHIN)


# What is said before TLS begins


def at_once(_: socket.socket) -> None:
    """TLS from the start."""


def smtp(plain: socket.socket) -> None:
    """SMTP (RFC 3207)."""
    plain.recv(1000)
    plain.sendall(b"EHLO example.org\r\n")
    while b"\n250 " not in plain.recv(1000):
        pass
    plain.sendall(b"STARTTLS\r\n")
    assert plain.recv(1000).startswith(b"220")


def postgres(plain: socket.socket) -> None:
    """PostgreSQL's SSLRequest."""
    plain.sendall(struct.pack("!ii", 8, 80877103))
    assert plain.recv(1) == b"S"


def xmpp(plain: socket.socket) -> None:
    """A client's stream (RFC 6120 section 5.4)."""
    opening = "<stream:stream to='example.org' version='1.0' xmlns='jabber:client'"
    plain.sendall(
        f"{opening} xmlns:stream='http://etherx.jabber.org/streams'>".encode()
    )
    seen = b""
    while b"</stream:features>" not in seen:
        seen += received(plain)
    plain.sendall(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    seen = b""
    while b"<proceed" not in seen:
        seen += received(plain)


def received(plain: socket.socket) -> bytes:
    """The next bytes; there must be some."""
    if not (data := plain.recv(4096)):
        raise ConnectionResetError("the server has hung up")
    return data


# Configurations: each writes into directory, and returns the last line of a run script


def nginx(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"daemon off; pid {directory}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; server {{ listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {directory}/tls/chain.pem; ssl_certificate_key {directory}/tls/key.pem;\n"
        f"return 200; }} }}\n"
    )
    return f"exec nginx -c {directory}/conf"


def haproxy(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        "global\n user nobody\ndefaults\n mode http\n timeout connect 5s\n timeout client 5s\n"
        f" timeout server 5s\nfrontend x\n bind 127.0.0.1:{port} ssl crt {directory}/tls/site.pem\n"
        " http-request return status 200\n"
    )
    return f"exec haproxy -W -db -f {directory}/conf"


def lighttpd(directory: Path, port: int) -> str:
    (directory / "www").mkdir()
    (directory / "conf").write_text(
        f'server.modules = ("mod_openssl")\nserver.document-root = "{directory}/www"\n'
        f'server.bind = "127.0.0.1"\nserver.port = {port}\nserver.username = "www-data"\n'
        f'server.groupname = "www-data"\n'
        f'ssl.engine = "enable"\nssl.pemfile = "{directory}/tls/chain.pem"\n'
        f'ssl.privkey = "{directory}/tls/key.pem"\n'
        'server.feature-flags += ("server.graceful-restart-bg" => "enable")\n'
    )
    return f"exec lighttpd -D -f {directory}/conf"


def dovecot(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"base_dir = {directory}/base\nlog_path = /dev/stderr\nprotocols = imap\nssl = yes\n"
        f"ssl_cert = <{directory}/tls/chain.pem\nssl_key = <{directory}/tls/key.pem\n"
        "service imap-login {\n inet_listener imap {\n  port = 0\n }\n"
        f" inet_listener imaps {{\n  address = 127.0.0.1\n  port = {port}\n  ssl = yes\n }}\n}}\n"
        "passdb {\n driver = static\n args = nopassword=y\n}\n"
        "userdb {\n driver = static\n args = uid=65534 gid=65534 home=/nonexistent\n}\n"
    )
    return f"exec dovecot -F -c {directory}/conf"


def postfix(directory: Path, port: int) -> str:
    """An instance of its own: etc, queue, data."""
    for name in ("etc", "queue", "data"):
        (directory / name).mkdir()
    shutil.chown(directory / "data", "postfix")
    (directory / "etc/main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {directory}/queue\n"
        f"data_directory = {directory}/data\ninet_interfaces = 127.0.0.1\n"
        "mydestination =\nmynetworks = 127.0.0.0/8\nmyhostname = mail.example.org\n"
        "maillog_file = /dev/stdout\nsmtpd_tls_security_level = may\nalias_maps =\n"
        f"smtpd_tls_chain_files = {directory}/tls/site.pem\n"
    )
    (directory / "etc/master.cf").write_text(
        f"127.0.0.1:{port} inet n - n - - smtpd\n"
        + "".join(
            f"{line}\n"
            for line in (
                "pickup unix n - n 60 1 pickup",
                "cleanup unix n - n - 0 cleanup",
                "qmgr unix n - n 300 1 qmgr",
                "tlsmgr unix - - n 1000? 1 tlsmgr",
                "rewrite unix - - n - - trivial-rewrite",
                "anvil unix - - n - 1 anvil",
                "postlog unix-dgram n - n - 1 postlogd",
                "proxymap unix - - n - - proxymap",
            )
        )
    )
    (directory / "command").write_text(
        f'#!/bin/sh\nexec postfix -c {directory}/etc "$@"\n'
    )
    (directory / "command").chmod(0o755)
    return f"exec postfix -c {directory}/etc start-fg"


def apache(directory: Path, port: int) -> str:
    modules = ("mpm_event", "authz_core", "ssl", "socache_shmcb")
    (directory / "conf").write_text(
        "".join(
            f"LoadModule {one}_module /usr/lib/apache2/modules/mod_{one}.so\n"
            for one in modules
        )
        + f"ServerName example.org\nListen 127.0.0.1:{port}\nPidFile {directory}/pid\n"
        "User www-data\nGroup www-data\nErrorLog /dev/stderr\nSSLEngine on\n"
        f"DocumentRoot {directory}\nDefaultRuntimeDir {directory}\n"
        f"SSLCertificateFile {directory}/tls/chain.pem\n"
        f"SSLCertificateKeyFile {directory}/tls/key.pem\n"
    )
    return f"exec apache2 -f {directory}/conf -DFOREGROUND"


def mosquitto(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"listener {port} 127.0.0.1\nuser mosquitto\nlog_dest stderr\nallow_anonymous true\n"
        f"certfile {directory}/tls/chain.pem\nkeyfile {directory}/tls/key.pem\n"
    )
    return f"exec mosquitto -c {directory}/conf"


def stunnel(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        "foreground = yes\npid =\nsetuid = stunnel4\nsetgid = stunnel4\n"
        f"[x]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:1\n"
        f"cert = {directory}/tls/chain.pem\nkey = {directory}/tls/key.pem\n"
    )
    return f"exec stunnel4 {directory}/conf"


def hitch(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f'frontend = "[127.0.0.1]:{port}"\nbackend = "[127.0.0.1]:1"\nuser = "_hitch"\n'
        f'group = "_hitch"\ndaemon = off\npem-file = "{directory}/tls/site.pem"\n'
    )
    return f"exec hitch --config={directory}/conf"


def unbound(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"server:\n interface: 127.0.0.1@{port}\n tls-port: {port}\n do-daemonize: no\n"
        f' chroot: ""\n directory: "{directory}"\n pidfile: ""\n use-syslog: no\n'
        f' tls-service-pem: "{directory}/tls/chain.pem"\n'
        f' tls-service-key: "{directory}/tls/key.pem"\n'
    )
    return f"exec unbound -d -c {directory}/conf"


def postgresql(directory: Path, port: int) -> str:
    (program,) = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
    shutil.chown(directory, "postgres")
    become = ["s6-setuidgid", "postgres"]
    make = [
        *become,
        f"{program}/initdb",
        "-D",
        f"{directory}/data",
        "-N",
        "-A",
        "trust",
    ]
    subprocess.run(make, check=True, capture_output=True, cwd="/")
    with (directory / "data/postgresql.conf").open("a") as conf:
        conf.write(
            f"listen_addresses = '127.0.0.1'\nport = {port}\nunix_socket_directories = ''\n"
            f"ssl = on\nssl_cert_file = '{directory}/tls/chain.pem'\n"
            f"ssl_key_file = '{directory}/tls/key.pem'\n"
        )
    return f"exec s6-setuidgid postgres {program}/postgres -D {directory}/data"


def prosody(directory: Path, port: int) -> str:
    (directory / "data").mkdir()
    shutil.chown(directory / "data", "prosody")
    (directory / "prosody.cfg.lua").write_text(
        f"data_path = '{directory}/data'; pidfile = '{directory}/data/pid'\n"
        "log = { info = '*console' }; modules_enabled = { 'tls', 'saslauth' }\n"
        "modules_disabled = { 's2s' }; interfaces = { '127.0.0.1' }\n"
        f"c2s_ports = {{ {port} }}; c2s_require_encryption = true\n"
        "VirtualHost 'example.org'\n"
        f"ssl = {{ certificate = '{directory}/tls/chain.pem', key = '{directory}/tls/key.pem' }}\n"
    )
    return f"exec s6-setuidgid prosody prosody -F --config {directory}/prosody.cfg.lua"


def caddy(directory: Path, port: int) -> str:
    (directory / "home").mkdir()
    shutil.chown(directory / "home", "caddy")
    (directory / "Caddyfile").write_text(
        f"{{\n admin 127.0.0.1:{free_port()}\n auto_https disable_redirects\n"
        f" default_sni example.org\n}}\nhttps://example.org:{port} {{\n"
        f" bind 127.0.0.1\n tls {directory}/tls/chain.pem {directory}/tls/key.pem\n}}\n"
    )
    start = f"caddy run --config {directory}/Caddyfile"
    return f"export HOME={directory}/home\nexec s6-setuidgid caddy {start}"


@attrs.frozen
class Server:
    """A server, and what its preset has to be told for the test."""

    configure: Callable[[Path, int], str]
    programs: tuple[str, ...]
    settings: str = "service={directory}"
    greet: Callable[[socket.socket], None] = at_once
    has_a_gap: bool = False
    """It has to be restarted, or opens its port anew at a reload: some connections fail then."""


SERVERS = {
    "apache": Server(apache, ("apache2",)),
    "caddy": Server(caddy, ("caddy",), "config={directory}/Caddyfile"),
    "dovecot": Server(
        dovecot, ("dovecot", "/usr/lib/dovecot/imap-login", "/usr/lib/dovecot/imap")
    ),
    "haproxy": Server(haproxy, ("haproxy",)),
    "hitch": Server(hitch, ("hitch",)),
    "lighttpd": Server(lighttpd, ("lighttpd",)),
    "mosquitto": Server(mosquitto, ("mosquitto",)),
    "nginx": Server(nginx, ("nginx",)),
    "postfix": Server(postfix, ("postfix",), "command={directory}/command", smtp),
    "postgresql": Server(postgresql, ("pg_createcluster",), greet=postgres),
    "prosody": Server(prosody, ("prosody",), greet=xmpp),
    "stunnel": Server(
        stunnel, ("stunnel4",), "service={directory} group=stunnel4", has_a_gap=True
    ),
    "unbound": Server(unbound, ("unbound",), has_a_gap=True),
}
