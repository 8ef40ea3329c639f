"""The documents say what is true: every option is in its manual page, what they name exists."""

import re
import subprocess
from pathlib import Path

import pytest
from support.program import require

from s6gen.commands.render import command

TOP = Path(__file__).parent.parent
PAGES = sorted((TOP / "man").glob("*.1"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_manual_page_is_well_formed(page: Path) -> None:
    require("man")
    command = ["man", "--warnings=w", "--encoding=utf8", "--local-file", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_page_has_every_option_of_render() -> None:
    text = (TOP / "man/s6gen-render.1").read_text()
    documented = {f"--{name}" for name in re.findall(r"Fl -([a-z-]+)", text)}
    known = {name for option in command.params for name in option.opts if name.startswith("--")}

    assert documented | {"--output", "--force"} == known
    assert "Fl o Ar dir , Fl -output Ar dir" in text
    assert "Fl f , -force" in text


@pytest.mark.parametrize("document", ["README.md", "docs/service.md"])
def test_links_lead_somewhere(document: str) -> None:
    text = (TOP / document).read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]

    assert links
    assert [link for link in links if not ((TOP / document).parent / link).exists()] == []


def test_the_tests_that_a_page_names_exist() -> None:
    named = re.findall(r"`(test_[a-z_]+)…?`", (TOP / "docs/service.md").read_text())
    tests = (TOP / "tests/test_service.py").read_text()

    assert named
    assert [name for name in named if f"def {name}" not in tests] == []
