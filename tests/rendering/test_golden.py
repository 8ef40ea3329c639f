"""What users get, in full: a change of a template shows here as a change of its output.

`make golden` rewrites the trees under golden/; read the difference before you commit it.
"""

import shlex
from pathlib import Path

import pytest
from support.command import PACKAGE
from support.rendering import tree_of

from s6gen.commands.parameter_options import given_values
from s6gen.commands.render import command
from s6gen.configuration.certificates import certificate_layers, certificates
from s6gen.render import RenderOptions, prepare
from s6gen.rendering.tree import File, Tree
from s6gen.services.host import host_services
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt

GOLDEN = Path(__file__).parents[1] / "golden"
CONFIGURATIONS = Path(__file__).parents[1] / "configurations"
CONFIGURED = sorted(path.stem for path in CONFIGURATIONS.glob("*.toml"))
CASES = {
    "default": "--page example --domain example.org",
    "deployment": "--page example --domain example.org --deploy nginx",
    "acme-tiny": (
        "--page example --domain example.org --domain www.example.org --client acme-tiny "
        "--contact hostmaster@example.org --log-user log"
    ),
    "command": (
        "--page shop --domain shop.example.org --client 'dehydrated --cron --keep-going' "
        "--snooze '-d 1' --service tls --execlineb /usr/bin/execlineb"
    ),
    "everything": (
        "--page 'my site' --domain bücher.example --domain www.example.org --web-root /srv/http "
        "--certificate-dir '/var/lib/my tls' --user acme --group certs "
        "--ca https://ca.example:9000/acme/directory --ca-bundle /etc/ssl/private-ca.pem "
        "--contact hostmaster@example.org --contact tel:+12025551212 --client installed "
        "--snooze '-H /6 -s 6h -t /run/renew.time' --mount-service mount-rwfs "
        "--network-service network --depends-on dns-srv --depends-on ntp-srv "
        "--service renew-srv --log-service renew-logger --log-dir /var/log/tls/renew "
        '--deploy \'web: copy chain /etc/web/chain.pem; copy key "/etc/web/the key.pem" '
        "group=web mode=0440; reload web signal=USR2; reload net-web through=s6-rc' "
        "--deploy 'mail: combine key+chain /etc/mail/tls.pem; restart /run/service/mail; "
        'run user=mail timeout=5 sh -c "echo $0"\' --state-dir /var/lib/renew --live /run/rc '
        "--notify 90 --placeholder "
        "--log-user renewlog --log-group adm --log-size 65536 --log-number 4"
    ),
}


def rendered(arguments: str) -> Tree:
    """What the arguments of `s6gen render` make, without the client's copy."""
    given = given_values(command.make_context("render", shlex.split(arguments)).params)
    tree = tree_of(
        host_services(certificates(certificate_layers(None, given, None))[None])
    )
    return {
        path: file for path, file in tree.items() if "/data/acme_client/" not in path
    }


def configured(case: str) -> Tree:
    """What an s6gen.toml makes, without the client's copies: all output directories in one."""
    path = CONFIGURATIONS / f"{case}.toml"
    options = RenderOptions(values={}, config=str(path), output="sv")
    return {
        f"{output}/{name}": file
        for output, wanted in prepare(options).wanted.items()
        for name, file in wanted.tree.items()
        if "/data/acme_client/" not in name
    }


def committed(case: str) -> Tree:
    """What was committed."""
    top = GOLDEN / case
    return {
        path.relative_to(top).as_posix(): File(
            path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644
        )
        for path in sorted(top.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    assert rendered(CASES[case]) == committed(case)


@pytest.mark.parametrize("case", CONFIGURED)
def test_golden_from_a_file(case: str) -> None:
    assert configured(case) == committed(case)


def test_the_client_goes_along_as_it_is() -> None:
    tree = tree_of([RenewLetsEncrypt(page="example", domains=["example.org"])])
    package = PACKAGE / "acme_client"
    top = "renew-lets-encrypt-srv/data/acme_client/"
    copied = {path.removeprefix(top): tree[path] for path in tree if top in path}

    assert {name: file.content for name, file in copied.items()} == {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in package.rglob("*.py")
    }


def rewrite() -> None:
    """Make the trees anew."""
    import shutil

    shutil.rmtree(GOLDEN, ignore_errors=True)
    trees = {case: rendered(arguments) for case, arguments in CASES.items()}
    trees |= {case: configured(case) for case in CONFIGURED}
    for case, tree in trees.items():
        for path, file in tree.items():
            (GOLDEN / case / path).parent.mkdir(parents=True, exist_ok=True)
            (GOLDEN / case / path).write_bytes(file.content)
            (GOLDEN / case / path).chmod(file.mode)


if __name__ == "__main__":
    rewrite()
