"""s6gen.toml as an administrator meets it: what it says, and where it is found."""

import os
import subprocess
from pathlib import Path

import pytest
from support.command import call
from support.configuration import TWO, put, run_script


def test_each_certificate_has_a_service_and_all_one_logger(tmp_path: Path) -> None:
    code, _, err = call("render", cwd=put(TWO, tmp_path))

    sv = tmp_path / "sv"
    assert (code, err) == (0, "")
    assert sorted(path.name for path in sv.iterdir()) == [
        ".s6gen",
        "renew-lets-encrypt-example-srv",
        "renew-lets-encrypt-log",
        "renew-lets-encrypt-shop-srv",
    ]
    assert (sv / "renew-lets-encrypt-log/consumer-for").read_text() == (
        "renew-lets-encrypt-example-srv\nrenew-lets-encrypt-shop-srv\n"
    )
    assert (
        sv / "renew-lets-encrypt-log/pipeline-name"
    ).read_text() == "renew-lets-encrypt\n"
    for page in ("example", "shop"):
        assert f"--out /etc/ssl/letsencrypt/{page}/signed_chain.crt\n" in run_script(
            tmp_path, page
        )
        assert "--account-key /etc/ssl/letsencrypt/account.key\n" in run_script(
            tmp_path, page
        )


def test_a_second_run_says_and_writes_nothing(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    assert call("render", cwd=tmp_path) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_one_logger_each_if_asked_for_and_a_bundle_of_all(tmp_path: Path) -> None:
    put('[defaults]\nlog-service = "renew-{page}-log"\n' + TWO, tmp_path)

    assert call("render", cwd=tmp_path)[0] == 0
    contents = tmp_path / "sv/renew-lets-encrypt/contents.d"
    assert sorted(path.name for path in contents.iterdir()) == [
        "renew-example",
        "renew-shop",
    ]
    assert (tmp_path / "sv/renew-lets-encrypt/type").read_text() == "bundle\n"


def test_looks_are_spread(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))

    slots = {
        page: next(
            line
            for line in run_script(tmp_path, page).splitlines()
            if "snooze -H" in line
        )
        for page in ("example", "shop")
    }

    assert slots["example"].split()[:6] != slots["shop"].split()[:6]


def test_deploy_steps_as_tables_say_the_same_as_text(tmp_path: Path) -> None:
    text = TWO + (
        'deploy = ["nginx dir=/etc/nginx/shop", "irc: copy chain /etc/irc/c.pem owner=irc; '
        "combine key+chain '/etc/irc/a b.pem' group=irc mode=0440; reload irc signal=USR2; "
        "restart other; run user=irc timeout=5 sh -c 'a;b' ';'; test service=irc irc -t; "
        'serves localhost:1 starttls=smtp; pair /etc/irc/pair"]\n'
    )
    tables = TWO + (
        "[[certificate.deploy]]\n"
        'preset = "nginx"\n'
        'dir = "/etc/nginx/{page}"\n'
        "[[certificate.deploy]]\n"
        'name = "irc"\n'
        "steps = [\n"
        '  { copy = "chain", to = "/etc/irc/c.pem", owner = "irc" },\n'
        '  { combine = ["key", "chain"], to = "/etc/irc/a b.pem", group = "irc", mode = "0440" },\n'
        '  { reload = "irc", signal = "USR2" },\n'
        '  { restart = "other" },\n'
        '  { run = ["sh", "-c", "a;b", ";"], user = "irc", timeout = 5 },\n'
        '  { test = "irc -t", service = "irc" },\n'
        '  { serves = "localhost:1", starttls = "smtp" },\n'
        '  { pair = "/etc/irc/pair" },\n'
        "]\n"
    )
    one, other = tmp_path / "one", tmp_path / "other"
    for directory, content in ((one, text), (other, tables)):
        directory.mkdir()
        assert call("render", cwd=put(content, directory))[::2] == (0, "")

    finish = "sv/renew-lets-encrypt-shop-srv/finish"
    assert (one / finish).read_text() == (other / finish).read_text()
    assert ' 5 s6-setuidgid irc sh -c "a;b" ";"\n' in (other / finish).read_text()


def test_it_is_found_above(tmp_path: Path) -> None:
    below = put(TWO, tmp_path) / "a/b"
    below.mkdir(parents=True)

    assert call("render", cwd=below)[0] == 0
    assert (tmp_path / "sv/.s6gen").exists()
    assert call("render", "--check", "-c", "../../s6gen.toml", cwd=below) == (0, "", "")


def test_one_of_another_user_is_not_trusted(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make a file that belongs to another user")
    put(TWO, tmp_path)
    os.chown(tmp_path / "s6gen.toml", 65534, 65534)

    code, out, err = call("render", cwd=tmp_path)

    assert (code, out) == (100, "")
    assert err == (
        f"s6gen: fatal: {tmp_path}/s6gen.toml: belongs to another user: "
        "give it with --config if you trust it\n"
    )
    assert call("render", "-c", "s6gen.toml", cwd=tmp_path)[0] == 0


def test_a_command_of_one_string_is_split(tmp_path: Path) -> None:
    steps = '[{ run = "mailctl refresh" }]'
    put(TWO + f'deploy = [{{ name = "x", steps = {steps} }}]\n', tmp_path)

    call("render", cwd=tmp_path)

    finish = tmp_path / "sv/renew-lets-encrypt-shop-srv/finish"
    assert " 60 mailctl refresh\n" in finish.read_text()


def test_any_locale_will_do(tmp_path: Path) -> None:
    service = 'service = "x-srv"\n'
    put(f'[[certificate]]\npage = "münchen"\ndomain = "a.org"\n{service}', tmp_path)

    assert (
        call(
            "render", cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
        )[0]
        == 0
    )


def test_hosts_are_rendered_each_below_its_own_directory(tmp_path: Path) -> None:
    put(
        '[defaults]\nlog-user = "log"\n[host.web]\nnetwork-service = "eth0"\n'
        '[[host.web.certificate]]\npage = "a"\ndomain = "a.org"\n'
        '[[host."mail.example"."certificate"]]\npage = "a"\ndomain = "b.org"\n',
        tmp_path,
    )

    assert call("render", "--host", "web", cwd=tmp_path)[0] == 0
    assert [path.name for path in (tmp_path / "sv").iterdir()] == ["web"]
    code, out, _ = call("render", cwd=tmp_path)

    assert (code, "created    mail.example/renew-lets-encrypt-a-srv/run\n" in out) == (
        0,
        True,
    )
    assert (tmp_path / "sv/web/renew-lets-encrypt-a-srv/dependencies.d/eth0").exists()
    assert not (
        tmp_path / "sv/mail.example/renew-lets-encrypt-a-srv/dependencies.d/eth0"
    ).exists()
    assert call("render", "--host", "x", cwd=tmp_path) == (
        100,
        "",
        "s6gen: fatal: --host: s6gen.toml has no host 'x': it has web, mail.example\n",
    )
    assert call("render", "--page", "a", cwd=tmp_path)[2] == (
        "s6gen: fatal: --page: say for which host: --host of web, mail.example\n"
    )


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["render", "--page", "a", "--domain", "a.org"], "[]"),
        (["config", "--page", "a", "--domain", "a.org"], "['tomllib']"),
        (["--help"], "['tomllib']"),
    ],
)
def test_no_cattrs_where_there_is_no_file(
    tmp_path: Path, arguments: list[str], loaded: str
) -> None:
    """What a file needs takes time to load: whoever has none does not wait for it."""
    command = (
        "import sys; from s6gen.cli import run; "
        f"run({arguments}); "
        "print(sorted({'cattrs', 'tomllib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [os.sys.executable, "-c", command],  # type: ignore[attr-defined]
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.splitlines()[-1] == loaded
