"""Mistakes in s6gen.toml: each is told, with its line; none is a bug."""

import os
from pathlib import Path

import pytest
from support.command import call
from support.configuration import put


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


def test_options_of_a_client_that_takes_none(tmp_path: Path) -> None:
    certificate = '[[certificate]]\npage = "a"\ndomain = "a.example"\n'
    put(f'{certificate}client = "installed --contact a@example.org"\n', tmp_path)

    assert call("render", cwd=tmp_path) == (
        100,
        "",
        "s6gen: fatal: s6gen.toml:4: [[certificate]] 1: client: 'installed' stands alone: "
        "for --contact, give --contact to s6gen render, or contact to s6gen.toml\n",
    )
    assert [path.name for path in tmp_path.iterdir()] == ["s6gen.toml"]
