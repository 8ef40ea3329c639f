"""Servers that begin TLS in their own way, and that no preset's test has: how each is started.

Each writes into a directory with tls/chain.pem and tls/key.pem, and returns the last line of
a run script.
"""

import shutil
import subprocess
from pathlib import Path

from support.servers import mail


def dovecot(directory: Path, port: int) -> str:
    """POP3, in the clear at first."""
    (directory / "conf").write_text(
        f"base_dir = {directory}/base\nlog_path = /dev/stderr\nprotocols = pop3\n"
        f"ssl = yes\nssl_cert = <{directory}/tls/chain.pem\n"
        f"ssl_key = <{directory}/tls/key.pem\n"
        f"service pop3-login {{\n inet_listener pop3 {{\n  address = 127.0.0.1\n  port = {port}\n }}\n"
        " inet_listener pop3s {\n  port = 0\n }\n}\n"
        "passdb {\n driver = static\n args = nopassword=y\n}\n"
        "userdb {\n driver = static\n args = uid=65534 gid=65534 home=/nonexistent\n}\n"
    )
    return f"exec dovecot -F -c {directory}/conf"


def cyrus(directory: Path, port: int) -> str:
    """IMAP, in the clear at first."""
    run = mail.cyrus(directory, port)
    configuration = directory / "cyrus.conf"
    configuration.write_text(configuration.read_text().replace("imapd -s", "imapd"))
    return run


def mariadb(directory: Path, port: int) -> str:
    data = directory / "data"
    make = ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={data}"]
    subprocess.run([*make, "--skip-test-db"], check=True, capture_output=True)
    return (
        f"exec mariadbd --no-defaults --user=mysql --datadir={data} --port={port}"
        f" --bind-address=127.0.0.1 --socket={data}/socket"
        f" --ssl-cert={directory}/tls/chain.pem --ssl-key={directory}/tls/key.pem"
    )


def slapd(directory: Path, port: int) -> str:
    (directory / "conf").write_text(
        f"TLSCertificateFile {directory}/tls/chain.pem\n"
        f"TLSCertificateKeyFile {directory}/tls/key.pem\ndatabase config\n"
    )
    return f"exec slapd -d 0 -h ldap://127.0.0.1:{port} -f {directory}/conf"


def vsftpd(directory: Path, port: int) -> str:
    (directory / "empty").mkdir()
    (directory / "conf").write_text(
        "background=NO\nlisten=YES\nlisten_address=127.0.0.1\nanonymous_enable=YES\n"
        f"listen_port={port}\nsecure_chroot_dir={directory}/empty\nseccomp_sandbox=NO\n"
        f"ssl_enable=YES\nallow_anon_ssl=YES\nrsa_cert_file={directory}/tls/chain.pem\n"
        f"rsa_private_key_file={directory}/tls/key.pem\n"
    )
    shutil.chown(directory / "conf", "root")
    return f"exec vsftpd {directory}/conf"
