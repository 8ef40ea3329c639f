"""A repository with an s6gen.toml, and what its administrator does in it."""

import subprocess
from pathlib import Path

from support.command import call
from support.program import require

ONE = '[[certificate]]\npage = "example"\ndomain = ["example.org"]\n'
TWO = ONE + '\n[[certificate]]\npage = "shop"\ndomain = "shop.example.org"\n'
RUN = "renew-lets-encrypt-example-srv/run"


def rendered_site(tmp_path: Path) -> Path:
    """Make a repository with one certificate, rendered and committed."""
    require("git")
    site = tmp_path / "site"
    site.mkdir()
    (site / "s6gen.toml").write_text(ONE)
    assert call("render", cwd=site)[0] == 0
    git(site, "init", "-q")
    commit(site)
    return site


def git(site: Path, *arguments: str) -> str:
    """Run git in the repository, and return its output."""
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments],
        cwd=site,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def commit(site: Path) -> None:
    """Commit everything."""
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "x")


def edit(file: Path, old: str, new: str) -> None:
    """Change a file by hand."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def contents(site: Path) -> dict[str, bytes]:
    """Return the contents of all files, without git's own."""
    return {
        str(path.relative_to(site)): path.read_bytes()
        for path in sorted(site.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }
