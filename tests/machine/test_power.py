"""A power cut at any moment of a deployment, an order, a rendering; support/power.py has the rules.

At each system call every disk that may be left is looked at; from some the next run is tried.
"""

import grp
import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12
from support.authority import new_key
from support.client import NAME, assert_good, faults_of
from support.client import Host as Client
from support.command import ENVIRONMENT, S6GEN
from support.host import Host, path_with
from support.pebble import Pebble
from support.power import (
    Attributes,
    File,
    Sample,
    State,
    after,
    cuts,
    outcomes,
    restore,
    standing,
    uncut,
)
from support.program import require

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="needs root, to give files to others"
)


@pytest.mark.parametrize("first", [True, False], ids=["first", "renewal"])
@pytest.mark.parametrize("kind", ["coreutils", "busybox"])
def test_a_deployment(scratch: Path, kind: str, first: bool) -> None:
    """Each file is old or new, and no record is there before the files that it is of."""
    require("execlineb", "s6-setuidgid", "s6-setlock", "openssl")
    root = scratch / "host"
    root.mkdir()
    host = Host(root, path_with(kind, scratch))
    host.has_new_certificate()
    host.renders(
        f"web: copy key {host.targets}/key.pem; copy chain {host.targets}/chain.pem; run true",
        f"mail: combine key+chain {host.targets}/mail/both.pem group=mail mode=0440",
    )
    key, old = host.key.read_bytes(), host.chain.read_bytes()
    if not first:
        host.finishes()
        host.has_new_certificate()
    new = host.chain.read_bytes()
    digest = hashlib.sha256(new).hexdigest().encode()
    mode, group = Attributes(0, 0, 0o400), grp.getgrnam("mail").gr_gid
    before, whole = (
        {
            "targets/key.pem": File(key, mode),
            "targets/chain.pem": File(chain, Attributes(0, 0, 0o444)),
            "targets/mail/both.pem": File(key + chain, Attributes(0, group, 0o440)),
        }
        for chain in (old, new)
    )
    state = str(host.state.relative_to(root))
    records = {f"{state}/given/web": [0, 1], f"{state}/given/mail": [2]}
    records |= {f"{state}/deployed": [0, 1, 2]}
    sample = Sample()
    for moment in cuts(root, host.finishes):
        for found in outcomes(moment, *whole, *records, f"{state}/real"):
            for (path, good), file in zip(whole.items(), found, strict=False):
                assert file in (good, None if first else before[path])
            for record, givens in zip(found[3:], records.values(), strict=False):
                if record and digest in record.content:
                    assert all(
                        found[given] == [*whole.values()][given] for given in givens
                    )
            assert found[-1] or not any(found[:3])
        sample.add(moment)
    for disk in sample.some(40):
        restore(disk, root)
        assert "warning" not in host.finishes()
        here = standing(root)
        assert outcomes(here, *whole) == {tuple(whole.values())}
        assert {one.name for one in host.state.iterdir()} == {
            "deployed",
            "given",
            "lock",
            "real",
        }
        assert not list(host.targets.rglob(".*"))
        assert host.finishes() == ""


@pytest.mark.parametrize("kind", ["coreutils", "busybox"])
def test_a_pair_and_a_store(scratch: Path, kind: str) -> None:
    """A pair always fits, a store is whole, and what was not seen is not recorded as served."""
    require("execlineb", "s6-setuidgid", "s6-setlock", "openssl")
    root, password = scratch / "host", scratch / "password"
    root.mkdir()
    password.touch(mode=0o600)
    password.write_text("secret\n")
    host = Host(root, path_with(kind, scratch))
    host.has_new_certificate()
    store = host.targets / "store.p12"
    host.renders(f"a: pair {host.targets}/tls; copy pkcs12 {store} password={password}")
    host.finishes()
    seen = host.state / "served/a"
    seen.parent.mkdir()
    seen.touch()
    pairs = [(host.chain.read_bytes(), host.key.read_bytes())]
    stores = [store.read_bytes()]
    host.has_new_certificate(new_key())
    pairs.append((host.chain.read_bytes(), host.key.read_bytes()))
    digest = hashlib.sha256(pairs[1][0]).hexdigest().encode()
    state = str(host.state.relative_to(root))
    given = ("targets/tls/chain.pem", "targets/tls/key.pem", "targets/store.p12")
    records = (f"{state}/given/a", f"{state}/served/a")
    sample = Sample()
    for moment in cuts(root, host.finishes):
        stores[1:] = [store.read_bytes()]
        for *files, record, served in outcomes(moment, *given, *records):
            assert all(files)
            chain, key, held = (file.content for file in files if file)
            assert (chain, key) in pairs
            assert held in stores
            if record and digest in record.content:
                assert (chain, key, held) == (*pairs[1], stores[1])
                assert not served
        sample.add(moment)
    for disk in sample.some(20):
        restore(disk, root)
        assert "warning" not in host.finishes()
        pair = host.targets / "tls"
        assert (pair / "chain.pem").read_bytes() == pairs[1][0]
        assert pkcs12.load_key_and_certificates(store.read_bytes(), b"secret")[1]
        assert not seen.exists()
        assert host.finishes() == ""


@pytest.mark.parametrize("kind", ["first", "renewal", "new key"])
def test_an_order(host: Client, ca: Pebble, kind: str, tmp_path: Path) -> None:
    """A chain is whole, and its key is there, by its name or where the next run takes it from."""
    options = ["--new-key"] if kind == "new key" else []
    if kind != "first":
        assert host.keep().code == 0
        options.append("--force")
    faults: dict[tuple[bytes, bytes], str] = {}

    def fit(chain: bytes, key: File | None) -> bool:
        if key and (chain, key.content) not in faults:
            found = faults_of(chain, key.content, host.names, ca.root(), tmp_path)
            faults[chain, key.content] = found
        return bool(key and not faults[chain, key.content])

    sample = Sample()
    for moment in cuts(
        host.directory, lambda strace: host.keep(*options, prefix=strace)
    ):
        for chain, key, other in outcomes(
            moment, "chain.pem", "domain.key", "domain.key.next"
        ):
            assert (
                fit(chain.content, key) or fit(chain.content, other)
                if chain
                else kind == "first"
            )
        sample.add(moment)
    for state in sample.some(20):
        restore(state, host.directory)
        assert host.keep().code == 0
        assert_good(host, ca, tmp_path)
        assert all(name.endswith(".tmp") for name in host.leftovers())
        restore({"": Attributes(0, 0, 0o755)}, host.directory)


@pytest.mark.parametrize("first", [True, False], ids=["first", "again"])
def test_a_rendering(tmp_path: Path, first: bool) -> None:
    """Each file is old or new, and the next rendering finishes, without --force."""
    output = tmp_path / "sv"
    output.mkdir()
    with_deployment = ["--deploy", "nginx"]

    def renders(strace: tuple[str, ...], *options: str) -> None:
        command = [
            *strace,
            *S6GEN,
            "render",
            "--page",
            "www",
            "--domain",
            NAME,
            *options,
        ]
        done = subprocess.run(
            [*command, "-o", output], env=ENVIRONMENT, capture_output=True
        )
        assert done.returncode == 0, done.stderr

    if not first:
        renders((), *with_deployment)
    options = with_deployment if first else ["--notify", "60"]
    old = after(standing(output), uncut)
    renders((), *options)
    new = after(standing(output), uncut)
    files = sorted(
        path for path in {*old, *new} - {".s6gen"} if is_file(path, old, new)
    )
    restore(old, output)
    sample = Sample()
    for moment in cuts(output, lambda strace: renders(strace, *options)):
        for path in files:
            assert outcomes(moment, path) <= {(old.get(path),), (new.get(path),)}, path
        sample.add(moment)
    for state in sample.some(20):
        restore(state, output)
        renders((), *options)
        assert after(standing(output), uncut) == new


def is_file(path: str, *states: State) -> bool:
    return any(isinstance(state.get(path), File) for state in states)
