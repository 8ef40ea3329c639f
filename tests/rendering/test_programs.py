"""The programs that a service brings with it: packages of s6gen."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.checkout import Checkout, checkout
from support.command import call
from support.site import contents

from s6gen.errors import Fatal
from s6gen.places import PACKAGE
from s6gen.rendering.expand import program
from s6gen.rendering.tree import file

SITE = ["--page", "example", "--domain", "example.org"]
CLIENT = "renew-lets-encrypt-srv/data/acme_client"


def test_a_package_is_all_its_modules() -> None:
    top = PACKAGE / "acme_client"
    assert program("acme_client") == {
        path.relative_to(top).as_posix(): file(path.read_bytes())
        for path in top.rglob("*.py")
    }


def test_bytecode_does_not_go_along(tmp_path: Path) -> None:
    call("render", *SITE, cwd=tmp_path)

    data = tmp_path / "renew-lets-encrypt-srv/data"
    files = [path for path in data.rglob("acme_client/**/*") if path.is_file()]
    assert files
    assert {path.suffix for path in files} == {".py"}


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


def with_package_inside(top: Path) -> Checkout:
    """A copy of s6gen whose client keeps one module in a package inside it."""
    copy = checkout(top)
    inside = top / "s6gen/acme_client/inside"
    inside.mkdir()
    (inside / "__init__.py").write_text('"""A package inside."""\n')
    (top / "s6gen/acme_client/status.py").rename(inside / "state_of.py")
    (inside / "__pycache__").mkdir()
    (inside / "__pycache__/left.py").write_text("")
    return copy


def test_a_package_inside_takes_the_place_of_a_module(tmp_path: Path) -> None:
    """The output of an s6gen whose client was flat becomes the new one's, and back."""
    copy = with_package_inside(tmp_path / "checkout")
    out = tmp_path / "out"
    out.mkdir()
    call("render", *SITE, cwd=out)
    flat = contents(out)

    code, said, err = copy.call("render", *SITE, cwd=out)

    assert (code, err) == (0, "")
    changed = [line for line in said.splitlines() if not line.startswith("unchanged")]
    assert changed == [
        f"created    {CLIENT}/inside/__init__.py",
        f"created    {CLIENT}/inside/state_of.py",
        f"removed    {CLIENT}/status.py",
    ]
    recorded = (out / ".s6gen").read_text()
    assert f"  {CLIENT}/inside/state_of.py\n" in recorded
    assert f"  {CLIENT}/status.py\n" not in recorded
    assert copy.call("render", *SITE, "--check", cwd=out) == (0, "", "")

    assert call("render", *SITE, cwd=out)[::2] == (0, "")
    assert not (out / CLIENT / "inside").exists()
    assert contents(out) == flat


def test_a_package_inside_goes_with_the_client(tmp_path: Path) -> None:
    copy = with_package_inside(tmp_path / "checkout")
    out = tmp_path / "out"
    out.mkdir()
    assert copy.call("render", *SITE, cwd=out)[::2] == (0, "")
    assert (out / CLIENT / "inside/state_of.py").exists()

    assert copy.call("render", *SITE, "--client", "acme-tiny", cwd=out)[::2] == (0, "")

    assert not (out / CLIENT).exists()


def test_an_edit_in_a_package_inside_is_kept(tmp_path: Path) -> None:
    copy = with_package_inside(tmp_path / "checkout")
    out = tmp_path / "out"
    out.mkdir()
    copy.call("render", *SITE, cwd=out)
    edited = out / CLIENT / "inside/state_of.py"
    edited.write_text("# mine\n")

    code, _, err = call("render", *SITE, cwd=out)

    assert code != 0
    assert f"{CLIENT}/inside/state_of.py: edited by hand" in err
    assert edited.read_text() == "# mine\n"
    assert call("render", *SITE, "--force", cwd=out)[::2] == (0, "")
    assert not edited.parent.exists()


def test_a_package_inside_can_be_imported_in_a_service(tmp_path: Path) -> None:
    """Python finds it from `__main__.py` that is started by its path, and leaves no bytecode."""
    copy = with_package_inside(tmp_path / "checkout")
    copy.replace(
        "s6gen/acme_client/command.py",
        "from .messages import",
        "from .inside import __doc__ as _\nfrom .messages import",
    )
    copy.call("render", *SITE, cwd=tmp_path)
    service = tmp_path / "renew-lets-encrypt-srv"

    done = subprocess.run(
        [sys.executable, "-I", "./data/acme_client/__main__.py", "--version"],
        cwd=service,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert list(service.rglob("__pycache__")) == []
