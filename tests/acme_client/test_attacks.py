"""Kinds of trouble that attacks on the client have shown: each bounded, none for ever."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import attrs
import pytest
from support.authority import ServerFiles
from support.client import Host, assert_good, begun, ended, run, state_of, store_state
from support.faults import Halt, status
from support.pebble import PEBBLE, ChallTestSrv, Pebble, Settings, WebServer, pebble
from support.program import require
from support.proxy import Proxy, Reply, Request, proxy

HOOK = """#!{0}
import json, sys, urllib.request
verb, record, value = sys.argv[1:]
with open({1!r}, "a") as calls:
    calls.write(verb + "\\n")
if verb == "remove":
    sys.exit(1)
wanted = json.dumps({{"host": record + ".", "value": value}}).encode()
urllib.request.urlopen({2!r} + "/set-txt", wanted).close()
"""
"""A hook that publishes, and cannot withdraw."""


def test_answers_stay_while_the_ca_validates(
    host: Host,
    dns: ChallTestSrv,
    web: WebServer,
    proxy_files: ServerFiles,
    tmp_path: Path,
) -> None:
    """A CA that needs longer than a run lasts; what it fetches must be there."""
    require(PEBBLE)
    settings = Settings(sleep=8)
    with (
        pebble(tmp_path / "ca", web.port, dns, settings) as ca,
        proxy(ca, proxy_files) as between,
    ):
        slow = attrs.evolve(host, ca=between)
        for _ in range(12):
            done = slow.keep("--timeout", "2")
            if done.code == 0:
                break
            time.sleep(1)
        assert done.code == 0, done.err
        assert between.requests.count("newOrder") <= 2
        assert_good(slow, ca, tmp_path)
    assert slow.leftovers() == []


def test_without_a_state_no_answer_stays(
    host: Host, dns: ChallTestSrv, web: WebServer, tmp_path: Path
) -> None:
    """Nobody would remove it: the chain goes to stdout, as acme-tiny's does."""
    require(PEBBLE)
    with pebble(tmp_path / "ca", web.port, dns, Settings(sleep=8)) as ca:
        slow = attrs.evolve(host, ca=ca)
        names = ["--domain-key", str(slow.domain_key), "--domain", slow.names[0]]
        options = ["--acme-dir", str(slow.challenges), "--disable-check"]
        for _ in range(3):
            done = run(*slow.ca_options, *names, *options, "--timeout", "2")
            assert done.code in (0, 111)
            assert list(slow.challenges.iterdir()) == []


def test_options_that_change_all_the_time_have_to_wait(
    renewing: Host, between: Proxy
) -> None:
    """Two commands that keep one FILE turn by turn; each order fails."""
    renewing.chain.unlink()
    with between.faulty("newOrder", status(403, "unauthorized")):
        for number in range(12):
            more = ["--contact", "mailto:a@example.org"] if number % 2 else []
            assert renewing.keep(*more).code == 111
    assert between.requests.count("newOrder") <= 5


def test_a_roll_over_while_an_order_is_under_way(
    renewing: Host, between: Proxy, ca: Pebble, tmp_path: Path
) -> None:
    """The account stays the same: so does the order."""
    with between.faulty("certificate", status(500)):
        assert renewing.keep("--force", "--timeout", "2").code == 111
    assert run(*renewing.ca_options, "--roll-over").code == 0
    between.reset()
    assert renewing.keep().code == 0
    assert between.requests.count("newOrder") == 0
    assert_good(renewing, ca, tmp_path)


def test_the_old_key_is_kept_for_accounts_at_other_cas(
    host: Host, new_host: Host
) -> None:
    assert host.keep().code == 0
    assert new_host.keep("--force").code == 0
    old = host.account_key.read_bytes()
    kept = Path(f"{host.account_key}.old")
    rolled = run(*host.ca_options, "--roll-over")
    assert rolled.code == 0
    assert str(kept) in rolled.err
    assert kept.exists()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert host.account_key.read_bytes() != old
    assert new_host.keep("--force", "--account-key", str(kept)).code == 0
    for path in (kept, Path(f"{kept}.account")):
        path.unlink(missing_ok=True)


@pytest.mark.parametrize("url", ["x", "http://localhost/1", "https://localhost:1/1"])
def test_an_account_url_that_the_ca_does_not_know(
    renewing: Host, between: Proxy, url: str
) -> None:
    """A CA that was renamed, or a note that somebody has spoilt."""
    assert renewing.keep("--force").code == 0
    note = Path(f"{renewing.account_key}.account")
    accounts = json.loads(note.read_text())
    for account in accounts.values():
        account["url"] = url
    note.write_text(json.dumps(accounts))
    state = state_of(renewing)
    state["accounts"] = accounts
    store_state(renewing, state)
    assert renewing.keep("--force").code == 0
    (healed,) = json.loads(note.read_text()).values()
    assert healed["url"].startswith(f"https://localhost:{between.port}/")


@pytest.mark.parametrize("kind", ["program", "file"])
def test_a_state_names_no_program_and_no_file(
    renewing: Host, tmp_path: Path, kind: str
) -> None:
    """FILE.state may belong to another user than who runs the client by hand."""
    assert renewing.keep("--force").code == 0
    victim, called = tmp_path / "victim", tmp_path / "called"
    victim.touch()
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {called}\n")
    program.chmod(0o755)
    notes = {
        "program": {
            "kind": "dns-01",
            "place": str(program),
            "made": [["_acme-challenge.example.org", "x", "example.org"]],
        },
        "file": {
            "kind": "http-01",
            "place": str(renewing.challenges),
            "made": [[os.path.relpath(victim, renewing.challenges), "x", "a.example"]],
        },
    }
    state = state_of(renewing)
    state["answers"] = notes[kind]
    store_state(renewing, state)
    assert renewing.keep("--force").code == 0
    assert victim.exists()
    assert not called.exists()


@pytest.mark.parametrize("name", ["chain.pem.state", "account.key.account"])
def test_a_pipe_in_place_of_a_file_holds_nothing_up(renewing: Host, name: str) -> None:
    assert renewing.keep("--force").code == 0
    path = renewing.directory / name
    path.unlink()
    os.mkfifo(path)
    done = renewing.keep("--force", "--timeout", "20", prefix=("timeout", "40"))
    assert done.code in (0, 111), done.err
    assert "Traceback" not in done.err
    path.unlink()


def test_a_state_that_is_huge(renewing: Host) -> None:
    path = Path(f"{renewing.chain}.state")
    with path.open("wb") as stream:
        stream.truncate(6 << 30)
    limit = ("prlimit", "--as=2000000000")
    done = renewing.keep("--force", prefix=limit)
    assert done.code == 0, done.err


def test_a_hook_that_cannot_remove_is_called_once_more(
    new_host: Host, dns: ChallTestSrv, tmp_path: Path
) -> None:
    calls = tmp_path / "calls"
    hook = tmp_path / "hook"
    hook.write_text(HOOK.format(sys.executable, str(calls), dns.management_url))
    hook.chmod(0o755)
    options = ["--dns-hook", str(hook), "--force"]
    removals = []
    for _ in range(4):
        calls.write_text("")
        assert new_host.keep(*options).code == 0
        removals.append(calls.read_text().count("remove"))
    assert removals == [1, 2, 2, 2]


def test_a_hook_that_hangs_while_it_removes(new_host: Host, tmp_path: Path) -> None:
    """The run ends soon after --timeout, and later ones too."""
    hook = tmp_path / "hook"
    hook.write_text('#!/bin/sh\n[ "$1" = remove ] && exec sleep 300\nexit 0\n')
    hook.chmod(0o755)
    host = attrs.evolve(new_host, names=("a.example.org", "b.example.org"))
    for _ in range(2):
        done = host.keep("--dns-hook", str(hook), "--timeout", "4", "--force")
        assert done.code == 111
        assert "Traceback" not in done.err


def test_no_order_is_placed_when_no_time_is_left(
    renewing: Host, between: Proxy
) -> None:
    """An answer that comes at the last moment."""

    def late(request: Request) -> Reply:
        time.sleep(1.4)
        return request.forward()

    with between.faulty("newAccount", late):
        done = renewing.keep("--force", "--timeout", "1.2")
    assert done.code == 111
    assert between.requests.count("newOrder") == 0


def test_a_lock_of_anybody_is_not_waited_for_long(
    renewing: Host, between: Proxy
) -> None:
    """Whoever can read the directory of a key can lock it."""
    holder = subprocess.Popen(["flock", str(renewing.directory), "sleep", "60"])
    try:
        time.sleep(0.2)
        done = renewing.keep("--force", "--new-key", "--timeout", "50")
    finally:
        holder.kill()
        subprocess.run(["pkill", "-P", str(holder.pid)], check=False)
    assert done.code == 0, done.err
    assert f"{renewing.directory}: going on without a lock" in done.err
    assert between.requests.count("newOrder") == 1


def test_a_request_from_a_pipe(host: Host, tmp_path: Path) -> None:
    """It can be read only once."""
    made = host.keep("--csr", str(tmp_path / "csr"))
    assert made.code == 0
    host.chain.unlink()
    Path(f"{host.chain}.state").unlink()
    options = [*host.ca_options, "--out", str(host.chain), "--csr", "/dev/stdin"]
    options += ["--acme-dir", str(host.challenges)]
    done = run(*options, stdin=(tmp_path / "csr").read_bytes())
    assert done.code == 0, done.err


def test_a_loop_of_restarts_is_polite(renewing: Host, between: Proxy) -> None:
    """`s6-svc -r` again and again while an order is under way."""
    halt = Halt()
    with (
        between.faulty("certificate", halt),
        begun(*renewing.options, "--force") as process,
    ):
        assert halt.reached.wait(20)
        process.send_signal(signal.SIGTERM)
        ended(process)
        halt.released.set()
    state = state_of(renewing)
    state["order"]["runs"] = 40
    store_state(renewing, state)
    with (
        between.faulty("certificate", Halt()),
        begun(*renewing.options, "--timeout", "20") as process,
    ):
        time.sleep(2)
        process.kill()
        ended(process)
    between.reset()
    for _ in range(5):
        assert renewing.keep().code == 0  # FILE is usable: nothing is due before
    assert between.requests == []
