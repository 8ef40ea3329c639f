"""Several certificates of one s6gen.toml on the real thing: one account, one logger, one bundle."""

import functools
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from support.command import call
from support.pebble import PEBBLE, ChallTestSrv, Pebble, nginx_conf, pebble
from support.program import Command, free_port, require, running
from support.supervision import LOG_USER, USER, WITHIN, python_for_all, s6_rc, scanning

from s6gen.places import shipped

DEFAULTS = """\
machine-defaults = false
[defaults]
web-root = "{top}/www"
certificate-dir = "{top}/keys/{{page}}"
account-key = "{top}/keys/account.key"
log-dir = "{top}/log"
user = "{user}"
log-user = "{log_user}"
ca = "https://localhost:{port}/dir"
ca-bundle = "{top}/ca.pem"
python = "{python}"
execlineb = "{execlineb}"
"""
CERTIFICATE = '[[certificate]]\npage = "{0}"\ndomain = "{0}"\n'


@pytest.fixture
def authority(scratch: Path, dns: ChallTestSrv) -> Iterator[Pebble]:
    """A CA that finds each name's site in a directory of that name."""
    require(
        "execlineb",
        "s6-svscan",
        "s6-log",
        "snooze",
        PEBBLE,
        "nginx",
        "s6-rc-compile",
        "s6-rc",
    )
    (scratch / "www").mkdir()
    (scratch / "ca").mkdir()

    def make() -> Command:
        conf = nginx_conf(scratch, "127.0.0.1", port := free_port())
        text = conf.read_text().replace(
            f"root {scratch}/www;", f"root {scratch}/www/$host;"
        )
        conf.write_text(f"user {USER};\n{text}")
        argv = ("nginx", "-p", str(scratch), "-c", str(conf))
        return Command(argv=argv, log=scratch / "web.log", ports=(port,))

    with running(make) as web, pebble(scratch / "ca", web.ports[0], dns) as server:
        (scratch / "ca.pem").write_bytes(server.ca_file.read_bytes())
        yield server


def is_logged(log: Path, text: str) -> bool:
    """Tell whether the log says something."""
    return text in log.read_text()


def until(holds: Callable[[], bool], log: Path) -> None:
    """Wait until something holds; fail with the log."""
    deadline = time.monotonic() + WITHIN
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(
                f"not within {WITHIN:g} s; the log:\n{log.read_text()}", pytrace=False
            )
        time.sleep(0.05)


def test_from_one_file_to_certificates_and_one_more(
    scratch: Path, authority: Pebble
) -> None:
    defaults = DEFAULTS.format(
        top=scratch,
        user=USER,
        log_user=LOG_USER,
        port=authority.port,
        python=python_for_all(),
        execlineb=shutil.which("execlineb"),
    )
    pages = ["one.example.org", "two.example.org", "three.example.org"]

    def compiled(count: int) -> str:
        """The database of so many certificates."""
        listed = "".join(CERTIFICATE.format(page) for page in pages[:count])
        (scratch / "s6gen.toml").write_text(defaults + listed)
        assert call("render", cwd=scratch)[::2] == (0, "")
        for name in ("mount", "networking"):
            (scratch / "sv" / name).mkdir(exist_ok=True)
            (scratch / "sv" / name / "type").write_text("oneshot\n")
            (scratch / "sv" / name / "up").write_text("true\n")
        database = str(scratch / f"compiled-{count}")
        subprocess.run(["s6-rc-compile", database, str(scratch / "sv")], check=True)
        return database

    def chain(page: str) -> Path:
        return scratch / "keys" / page / "signed_chain.crt"

    log, live = scratch / "log/current", scratch / "live"
    with scanning(scratch) as scan:
        database = compiled(2)
        subprocess.run(
            ["s6-rc-init", "-c", database, "-l", str(live), str(scan)], check=True
        )
        s6_rc(live, "-u", "change", "renew-lets-encrypt")
        until(lambda: all(chain(page).exists() for page in pages[:2]), log)
        key = (scratch / "keys/account.key").read_bytes()
        until(lambda: log.read_text().count("new certificate for") == 2, log)
        services = [f"renew-lets-encrypt-{page}-srv" for page in pages[:2]]
        until(lambda: all(is_waiting(live, service) for service in services), log)
        first = [service_pid(live, service) for service in services]

        subprocess.run(["s6-rc-update", "-l", str(live), compiled(3)], check=True)
        s6_rc(live, "-u", "change", "renew-lets-encrypt")
        until(chain(pages[2]).exists, log)

        for page in pages:
            done = f"new certificate for {page}"
            until(functools.partial(is_logged, log, done), log)
            leaf = x509.load_pem_x509_certificates(chain(page).read_bytes())[0]
            names = leaf.extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            ).value
            assert names.get_values_for_type(x509.DNSName) == [page]
        assert (scratch / "keys/account.key").read_bytes() == key
        assert len(set(map(account, pages, [scratch] * 3))) == 1
        assert [service_pid(live, service) for service in services] == first
        s6_rc(live, "-d", "change", "renew-lets-encrypt")


def service_pid(live: Path, service: str) -> int:
    """The process of a service that is up."""
    command = ["s6-svstat", "-o", "pid", str(live / "servicedirs" / service)]
    return int(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )


def is_waiting(live: Path, service: str) -> bool:
    """Whether a service's process is snooze, after the client has ended."""
    name = Path(f"/proc/{service_pid(live, service)}/comm")
    state = (live / "servicedirs" / service / "supervise/death_tally").stat()
    return state.st_size > 0 and name.exists() and name.read_text() == "snooze\n"


def account(page: str, scratch: Path) -> str:
    """The account with which a page's certificate was ordered."""
    text = (scratch / "keys" / page / "signed_chain.crt.state").read_text()
    state = json.loads(text[text.index("{") :])
    return next(iter(state["accounts"].values()))["url"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("helper", ["make-directory", "within"])
def test_services_that_start_at_once_make_one_directory(
    scratch: Path, helper: str
) -> None:
    """At boot all begin in the same moment, and share the directory of the account's key."""
    program = next((shipped("templates") / "renew-lets-encrypt").rglob(helper))
    for turn in range(40):
        path = f"{scratch}/{turn}/a/b/c"
        arguments = (
            [USER, USER, "0750", path] if helper == "make-directory" else [path, "true"]
        )
        command = ["sh", str(program), *arguments]
        started = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
        ends = [(one.communicate()[1], one.returncode) for one in started]

        assert ends == [(b"", 0)] * 4
