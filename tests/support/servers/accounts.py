"""Servers of accounts."""

import subprocess
from pathlib import Path

from support.servers.server import Server, owned

SLAPD_ROOT = "gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth"
"""Who root is on slapd's socket."""


def freeradius(directory: Path, port: int) -> str:
    """RadSec (RADIUS over TLS, RFC 6614), and EAP-TLS with the same certificate."""
    tls = (
        f"certificate_file = {directory}/tls/chain.pem\n"
        f"private_key_file = {directory}/tls/key.pem\n"
        "ca_path = /etc/ssl/certs\nrequire_client_cert = no\n"
    )
    (directory / "radiusd.conf").write_text(
        f"prefix = /usr\nlibdir = /usr/lib/freeradius\nlogdir = {directory}\n"
        "log {\n destination = stdout\n}\nsecurity {\n}\nthread pool {\n}\n"
        f"modules {{\n eap {{\n default_eap_type = tls\n tls-config x {{\n{tls} }}\n"
        " tls {\n tls = x\n }\n }\n}\n"
        "clients radsec {\n client x {\n ipaddr = 127.0.0.1\n proto = tls\n"
        " secret = radsec\n limit {\n max_connections = 0\n }\n }\n}\n"
        "server default {\n listen {\n type = auth\n ipaddr = 127.0.0.1\n"
        f" port = {port}\n proto = tcp\n clients = radsec\n"
        f" limit {{\n max_connections = 0\n }}\n tls {{\n{tls} }}\n }}\n"
        " authorize {\n eap\n }\n authenticate {\n eap\n }\n}\n"
    )
    return f"exec s6-setuidgid freerad freeradius -f -d {directory}"


def samba(directory: Path, port: int) -> str:
    """A domain controller; it serves LDAP over TLS at 636, so its address is its own."""
    provision = (
        *("samba-tool", "domain", "provision", "--realm=AD.EXAMPLE.ORG", "--domain=AD"),
        *("--server-role=dc", "--dns-backend=NONE", "--adminpass=Secret-0123"),
        *("--host-name=example", "--host-ip=127.0.0.1", f"--targetdir={directory}/dc"),
        f"--option=interfaces={at_636(port)[0]}/8",
        "--option=bind interfaces only=yes",
        "--option=server services=ldap",
        f"--option=tls certfile={directory}/tls/chain.pem",
        f"--option=tls keyfile={directory}/tls/key.pem",
        "--option=tls cafile=",
    )
    subprocess.run(provision, check=True, capture_output=True)
    (directory / "dc/cache").mkdir()
    return f"exec samba -F --no-process-group -s {directory}/dc/etc/smb.conf"


def slapd(directory: Path, port: int) -> str:
    data = owned(directory / "data", "openldap")
    (directory / "conf").write_text(
        "include /etc/ldap/schema/core.schema\n"
        "modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
        f"TLSCertificateFile {directory}/tls/chain.pem\n"
        f"TLSCertificateKeyFile {directory}/tls/key.pem\n"
        f"database mdb\nsuffix dc=example,dc=org\ndirectory {data}\n"
    )
    return (
        f"exec slapd -d 0 -u openldap -g openldap -f {directory}/conf"
        f" -h ldaps://127.0.0.1:{port}"
    )


def slapd_config(directory: Path, port: int) -> str:
    owned(directory / "slapd.d", "openldap")
    (directory / "tls.ldif").write_text(
        "dn: cn=config\nchangetype: modify\n"
        "replace: olcTLSCertificateFile\n"
        f"olcTLSCertificateFile: {directory}/tls/chain.pem\n-\n"
        "replace: olcTLSCertificateKeyFile\n"
        f"olcTLSCertificateKeyFile: {directory}/tls/key.pem\n"
    )
    (directory / "config.ldif").write_text(
        "dn: cn=config\nobjectClass: olcGlobal\ncn: config\n"
        f"olcTLSCertificateFile: {directory}/tls/chain.pem\n"
        f"olcTLSCertificateKeyFile: {directory}/tls/key.pem\n\n"
        "dn: olcDatabase={0}config,cn=config\nobjectClass: olcDatabaseConfig\n"
        f"olcDatabase: {{0}}config\nolcAccess: to * by dn.exact={SLAPD_ROOT} manage\n"
    )
    load = ["slapadd", "-n", "0", "-F", "slapd.d", "-l", "config.ldif"]
    subprocess.run(load, check=True, capture_output=True, cwd=directory)
    subprocess.run(["chown", "-R", "openldap", directory / "slapd.d"], check=True)
    # The socket on which root may change cn=config.
    url = "ldapi://" + f"{directory}/ldapi".replace("/", "%2F")
    command = directory / "command"
    command.write_text(f'#!/bin/sh\nexec ldapmodify -Q -Y EXTERNAL -H {url} "$@"\n')
    command.chmod(0o755)
    return (
        f"exec slapd -d 0 -u openldap -g openldap -F {directory}/slapd.d"
        f" -h 'ldaps://127.0.0.1:{port} {url}'"
    )


def at_636(port: int) -> tuple[str, int]:
    """An address of this host that no other test has, as no other test has the port."""
    return f"127.1.{port // 256}.{port % 256}", 636


ACCOUNTS = {
    "freeradius": Server(
        freeradius,
        ("freeradius",),
        "service={directory} test='freeradius -C -lstdout -d {directory}'",
        has_a_gap=True,
        is_restarted=True,
        configuration="radiusd.conf",
        unreadable="group=root",
    ),
    "samba": Server(
        samba,
        ("samba", "samba-tool", "testparm"),
        "service={directory} config={directory}/dc/etc/smb.conf",
        has_a_gap=True,
        is_restarted=True,
        configuration="dc/etc/smb.conf",
        mistake="[nonsense\n",
        address=at_636,
    ),
    "slapd": Server(
        slapd,
        ("slapd",),
        "service={directory} test='slaptest -u -f {directory}/conf'",
        has_a_gap=True,
        is_restarted=True,
        unreadable="group=root",
    ),
    "slapd-config": Server(
        slapd_config,
        ("slapd", "ldapmodify"),
        "service={directory} ldif={directory}/tls.ldif command={directory}/command",
        configuration="tls.ldif",
        unreadable="group=root",
    ),
}
