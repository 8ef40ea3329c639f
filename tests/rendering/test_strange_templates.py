"""Templates of a stranger read nothing of the machine, and end within bounds."""

import marshal
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from support.command import call

from s6gen.errors import Fatal
from s6gen.render import RenderOptions, prepare

PART = "renew-lets-encrypt/renew-lets-encrypt-srv"
CERTIFICATE = '[[certificate]]\npage = "example"\ndomain = "example.org"\n'
SECRET = "S3CRET-of-the-machine"
COMMANDS = (["render", "--diff"], ["render", "--check"], ["render"], ["templates"])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a directory of templates, beside a file with a secret."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / f"secrets/{SECRET}").write_text(f"{SECRET}\n")
    top = tmp_path / "repository"
    (top / "t" / PART / "data").mkdir(parents=True)
    (top / "t/inside").write_text("inside\n")
    (top / "s6gen.toml").write_text(f'templates = "t"\n{CERTIFICATE}')
    (top / "own.toml").write_text(f'outside = true\ntemplates = "t"\n{CERTIFICATE}')
    return top


def link_to_a_link(path: Path) -> None:
    """A link to a hidden one, which leads out."""
    path.with_name(".hidden").symlink_to("../../../../secret")
    path.symlink_to(".hidden")


LINKS: dict[str, Callable[[Path], None]] = {
    "file": lambda path: path.symlink_to(path.parents[4] / "secret"),
    "relative": lambda path: path.symlink_to("../../../../secret"),
    "link to a link": link_to_a_link,
    "directory": lambda path: path.symlink_to(path.parents[4] / "secrets"),
    "git": lambda path: path.symlink_to("../../../s6gen.toml"),
    "environ": lambda path: path.symlink_to("/proc/self/environ"),
    "kallsyms": lambda path: path.symlink_to("/proc/kallsyms"),
    "zero": lambda path: path.symlink_to("/dev/zero"),
    "terminal": lambda path: path.symlink_to("/dev/tty"),
    "fifo": os.mkfifo,
    "hard link": lambda path: path.hardlink_to(path.parents[4] / "secret"),
    "directory inside": lambda path: path.symlink_to("data"),
}


@pytest.mark.parametrize("kind", LINKS)
@pytest.mark.parametrize("name", ["run", "data/extra", "macros"])
def test_nothing_of_the_machine_is_rendered(
    kind: str, name: str, repository: Path
) -> None:
    """Refused with one line that names it, wherever it lies, also if nothing uses it."""
    path = repository / "t" / PART / "x" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path = repository / "t" / PART / "strange"
    LINKS[kind](path)
    commands = [*COMMANDS]
    if kind != "hard link":
        commands.append(["render", "--templates", "t", "--diff"])
    for command in commands:
        code, out, err = call(*command, cwd=repository, S3CRET=SECRET)
        assert code == 100, (out, err)
        assert err.count("\n") == 1
        assert f"t/{PART}/strange" in err
        assert SECRET not in out + err
    assert not (repository / "sv").exists()


def test_links_inside_are_followed(repository: Path) -> None:
    (repository / "t" / PART / "data/one").symlink_to("../../../inside")

    assert call("render", cwd=repository)[::2] == (0, "")
    service = repository / "sv/renew-lets-encrypt-example-srv"
    assert (service / "data/one").read_text() == "inside\n"


def test_who_trusts_them_may_follow_links(repository: Path) -> None:
    """But nothing that is no regular file, or has no end."""
    path = repository / "t" / PART / "data/one"
    path.symlink_to("../../../../../secret")
    ways = (["--config", "own.toml"], ["--config", "own.toml", "--templates", "t"])
    for way in ways:
        assert call("render", *way, cwd=repository)[::2] == (0, "")
        service = repository / "sv/renew-lets-encrypt-example-srv"
        assert (service / "data/one").read_text() == f"{SECRET}\n"
    for target in ("/dev/zero", "/proc/kallsyms", "/dev/stdin"):
        path.unlink()
        path.symlink_to(target)
        for way in ways:
            code, _, err = call("render", *way, cwd=repository)
            assert code != 0
            assert err.count("\n") == 1


@pytest.mark.parametrize(
    "name",
    [
        "../secret",
        "/etc/passwd",
        "../../secret",
        "./../secret",
        "t/../../secret",
        "x\0",
    ],
)
@pytest.mark.parametrize("tag", ["include {}", "import {} as x", "extends {}"])
def test_what_a_template_includes_is_a_template(
    tag: str, name: str, repository: Path
) -> None:
    text = "{% " + tag.format(repr(name)) + " %}"
    (repository / "t" / PART / "data/one").write_text(text)

    code, out, err = call("render", "--diff", cwd=repository)

    assert (code, out, err.count("\n")) == (100, "", 1)
    assert SECRET not in err


ENDLESS = {
    "loop": "{% for i in range(99999) %}{% for j in range(99999) %}{% for k in range(99999) %}"
    "{% endfor %}{% endfor %}{% endfor %}",
    "much": "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
    "long": "{{ 'x' * 10**9 }}",
    "longer": "{{ 'x' * 10**12 }}",
    "power": "{{ 10**(10**9) }}",
    "power of names": "{% set n = 9 %}{{ n**(n**(n**n)) }}",
    "shift": "{{ (1 * 2)**(2**40) }}",
    "ljust": "{{ 'x'.ljust(10**9) }}",
    "center": "{{ 'x' | center(10**9) }}",
    "format": "{{ '%1000000000d' % 1 }}",
    "format filter": "{{ '%1000000000d' | format(1) }}",
    "str.format": "{{ '{:>1000000000}'.format(1) }}",
    "format_map": "{{ '{x:>1000000000}'.format_map({'x': 1}) }}",
    "indent": "{{ 'x\n\ny' | indent(10**9) }}",
    "join": "{{ (['x' * 10**6] * 10**6) | join }}",
    "list": "{{ range(99999) | list | tojson }}{{ ([1] * 10**9) | length }}",
    "replace": "{{ ('x' * 10**5) | replace('x', 'y' * 10**6) }}",
    "batch": "{{ 'x' | batch(10**9, 'y') | list }}",
    "slice": "{{ 'x' | slice(10**9) | list }}",
    "macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "doubling": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
    "{{ m(200) }}",
    "itself": "{% include '" + PART + "/data/one' %}",
    "nested": "{{ " + "(" * 20000 + "1" + ")" * 20000 + " }}",
    "minus": "{{ " + "-" * 200000 + "1 }}",
    "lists": "{{ " + "[" * 20000 + "]" * 20000 + " }}",
    "ifs": "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "sum": "{{ " + "1+" * 200000 + "1 }}",
    "namespace": "{% set s = namespace(x='x') %}{% for i in range(99) %}{% set s.x = s.x + s.x %}"
    "{% endfor %}{{ s.x }}",
    "big template": "{# " + "x" * (2 << 20) + " #}",
    "lipsum": "{{ lipsum(n=10**6) }}",
    "random": "{{ range(9) | random }}",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENDLESS)
def test_a_template_without_end_is_ended(kind: str, repository: Path) -> None:
    """In one line with its name; nothing is written."""
    (repository / "t" / PART / "data/one").write_text(ENDLESS[kind])
    begin = time.monotonic()

    code, out, err = call("render", cwd=repository)

    assert (code, out, err.count("\n")) == (100, "", 1), err[:300]
    assert f"t/{PART}/data/one" in err
    assert len(err) < 5000
    assert time.monotonic() - begin < 120
    assert not (repository / "sv").exists()


def test_a_directory_of_templates_without_end(repository: Path) -> None:
    for number in range(10_001):
        (repository / f"t/{number}").touch()

    code, out, err = call("render", cwd=repository)

    assert (code, out, err.count("\n")) == (100, "", 1)
    assert "more than 10000 entries" in err


def test_directories_in_one_another_without_end(repository: Path) -> None:
    (repository / "t" / "/".join("d" * 300)).mkdir(parents=True)

    code, out, err = call("render", cwd=repository)

    assert (code, out, err.count("\n")) == (100, "", 1)
    assert "deeper than" in err


@pytest.mark.parametrize("target", [".git/config", ".env", "x/../.git/config", "hop"])
def test_nothing_hidden_is_rendered(target: str, repository: Path) -> None:
    """Where the whole repository is the directory of templates, with git's own files.

    A checkout in CI may have a token there.
    """
    for name in (".git/config", ".env"):
        (repository / name).parent.mkdir(exist_ok=True)
        (repository / name).write_text(f"{SECRET}\n")
    (repository / "x").mkdir()
    (repository / "hop").symlink_to(".git/config")
    (repository / PART).mkdir(parents=True)
    (repository / PART / "strange").symlink_to(f"../../{target}")
    text = f'templates = "."\noutput = "sv"\n{CERTIFICATE}'
    (repository / "s6gen.toml").write_text(text)
    for command in COMMANDS:
        code, out, err = call(*command, cwd=repository)

        assert (code, err.count("\n")) == (100, 1), (out, err)
        assert SECRET not in out + err
    assert not (repository / "sv").exists()


NO_TEXT = {
    "digits": "{{ " + "9" * 5000 + " }}",
    "hex": "{{ 0x" + "f" * 5000 + " }}",
    "surrogate": "{{ '\\ud800' }}",
    "surrogate verbatim": "{{ '\\ud800' | verbatim }}",
    "surrogate words": "{{ ['\\ud800'] | words }}",
    "formatted surrogate": "{{ '%c' % 55296 }}",
}


@pytest.mark.parametrize("kind", NO_TEXT)
def test_what_becomes_no_text_is_the_templates_mistake(
    kind: str, repository: Path
) -> None:
    """And no bug of s6gen; also where another template includes it."""
    (repository / "t/strange").write_text(NO_TEXT[kind])
    (repository / "t" / PART / "data/one").write_text("{% include 'strange' %}")
    code, out, err = call("render", cwd=repository)
    assert (code, out, err.count("\n")) == (100, "", 1), err
    assert err.startswith("s6gen: fatal: t/")


def test_hosts_without_number_are_expanded_at_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound for each host would be none; and each would parse all templates anew."""
    hosts = "".join(
        f'[[host.h{number}.certificate]]\npage = "p"\ndomain = "example.org"\n'
        for number in range(5)
    )
    (repository / "s6gen.toml").write_text(f'templates = "t"\n{hosts}')
    monkeypatch.chdir(repository)
    children = []
    fork = os.fork

    def counted_fork() -> int:
        child = fork()
        children.append(child)
        return child

    monkeypatch.setattr(os, "fork", counted_fork)

    rendering = prepare(RenderOptions(values={}, config="s6gen.toml"))

    assert len(rendering.wanted) == 5
    assert len(children) == 1


def test_an_answer_that_breaks_off_is_an_excess(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the system runs out of memory and kills the process that expands."""
    (repository / "t" / PART / "data/one").write_text("{{ service.user }}")
    monkeypatch.chdir(repository)

    def broken_dump(answer: Any, pipe: BinaryIO) -> None:
        pipe.write(marshal.dumps(answer)[:-100])
        pipe.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(marshal, "dump", broken_dump)

    with pytest.raises(Fatal, match="the expansion takes too much") as refusal:
        prepare(RenderOptions(values={}, config="s6gen.toml"))

    assert refusal.value.code == 100
