"""Servers of mail."""

from pathlib import Path

from support.command import ROOT
from support.servers.greetings import smtp
from support.servers.server import Server, owned

EXIM = ROOT / "build/exim/usr/sbin/exim4"
EXIM_USER = "mail"
"""Debian-exim is there only where the package is."""


def cyrus(directory: Path, port: int) -> str:
    """An instance of its own: configuration, spool, sockets."""
    owned(directory / "spool", "cyrus")
    configuration = owned(directory / "lib", "cyrus")
    for name in ("db", "proc", "lock", "socket"):
        owned(configuration / name, "cyrus")
    (directory / "imapd.conf").write_text(
        f"configdirectory: {configuration}\npartition-default: {directory}/spool\n"
        f"defaultpartition: default\nproc_path: {configuration}/proc\n"
        f"mboxname_lockpath: {configuration}/lock\nsasl_pwcheck_method: auxprop\n"
        f"tls_server_cert: {directory}/tls/site.pem\n"
        f"tls_server_key: {directory}/tls/site.pem\n"
    )
    (directory / "cyrus.conf").write_text(
        f'START {{\n recover cmd="/usr/sbin/cyrus ctl_cyrusdb -C {directory}/imapd.conf -r"\n}}\n'
        f'SERVICES {{\n imaps cmd="imapd -s -U 30 -C {directory}/imapd.conf"'
        f' listen="127.0.0.1:{port}" prefork=0 maxchild=100\n}}\n'
    )
    files = f"-C {directory}/imapd.conf -M {directory}/cyrus.conf -p {directory}/pid"
    return f"exec cyrmaster {files}"


def dovecot(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"base_dir = {directory}/base\nlog_path = /dev/stderr\nprotocols = pop3\nssl = yes\n"
        f"ssl_cert = <{directory}/tls/chain.pem\nssl_key = <{directory}/tls/key.pem\n"
        "service pop3-login {\n inet_listener pop3 {\n  port = 0\n }\n"
        f" inet_listener pop3s {{\n  address = 127.0.0.1\n  port = {port}\n  ssl = yes\n }}\n}}\n"
        "passdb {\n driver = static\n args = nopassword=y\n}\n"
        "userdb {\n driver = static\n args = uid=65534 gid=65534 home=/nonexistent\n}\n"
    )
    return f"exec dovecot -F -c {directory}/conf"


def exim(directory: Path, port: int) -> str:
    """The Exim of build/exim: its package cannot be installed beside postfix's."""
    owned(directory / "spool", EXIM_USER)
    (directory / "conf").write_text(
        f"exim_user = {EXIM_USER}\nexim_group = mail\nspool_directory = {directory}/spool\n"
        f"log_file_path = {directory}/spool/%slog\npid_file_path = {directory}/spool/pid\n"
        f"daemon_smtp_ports = {port}\nlocal_interfaces = 127.0.0.1\n"
        "primary_hostname = mail.example.org\nqueue_only\nacl_smtp_rcpt =\n"
        "tls_advertise_hosts = *\nhost_lookup =\nrfc1413_query_timeout = 0s\n"
        f"tls_certificate = {directory}/tls/site.pem\n"
    )
    return f"exec {EXIM} -bdf -C {directory}/conf"


def postfix(directory: Path, port: int) -> str:
    """An instance of its own: etc, queue, data."""
    for name in ("etc", "queue"):
        (directory / name).mkdir()
    owned(directory / "data", "postfix")
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
    # `postfix start-fg` is a shell that stays above the master, which would go on without it.
    return (
        f"postfix -c {directory}/etc check\n"
        f"MAIL_CONFIG={directory}/etc exec /usr/lib/postfix/sbin/master -s"
    )


MAIL = {
    "cyrus": Server(
        cyrus,
        ("cyrmaster", "/usr/lib/cyrus/bin/imapd", "pkill"),
        "service={directory} test='/usr/lib/cyrus/bin/cyr_info -C {directory}/imapd.conf conf-lint'",
        configuration="imapd.conf",
    ),
    "dovecot": Server(
        dovecot,
        ("dovecot", "/usr/lib/dovecot/pop3-login", "/usr/lib/dovecot/pop3"),
        "service={directory} test='doveconf -n -c {directory}/conf'",
    ),
    "exim": Server(
        exim,
        (str(EXIM),),
        # It sees a new file after four to six seconds.
        f"service={{directory}} user={EXIM_USER} group={EXIM_USER}"
        " serves='127.0.0.1:{port} timeout=20'",
        smtp,
        is_told=False,
        minds_mistakes=False,
        unreadable="group=root",
        reopens=False,
    ),
    "postfix": Server(
        postfix,
        ("postfix",),
        "service={directory} command={directory}/command"
        " test='postconf -c {directory}/etc mail_version'",
        smtp,
        configuration="etc/main.cf",
    ),
}
