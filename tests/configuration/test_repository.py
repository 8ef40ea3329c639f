"""The README's example repository through its second year, with git, and with s6-rc where it is."""

import re
import shutil
import subprocess
import textwrap
from pathlib import Path

import attrs
import pytest
from support.checkout import Checkout, checkout
from support.program import require

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def example() -> str:
    """The s6gen.toml that the README shows."""
    found = re.search(
        r'^    output = "sv"\n(?:(?:    .*)?\n)*?(?=\S)', README, re.MULTILINE
    )
    assert found
    return textwrap.dedent(found[0]).strip() + "\n"


def workflow() -> list[str]:
    """What CI runs, but for the installation."""
    text = (ROOT / "docs/workflow.yml").read_text()
    return [
        line for line in re.findall(r"- run: (.*)", text) if line.startswith("s6gen ")
    ]


@attrs.frozen
class Repository:
    """An administrator's repository, and the s6gen that is used in it."""

    path: Path
    program: Checkout

    def s6gen(self, *arguments: str) -> tuple[int, str, str]:
        """Run s6gen here."""
        return self.program.call(*arguments, cwd=self.path)

    def ci(self) -> list[tuple[int, str]]:
        """Run what CI runs: exit codes and output."""
        runs = [self.s6gen(*line.split()[1:]) for line in workflow()]
        return [(code, out) for code, out, _ in runs]

    def commit(self, message: str) -> list[str]:
        """Commit all; the files that this changes."""
        identity = [
            "git",
            "-c",
            "user.name=admin",
            "-c",
            "user.email=admin@example.org",
        ]
        for command in (
            ["git", "add", "-A"],
            [*identity, "commit", "-q", "-m", message],
        ):
            subprocess.run(command, cwd=self.path, check=True)
        show = ["git", "show", "--pretty=", "--name-only"]
        done = subprocess.run(
            show, cwd=self.path, check=True, capture_output=True, text=True
        )
        return done.stdout.split()

    def write(self, text: str) -> None:
        """Change s6gen.toml."""
        (self.path / "s6gen.toml").write_text(text)

    def compiles(self) -> None:
        """s6-rc-compile takes it, where there is one, with what it depends on."""
        if not shutil.which("s6-rc-compile"):
            return
        given = self.path.parent / "given"
        for name in ("mount", "networking"):
            (given / name).mkdir(parents=True, exist_ok=True)
            (given / name / "type").write_text("bundle\n")
            (given / name / "contents.d").mkdir(exist_ok=True)
        compiled = self.path.parent / "compiled"
        shutil.rmtree(compiled, ignore_errors=True)
        command = ["s6-rc-compile", *map(str, (compiled, given, self.path / "sv"))]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    require("git")
    path = tmp_path / "repository"
    path.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=path, check=True)
    return Repository(path, checkout(tmp_path / "program"))


CLEAN = [(0, ""), (0, "")]


def test_two_years_of_a_repository(repository: Repository) -> None:
    text = example()
    repository.write(text)
    assert repository.s6gen("render")[::2] == (0, "")
    first = repository.commit("first")
    assert "sv/.s6gen" in first
    assert "sv/renew-lets-encrypt-shop-srv/run" in first
    assert repository.ci() == CLEAN
    repository.compiles()

    # A name is added: only its service changes.
    text = text.replace(
        '["shop.example.org"]', '["shop.example.org", "store.example.org"]'
    )
    repository.write(text)
    drift = (1, "renew-lets-encrypt-shop-srv/run: parameters changed\n")
    assert repository.ci() == [drift, (0, "")]
    repository.s6gen("render")
    assert repository.commit("a name") == [
        "s6gen.toml",
        "sv/.s6gen",
        "sv/renew-lets-encrypt-shop-srv/run",
    ]
    assert repository.ci() == CLEAN

    # s6gen is upgraded: what changes is told, and is one diff.
    repository.program.replace("s6gen/__init__.py", '"0.1.0"', '"0.2.0"')
    log = "templates/renew-lets-encrypt/renew-lets-encrypt-log/run"
    repository.program.replace(log, "s6-log -bd3", "s6-log -b -d3")
    assert repository.ci()[0] == (
        1,
        "renew-lets-encrypt-log/run: s6gen was 0.1.0, is 0.2.0\n",
    )
    assert "\n+s6-log -b -d3 " in repository.s6gen("render", "--diff")[1]
    repository.s6gen("render")
    assert repository.commit("upgrade") == [
        "sv/.s6gen",
        "sv/renew-lets-encrypt-log/run",
    ]
    repository.compiles()

    # Somebody edits by hand: CI finds it, render refuses, a merge keeps it.
    run = repository.path / "sv/renew-lets-encrypt-example-srv/run"
    run.write_text(
        run.read_text().replace("execline-umask 022\n", "execline-umask 022\ntruth\n")
    )
    repository.commit("edit")
    edited = "renew-lets-encrypt-example-srv/run: edited by hand\n"
    assert repository.ci()[0] == (1, edited)
    assert repository.s6gen("render")[0] == 100
    text = text.replace('"hostmaster@', '"postmaster@')
    repository.write(text)
    assert repository.s6gen("render", "--merge")[::2] == (0, "")
    assert "\ntruth\n" in run.read_text()
    assert "mailto:postmaster@" in run.read_text()
    repository.commit("merge")
    assert repository.ci() == CLEAN
    repository.compiles()
    repository.s6gen("render", "--force")
    repository.commit("no edit")
    assert repository.ci() == CLEAN

    # A site goes.
    repository.write(text[: text.rindex("[[certificate]]")])
    assert (repository.ci()[0][0], "shop-srv: left over" in repository.ci()[0][1]) == (
        1,
        True,
    )
    repository.s6gen("render", "--prune")
    gone = repository.commit("prune")
    assert "sv/renew-lets-encrypt-shop-srv/run" in gone
    assert not (repository.path / "sv/renew-lets-encrypt-shop-srv").exists()
    assert repository.ci() == CLEAN
    repository.compiles()


def test_the_commands_that_the_readme_shows_are_there(repository: Repository) -> None:
    shown = re.findall(
        r"^    s6gen ((?:init|config|templates|render --\w+)) {2,}", README, re.M
    )
    assert len(shown) >= 6
    repository.write(example())
    repository.s6gen("render")
    repository.commit("first")
    for words in shown:
        code, _, err = repository.s6gen(*words.split())
        expected = 100 if words == "init" else 0
        assert (code, words) == (expected, words), err
