"""Servers of what people say, and hear."""

from pathlib import Path

from support.program import free_port
from support.servers.server import Server, owned


def coturn(directory: Path, port: int) -> str:
    data = owned(directory / "data", "turnserver")
    (directory / "conf").write_text(
        f"listening-ip=127.0.0.1\nlistening-port={free_port()}\n"
        f"tls-listening-port={port}\nno-udp\nno-dtls\nno-cli\nrealm=example.org\n"
        f"userdb={data}/turndb\nlog-file=stdout\nsimple-log\n"
        f"cert={directory}/tls/chain.pem\npkey={directory}/tls/key.pem\n"
    )
    start = f"turnserver -c {directory}/conf --pidfile="
    return f"exec s6-setuidgid turnserver {start}"


def icecast(directory: Path, port: int) -> str:
    logs = owned(directory / "logs", "icecast2")
    web = "/usr/share/icecast2"
    (directory / "conf").write_text(
        "<icecast><hostname>example.org</hostname><location>x</location>"
        "<admin>x@example.org</admin><authentication><source-password>x</source-password>"
        "<admin-user>x</admin-user><admin-password>x</admin-password></authentication>"
        f"<listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address>"
        "<ssl>1</ssl></listen-socket>"
        f"<paths><basedir>{web}</basedir><logdir>{logs}</logdir>"
        f"<webroot>{web}/web</webroot><adminroot>{web}/admin</adminroot>"
        f"<ssl-certificate>{directory}/tls/site.pem</ssl-certificate></paths>"
        "<logging><accesslog>-</accesslog><errorlog>-</errorlog></logging></icecast>\n"
    )
    return f"exec s6-setuidgid icecast2 icecast2 -c {directory}/conf"


def mumble(directory: Path, port: int) -> str:
    data = owned(directory / "data", "mumble-server")
    (directory / "conf").write_text(
        f"database={data}/mumble.sqlite\nhost=127.0.0.1\nport={port}\nlogfile=\n"
        f"pidfile=\nuname=mumble-server\nautobanAttempts=0\n"
        f"sslCert={directory}/tls/chain.pem\nsslKey={directory}/tls/key.pem\n"
    )
    return f"exec murmurd -fg -ini {directory}/conf"


VOICES = {
    "coturn": Server(
        coturn,
        ("turnserver",),
        minds_mistakes=False,
        unreadable="group=root",
        reopens=False,
    ),
    "icecast": Server(
        icecast,
        ("icecast2", "xmllint"),
        "service={directory} config={directory}/conf",
        has_a_gap=True,
        is_restarted=True,
        unreadable="group=root",
    ),
    "mumble": Server(
        mumble, ("murmurd",), minds_mistakes=False, unreadable="group=root"
    ),
}
