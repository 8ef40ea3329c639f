"""s6gen.toml as an administrator meets it: what it says, where it is found, what is refused."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.checkout import checkout
from support.command import ENVIRONMENT, S6GEN, call

from s6gen.configuration.toml_lines import toml_lines
from s6gen.configuration.toml_text import toml_table

TWO = """\
[[certificate]]
page = "example"
domain = ["example.org", "www.example.org"]

[[certificate]]
page = "shop"
domain = "shop.example.org"
"""
BOTH = "certificates 'example' (example.org) and 'shop' (shop.example.org)"


def put(text: str, directory: Path) -> Path:
    """An s6gen.toml."""
    (directory / "s6gen.toml").write_text(text)
    return directory


def run_script(directory: Path, page: str) -> str:
    """What was rendered for a page."""
    return (directory / f"sv/renew-lets-encrypt-{page}-srv/run").read_text()


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
        "restart other; run user=irc timeout=5 sh -c 'a;b' ';'\"]\n"
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
        "]\n"
    )
    one, other = tmp_path / "one", tmp_path / "other"
    for directory, content in ((one, text), (other, tables)):
        directory.mkdir()
        assert call("render", cwd=put(content, directory))[::2] == (0, "")

    finish = "sv/renew-lets-encrypt-shop-srv/finish"
    assert (one / finish).read_text() == (other / finish).read_text()
    assert ' 5 s6-setuidgid irc sh -c "a;b" ";" }' in (other / finish).read_text()


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


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        pytest.param(
            'page = "a"\n',
            ["s6gen.toml:1: page: no such key"],
            id="a key at the wrong place",
        ),
        pytest.param(
            "certificate = 1\nouput = 2\n",
            [
                "s6gen.toml:1: certificate: must be tables, each under a [[header]] of its own",
                "s6gen.toml:2: ouput: no such key: did you mean output?",
            ],
            id="the top",
        ),
        pytest.param(
            "[defaults\n", ["s6gen.toml:1: expected ']' at the end of"], id="no TOML"
        ),
        pytest.param("a = '''\n\n", ["s6gen.toml:2: "], id="unfinished"),
        pytest.param(
            "[defaults]\nuser = 'a'\nuser = 'b'\n",
            ["s6gen.toml:3: cannot overwrite a value"],
            id="a key twice",
        ),
        pytest.param(
            "[defaults]\npage = 'a'\n",
            ["s6gen.toml:2: [defaults]: page: is each certificate's own"],
            id="a page for all",
        ),
        pytest.param(
            "[defaults]\n",
            ["s6gen.toml: asks for no certificate: add a [[certificate]]"],
            id="none",
        ),
        pytest.param(
            '[defaults]\nlog-usr = "x"\nlog-size = "1M"\nuser = ""\n\n'
            '[[certificate]]\npage = "a"\ndomain = ["a..org"]\n'
            'deploy = [{ preset = "nginx", dirr = "/x" }]\n\n'
            "[[certificate]]\n# a comment\ndomain = 5\nplaceholder = 1\n",
            [
                "s6gen.toml:2: [defaults]: log-usr: no such key: did you mean log-user?",
                "s6gen.toml:3: [defaults]: log-size: must be a whole number: '1M'",
                "s6gen.toml:4: [defaults]: user: must be the name of an account: ''",
                "s6gen.toml:8: [[certificate]] 1: domain: 'a..org' has an empty label",
                "s6gen.toml:9: [[certificate]] 1: deploy: 'nginx dirr=/x': 'dirr=/x': "
                "preset nginx has the settings name= dir= service=",
                "s6gen.toml:11: [[certificate]] 2: page: is missing",
                "s6gen.toml:13: [[certificate]] 2: domain: "
                "must be a string, or a list of strings: 5",
                "s6gen.toml:14: [[certificate]] 2: placeholder: must be true or false: 1",
            ],
            id="all mistakes at once",
        ),
        pytest.param(
            '[[certificate]]\npage = "a b"\ndomain = "a.org"\n',
            [
                "s6gen.toml:1: [[certificate]] 1: service: must be at most 200 letters, digits "
                "and _ - . @, not beginning with - . @ s6rc- or s6-rc-: "
                "'renew-lets-encrypt-a b-srv'"
            ],
            id="a page that names no service",
        ),
        pytest.param(
            '[host.web]\nusr = "x"\n[[host.web.certificate]]\npage = "a"\ndomain = "a.org"\n',
            ["s6gen.toml:2: [host.web]: usr: no such key: did you mean user?"],
            id="a host's key",
        ),
        pytest.param(
            '[host."../up"]\n[[certificate]]\n',
            [
                "s6gen.toml:1: [host.../up]: not a name for a host: '../up'",
                "s6gen.toml:2: certificate: is for no host: write [[host.NAME.certificate]]",
            ],
            id="hosts, and one certificate that has none",
        ),
    ],
)
def test_mistakes_are_told_one_a_line(
    text: str, messages: list[str], tmp_path: Path
) -> None:
    code, out, err = call("render", cwd=put(text, tmp_path))

    told = err.splitlines()
    assert (code, out) == (100, "")
    assert len(told) == len(messages)
    for line, message in zip(told, messages, strict=True):
        assert line.startswith(f"s6gen: fatal: {message}")
    assert [path.name for path in tmp_path.iterdir()] == ["s6gen.toml"]


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


def test_options_lie_over_the_file(tmp_path: Path) -> None:
    call("render", "--ca", "letsencrypt-staging", cwd=put(TWO, tmp_path))

    for page in ("example", "shop"):
        assert "--directory-url https://acme-staging" in run_script(tmp_path, page)
    code, _, err = call("render", "--domain", "a.org", cwd=tmp_path)
    assert (code, err) == (100, "s6gen: fatal: --domain: say for which page: --page\n")


def test_one_page_alone_leaves_the_others(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))
    shop = run_script(tmp_path, "shop")

    _, out, _ = call(
        "render", "--page", "example", "--ca", "letsencrypt-staging", cwd=tmp_path
    )

    updated = [line for line in out.splitlines() if not line.startswith("unchanged ")]
    assert updated == ["updated    renew-lets-encrypt-example-srv/run"]
    assert "acme-staging" in run_script(tmp_path, "example")
    assert run_script(tmp_path, "shop") == shop
    assert call("render", "--page", "shop", "--check", cwd=tmp_path) == (0, "", "")
    assert call("render", "--page", "nope", cwd=tmp_path) == (
        100,
        "",
        "s6gen: fatal: --page: s6gen.toml has no page 'nope', but 'example', 'shop': "
        "give --domain for a new one\n",
    )


def test_a_page_that_is_not_in_the_file_joins_the_others(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))

    code, _, err = call(
        "render", "--page", "new", "--domain", "new.example.org", cwd=tmp_path
    )

    assert (code, err) == (0, "")
    assert (tmp_path / "sv/renew-lets-encrypt-log/consumer-for").read_text() == (
        "renew-lets-encrypt-example-srv\nrenew-lets-encrypt-new-srv\nrenew-lets-encrypt-shop-srv\n"
    )
    given = ["--given", "mount", "--given", "networking"]
    assert call("check", *given, "sv", cwd=tmp_path) == (0, "", "")


def test_save_adds_a_certificate_and_keeps_the_rest(tmp_path: Path) -> None:
    before = "# precious\n" + TWO
    put(before, tmp_path)
    added = [
        "--page",
        "new",
        "--domain",
        "new.example.org",
        "--domain",
        "x.example.org",
    ]

    code, out, err = call(
        "render", *added, "--deploy", "nginx name=a", "--save", cwd=tmp_path
    )

    text = (tmp_path / "s6gen.toml").read_text()
    assert (code, err) == (0, "")
    assert "created    renew-lets-encrypt-new-srv/run\n" in out
    assert text == before + (
        '\n[[certificate]]\npage = "new"\ndomain = ["new.example.org", "x.example.org"]\n'
        'deploy = ["nginx name=a"]\n'
    )
    assert call("render", "--check", cwd=tmp_path) == (0, "", "")
    assert call("render", *added, "--save", cwd=tmp_path) == (
        100,
        "",
        "s6gen: fatal: s6gen.toml: page 'new' is there already: change it there\n",
    )


def test_save_that_is_refused_changes_nothing(tmp_path: Path) -> None:
    put(TWO, tmp_path)

    code, _, err = call(
        "render", "--page", "a", "--domain", "a..org", "--save", cwd=tmp_path
    )

    assert code == 100
    assert err == "s6gen: fatal: --domain: 'a..org' has an empty label\n"
    assert (tmp_path / "s6gen.toml").read_text() == TWO
    assert not (tmp_path / "sv").exists()


def test_saves_at_once_lose_nothing(tmp_path: Path) -> None:
    """Those that come too late say so; whoever succeeds is in the file."""
    put(TWO, tmp_path)
    command = [*S6GEN, "render", "--save"]
    pages = [f"page{number}" for number in range(6)]
    runs = {
        page: subprocess.Popen(
            [*command, "--page", page, "--domain", f"{page}.example.org"],
            cwd=tmp_path,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for page in pages
    }
    ends = {page: (run.communicate()[1], run.returncode) for page, run in runs.items()}

    text = (tmp_path / "s6gen.toml").read_text()
    assert {code for _, code in ends.values()} <= {0, 111}
    for page, (err, code) in ends.items():
        assert (f'page = "{page}"' in text) == (code == 0), err
    assert call("render", cwd=tmp_path)[::2] == (0, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["init", "-c", "no/such.toml"],
            "unable to write to {}/no/such.toml: ",
            id="init",
        ),
        pytest.param(
            [
                *(
                    "render",
                    "--save",
                    "--page",
                    os.fsdecode(b"\xff"),
                    "--domain",
                    "a.org",
                ),
                *("--service", "x-srv", "--certificate-dir", "/etc/x"),
            ],
            "--save: something given is not UTF-8, which TOML has to be",
            id="bytes",
        ),
        pytest.param(
            ["render", "-c", "none"], "unable to read none: No such file", id="no file"
        ),
    ],
)
def test_what_cannot_be_written_or_read(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    code, out, err = call(*arguments, cwd=tmp_path)

    assert code in (100, 111)
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"s6gen: fatal: {message.format(tmp_path)}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('output = "a\\u0000b"\n', id="a null character in output"),
        pytest.param('[host."a\\u0000b"]\n', id="a null character in a host"),
        pytest.param(f"x = {'1' * 5000}\n", id="a long number"),
        pytest.param(f"x = {'[' * 3000}{']' * 3000}\n", id="deep"),
        pytest.param('templates = ""\n', id="empty templates"),
        pytest.param(
            '[[certificate]]\npage = "a"\ndomain = "a.org"\n'
            'deploy = [{ name = "x: run evil", steps = [{ copy = "chain", to = "/x" }] }]\n',
            id="a step in a name",
        ),
        pytest.param(
            "[host.web]\nnetwrk-service = 'x'\n" + "[[host.a.certificate]]\n", id="idle"
        ),
    ],
)
def test_nothing_in_a_file_is_a_bug(text: str, tmp_path: Path) -> None:
    code, out, err = call("render", cwd=put(text, tmp_path))

    assert (code, out) == (100, "")
    assert all(
        line.startswith("s6gen: fatal: s6gen.toml:") for line in err.splitlines()
    )


def test_a_command_of_one_string_is_split(tmp_path: Path) -> None:
    steps = '[{ run = "mailctl refresh" }]'
    put(TWO + f'deploy = [{{ name = "x", steps = {steps} }}]\n', tmp_path)

    call("render", cwd=tmp_path)

    finish = tmp_path / "sv/renew-lets-encrypt-shop-srv/finish"
    assert " 60 mailctl refresh }" in finish.read_text()


def test_any_locale_will_do(tmp_path: Path) -> None:
    service = 'service = "x-srv"\n'
    put(f'[[certificate]]\npage = "münchen"\ndomain = "a.org"\n{service}', tmp_path)

    assert (
        call(
            "render", cwd=tmp_path, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0"
        )[0]
        == 0
    )


def test_init_writes_a_file_that_save_can_add_to(tmp_path: Path) -> None:
    assert call("init", cwd=tmp_path) == (0, "created    s6gen.toml\n", "")
    again = "s6gen: fatal: s6gen.toml: is there already: edit it, or name another with --config\n"
    assert call("init", cwd=tmp_path) == (100, "", again)

    call("render", "--page", "a", "--domain", "a.example.org", "--save", cwd=tmp_path)

    assert "--domain a.example.org\n" in run_script(tmp_path, "a")


def test_every_key_of_the_initial_file_is_one(tmp_path: Path) -> None:
    """Each commented key is taken with what stands there, but for what is only a kind of value."""
    call("init", cwd=tmp_path)
    path = tmp_path / "s6gen.toml"
    defaults = path.read_text().partition("\n# [[certificate]]")[0]
    keys = [
        line[2:]
        for line in defaults.splitlines()
        if line.startswith("# ") and " = " in line
    ]
    given = [
        line for line in keys if '"' not in line or not line.split('"')[1].isupper()
    ]
    given = [line for line in given if not line.startswith("bundle")]
    path.write_text("[defaults]\n" + "\n".join(given) + "\n" + TWO)

    assert len(given) > 20
    assert call("render", cwd=tmp_path)[::2] == (0, "")
    path.write_text(TWO)
    assert call("render", "--check", cwd=tmp_path) == (0, "", "")


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


def test_layers_from_the_package_to_the_command_line(tmp_path: Path) -> None:
    """As a packager does it: the places are two lines of one file."""
    program = checkout(tmp_path / "package")
    for name in ("/usr/share/s6gen", "/etc/s6gen"):
        program.replace("s6gen/places.py", name, f"{tmp_path}{name}")
        (tmp_path / name[1:]).mkdir(parents=True)
    (tmp_path / "usr/share/s6gen/defaults.toml").write_text(
        'python = "/usr/bin/python3.12"\nlog-user = "log"\nuser = "acme"\n'
    )
    (tmp_path / "etc/s6gen/defaults.toml").write_text('# ours\nuser = "certs"\n')
    site = tmp_path / "site"
    site.mkdir()
    put('[defaults]\nlog-user = "s6log"\n' + TWO, site)

    shown = program.call("config", "--page", "shop", "--live", "/run/rc", cwd=site)[1]

    found = dict(line.split(" # ", 1) for line in shown.splitlines() if " # " in line)
    found = {key.strip(): origin for key, origin in found.items()}
    assert found['page = "shop"'] == "command line"
    assert found['domain = ["shop.example.org"]'] == "s6gen.toml:9"
    assert found['log-user = "s6log"'] == "s6gen.toml:2"
    assert found['user = "certs"'] == f"{tmp_path}/etc/s6gen/defaults.toml:2"
    assert (
        found['python = "/usr/bin/python3.12"']
        == f"{tmp_path}/usr/share/s6gen/defaults.toml:1"
    )
    assert found['live = "/run/rc"'] == "command line"
    assert found['ca = "letsencrypt"'] == "built in"
    assert found['group = "certs"'] == "follows from the others"

    (site / "s6gen.toml").write_text("machine-defaults = false\n" + TWO)
    assert "acme" not in program.call("config", cwd=site)[1]
    plain = program.call("render", "--page", "a", "--domain", "a.org", cwd=tmp_path)
    assert plain[0] == 0
    assert "s6-setuidgid certs" in (tmp_path / "renew-lets-encrypt-srv/run").read_text()

    (tmp_path / "etc/s6gen/defaults.toml").write_text('usr = "certs"\n')
    assert program.call("render", "--page", "a", "--domain", "a.org", cwd=tmp_path) == (
        100,
        "",
        f"s6gen: fatal: {tmp_path}/etc/s6gen/defaults.toml:1: usr: "
        "no such key: did you mean user?\n",
    )


def test_init_pins_what_the_machine_says(tmp_path: Path) -> None:
    program = checkout(tmp_path / "package")
    program.replace("s6gen/places.py", "/etc/s6gen", str(tmp_path))
    (tmp_path / "defaults.toml").write_text('log-user = "log"\n')
    site = tmp_path / "site"
    site.mkdir()

    program.call("init", cwd=site)
    program.call("render", "--page", "a", "--domain", "a.org", "--save", cwd=site)
    (tmp_path / "defaults.toml").unlink()

    assert '\nlog-user = "log"\n' in (site / "s6gen.toml").read_text()
    assert program.call("render", "--check", cwd=site) == (0, "", "")


def test_config_is_toml_that_renders_the_same(tmp_path: Path) -> None:
    call("render", cwd=put(TWO, tmp_path))

    shown = call("config", cwd=tmp_path)[1]
    put(shown, tmp_path)

    assert call("render", "--check", cwd=tmp_path) == (0, "", "")


def test_no_cattrs_for_a_single_certificate(tmp_path: Path) -> None:
    """What a file needs takes time to load: whoever has none does not wait for it."""
    command = (
        "import sys; from s6gen.cli import run; "
        "run(['render', '--page', 'a', '--domain', 'a.org']); "
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

    assert done.stdout.splitlines()[-1] == "[]"


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,5}", fullmatch=True),
        st.one_of(
            st.text(st.characters(codec="utf-8")), st.booleans(), st.lists(st.text())
        ),
    )
)
def test_what_is_written_as_toml_is_read_again(values: dict[str, object]) -> None:
    import tomllib

    assert tomllib.loads(toml_table(values)) == values


def test_lines_of_a_document() -> None:
    text = (
        'a = """\n[no]\n= no\n"""\n'  # 1 to 4
        "b.'c d' = [ # ]\n 1,\n [2],\n]\n"  # 5 to 8
        "[t]\n"
        "x = { y = '''\n''' }\n"
        "[[t.u]]\r\n"
        "k = 1\n"
        "[[t.u]]\n"
        "[t.u.v]\n"
        "w = 'a # b'  # c\n"
    )

    assert toml_lines(text) == {
        ("a",): 1,
        ("b", "c d"): 5,
        ("t",): 9,
        ("t", "x"): 10,
        ("t", "u", 0): 12,
        ("t", "u", 0, "k"): 13,
        ("t", "u", 1): 14,
        ("t", "u", 1, "v"): 15,
        ("t", "u", 1, "v", "w"): 16,
    }
