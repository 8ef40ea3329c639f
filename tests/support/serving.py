"""Servers of all sorts, and the two programs that look at what is served."""

import contextlib
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from support.authority import Authority, key_pem, new_key, pem
from support.client import CLIENT
from support.command import ROOT
from support.program import require

AUTHORITY = Authority.new()
KEY = new_key()
SCRIPT = ROOT / "templates/renew-lets-encrypt/serves-by-openssl/data/serves-by-openssl"
APPLETS = "cut date grep head mount sed sh sleep sort timeout tr"
FORMS = ("client", "openssl", "busybox")
"""--serves of the client, the script with coreutils and dash, and with busybox alone."""
WITHIN = 120.0


@attrs.frozen
class Certificate:
    """A chain and its key, as PEM, and as files for a server."""

    chain: bytes
    key: bytes

    def stored(self, directory: Path) -> tuple[Path, Path]:
        """The chain and the key in files that everybody may read."""
        directory.mkdir(parents=True, exist_ok=True)
        chain, key = directory / "chain.pem", directory / "key.pem"
        chain.write_bytes(self.chain)
        key.write_bytes(self.key)
        return chain, key

    def context(self, directory: Path) -> ssl.SSLContext:
        """A server's TLS."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(*self.stored(directory))
        return made


def certificate(*names: str, authority: Authority = AUTHORITY) -> Certificate:
    """A new certificate for these names; the key is always the same."""
    leaf = authority.issue(list(names), KEY.public_key())
    return Certificate(pem(leaf, authority.certificate), key_pem(KEY))


def self_signed(*names: str) -> Certificate:
    """As a server makes it for itself: subject and issuer are the same."""
    root = Authority.new(names[0])
    leaf = root.issue(list(names), root.key.public_key())
    return Certificate(pem(leaf), key_pem(root.key))


# The programs


@attrs.frozen
class Seen:
    """How a program ended, and what it said."""

    code: int
    said: str


@attrs.frozen
class Form:
    """One of the programs that look."""

    kind: str
    scratch: Path
    prefix: tuple[str, ...] = ()

    def with_hosts(self, hosts: str) -> "Form":
        """The same where /etc/hosts is this text."""
        if os.geteuid() != 0:
            pytest.skip("needs root, to mount a file")
        require("unshare", "mount")
        file = self.scratch / "hosts"
        file.write_text(hosts)
        script = 'mount --bind "$0" /etc/hosts && exec "$@"'
        prefix = ("unshare", "--mount", "sh", "-c", script, str(file))
        return attrs.evolve(self, prefix=prefix)

    def looks(
        self,
        address: str,
        chain: bytes,
        starttls: str = "",
        name: str = "",
        timeout: int = 4,
        guess: bool = False,
    ) -> Seen:
        """Let it look at an address, for this chain."""
        if self.kind == "client":
            command = [sys.executable, "-I", str(CLIENT), "--serves", address]
            command += ["--quiet", f"--timeout={timeout}"]
            command += [f"--starttls={starttls}"] if starttls else []
            command += [f"--server-name={name}"] if name else []
            command += ["--guess"] if guess else []
        else:
            command = [*self.shell(), str(SCRIPT), address, starttls, name]
            command += [str(timeout), "yes" if guess else "no"]
        return run([*self.prefix, *command], chain, self.environment())

    def shell(self) -> list[str]:
        """What reads the script."""
        if self.kind == "busybox":
            return [str(shutil.which("busybox")), "sh"]
        return [str(shutil.which("dash") or "sh")]

    def environment(self) -> dict[str, str]:
        """With busybox there are no other programs but openssl."""
        if self.kind == "client":
            return dict(os.environ)
        if self.kind == "busybox":
            return {"PATH": str(programs(self.scratch / "programs", "openssl"))}
        return {"PATH": os.environ["PATH"]}


def programs(directory: Path, *others: str) -> Path:
    """A directory for PATH: busybox as all that the script needs, and other programs."""
    require("busybox", *others)
    directory.mkdir(exist_ok=True)
    for name in (*APPLETS.split(), *others):
        link = directory / name
        if not link.is_symlink():
            link.symlink_to(str(shutil.which(name if name in others else "busybox")))
    return directory


def run(command: list[str], chain: bytes, environment: dict[str, str]) -> Seen:
    """Run it to its end. It says a line at most, and nothing on standard output."""
    shell = shutil.which(command[0]) or command[0]
    ended = subprocess.run(
        [shell, *command[1:]],
        input=chain,
        capture_output=True,
        timeout=WITHIN,
        env=environment,
        check=False,
        cwd="/",
    )
    said = ended.stderr.decode()
    assert ended.stdout == b""
    assert said.count("\n") == (1 if ended.returncode else 0), said
    assert said.rstrip("\n").isprintable(), said
    return Seen(ended.returncode, said)


# Servers

Handler = Callable[[socket.socket, int], None]
"""What is done with a connection; they are counted from 0."""


@contextlib.contextmanager
def serving(handle: Handler, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A server on this port, or on a free one; the number of its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)

    def one(connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), connection:
            handle(connection, number)

    def accept() -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connection.settimeout(WITHIN)
                threading.Thread(
                    target=one, args=(connection, number), daemon=True
                ).start()
                number += 1

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def tls(*contexts: ssl.SSLContext) -> Handler:
    """TLS from the start: each of them in turn."""

    def handle(connection: socket.socket, number: int) -> None:
        context = contexts[number % len(contexts)]
        with context.wrap_socket(connection, server_side=True) as secured:
            while secured.recv(1000):
                pass

    return handle


def silent(connection: socket.socket, _: int) -> None:
    """It accepts, and hangs."""
    while connection.recv(1000):
        pass


def dripping(connection: socket.socket, _: int) -> None:
    """One byte a second, of what looks like a greeting."""
    over = threading.Event()
    while not over.wait(1):
        connection.sendall(b"2")


def endless(data: bytes) -> Handler:
    """The same again and again."""

    def handle(connection: socket.socket, _: int) -> None:
        while True:
            connection.sendall(data)

    return handle


def resetting(connection: socket.socket, _: int) -> None:
    """It accepts, and cuts the connection off."""
    connection.recv(10)
    linger = struct.pack("ii", 1, 0)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def saying(*lines: bytes) -> Handler:
    """Each of these, the first one at once, the others as answers; then it hangs up."""

    def handle(connection: socket.socket, _: int) -> None:
        for number, line in enumerate(lines):
            if number:
                connection.recv(1000)
            connection.sendall(line)

    return handle


def with_wrong_key(context: ssl.SSLContext) -> Handler:
    """A server that shows a certificate, but signs with another key (TLS 1.2)."""
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def handle(connection: socket.socket, _: int) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        secured = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            incoming.write(connection.recv(10000))
            with contextlib.suppress(ssl.SSLWantReadError):
                secured.do_handshake()
            connection.sendall(damaged(outgoing.read()))

    return handle


def damaged(records: bytes) -> bytes:
    """The same records; the signature of a ServerKeyExchange (12) is another one."""
    result = b""
    while records:
        end = 5 + int.from_bytes(records[3:5])
        record, records = bytearray(records[:end]), records[end:]
        if record[0] == 22 and record[5] == 12:
            record[-1] ^= 1
        result += record
    return result
