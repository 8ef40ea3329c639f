"""How the code is laid out: which floor may know which, and how long a module may be."""

import ast
import re
from pathlib import Path

import pytest
from support.command import ROOT

PACKAGE = ROOT / "s6gen"
MODULES = sorted(PACKAGE.rglob("*.py"))
FLOORS = (
    {"__init__", "errors", "names", "places", "text"},
    {"execline", "files", "limits", "shell"},
    {"sources"},
    {"check", "graph"},
    {"deployment"},
    {"services"},
    {"rendering"},
    {"output"},
    {"configuration"},
    {"render"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
"""From the lowest up. A module imports from its own room and from lower floors."""
ALONE = "acme_client"
"""This room needs nothing of the others, and none of them imports it."""


def room_of(module: str) -> str:
    """The first name below the package, of a path or of a dotted name."""
    return module.split(".")[1] if "." in module else "__init__"


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(path: Path) -> set[str]:
    """The modules of s6gen that a module imports, anywhere in it."""
    known = {name_of(module) for module in MODULES}
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = source_of(node, path)
            inner = {f"{source}.{alias.name}" for alias in node.names}
            found |= (inner & known) or {source}
    return {name for name in found if name == "s6gen" or name.startswith("s6gen.")}


def source_of(node: ast.ImportFrom, path: Path) -> str:
    """The dotted name of what a module imports from, also where it is relative to it."""
    if not node.level:
        return node.module or ""
    parts = path.relative_to(ROOT).parts[: -node.level]
    return ".".join([*parts, *filter(None, [node.module])])


def floor_of(room: str) -> int:
    """The number of a room's floor."""
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(name_of(path)) for path in MODULES}
    assert rooms == set().union(*FLOORS, {ALONE})


def test_no_import_points_upwards() -> None:
    wrong = []
    for path in MODULES:
        mine = room_of(name_of(path))
        for other in map(room_of, imported(path)):
            if ALONE in (mine, other):
                allowed = mine == other
            else:
                allowed = mine == other or floor_of(other) < floor_of(mine)
            if not allowed:
                wrong.append(f"{name_of(path)} imports from {other}")
    assert wrong == []


def test_no_circle() -> None:
    left = {name_of(path): imported(path) - {name_of(path)} for path in MODULES}
    while ready := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in ready:
            del left[name]
    assert left == {}


@pytest.mark.parametrize(
    ("folder", "longest"), [(PACKAGE, 400), (PACKAGE / ALONE, 299)]
)
def test_modules_are_short(folder: Path, longest: int) -> None:
    lines = {path: len(path.read_text().splitlines()) for path in folder.rglob("*.py")}
    assert {path: count for path, count in lines.items() if count > longest} == {}


def test_folders_are_small() -> None:
    folders = [path for path in PACKAGE.rglob("*") if path.is_dir()]
    sizes = {}
    for folder in (PACKAGE, *folders):
        modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        sizes[folder] = len(modules)
    assert {folder: size for folder, size in sizes.items() if size > 16} == {}


def test_the_architecture_has_a_line_for_every_module() -> None:
    """In its tree, below the heading of each folder."""
    named, top, folder = set(), "", ""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for line in text.partition("## The tree")[2].partition("\n## ")[0].splitlines():
        if heading := re.match(r" {4}(s6gen/(?:[a-z_]+/)?)", line):
            folder = top = heading[1]
        elif heading := re.match(r" {6}([a-z]+/)", line):
            folder = top + heading[1]
        elif re.match(r" {6}[a-z]", line):
            folder = top
        names = re.findall(r"\b[a-z0-9_]+\.py\b", line)
        named |= {folder + name for name in names if name != "__init__.py"}
    modules = {
        str(path.relative_to(ROOT))
        for path in MODULES
        if path.name != "__init__.py" and ALONE not in path.parts
    }
    assert named == modules


def test_the_client_has_a_table_of_contents() -> None:
    """Of all modules, in packages inside it too: `protocol/server`."""
    top = PACKAGE / ALONE
    contents = (top / "__init__.py").read_text()
    named = re.findall(r"^ {4}([a-z_/]+) +\*? +\S", contents, re.MULTILINE)
    modules = {
        path.relative_to(top).with_suffix("").as_posix()
        for path in top.rglob("*.py")
        if path.name != "__init__.py"
    }
    assert set(named) == modules
    assert len(named) == len(modules)
