"""Servers of names."""

import base64
import secrets
from pathlib import Path

from support.program import free_port
from support.servers.server import Server, owned


def dnsdist(directory: Path, port: int) -> str:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    (directory / "conf").write_text(
        f"setKey('{key}')\nsetTCPRecvTimeout(60)\n"
        f"controlSocket('127.0.0.1:{free_port()}')\nsetSecurityPollSuffix('')\n"
        f"setLocal('127.0.0.1:{free_port()}')\nnewServer('127.0.0.1:{free_port()}')\n"
        f"addTLSLocal('127.0.0.1:{port}', '{directory}/tls/chain.pem',"
        f" '{directory}/tls/key.pem')\n"
    )
    start = f"dnsdist --supervised --disable-syslog -C {directory}/conf"
    return f"exec s6-setuidgid _dnsdist {start}"


def kresd(directory: Path, port: int) -> str:
    owned(directory / "state", "knot-resolver")
    (directory / "conf").write_text(
        f"net.listen('127.0.0.1', {port}, {{ kind = 'tls' }})\n"
        f"net.listen('{directory}/state/control', nil, {{ kind = 'control' }})\n"
        f"net.tls('{directory}/tls/chain.pem', '{directory}/tls/key.pem')\n"
    )
    start = f"kresd -n -c {directory}/conf {directory}/state"
    return f"exec s6-setuidgid knot-resolver {start}"


def unbound(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"server:\n interface: 127.0.0.1@{port}\n tls-port: {port}\n do-daemonize: no\n"
        f' chroot: ""\n directory: "{directory}"\n pidfile: ""\n use-syslog: no\n'
        f' tls-service-pem: "{directory}/tls/chain.pem"\n'
        f' tls-service-key: "{directory}/tls/key.pem"\n'
    )
    return f"exec unbound -d -c {directory}/conf"


NAMES = {
    "dnsdist": Server(
        dnsdist,
        ("dnsdist",),
        "service={directory} command='dnsdist -C {directory}/conf'",
        unreadable="group=root",
        reopens=False,
    ),
    "kresd": Server(
        kresd,
        ("kresd", "s6-ipcclient"),
        "service={directory} socket={directory}/state/control",
        minds_mistakes=False,
        unreadable="group=root",
        reopens=False,
    ),
    "unbound": Server(
        unbound,
        ("unbound",),
        "service={directory} test='unbound-checkconf {directory}/conf'",
        has_a_gap=True,
        is_restarted=True,
    ),
}
