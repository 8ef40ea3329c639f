"""An s6gen.toml of a stranger writes nothing outside of its directory, nor below .git."""

import os
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest
from support.command import ENVIRONMENT, S6GEN, call

CERTIFICATE = '[[certificate]]\npage = "example"\ndomain = "example.org"\n'
OUTSIDE = "outside = true\n"


def tree(directory: Path) -> dict[str, str]:
    """What is below a directory: links with targets, files with contents."""
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
        else:
            found[name] = "directory"
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository in a home, with a link for each way out."""
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    (home / "mine").mkdir()
    top = home / "repository"
    (top / "inner").mkdir(parents=True)
    (top / ".git/hooks").mkdir(parents=True)
    (top / "CVS").mkdir()
    (top / "link").symlink_to("../bin")
    (top / "inner/link").symlink_to(home / "bin")
    (top / "inside").symlink_to("inner")
    return top


OUTPUTS = [
    "..",
    "../bin",
    "inner/../../bin",
    "./../bin",
    "sv/../../bin",
    "{home}/bin",
    "{home}/repository-of-another",
    "/tmp/../{home}/bin",
    "link",
    "link/",
    "link/sv",
    "inner/link",
    "inner/link/sv",
    "inside",
    "inside/sv",
    ".git",
    ".git/hooks",
    ".GIT/hooks",
    ".git./hooks",
    "inner/../.git",
    "CVS",
    "cvs/sv",
    ".hg",
    ".svn/x",
    ".bzr",
    ".jj",
    "_darcs",
    "other.git/hooks",
    "{home}/repository/.git",
]
KEYS = ("output", "templates")


@pytest.mark.parametrize(("key", "value"), list(product(KEYS, OUTPUTS)))
def test_a_file_leads_nowhere_else(key: str, value: str, repository: Path) -> None:
    """One line says so, with file, line, and what to do; nothing is changed or made."""
    home = repository.parent
    value = value.format(home=home)
    (repository / "s6gen.toml").write_text(f'# mine\n{key} = "{value}"\n{CERTIFICATE}')
    before = tree(home)
    for arguments in (["render"], ["render", "--check"], ["render", "--diff"]):
        code, out, err = call(*arguments, cwd=repository)

        assert (code, out) == (100, "")
        assert err.startswith(f"s6gen: fatal: s6gen.toml:2: {key}: ")
        assert err.count("\n") == 1
        is_private = "version control" in err
        assert is_private or ("outside = true" in err and f"--{key}" in err)
    if key == "templates":
        code, _, err = call(
            "templates",
            "copy",
            "renew-lets-encrypt/renew-lets-encrypt-srv/type",
            cwd=repository,
        )
        assert code == 100, err
    assert tree(home) == before


@pytest.mark.parametrize("value", ["../bin", "link", "{home}/bin", "inside/sv"])
def test_who_says_so_at_the_top_may(value: str, repository: Path) -> None:
    text = f'{OUTSIDE}output = "{value.format(home=repository.parent)}"\n{CERTIFICATE}'
    (repository / "s6gen.toml").write_text(text)

    assert call("render", cwd=repository)[::2] == (0, "")
    where = repository / value.format(home=repository.parent)
    assert (where / "renew-lets-encrypt-example-srv/run").exists()


@pytest.mark.parametrize("value", ["../bin", "link"])
def test_the_remedies_work(value: str, repository: Path) -> None:
    path = repository / "s6gen.toml"
    path.write_text(f'output = "{value}"\n{CERTIFICATE}')

    assert call("render", cwd=repository)[0] == 100
    assert call("render", "--output", value, cwd=repository)[::2] == (0, "")
    shutil.rmtree(repository.parent / "bin")
    (repository.parent / "bin").mkdir()
    path.write_text(f"{OUTSIDE}{path.read_text()}")
    assert call("render", cwd=repository)[::2] == (0, "")


@pytest.mark.parametrize("value", [".", "sv", "a/b/c", "a/../b", "{here}/sv", "inner"])
def test_below_it_nothing_has_changed(value: str, repository: Path) -> None:
    value = value.format(here=repository)
    (repository / "s6gen.toml").write_text(f'output = "{value}"\n{CERTIFICATE}')

    assert call("render", cwd=repository)[::2] == (0, "")
    assert call("render", "--check", cwd=repository) == (0, "", "")
    service = "renew-lets-encrypt-example-srv/run"
    assert Path(os.path.normpath(repository / value), service).exists()


def test_a_host_is_no_link_and_not_of_git(repository: Path) -> None:
    host = '[[host.{}.certificate]]\npage = "example"\ndomain = "example.org"\n'
    (repository / "sv").mkdir()
    (repository / "sv/web").symlink_to("../../bin")
    before = tree(repository.parent / "bin")
    for name in ("web", "CVS", "'x.git'", "RCS"):
        (repository / "s6gen.toml").write_text(host.format(name))
        assert call("render", cwd=repository)[0] == 100
    assert tree(repository.parent / "bin") == before


@pytest.mark.parametrize("key", ["service", "log-service", "bundle"])
def test_no_service_is_called_like_a_directory_of_version_control(
    key: str, repository: Path
) -> None:
    name = f'{key} = "CVS"\n'
    text = f'output = "."\n{CERTIFICATE}{name}'
    if key == "bundle":
        text = f'output = "."\n{name}{CERTIFICATE}'
    (repository / "s6gen.toml").write_text(text)

    code, out, err = call("render", cwd=repository)

    assert (code, out, err.count("\n")) == (100, "", 1)
    assert list((repository / "CVS").iterdir()) == []


def test_hidden_templates_are_not_rendered(repository: Path) -> None:
    """Such as one that would become a hook of a repository inside a service."""
    part = repository / "t/renew-lets-encrypt/renew-lets-encrypt-srv"
    for name in (".git/hooks/pre-commit", "data/.git/config", "CVS/x", "x.git/config"):
        (part / name).parent.mkdir(parents=True)
        (part / name).write_text("#!/bin/sh\ntouch /tmp/no\n")
    (repository / "s6gen.toml").write_text(f'templates = "t"\n{CERTIFICATE}')

    assert call("render", cwd=repository)[::2] == (0, "")
    rendered = {path.name for path in (repository / "sv").rglob("*")}
    assert rendered.isdisjoint({".git", "hooks", "pre-commit", "CVS", "x.git"})


def test_a_file_that_is_found_is_no_link_elsewhere(repository: Path) -> None:
    home = repository.parent
    for target in (home / "mine/s6gen.toml", Path("/etc/shadow"), Path("../x.toml")):
        (home / "mine/s6gen.toml").write_text(OUTSIDE + CERTIFICATE)
        (home / "x.toml").write_text(CERTIFICATE)
        path = repository / "s6gen.toml"
        path.unlink(missing_ok=True)
        path.symlink_to(target)
        if not target.exists() and target.is_absolute():
            continue
        for more in ([], ["--save", "--page", "a", "--domain", "a.org"]):
            code, out, err = call("render", *more, cwd=repository)
            assert (code, out, err.count("\n")) == (100, "", 1)
            assert "--config" in err
    assert (home / "mine/s6gen.toml").read_text() == OUTSIDE + CERTIFICATE


def test_copies_go_through_no_link(repository: Path) -> None:
    """A link below one's own templates, also where the command line names them."""
    name = "renew-lets-encrypt/renew-lets-encrypt-srv/run"
    (repository / "t").mkdir()
    (repository / "t/renew-lets-encrypt").symlink_to("../../bin")
    (repository / "s6gen.toml").write_text(f'templates = "t"\n{CERTIFICATE}')
    for arguments in ([], ["--templates", "t"]):
        code, out, err = call("templates", *arguments, "copy", name, cwd=repository)
        assert code != 0
        assert (out, err.count("\n")) == ("", 1)
    assert list((repository.parent / "bin").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_outside_counts_only_in_a_file_of_ones_own(repository: Path) -> None:
    path = repository / "s6gen.toml"
    path.write_text(f'{OUTSIDE}output = "../bin"\n{CERTIFICATE}')
    os.chown(path, 12345, -1)

    code, out, err = call("render", "--config", "s6gen.toml", cwd=repository)

    assert (code, out) == (100, "")
    assert "give --output (the file belongs to another user)" in err
    assert list((repository.parent / "bin").iterdir()) == []
    command = ("render", "--config", "s6gen.toml", "--output", "../bin")
    assert call(*command, cwd=repository)[::2] == (0, "")


def test_a_link_that_comes_and_goes_is_not_followed(repository: Path) -> None:
    """Another user swaps `sv` for a link while s6gen runs, again and again."""
    (repository / "s6gen.toml").write_text(CERTIFICATE)
    swap = (
        "while :; do rm -rf sv; ln -s ../bin sv; rm -f sv; mkdir sv; done 2>/dev/null"
    )
    with subprocess.Popen(["/bin/sh", "-c", swap], cwd=repository) as swapper:
        try:
            for _ in range(40):
                subprocess.run(
                    [*S6GEN, "render"],
                    cwd=repository,
                    env=ENVIRONMENT,
                    capture_output=True,
                    check=False,
                    timeout=60,
                )
        finally:
            swapper.kill()
    assert list((repository.parent / "bin").iterdir()) == []


@pytest.mark.parametrize(
    "target",
    [
        "../bin/new",
        "{home}/bin/new",
        ".git/hooks/post-checkout",
        ".git/config",
        ".GIT./config",
        "inner/../.git/new",
        "loop/x",
        "../missing/s6gen.toml",
    ],
)
def test_nothing_is_saved_through_a_link(target: str, repository: Path) -> None:
    """Neither a file of git's, nor one elsewhere, also where it is not there yet."""
    home = repository.parent
    (repository / ".git/config").write_text("# empty\n")
    (repository / "loop").symlink_to("../loop")
    (repository / "s6gen.toml").symlink_to(target.format(home=home))
    before = tree(home)
    for arguments in (
        ["render", "--save", "--page", "q", "--domain", "q.example.org"],
        ["render", "--page", "q", "--domain", "q.example.org"],
        ["init"],
        ["config"],
    ):
        code, out, err = call(*arguments, cwd=repository)

        assert (code, out, err.count("\n")) == (100, "", 1), arguments
        assert "s6gen.toml: " in err
    assert tree(home) == before


def test_a_link_that_leads_to_itself_is_no_bug(repository: Path) -> None:
    (repository / "loop").symlink_to("loop")
    certificate = ("--page", "q", "--domain", "q.example.org")
    for arguments in (
        ["render", "--save", "--config", "loop", *certificate],
        ["render", "--templates", "loop", *certificate],
        ["config", "--config", "loop"],
    ):
        code, out, err = call(*arguments, cwd=repository)
        assert code in (100, 111)
        assert (out, err.count("\n")) == ("", 1), err
    assert (repository / "loop").is_symlink()


@pytest.mark.parametrize(
    "name", ["a\\nb", "\\u001b[31m", "a\\u202eb", "a\\u2028b", "\\u200b"]
)
def test_a_host_can_be_printed(name: str, repository: Path) -> None:
    """It stands in the record, in one line, which the next rendering reads."""
    host = f'[[host."{name}".certificate]]\npage = "e"\ndomain = "e.example.org"\n'
    (repository / "s6gen.toml").write_text(f'output = "sv"\n{host}')
    code, out, err = call("render", cwd=repository)
    assert (code, out, err.count("\n")) == (100, "", 1), err
    assert "not a name for a host" in err
    assert not (repository / "sv").exists()
