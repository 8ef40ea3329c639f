"""The documents say what is true: every option is in its manual page, what they name exists."""

import re
import subprocess
from pathlib import Path

import pytest
from support.program import require

from s6gen.commands.render import command
from s6gen.configuration.document import DOCUMENT_KEYS
from s6gen.services.renew_lets_encrypt import PARAMETERS

TOP = Path(__file__).parent.parent
PAGES = sorted((TOP / "man").rglob("*.[15]"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_manual_page_is_well_formed(page: Path) -> None:
    require("man")
    command = ["man", "--warnings=w", "--encoding=utf8", "--local-file", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_page_has_every_option_of_render() -> None:
    text = (TOP / "man/man1/s6gen-render.1").read_text()
    items = "\n".join(re.findall(r"^\.It Fl .*", text, re.MULTILINE))
    documented = {f"--{name}" for name in re.findall(r"Fl -([a-z-]+)", items)}
    known = {
        name
        for option in command.params
        for name in option.opts
        if name.startswith("--")
    }

    assert documented == known


def test_the_manual_page_of_the_file_has_every_key() -> None:
    text = (TOP / "man/man5/s6gen.toml.5").read_text()
    listed = re.findall(r"^\.It Cm ([a-z-]+(?: , [a-z-]+)*)", text, re.MULTILINE)
    documented = {name for names in listed for name in names.split(" , ")}

    assert documented == {*PARAMETERS, *DOCUMENT_KEYS.values()} - {
        "defaults",
        "certificate",
        "host",
    }


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", "docs/service.md", "docs/configuration.md"],
)
def test_links_lead_somewhere(document: str) -> None:
    text = (TOP / document).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]

    assert links
    assert [
        link for link in links if not ((TOP / document).parent / link).exists()
    ] == []


def test_the_tests_that_a_page_names_exist() -> None:
    named = re.findall(r"`(test_[a-z_]+)…?`", (TOP / "docs/service.md").read_text())
    tests = (TOP / "tests/machine/test_service.py").read_text()

    assert named
    assert [name for name in named if f"def {name}" not in tests] == []


def test_each_claim_about_security_names_tests_that_exist() -> None:
    text = (TOP / "SECURITY.md").read_text()
    named = re.findall(r"`([a-z_/]+\.py)::(test_[a-z0-9_]+)`", text)
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (TOP / "tests" / file).exists()
        or f"def {test}(" not in (TOP / "tests" / file).read_text()
    ]
    rows = [line for line in text.splitlines() if line.startswith("| ")]

    assert named
    assert missing == []
    assert [
        row for row in rows if "::test_" not in row and not row.endswith("test |")
    ] == []


def test_the_number_of_modules_that_an_auditor_reads() -> None:
    client = (TOP / "s6gen/acme_client").rglob("*.py")
    count = len([path for path in client if path.name != "__init__.py"])

    assert count == 48
    for document in ("SECURITY.md", "docs/s6gen-acme.md"):
        assert "forty-eight modules" in (TOP / document).read_text()
