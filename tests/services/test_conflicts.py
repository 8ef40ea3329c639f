"""Certificates that cannot be on one host."""

from pathlib import Path

import pytest
from support.command import call
from support.configuration import TWO, put

BOTH = "certificates 'example' (example.org) and 'shop' (shop.example.org)"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        pytest.param(
            '[[certificate]]\npage = "shop"\ndomain = "b.org"\n',
            "certificates 'shop' (shop.example.org) and 'shop' (b.org) share the page 'shop'",
            id="page",
        ),
        pytest.param(
            'service = "renew-lets-encrypt-example-srv"\n',
            f"{BOTH} are both called 'renew-lets-encrypt-example-srv'",
            id="service",
        ),
        pytest.param(
            'certificate-dir = "/etc/ssl/letsencrypt/example/"\n',
            f"{BOTH} share the --certificate-dir '/etc/ssl/letsencrypt/example'",
            id="directory",
        ),
        pytest.param(
            'log-user = "other"\n',
            f"{BOTH} share renew-lets-encrypt-log, but --log-user is 's6log' and 'other'",
            id="logger",
        ),
        pytest.param(
            'user = "other"\n',
            f"{BOTH} share /etc/ssl/letsencrypt/account.key, but --user is 'tls' and 'other'",
            id="account",
        ),
        pytest.param(
            'deploy = "nginx"\n[[certificate]]\npage = "b"\ndomain = "b.org"\ndeploy = "nginx"\n',
            "certificates 'shop' (shop.example.org) and 'b' (b.org) are both deployed to "
            "'/etc/nginx/s6gen/key.pem'",
            id="target",
        ),
        pytest.param(
            'certificate-dir = "/home/www/example/tls"\n',
            f"{BOTH} overlap: '/home/www/example/tls', keys, is in '/home/www/example', the site",
            id="keys in another's site",
        ),
        pytest.param(
            'deploy = "x: copy key /home/www/shop/k"\n',
            "certificate 'shop' (shop.example.org) overlap: '/home/www/shop/k', a deployment, "
            "is in '/home/www/shop', the site",
            id="a key deployed into the site",
        ),
        pytest.param(
            'deploy = "x: copy chain /etc/ssl/letsencrypt/example/domain.key"\n',
            f"{BOTH} overlap: "
            "'/etc/ssl/letsencrypt/example/domain.key', a deployment, "
            "is in '/etc/ssl/letsencrypt/example', keys",
            id="a chain deployed over a key",
        ),
        pytest.param(
            'log-service = "x-log"\nlog-dir = "/var/log/renew-lets-encrypt"\n',
            "certificates 'shop' (shop.example.org) and 'example' (example.org) overlap: "
            "'/var/log/renew-lets-encrypt', the log, is in '/var/log/renew-lets-encrypt', the log",
            id="two loggers in one directory",
        ),
        pytest.param(
            'deploy = "nginx"\nstate-dir = "/etc/ssl/letsencrypt/example/state"\n',
            f"{BOTH} overlap: "
            "'/etc/ssl/letsencrypt/example/state', root's records, "
            "is in '/etc/ssl/letsencrypt/example', keys",
            id="root's records among keys",
        ),
        pytest.param(
            'log-service = "renew-lets-encrypt-example-srv"\n',
            "--log-service: one more would be called 'renew-lets-encrypt-example-srv': "
            "give another",
            id="a logger called like a service",
        ),
    ],
)
def test_certificates_in_each_others_way(
    extra: str, message: str, tmp_path: Path
) -> None:
    code, out, err = call("render", cwd=put(TWO + extra, tmp_path))

    assert (code, out) == (100, "")
    assert err.splitlines()[0] == f"s6gen: fatal: s6gen.toml: {message}"
    assert not (tmp_path / "sv").exists()
