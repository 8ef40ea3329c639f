"""The account's URL lives beside its key: a binding that is good once is used once."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from support.authority import ServerFiles
from support.client import Finished, Host, run
from support.faults import edited, noting, status
from support.pebble import PEBBLE, ChallTestSrv, Settings, WebServer, pebble
from support.program import require
from support.proxy import Proxy, Reply, Request, proxy

SECRET = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


def accounts(host: Host) -> dict[str, dict[str, object]]:
    """What is noted beside the account key."""
    return dict(json.loads(Path(f"{host.account_key}.account").read_text()))


@pytest.fixture
def bound(
    host: Host,
    dns: ChallTestSrv,
    web: WebServer,
    proxy_files: ServerFiles,
    tmp_path: Path,
) -> Iterator[tuple[Host, Proxy]]:
    """A machine in front of a CA that wants external accounts; each binding is good once."""
    require(PEBBLE)
    (tmp_path / "mac").write_text(f"{SECRET}\n")
    settings = Settings(eab={"kid-1": SECRET})
    with (
        pebble(tmp_path / "ca", web.port, dns, settings) as ca,
        proxy(ca, proxy_files) as between,
    ):
        used: list[str] = []

        def once(request: Request) -> Reply:
            wanted = request.payload or {}
            if "externalAccountBinding" in wanted:
                if used:
                    return status(401, "unauthorized", detail="was used")(request)
                used.append("kid-1")
            return request.forward()

        with between.faulty("newAccount", once):
            yield attrs.evolve(host, ca=between), between


def binding(tmp_path: Path) -> list[str]:
    """The options of the external account."""
    return ["--eab-kid", "kid-1", "--eab-key-file", str(tmp_path / "mac")]


def test_a_binding_that_is_good_once(bound: tuple[Host, Proxy], tmp_path: Path) -> None:
    """A second certificate, a lost state, a lost note: the account is found by its key."""
    host, between = bound
    options = binding(tmp_path)
    assert host.keep(*options).code == 0
    between.reset()
    other = attrs.evolve(host, directory=tmp_path / "other")
    other.directory.mkdir()
    (other.directory / "account.key").write_bytes(host.account_key.read_bytes())
    assert other.keep(*options).code == 0
    assert host.keep(*options, "--account-key", str(host.account_key)).code == 0
    between.reset()
    Path(f"{host.chain}.state").unlink()
    assert host.keep(*options, "--force").code == 0
    assert "newAccount" not in between.requests
    Path(f"{host.account_key}.account").unlink()
    Path(f"{host.chain}.state").unlink()
    assert host.keep(*options, "--force").code == 0
    assert between.requests.count("newAccount") == 1


def test_two_certificates_at_once_use_a_binding_once(
    bound: tuple[Host, Proxy], tmp_path: Path
) -> None:
    host, _ = bound
    options = binding(tmp_path)
    ends: list[Finished] = []
    second = str(host.directory / "second.pem")

    def keep(*more: str) -> None:
        ends.append(host.keep(*options, *more))

    threads = [
        threading.Thread(target=keep, args=more)
        for more in ((), ("--out", second, "--domain", "b.example.org"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [end.code for end in ends] == [0, 0], [end.err for end in ends]
    for name in ("second.pem", "second.pem.state", "second.pem.lock"):
        (host.directory / name).unlink()


def test_a_ca_that_wants_a_binding_knows_the_account(
    bound: tuple[Host, Proxy], tmp_path: Path
) -> None:
    """The options of the binding may go once the account is there."""
    host, _ = bound
    assert host.keep(*binding(tmp_path)).code == 0
    Path(f"{host.account_key}.account").unlink()
    Path(f"{host.chain}.state").unlink()
    assert host.keep("--force").code == 0


def test_a_damaged_note_is_dropped_and_the_account_is_found(host: Host) -> None:
    assert host.keep().code == 0
    noted = accounts(host)
    assert len(noted) == 1
    note = Path(f"{host.account_key}.account")
    note.write_text("{ half of a n")
    spoilt = host.keep("--force")
    assert spoilt.code == 0
    assert f"warning: {note}: " in spoilt.err
    assert accounts(host) == noted


def test_where_no_note_can_be_written_the_state_has_it(
    host: Host, between: Proxy, tmp_path: Path
) -> None:
    """The account key lies where only root may write."""
    closed = tmp_path / "closed"
    closed.mkdir()
    assert host.keep().code == 0
    (closed / "account.key").write_bytes(host.account_key.read_bytes())
    (closed / "account.key.account").mkdir()  # nothing can take its place
    key = ["--account-key", str(closed / "account.key")]
    assert host.keep(*key, "--force").code == 0
    between.reset()
    assert host.keep(*key, "--force").code == 0
    assert "newAccount" not in between.requests


def test_contacts_are_sent_to_a_ca_that_leaves_out_empty_ones(
    host: Host, between: Proxy
) -> None:
    """step-ca, Caddy: the account is there, and has none."""

    def without_contact(request: Request) -> Reply:
        return edited(lambda account: account.pop("contact", None) and None)(request)

    payloads: list[object] = []
    with between.faulty("newAccount", without_contact):
        assert host.keep().code == 0
        Path(f"{host.account_key}.account").unlink()
        Path(f"{host.chain}.state").unlink()
    contact = ["--contact", "mailto:admin@example.org"]
    with between.faulty("newAccount", without_contact):
        assert host.keep(*contact, "--force").code == 0
    assert between.requests.count("account") == 1
    (noted,) = accounts(host).values()
    assert noted["contact"] == ["mailto:admin@example.org"]
    with between.faulty("account", noting(payloads)):
        assert host.keep(*contact, "--force").code == 0
        changed = ["--contact", "mailto:other@example.org"]
        assert host.keep(*changed, "--force").code == 0
    assert payloads == [{"contact": ["mailto:other@example.org"]}]


def test_terms_to_agree_to_are_told(host: Host, between: Proxy) -> None:
    """The administrator cannot act without their URL (section 7.3.3)."""

    def changed(_: Request) -> Reply:
        problem = {
            "type": "urn:ietf:params:acme:error:userActionRequired",
            "detail": "The terms have changed",
            "instance": "https://ca.example/agree?token=1",
        }
        link = '<https://ca.example/terms/2>; rel="terms-of-service"'
        return Reply(403, [("Link", link)], json.dumps(problem).encode())

    with between.faulty("newOrder", changed):
        refused = host.keep()
    assert refused.code == 100
    assert "https://ca.example/agree?token=1" in refused.fatal[0]
    assert "https://ca.example/terms/2" in refused.fatal[0]


def test_a_roll_over_takes_the_note_along(host: Host, between: Proxy) -> None:
    assert host.keep().code == 0
    (old,) = accounts(host).items()
    assert run(*host.ca_options, "--roll-over").code == 0
    (new,) = accounts(host).items()
    assert (new[0] != old[0], new[1]) == (True, old[1])
    between.reset()
    assert host.keep("--force").code == 0
    assert "newAccount" not in between.requests
