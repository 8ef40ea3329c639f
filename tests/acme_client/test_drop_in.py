"""The bundled client in acme-tiny's place."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.client import NAME, Host, faults_of, run
from support.faults import noting
from support.openssl import make_csr, make_key
from support.pebble import Pebble, WebServer
from support.program import require
from support.proxy import Proxy, Reply, Request


def tiny_options(host: Host, *more: str) -> list[str]:
    """What the tutorial's run script passes to acme-tiny."""
    return [
        *(
            "--account-key",
            str(host.account_key),
            "--csr",
            str(host.directory / "domain.csr"),
        ),
        *("--acme-dir", str(host.challenges), "--directory-url", host.ca.directory_url),
        *more,
    ]


@pytest.fixture
def tiny(host: Host) -> Iterator[Host]:
    """A machine set up for acme-tiny."""
    make_key(host.account_key, "rsa2048")
    make_key(host.domain_key, "ec256")
    csr = host.directory / "domain.csr"
    make_csr(csr, host.domain_key, "", [NAME])
    yield host
    csr.unlink()


def trusting(host: Host) -> dict[str, str]:
    """The environment in which Python trusts the CA."""
    return {"SSL_CERT_FILE": str(host.ca.ca_file)}


def acme_tiny(host: Host, *options: str) -> "subprocess.CompletedProcess[bytes]":
    """The yardstick."""
    environment = {**os.environ, **trusting(host)}
    command = ["acme-tiny", *options]
    return subprocess.run(command, capture_output=True, env=environment, check=False)


class Inputs(NamedTuple):
    """The kinds of keys, and what is in the CSR."""

    account: str
    key: str
    common_name: str
    names: list[str]


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(
            Inputs("rsa2048", "rsa2048", "", [NAME]), id="rsa2048, rsa CSR, SAN only"
        ),
        pytest.param(
            Inputs("rsa3072", "ec256", "", [NAME]), id="rsa3072, ec CSR, SAN only"
        ),
        pytest.param(
            Inputs("rsa4096", "ec384", NAME, [NAME, "b.example.org"]),
            id="rsa4096, CN and SAN",
        ),
    ],
)
def test_same_inputs_as_acme_tiny(
    tiny: Host, ca: Pebble, tmp_path: Path, inputs: Inputs
) -> None:
    require("acme-tiny")
    common_name, names = inputs.common_name, inputs.names
    make_key(tiny.account_key, inputs.account)
    make_key(tiny.domain_key, inputs.key)
    make_csr(tiny.directory / "domain.csr", tiny.domain_key, common_name, names)
    options = tiny_options(tiny, "--disable-check")
    theirs = acme_tiny(tiny, *options)
    ours = run(*options, env=trusting(tiny))
    assert (theirs.returncode, ours.code) == (0, 0)
    wanted = tuple(dict.fromkeys([*names, *[common_name] * bool(common_name)]))
    for chain in (theirs.stdout, ours.out.encode()):
        assert (
            faults_of(chain, tiny.domain_key.read_bytes(), wanted, ca.root(), tmp_path)
            == ""
        )
    assert theirs.stdout.count(b"BEGIN") == ours.out.count("BEGIN")


@pytest.mark.parametrize(
    "names", [[], ["b.example.org"]], ids=["alone", "beside others"]
)
def test_common_name_is_ordered_as_acme_tiny_does(
    tiny: Host, between: Proxy, names: list[str]
) -> None:
    """Pebble, unlike Let's Encrypt, does not count it as a name: so the order is compared."""
    require("acme-tiny")
    make_csr(tiny.directory / "domain.csr", tiny.domain_key, NAME, names)
    options = tiny_options(tiny, "--disable-check")
    ordered: list[Any] = []

    def spy(request: Request) -> Reply:
        ordered.append(sorted(one["value"] for one in request.payload["identifiers"]))
        return request.forward()

    with between.faulty("newOrder", spy):
        theirs, ours = acme_tiny(tiny, *options), run(*options, env=trusting(tiny))
    assert ordered == [sorted([NAME, *names])] * 2
    assert (theirs.returncode, ours.code) == (1, 111)
    assert b"different number of DNSnames" in theirs.stderr
    assert "different number of DNSnames" in ours.fatal[0]


@pytest.mark.parametrize("account", ["ec256", "ec384"])
def test_elliptic_account_keys(tiny: Host, account: str) -> None:
    make_key(tiny.account_key, account)
    ended = run(*tiny_options(tiny, "--disable-check"), env=trusting(tiny))
    assert ended.code == 0
    assert ended.out.startswith("-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize("way", ["pipe", "redirection"])
def test_csr_on_stdin(tiny: Host, way: str) -> None:
    csr = tiny.directory / "domain.csr"
    options = tiny_options(tiny, "--disable-check", "--csr", "/dev/stdin")
    if way == "pipe":
        ended = run(*options, env=trusting(tiny), stdin=csr.read_bytes())
    else:
        prefix = ("sh", "-c", f'exec "$0" "$@" < {csr}')
        ended = run(*options, env=trusting(tiny), prefix=prefix)
    assert ended.code == 0
    assert ended.out.startswith("-----BEGIN CERTIFICATE-----")


def test_chain_goes_to_stdout_and_quiet_is_quiet(tiny: Host) -> None:
    ended = run(*tiny_options(tiny, "--quiet", "--disable-check"), env=trusting(tiny))
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("-----BEGIN CERTIFICATE-----\n")
    assert ended.out.endswith("-----END CERTIFICATE-----\n")


def test_deprecated_ca_option(tiny: Host) -> None:
    """acme-tiny adds /directory to --ca, where Pebble has nothing."""
    ended = run(*tiny_options(tiny, "--ca", tiny.ca.directory_url), env=trusting(tiny))
    assert ended.code == 111
    assert f"{tiny.ca.directory_url}/directory" in ended.fatal[0]


def test_check_port_fetches_the_answer_first(
    tiny: Host, between: Proxy, web: WebServer
) -> None:
    csr = tiny.directory / "domain.csr"
    make_csr(csr, tiny.domain_key, "", ["localhost"])
    bad = run(*tiny_options(tiny, "--check-port", "1"), env=trusting(tiny))
    assert (bad.code, len(bad.fatal)) == (111, 1)
    assert "http://localhost:1/.well-known/acme-challenge/" in bad.fatal[0]
    assert "challenge" not in between.requests
    # Last: an authorisation that is valid may spare the next order its challenge.
    good = run(*tiny_options(tiny, "--check-port", str(web.port)), env=trusting(tiny))
    assert good.code == 0


def test_contacts_are_updated_when_changed(host: Host, between: Proxy) -> None:
    payloads: list[Any] = []
    with between.faulty("newAccount", noting(payloads)):
        host.keep("--contact", "mailto:a@example.org", "mailto:b@example.org")
    with between.faulty("account", noting(payloads)):
        host.keep(
            "--force", "--contact", "mailto:a@example.org", "mailto:b@example.org"
        )
        host.keep("--force", "--contact", "mailto:c@example.org")
        host.keep("--force", "--contact", "mailto:c@example.org")
    assert [payload["contact"] for payload in payloads] == [
        ["mailto:a@example.org", "mailto:b@example.org"],
        ["mailto:c@example.org"],
    ]
