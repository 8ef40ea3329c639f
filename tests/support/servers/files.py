"""Servers of files, and of what is printed."""

import shutil
from pathlib import Path

from support.command import ROOT
from support.servers.greetings import ftp
from support.servers.server import Server

UNPACKED = ROOT / "build/proftpd"
"""Debian's proftpd-core and proftpd-mod-crypto: vsftpd and they cannot both be installed."""
PROFTPD = Path("/") if shutil.which("proftpd") else UNPACKED


def cups(directory: Path, port: int) -> str:
    for name in ("cache", "state", "spool", "spool/tmp", "keys"):
        (directory / name).mkdir()
        shutil.chown(directory / name, "root", "lp")
        (directory / name).chmod(0o770)
    (directory / "keys").chmod(0o700)
    for name in ("crt", "key"):
        (directory / f"keys/example.org.{name}").symlink_to(directory / "tls/site.pem")
    (directory / "cupsd.conf").write_text(
        f"ServerName example.org\nServerAlias *\nSSLListen 127.0.0.1:{port}\n"
        "LogLevel info\n<Location />\nOrder allow,deny\nAllow all\n</Location>\n"
    )
    (directory / "cups-files.conf").write_text(
        f"ServerRoot {directory}\nServerKeychain {directory}/keys\nSystemGroup root\n"
        f"CacheDir {directory}/cache\nStateDir {directory}/state\nErrorLog stderr\n"
        f"AccessLog stderr\nPageLog stderr\nRequestRoot {directory}/spool\n"
        f"TempDir {directory}/spool/tmp\n"
    )
    return f"exec cupsd -f -c {directory}/cupsd.conf -s {directory}/cups-files.conf"


def proftpd(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        "ServerType standalone\nUseIPv6 off\nDefaultAddress 127.0.0.1\n"
        f"Port {port}\nUser nobody\nGroup nogroup\nWtmpLog off\nTransferLog none\n"
        f"PidFile {directory}/pid\nScoreboardFile {directory}/scoreboard\n"
        f"ModulePath {PROFTPD}/usr/lib/proftpd\nLoadModule mod_tls.c\n"
        "UseReverseDNS off\nTLSEngine on\nTLSLog none\n"
        f"TLSECCertificateFile {directory}/tls/site.pem\n"
        f"TLSECCertificateKeyFile {directory}/tls/site.pem\n"
        f"TLSCertificateChainFile {directory}/tls/site.pem\n"
    )
    return f"exec {PROFTPD}/usr/sbin/proftpd --nodaemon -c {directory}/conf"


def vsftpd(directory: Path, port: int) -> str:
    (directory / "empty").mkdir()
    (directory / "conf").write_text(
        f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n"
        f"secure_chroot_dir={directory}/empty\nanonymous_enable=YES\nssl_enable=YES\n"
        f"rsa_cert_file={directory}/tls/chain.pem\n"
        f"rsa_private_key_file={directory}/tls/key.pem\n"
    )
    return f"exec vsftpd {directory}/conf"


FILES = {
    "cups": Server(
        cups,
        ("cupsd",),
        configuration="cupsd.conf",
        minds_mistakes=False,
        names_its_files=False,
        is_told=False,
    ),
    "proftpd": Server(
        proftpd,
        (f"{PROFTPD}/usr/sbin/proftpd",),
        greet=ftp,
        is_told=False,
        minds_mistakes=False,
        reopens=False,
    ),
    "vsftpd": Server(
        vsftpd,
        ("vsftpd",),
        "service={directory} config={directory}/conf",
        ftp,
        has_a_gap=True,
        is_restarted=True,
    ),
}
