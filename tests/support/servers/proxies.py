"""Servers that stand before others."""

from pathlib import Path

from support.servers.server import Server


def haproxy(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        "global\n user nobody\ndefaults\n mode http\n timeout connect 5s\n timeout client 5s\n"
        f" timeout server 5s\nfrontend x\n bind 127.0.0.1:{port} ssl crt {directory}/tls/site.pem\n"
        " http-request return status 200\n"
    )
    return f"exec haproxy -W -db -f {directory}/conf"


def hitch(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f'frontend = "[127.0.0.1]:{port}"\nbackend = "[127.0.0.1]:1"\nuser = "_hitch"\n'
        f'group = "_hitch"\ndaemon = off\npem-file = "{directory}/tls/site.pem"\n'
    )
    return f"exec hitch --config={directory}/conf"


def stunnel(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        "foreground = yes\npid =\nsetuid = stunnel4\nsetgid = stunnel4\n"
        f"[x]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:1\n"
        f"cert = {directory}/tls/chain.pem\nkey = {directory}/tls/key.pem\n"
    )
    return f"exec stunnel4 {directory}/conf"


PROXIES = {
    "haproxy": Server(
        haproxy,
        ("haproxy",),
        "service={directory} test='haproxy -c -f {directory}/conf'",
    ),
    "hitch": Server(
        hitch,
        ("hitch",),
        "service={directory} test='hitch --test --config={directory}/conf'",
    ),
    "stunnel": Server(
        stunnel,
        ("stunnel4",),
        "service={directory} user=stunnel4 group=stunnel4",
        has_a_gap=True,
        unreadable="group=root",
    ),
}
