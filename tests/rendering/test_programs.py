"""The programs that a service brings with it: packages of s6gen."""

from pathlib import Path

import pytest
from support.command import call

from s6gen.errors import Fatal
from s6gen.places import PACKAGE
from s6gen.rendering.expand import program
from s6gen.rendering.tree import file

SITE = ["--page", "example", "--domain", "example.org"]


def test_a_package_is_all_its_modules() -> None:
    paths = (PACKAGE / "acme_client").glob("*.py")
    assert program("acme_client") == {
        path.name: file(path.read_bytes()) for path in paths
    }


def test_bytecode_does_not_go_along(tmp_path: Path) -> None:
    call("render", *SITE, cwd=tmp_path)

    data = tmp_path / "renew-lets-encrypt-srv/data"
    assert {path.suffix for path in (data / "acme_client").iterdir()} == {".py"}


def test_the_client_of_an_earlier_commit_is_removed(tmp_path: Path) -> None:
    """It was one file, beside which the package now lies."""
    call("render", *SITE, cwd=tmp_path)
    old = "renew-lets-encrypt-srv/data/acme_client.py"
    (tmp_path / old).write_bytes(b"")
    record = tmp_path / ".s6gen"
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    record.write_text(f"{record.read_text()}{empty}  {old}\n")

    assert call("render", *SITE, "--check", cwd=tmp_path) == (
        1,
        f"{old}: templates changed\n",
        "",
    )
    code, out, _ = call("render", *SITE, cwd=tmp_path)

    assert code == 0
    assert f"removed    {old}\n" in out
    assert not (tmp_path / old).exists()
    assert call("render", *SITE, "-o", ".", cwd=tmp_path)[0] == 0


def test_a_package_without_modules_is_refused() -> None:
    """As where somebody installed bytecode alone: a service without client is none."""
    with pytest.raises(Fatal, match="no_such_client: has no modules"):
        program("no_such_client")
