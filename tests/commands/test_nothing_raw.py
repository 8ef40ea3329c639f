"""What others have written is never printed raw, wherever it comes from."""

import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import call

from s6gen.text import INVISIBLE, printable

HOSTILE = [
    "\x1b[31mred\x1b]0;title\x07a\bb\rc\x9b31m\x85next\x7f",
    "\u202egnirts\u2066x\u2069\u200e\u200f\u061c",
    "a\u200bb\u200d\ufeffc\u00ad\u2028line\u2029\u3000\u00a0",
    "\U000e0041\U000e007f\ufe0f\U000e0100\u3164\u115f\u2800\ue000\U000f0000\uffff",
    "\u0301x" + "e" + "\u0301" * 50,
    "two\nlines",
    "::error::x",
]
"""Escapes of terminals, reordering, the invisible, floods of marks, ends of lines, annotations."""
LOCALES = (
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    {"LC_ALL": "xx_YY.broken"},
    {"PYTHONIOENCODING": "latin-1"},
)
SERVICE = "renew-lets-encrypt/renew-lets-encrypt-srv"


def toml(text: str) -> str:
    """A basic string of TOML with each character as an escape."""
    return '"' + "".join(f"\\U{ord(char):08x}" for char in text) + '"'


def refuse_raw(text: str, what: object) -> None:
    """Fail for a character that may do something to a terminal, or to a reader."""
    marks = 0
    for char in text:
        marks = marks + 1 if unicodedata.category(char).startswith("M") else 0
        is_shown = char.isprintable() and ord(char) not in INVISIBLE and marks <= 3
        assert is_shown or char in "\n\t", (what, hex(ord(char)), text[:300])


def files(text: str) -> Iterator[dict[str, str]]:
    """Repositories with a text in every place of an s6gen.toml, and of templates."""
    top = 'page = "example"\ndomain = "example.org"\n'
    value = toml(text)
    for key in ("output", "templates", "bundle", "outside", "machine-defaults"):
        yield {"s6gen.toml": f"{key} = {value}\n[[certificate]]\n{top}"}
    yield {"s6gen.toml": f"{value} = 1\n[[certificate]]\n{top}"}
    yield {"s6gen.toml": f"[{value}]\nx = 1\n"}
    yield {"s6gen.toml": f"[host.{value}]\nx = 1\n[[host.{value}.certificate]]\n{top}"}
    yield {"s6gen.toml": f"[[host.{value}.certificate]]\n{top}"}
    yield {"s6gen.toml": f"[[certificate]]\n{top}{value} = {value}\n"}
    for key in ("page", "domain", "service", "client", "contact", "deploy", "ca"):
        lines = top.replace(f'{key} = "example', f'# "{key}')
        yield {"s6gen.toml": f"[[certificate]]\n{lines}{key} = {value}\n"}
    yield {"s6gen.toml": f"[[certificate]]\n{top}deploy = [{{ name = {value} }}]\n"}
    yield {"s6gen.toml": f"[[certificate]]\n{top}deploy = [{{ preset = {value} }}]\n"}
    yield {"s6gen.toml": f"x = {text}\n"}
    yield {"s6gen.toml": f"{text}\n"}
    yield {"s6gen.toml": f'x = "{text}\n'}
    top = f'templates = "t"\n[[certificate]]\n{top}'
    name = text.replace("/", "").replace("\0", "")
    yield {"s6gen.toml": top, f"t/{SERVICE}/data/{name}": "x"}
    for body in (text, f"{{% {text} %}}", f"{{{{ '{text}' | verbatim }}}}"):
        yield {"s6gen.toml": top, f"t/{SERVICE}/data/x": body}
    for tag in ("include", "import"):
        body = f"{{% {tag} {text!r} %}}"
        yield {"s6gen.toml": top, f"t/{SERVICE}/data/x": body}
    body = f"{{{{ service[{text!r}] }}}}"
    yield {"s6gen.toml": top, f"t/{SERVICE}/data/x": body}
    yield {"s6gen.toml": top, "sv/.s6gen": text}
    yield {"s6gen.toml": top, "sv/.s6gen": f"{'0' * 64}  {text}/x\n"}
    yield {
        "s6gen.toml": top,
        "sv/renew-lets-encrypt-example-srv/run": text,
        f"sv/renew-lets-encrypt-example-srv/{name}": "x",
    }


def put(contents: dict[str, str], directory: Path) -> None:
    """Write files, as far as a file system takes their names."""
    for name, content in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_of_a_repository(text: str, tmp_path: Path) -> None:
    attempts = 0
    commands = (["render", "--check"], ["render", "--diff"], ["config"], ["templates"])
    for number, contents in enumerate(files(text)):
        directory = tmp_path / str(number)
        put(contents, directory)
        turn = number + HOSTILE.index(text)
        command = commands[turn % len(commands)]
        locale = LOCALES[turn % len(LOCALES)]
        code, out, err = call(*command, cwd=directory, **locale)
        attempts += 1
        assert code in (0, 1, 100, 111), (contents, err)
        refuse_raw(out, (command, contents))
        refuse_raw(err, (command, contents))
        assert all(line.startswith("s6gen: ") for line in err.splitlines()), err
    assert attempts > 30


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_of_the_command_line(text: str, tmp_path: Path) -> None:
    site = ["--page", "example", "--domain", "example.org"]
    commands = [
        [text],
        ["render", f"--{text}"],
        ["render", text],
        ["render", "--page", text, "--domain", "example.org"],
        ["render", *site, "--client", text],
        ["render", *site, "--domain", text],
        ["render", *site, "--deploy", text],
        ["render", *site, "--snooze", text],
        ["render", *site, "--output", f"{text}/x", "--check"],
        ["render", *site, "--templates", text],
        ["render", *site, "--config", text],
        ["render", *site, "--host", text],
        ["render", *site, "--contact", text, "--save", "--config", f"{text}.toml"],
        ["config", *site, "--contact", text],
        ["check", text],
        ["check", ".", "--ignore", text],
        ["check", ".", "--format", text],
        ["check", ".", "--s6-rc", text],
        ["check", ".", "--given", text],
        ["graph", text],
        ["presets", text],
        ["templates", text],
        ["templates", "copy", text],
        ["templates", "--templates", text, "copy", f"{SERVICE}/run"],
        ["init", "--config", f"{text}.toml"],
        ["init", "--config", f"{text}/no/such"],
    ]
    for number, command in enumerate(commands):
        code, out, err = call(*command, cwd=tmp_path, **LOCALES[number % len(LOCALES)])
        assert code in (0, 1, 100, 111), (command, err)
        refuse_raw(out, command)
        refuse_raw(err, command)


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if "/" not in text], ids=ascii
)
def test_nothing_of_a_source(text: str, tmp_path: Path) -> None:
    """Names, contents, links: in a report, in a picture, in annotations."""
    names = (text, f"{text}-log")
    for name in names:
        service = tmp_path / "s" / name
        (service / "dependencies.d").mkdir(parents=True)
        (service / "type").write_text("longrun\n")
        (service / "run").write_text(f"#!{text}\nfdmove ${{{text}}} {text}\n")
        (service / text).write_text(text)
        (service / "dependencies.d" / text[::-1]).touch()
        (service / "notification-fd").write_text(text)
        (service / "down-signal").write_text(text)
        (service / "producer-for").write_text(f"{text} \n")
        (service / "data").symlink_to(f"x/{text}")
    odd = tmp_path / "s/odd"
    odd.mkdir()
    (odd / "type").write_text(text)
    bundle = tmp_path / "s" / f"{text}-bundle"
    bundle.mkdir()
    (bundle / "type").write_text("bundle\n")
    (bundle / "contents").write_text(f"{text}\n{text[::-1]}\n")
    for number, form in enumerate(("text", "json", "github", "gitlab")):
        locale = LOCALES[number % len(LOCALES)]
        code, out, err = call("check", "s", "--format", form, cwd=tmp_path, **locale)
        assert (code, err) == (1, ""), err
        refuse_raw(out, (form, text))
        assert form != "github" or all(map(is_command, out.splitlines())), out
    for form in ("dot", "mermaid"):
        code, out, err = call("graph", "s", "--format", form, cwd=tmp_path)
        assert code in (0, 100)
        refuse_raw(out, (form, text))
        refuse_raw(err, (form, text))


def is_command(line: str) -> bool:
    """Tell whether a line is a workflow command of s6gen's own."""
    return line.startswith(("::error file=", "::warning file="))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_nothing_of_a_command_line_is_raw_in_a_comment(
    text: str, tmp_path: Path
) -> None:
    """`cat run` shows the line that rendered it."""
    site = ["--page", "example", "--domain", "example.org"]
    code, _, err = call(
        "render", *site, "--contact", f"a{text}@example.org", cwd=tmp_path
    )
    if code == 0:
        for path in tmp_path.rglob("run"):
            comments = [
                line for line in path.read_text().split("\n") if line.startswith("#")
            ]
            refuse_raw("\n".join(comments), text)
    else:
        assert (code, err.count("\n")) == (100, 1)


def test_an_escape_is_one() -> None:
    """Two texts that differ are printed differently."""
    texts = [
        "\x1b",
        "\\0x1b",
        "\\0x5c0x1b",
        "\x85",
        "\udc85",
        "\\",
        "\\\\0x1b",
        "\u202ea",
    ]
    assert len({printable(text) for text in texts}) == len(texts)
    assert printable("\u202ea\x1b") == "\\0xe2\\0x80\\0xaea\\0x1b"
    assert printable("caf\u00e9 C:\\x \u65e5\u672c") == "caf\u00e9 C:\\x \u65e5\u672c"


def test_the_environment_is_not_printed(tmp_path: Path) -> None:
    for name in ("TERM", "NO_COLOR", "LANG", "TMPDIR", "HOME", "S6GEN_X"):
        code, out, err = call("presets", "x", cwd=tmp_path, **{name: "\x1b[31m"})
        assert code == 100
        refuse_raw(out + err, name)


def test_a_message_is_not_endless(tmp_path: Path) -> None:
    (tmp_path / "s6gen.toml").write_text(f"{'x' * 1_000_000} = 1\n")
    code, out, err = call("render", cwd=tmp_path)
    assert (code, out, err.count("\n")) == (100, "", 1)
    assert len(err) < 5000


def test_files_that_are_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "s" / os.fsdecode(b"\xff\x9b")).mkdir(parents=True)
    code, out, err = call("check", "s", cwd=tmp_path)
    assert (code, err) == (1, "")
    assert "s/\\0xff\\0x9b" in out
