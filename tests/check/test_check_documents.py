"""The page of each warning: its wrong example deserves the warning, its right one does not."""

import re
from pathlib import Path

import pytest
from support.trees import in_memory

from s6gen.check.check import check
from s6gen.check.warnings import WARNINGS
from s6gen.sources.service_set import service_set

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/warnings"
WITHOUT_FILES = {"relative-link", "lost-in-git", "empty-source", "too-many-services"}
"""Their examples are links, empty directories, and commands."""


def examples(name: str) -> list[dict[str, str]]:
    """The files of each example on a page, as head(1) prints several."""
    blocks = re.findall(
        r"^```text\n(.*?)^```$", (PAGES / f"{name}.md").read_text(), re.M | re.S
    )
    return [
        {
            path: content.replace("\\r", "\r").replace("\\0", "\0")
            for path, content in re.findall(
                r"==> (.*?) <==\n(.*?)(?===>|\Z)", block, re.S
            )
        }
        for block in blocks
    ]


@pytest.mark.parametrize("name", sorted(WARNINGS - WITHOUT_FILES))
def test_wrong_and_right(name: str) -> None:
    rules = []
    for files in examples(name):
        findings = check(service_set([in_memory(files)]))
        rules.append({finding.rule for finding in findings})

    assert rules == [{name}, set()]


def test_each_warning_has_a_page_and_is_in_the_list_and_the_manual() -> None:
    pages = re.findall(
        r"^- \[(.*)\]\((.*)\.md\)$", (PAGES / "README.md").read_text(), re.M
    )
    manual = (ROOT / "man/man1/s6gen-check.1").read_text()

    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == WARNINGS
    assert sorted(pages) == sorted((name, name) for name in WARNINGS)
    assert set(re.findall(r"^\.It Cm ([a-z-]+-[a-z-]+)$", manual, re.M)) == WARNINGS
