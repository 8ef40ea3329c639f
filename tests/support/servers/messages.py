"""Servers that pass messages on."""

import shutil
from pathlib import Path

from support.program import free_port
from support.servers.greetings import xmpp
from support.servers.server import Server, owned


def ejabberd(directory: Path, port: int) -> str:
    """Started as `ejabberdctl foreground` does it, which would leave it behind, being ended.

    The port for ejabberdctl is given, so that no epmd is started, which would stay too.
    """
    for name in ("spool", "logs", "etc"):
        owned(directory / name, "ejabberd")
    (directory / "etc/inetrc").touch()
    control = free_port()
    (directory / "etc/ejabberdctl.cfg").write_text(
        f"ERL_DIST_PORT={control}\nERL_OPTIONS='-setcookie test'\n"
    )
    (directory / "ejabberd.yml").write_text(
        f'hosts:\n  - example.org\nloglevel: info\ncertfiles:\n  - "{directory}/tls/*.pem"\n'
        f'listen:\n  -\n    port: {port}\n    ip: "127.0.0.1"\n    module: ejabberd_c2s\n'
        "    starttls_required: true\nauth_method: anonymous\nacme:\n  auto: false\n"
    )
    (directory / "command").write_text(
        f"#!/bin/sh\nexec ejabberdctl -d {directory}/etc -s {directory}/spool"
        f' -l {directory}/logs -f {directory}/ejabberd.yml "$@"\n'
    )
    (directory / "command").chmod(0o755)
    (libraries,) = sorted(Path("/usr/lib").glob("*/ejabberd-*"))[-1:]
    return (
        f"export EJABBERD_CONFIG_PATH={directory}/ejabberd.yml"
        f" EJABBERD_LOG_PATH={directory}/logs/ejabberd.log ERL_LIBS={libraries.parent}\n"
        f"exec s6-setuidgid ejabberd erl -noinput -sname ejabberd@localhost"
        f" -setcookie test -erl_epmd_port {control} -start_epmd false"
        f" -mnesia dir '\"{directory}/spool\"' -s ejabberd"
    )


def inspircd(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        '<module name="ssl_gnutls">\n<module name="sslrehashsignal">\n'
        '<server name="irc.example.org" description="x" network="x">\n'
        '<admin name="x" nick="x" email="x@example.org">\n'
        '<connect allow="*"><log method="stderr" type="*" level="default" target="-">\n'
        f'<sslprofile name="x" provider="gnutls" certfile="{directory}/tls/chain.pem"'
        f' keyfile="{directory}/tls/key.pem">\n'
        f'<bind address="127.0.0.1" port="{port}" type="clients" sslprofile="x">\n'
    )
    start = f"inspircd --nofork --nopid --nolog --config {directory}/conf"
    return f"exec s6-setuidgid irc {start}"


def mosquitto(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"listener {port} 127.0.0.1\nuser mosquitto\nlog_dest stderr\nallow_anonymous true\n"
        f"certfile {directory}/tls/chain.pem\nkeyfile {directory}/tls/key.pem\n"
    )
    return f"exec mosquitto -c {directory}/conf"


def ngircd(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        "[Global]\nName = irc.example.org\nAdminInfo1 = x\nAdminEMail = x@example.org\n"
        f"Info = x\nListen = 127.0.0.1\nPorts = {free_port()}\n[Options]\nPAM = no\n"
        f"Ident = no\nDNS = no\n[SSL]\nCertFile = {directory}/tls/chain.pem\n"
        f"KeyFile = {directory}/tls/key.pem\nPorts = {port}\n"
    )
    return f"exec s6-setuidgid irc ngircd -n -f {directory}/conf"


def prosody(directory: Path, port: int) -> str:
    owned(directory / "data", "prosody")
    (directory / "prosody.cfg.lua").write_text(
        f"data_path = '{directory}/data'; pidfile = '{directory}/data/pid'\n"
        "log = { info = '*console' }; modules_enabled = { 'tls', 'saslauth' }\n"
        "modules_disabled = { 's2s' }; interfaces = { '127.0.0.1' }\n"
        f"c2s_ports = {{ {port} }}; c2s_require_encryption = true\n"
        "VirtualHost 'example.org'\n"
        f"ssl = {{ certificate = '{directory}/tls/chain.pem', key = '{directory}/tls/key.pem' }}\n"
    )
    return f"exec s6-setuidgid prosody prosody -F --config {directory}/prosody.cfg.lua"


def rabbitmq(directory: Path, port: int) -> str:
    data = owned(directory / "data", "rabbitmq")
    (directory / "rabbitmq.conf").write_text(
        f"listeners.tcp = none\nlisteners.ssl.default = 127.0.0.1:{port}\n"
        f"ssl_options.certfile = {directory}/tls/site.pem\n"
        f"ssl_options.keyfile = {directory}/tls/site.pem\n"
        "log.console = true\nlog.file = false\n"
    )
    (directory / "env").write_text(
        f"export HOME={data} RABBITMQ_NODENAME=s6gen{port}@localhost\n"
        f"export RABBITMQ_CONFIG_FILE={directory}/rabbitmq\n"
        f"export RABBITMQ_MNESIA_BASE={data} RABBITMQ_LOG_BASE={data}\n"
        f"export RABBITMQ_DIST_PORT={free_port()} RABBITMQ_ENABLED_PLUGINS_FILE={data}/plugins\n"
        "export RABBITMQ_CONF_ENV_FILE=/dev/null ERL_EPMD_ADDRESS=127.0.0.1\n"
        f"export ERL_EPMD_PORT={free_port()}\n"
    )
    # Erlang starts a daemon beside it, which goes on.
    finish = directory / "finish"
    finish.write_text(
        f"#!/bin/sh\n. {directory}/env\nexec epmd -kill >/dev/null 2>&1\n"
    )
    finish.chmod(0o755)
    command = directory / "command"
    command.write_text(
        f"#!/bin/sh\n. {directory}/env\n"
        'exec s6-setuidgid rabbitmq /usr/lib/rabbitmq/bin/rabbitmqctl "$@"\n'
    )
    command.chmod(0o755)
    return (
        f". {directory}/env\ncd {data}\n"
        "exec s6-setuidgid rabbitmq /usr/lib/rabbitmq/bin/rabbitmq-server"
    )


def znc(directory: Path, port: int) -> str:
    configuration = owned(owned(directory / "data", "_znc") / "configs", "_znc")
    (configuration / "znc.conf").write_text(
        f"Version = 1.8.2\nSSLCertFile = {directory}/tls/site.pem\n"
        f"SSLKeyFile = {directory}/tls/site.pem\n"
        f"<Listener l>\n Host = 127.0.0.1\n Port = {port}\n SSL = true\n IPv6 = false\n"
        "</Listener>\n<User u>\n Admin = true\n Nick = u\n Pass = plain#u\n</User>\n"
    )
    shutil.chown(configuration / "znc.conf", "_znc")
    return f"exec s6-setuidgid _znc znc --foreground --datadir={directory}/data"


MESSAGES = {
    "ejabberd": Server(
        ejabberd,
        ("ejabberdctl",),
        "service={directory} command={directory}/command",
        xmpp,
        configuration="ejabberd.yml",
        mistake="nonsense: [\n",
        unreadable="group=root",
    ),
    "inspircd": Server(
        inspircd,
        ("inspircd",),
        "service={directory} serves='127.0.0.1:{port} timeout=10'",
        minds_mistakes=False,
        unreadable="group=root",
        reopens=False,
    ),
    "mosquitto": Server(
        mosquitto,
        ("mosquitto",),
        minds_mistakes=False,
        unreadable="group=root",
        reopens=False,
    ),
    "ngircd": Server(
        ngircd,
        ("ngircd",),
        "service={directory} config={directory}/conf",
        has_a_gap=True,
        mistake="Ports = nonsense\n",
        unreadable="group=root",
    ),
    "prosody": Server(
        prosody,
        ("prosody",),
        "service={directory} "
        "test='prosodyctl --config {directory}/prosody.cfg.lua check disabled'",
        xmpp,
        configuration="prosody.cfg.lua",
        mistake="nonsense line\n",
        unreadable="group=root",
    ),
    "rabbitmq": Server(
        rabbitmq,
        ("rabbitmq-server",),
        "service={directory} command={directory}/command",
        configuration="rabbitmq.conf",
        minds_mistakes=False,
        unreadable="group=root",
        reopens=False,
    ),
    "znc": Server(
        znc,
        ("znc",),
        configuration="data/configs/znc.conf",
        minds_mistakes=False,
        unreadable="group=root",
        reopens=False,
        is_told=False,
    ),
}
