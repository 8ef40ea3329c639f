"""A host with a certificate, on which the rendered finish runs alone."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from support.authority import Authority, key_pem, new_key, pem
from support.program import require
from support.rendering import rendered, store

USER = "daemon"
APPLETS = (
    "base64 cat chmod chown cp cut date echo false find grep head ln mkdir mv readlink rm sed sh sha256sum "
    "sleep sort sync tail test timeout touch tr true uname"
)
NOT_DEPLOYED = "warning: not deployed, trying again at the next look: "
"""How finish begins the line about a target that was not given the certificate."""
AUTHORITY = Authority.new()
KEY = new_key()


def path_with(kind: str, scratch: Path) -> str:
    """A PATH on which the programs of finish are coreutils', or busybox's and no others."""
    if kind != "busybox":
        return os.environ["PATH"]
    require("busybox")
    programs = scratch / "busybox"
    programs.mkdir()
    for name in APPLETS.split():
        (programs / name).symlink_to(str(shutil.which("busybox")))
    for directory in ("/usr/lib/execline/bin", *os.environ["PATH"].split(":")):
        for program in Path(directory).glob("*"):
            ours = "execline" in directory or program.name.startswith(
                ("s6-", "execlineb")
            )
            if (ours or program.name == "openssl") and not (
                programs / program.name
            ).exists():
                (programs / program.name).symlink_to(program)
    return str(programs)


@attrs.frozen
class Host:
    """A host with a certificate, whose finish can be run."""

    scratch: Path
    path: str
    name: str = "renew-lets-encrypt-srv"

    @property
    def service(self) -> Path:
        return self.scratch / "sv" / self.name

    @property
    def chain(self) -> Path:
        return self.scratch / "keys/signed_chain.crt"

    @property
    def key(self) -> Path:
        return self.scratch / "keys/domain.key"

    @property
    def targets(self) -> Path:
        return self.scratch / "targets"

    @property
    def state(self) -> Path:
        return self.scratch / "state" / self.name

    def renders(
        self,
        *deployments: str,
        live: Path = Path("/run/s6-rc"),
        scandir: Path = Path("/run/service"),
    ) -> None:
        parameters = self.parameters(*deployments)
        parameters = attrs.evolve(parameters, live=str(live), scandir=str(scandir))
        store(rendered(parameters), self.scratch / "sv", force=True)
        (self.service / "supervise").mkdir(exist_ok=True)
        (self.service / "supervise/death_tally").touch()

    def parameters(self, *deployments: str) -> RenewLetsEncrypt:
        return RenewLetsEncrypt(
            page="www",
            domains=["example.org"],
            user=USER,
            certificate_dir=str(self.chain.parent),
            service=self.name,
            state_dir=str(self.state),
            execlineb=str(shutil.which("execlineb")),
            deployments=deployments,
        )

    def has_new_certificate(self, key: ec.EllipticCurvePrivateKey = KEY) -> None:
        """As the client does it: the key stays, if no other one is given."""
        owner = pwd.getpwnam(USER)
        self.chain.parent.mkdir(exist_ok=True)
        os.chown(self.chain.parent, owner.pw_uid, owner.pw_gid)
        self.chain.parent.chmod(0o750)
        if key is not KEY or not self.key.exists():
            self.put(self.key, key_pem(key))
        chain = pem(
            AUTHORITY.issue(["example.org"], key.public_key()), AUTHORITY.certificate
        )
        self.put(self.chain, chain)

    def put(self, path: Path, content: bytes) -> None:
        owner = pwd.getpwnam(USER)
        new = path.with_suffix(".new")
        new.write_bytes(content)
        new.chmod(0o600)
        os.chown(new, owner.pw_uid, owner.pw_gid)
        new.replace(path)

    def command(self, *before: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*before, "./finish", "0", "0", "x"],
            cwd=self.service,
            env={"PATH": self.path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finishes(self, before: Sequence[str] = ()) -> str:
        """Run finish; what it says."""
        running = self.command(*before)
        said, _ = running.communicate(timeout=90)
        assert running.returncode == 0, said
        return said


def host_with(kind: str, scratch: Path, *programs: str) -> Host:
    """A host with a certificate, and coreutils' programs or busybox's."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to become other users")
    require("execlineb", "s6-setuidgid", "s6-setlock", *programs)
    made = Host(scratch, path_with(kind, scratch))
    made.has_new_certificate()
    return made
