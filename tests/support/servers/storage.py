"""Servers that keep data."""

import shutil
import subprocess
from pathlib import Path

from support.servers.greetings import mysql, postgres
from support.servers.server import Server, owned


def mariadb(directory: Path, port: int) -> str:
    data = owned(directory / "data", "mysql")
    subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            "--user=mysql",
            f"--datadir={data}",
            "--auth-root-authentication-method=socket",
            "--skip-test-db",
        ],
        check=True,
        capture_output=True,
    )
    (directory / "conf").write_text(
        f"[mariadbd]\ndatadir={data}\nsocket={data}/socket\npid-file={data}/pid\n"
        f"bind-address=127.0.0.1\nport={port}\n"
        f"ssl_cert={directory}/tls/chain.pem\nssl_key={directory}/tls/key.pem\n"
        f"[client]\nsocket={data}/socket\n"
    )
    return f"exec s6-setuidgid mysql mariadbd --defaults-file={directory}/conf"


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


def redis(directory: Path, port: int) -> str:
    data = owned(directory / "data", "redis")
    (directory / "conf").write_text(
        f"bind 127.0.0.1\nport 0\ntls-port {port}\nunixsocket {data}/socket\n"
        f'dir {data}\ntls-auth-clients no\nsave ""\n'
        f"tls-cert-file {directory}/tls/chain.pem\n"
        f"tls-key-file {directory}/tls/key.pem\n"
    )
    shutil.chown(directory / "conf", "redis")
    return f"exec s6-setuidgid redis redis-server {directory}/conf"


STORAGE = {
    "mariadb": Server(
        mariadb,
        ("mariadbd",),
        "service={directory}"
        " command='mariadb-admin --defaults-file={directory}/conf flush-ssl'",
        mysql,
        unreadable="group=root",
        reopens=False,
    ),
    "postgresql": Server(
        postgresql,
        ("pg_createcluster",),
        greet=postgres,
        configuration="data/postgresql.conf",
        minds_mistakes=False,
        unreadable="group=root",
    ),
    "redis": Server(
        redis,
        ("redis-server",),
        "service={directory} cli='redis-cli -e -s {directory}/data/socket'",
        minds_mistakes=False,
        names_its_files=False,
        unreadable="group=root",
    ),
}
