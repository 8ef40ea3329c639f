"""Whatever a parameter is, the client gets it byte for byte. The judge is the real execlineb."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.program import require
from support.rendering import rendered

from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt

RECORDER = """#!/bin/sh
for word in "$0" "$@"; do printf '%s\\0' "$word"; done >>"$RECORD"
"""
"""Writes down how it was called."""
PASS_ON = """#!/bin/sh
shift {}
exec "$@"
"""
"""Stands in for s6-setuidgid and snooze: runs the rest."""


def normal(text: str) -> str:
    """Text as it comes from the command line: bytes that are no UTF-8 as surrogates."""
    return os.fsdecode(os.fsencode(text))


NAMES = (
    st.text(
        st.one_of(
            st.sampled_from(" \t\n\r\\\"'$#{}*?[]~!`|&;<>()=%^-.${here}"),
            st.characters(min_codepoint=1, max_codepoint=0xD7FF).filter(
                lambda c: c != "/"
            ),
            st.characters(min_codepoint=0xE000),
            st.integers(0xDC80, 0xDCFF).map(chr),
        ),
        min_size=1,
        max_size=12,
    )
    .map(normal)
    .filter(lambda name: name not in (".", ".."))
)
"""Any name that a file system takes."""
PAGES = NAMES.filter(lambda name: not name.startswith("."))


@pytest.fixture(scope="module")
def workshop() -> Iterator[Path]:
    """A service directory whose helper, and a PATH whose programs, only pass on or write down."""
    require("execlineb")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        for path, text in {
            "bin/s6-setuidgid": PASS_ON.format(1),
            "bin/snooze": PASS_ON.format(0),
            "recorder": RECORDER,
            "sv/data/make-directory": RECORDER,
        }.items():
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(text)
            (top / path).chmod(0o755)
        yield top


def recorded(workshop: Path, service: RenewLetsEncrypt) -> list[list[str]]:
    """How the run script calls its programs, as the real execlineb reads it."""
    record, run = workshop / "record", workshop / "sv/run"
    record.write_bytes(b"")
    run.write_bytes(rendered(service)[f"{service.service}/run"].content)
    path = f"{workshop}/bin:/usr/bin:/bin:{os.environ['PATH']}"
    subprocess.run(
        ["execlineb", "-P", "run"],
        cwd=workshop / "sv",
        env={"PATH": path, "RECORD": str(record)},
        check=True,
        stdin=subprocess.DEVNULL,
    )
    words = os.fsdecode(record.read_bytes()).removesuffix("\0").split("\0")
    starts = [
        n
        for n, word in enumerate(words)
        if word in ("./data/make-directory", service.python)
    ]
    return [words[a:b] for a, b in zip(starts, [*starts[1:], len(words)], strict=True)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts=st.tuples(PAGES, *[NAMES] * 6))
@example(texts=("-e", "${1} $@", '"; rm {x} \\\n', "#", "{", "a b", "$USER"))
def test_every_parameter_arrives(workshop: Path, texts: tuple[str, ...]) -> None:
    page, root, keys, bundle, python, contact, user = texts
    program = workshop / python
    account = normal("".join(user.split()).replace(":", "").lstrip("-")) or "tls"
    if not program.exists():
        shutil.copy(workshop / "recorder", program)
    service = RenewLetsEncrypt(
        page=page,
        domains=["example.org", "bücher.example"],
        web_root=f"/www/{root}",
        certificate_dir=f"/{keys}",
        ca_bundle=f"/etc/{bundle}",
        python=str(program),
        contacts=[f"mailto:{contact}"],
        user=account,
        raw_snooze="",
    )

    calls = recorded(workshop, service)

    acme_dir = f"/www/{root}/{page}/.well-known/acme-challenge"
    directories = ["./data/make-directory", account, account]
    assert calls == [
        [*directories, "0750", f"/{keys}"],
        [*directories, "0755", acme_dir, f"/www/{root}"],
        [
            *(str(program), "-I", "./data/acme_client/__main__.py"),
            *("--out", f"/{keys}/signed_chain.crt"),
            *("--account-key", f"/{keys}/account.key"),
            *("--domain-key", f"/{keys}/domain.key"),
            *("--csr", f"/{keys}/domain.csr"),
            *("--acme-dir", acme_dir),
            *("--directory-url", "https://acme-v02.api.letsencrypt.org/directory"),
            *("--ca-bundle", f"/etc/{bundle}"),
            *("--contact", f"mailto:{contact}"),
            *("--domain", "example.org", "--domain", "xn--bcher-kva.example"),
        ],
    ]
