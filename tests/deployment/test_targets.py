"""Deployments as text: each step, and what is none."""

import pytest

from s6gen.deployment.files import Copy
from s6gen.deployment.servers import Reload, Restart, Run
from s6gen.deployment.steps import Target
from s6gen.deployment.text import targets
from s6gen.errors import Fatal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "web: copy chain /etc/x/chain.pem; copy key /etc/x/key.pem group=web mode=0440;"
            " reload web signal=USR2",
            Target(
                "web",
                (
                    Copy(parts=("chain",), path="/etc/x/chain.pem", mode="0444"),
                    Copy(
                        parts=("key",), path="/etc/x/key.pem", group="web", mode="0440"
                    ),
                    Reload(service="web", signal="USR2"),
                ),
            ),
            id="copy and reload",
        ),
        pytest.param(
            "mail: combine key+chain '/etc/a b/$x;.pem'; restart /run/service/mail",
            Target(
                "mail",
                (
                    Copy(parts=("key", "chain"), path="/etc/a b/$x;.pem", mode="0400"),
                    Restart(service="/run/service/mail"),
                ),
            ),
            id="combine, with quotes",
        ),
        pytest.param(
            "x: run user=mail timeout=5 sh -c 'echo user=x; true'",
            Target(
                "x",
                (
                    Run(
                        words=("sh", "-c", "echo user=x; true"),
                        user="mail",
                        timeout="5",
                    ),
                ),
            ),
            id="run",
        ),
    ],
)
def test_a_target(text: str, expected: Target) -> None:
    assert targets([text]) == (expected,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x: ", "a step is missing"),
        ("x: copy chain /a/b;", "a step is missing"),
        (
            "x: move chain /a/b",
            "a step is copy, combine, pair, reload, restart, run, test or serves: 'move'",
        ),
        ("x: copy chain", "copy: needs 2 arguments"),
        ("x: copy chain+key /a/b", "copy chain+key: copy is for one part"),
        ("x: combine chain /a/b", "combine chain: copy is for one part"),
        (
            "x: copy cert /a/b",
            "must be of chain, certificate, issuers, key, pkcs12: 'cert'",
        ),
        ("x: copy chain a/b", "must be an absolute path: 'a/b'"),
        ("x: copy chain /a/b/", "must be a file, not a directory: '/a/b/'"),
        (
            "x: copy key /a/b mode=0444",
            "mode 0444 would show the key to everybody: '/a/b'",
        ),
        ("x: copy chain /a/b mode=u+r", "mode must be octal: 'u+r'"),
        ("x: copy chain /a/b mode=0644", "mode must be read-only: '0644'"),
        ("x: copy key /a/b mode=0620", "mode must be read-only: '0620'"),
        (
            "x: copy chain /a/b user=x",
            "copy: 'user=x' is not of owner= group= mode= password= alias=",
        ),
        ("x: copy chain '/a/b", "no closing quotation"),
        ("x: run user=mail", "run: give a command"),
        ("x: test service=mail", "test: give a command"),
        (
            "x: run usr=mail mailctl",
            "'usr=mail' before a command is not of service= user= timeout=",
        ),
        ("x: copy pkcs12 /a/b", "pkcs12 needs password=FILE"),
        ("x: copy pkcs12 /a/b password=c", "must be an absolute path: 'c'"),
        ("x: copy chain /a/b password=/c", "password= is for pkcs12"),
        (
            "x: combine pkcs12+chain /a/b password=/c",
            "pkcs12 holds all: nothing goes with it",
        ),
        (
            "x: copy pkcs12 /a/b password=/c mode=0444",
            "mode 0444 would show the key to everybody: '/a/b'",
        ),
        ("x: pair /a/b/", "must be a file, not a directory: '/a/b/'"),
        ("x: pair /a mode=0404", "mode 0404 would show the key to everybody: '/a'"),
        (
            "x: serves localhost",
            "must be HOST:PORT, with an IPv6 address in brackets: 'localhost'",
        ),
        (
            "x: serves ::1:443",
            "must be HOST:PORT, with an IPv6 address in brackets: '::1:443'",
        ),
        ("x: serves x:0", "must be HOST:PORT, with an IPv6 address in brackets: 'x:0'"),
        (
            "x: serves x:65536",
            "must be HOST:PORT, with an IPv6 address in brackets: 'x:65536'",
        ),
        (
            "x: serves x:25 starttls=nntp",
            "starttls must be of smtp imap pop3 ldap xmpp ftp postgres mysql: 'nntp'",
        ),
        ("x: serves x:25 timeout=0", "timeout must be in seconds"),
        ("x: serves x:25 optional=maybe", "optional must be yes or no: 'maybe'"),
        (
            "x: reload a/b",
            "must be a service's name, or the path of a service directory: 'a/b'",
        ),
        ("s6-rc-x: run true", "not a name for a consumer: 's6-rc-x'"),
        (
            "no-such",
            "no preset is called 'no-such': 's6gen presets' lists them, or give 'NAME: …'",
        ),
    ],
)
def test_what_cannot_be_deployed(text: str, reason: str) -> None:
    with pytest.raises(Fatal) as raised:
        targets([text])

    assert str(raised.value) == f"--deploy: {text!r}: {reason}"
