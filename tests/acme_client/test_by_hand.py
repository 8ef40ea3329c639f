"""The same command run once by hand, as root, does not lock the service out."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.command import PACKAGE
from support.pebble import PEBBLE, ChallTestSrv, Pebble, pebble, web_server
from support.program import require
from support.supervision import USER, python_for_all


@attrs.frozen
class Service:
    """A directory of the service's user, and the command that keeps a chain there."""

    directory: Path
    challenges: Path
    bundle: Path
    ca: Pebble
    client: Path
    python: str

    @property
    def chain(self) -> Path:
        """The chain that is kept current."""
        return self.directory / "chain.pem"

    def keep(self, user: str, *more: str) -> "subprocess.CompletedProcess[str]":
        """Run the client as somebody."""
        arguments = [
            *("--out", str(self.chain), "--domain", "example.org"),
            *("--account-key", str(self.directory / "account.key")),
            *("--domain-key", str(self.directory / "domain.key")),
            *("--csr", str(self.directory / "domain.csr")),
            *("--acme-dir", str(self.challenges)),
            *("--directory-url", self.ca.directory_url),
            *("--ca-bundle", str(self.bundle)),
        ]
        command = [self.python, "-I", str(self.client / "__main__.py")]
        become = [] if user == "root" else ["s6-setuidgid", user]
        return subprocess.run(
            [*become, *command, *arguments, *more],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )

    def owners(self) -> dict[str, tuple[str, str]]:
        """Owner and group of each file."""
        owners = {}
        for path in self.directory.iterdir():
            status = path.stat()
            owner = pwd.getpwuid(status.st_uid).pw_name
            owners[path.name] = (owner, str(status.st_gid))
        return owners


@pytest.fixture
def service(scratch: Path, dns: ChallTestSrv) -> Iterator[Service]:
    """A service of USER, in front of a CA of its own."""
    require(PEBBLE, "s6-setuidgid")
    shutil.copytree(
        PACKAGE / "acme_client",
        scratch / "client",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (scratch / "ca").mkdir()
    directory = scratch / "keys"
    directory.mkdir()
    user = pwd.getpwnam(USER)
    with (
        web_server(scratch / "web") as web,
        pebble(scratch / "ca", web.port, dns) as ca,
    ):
        bundle = scratch / "bundle.pem"
        bundle.write_bytes(ca.ca_file.read_bytes())
        for path in (directory, web.challenges):
            os.chown(path, user.pw_uid, user.pw_gid)
        yield Service(
            directory, web.challenges, bundle, ca, scratch / "client", python_for_all()
        )


@pytest.mark.parametrize("first", ["root", USER])
def test_root_gives_what_it_writes_to_the_owner(service: Service, first: str) -> None:
    """Whoever was first: the service goes on, and reads its state."""
    group = str(pwd.getpwnam(USER).pw_gid)
    for user in (first, "root", USER, "root", USER):
        done = service.keep(user, "--force", "--new-key")
        assert done.returncode == 0, done.stderr
        assert set(service.owners().values()) == {(USER, group)}
        again = service.keep(USER)
        assert (again.returncode, again.stderr) == (0, "")


def test_what_an_older_version_left_to_root_is_no_end(service: Service) -> None:
    """State and lock of root, which the service may replace but not read."""
    assert service.keep(USER).returncode == 0
    for name in ("chain.pem.state", "chain.pem.lock"):
        os.chown(service.directory / name, 0, 0)
    done = service.keep(USER, "--force")
    assert done.returncode == 0, done.stderr
    assert f"{service.chain}.state: Permission denied: starting it anew" in done.stderr
    assert f"{service.chain}.lock: Permission denied: going on" in done.stderr
    assert service.owners()["chain.pem.state"][0] == USER
    again = service.keep(USER)
    assert again.returncode == 0


def test_root_follows_nobody(service: Service, scratch: Path) -> None:
    """The owner of the directory plants links in place of what root writes."""
    victims = scratch / "victims"
    victims.mkdir()
    names = ("chain.pem", "chain.pem.state", "domain.key.next")
    for name in (*names, *(f"{name}.tmp" for name in names), "chain.pem.lock"):
        victim = victims / name
        victim.write_text("secret of root")
        victim.chmod(0o600)
        if name.endswith("lock"):
            os.link(victim, service.directory / name)
        else:
            (service.directory / name).symlink_to(victim)
    done = service.keep("root", "--force")
    assert done.returncode in (0, 111), done.stderr
    for victim in victims.iterdir():
        status = victim.stat()
        assert (status.st_uid, victim.read_text()) == (0, "secret of root"), victim
