"""The programs that a service brings with it: modules and packages of s6gen."""

from s6gen.places import PACKAGE
from s6gen.rendering.expand import program
from s6gen.rendering.tree import file


def test_a_module_is_one_file() -> None:
    assert program("text.py") == {"": file((PACKAGE / "text.py").read_bytes())}


def test_a_package_is_all_its_modules() -> None:
    files = program("graph")

    names = sorted(path.name for path in (PACKAGE / "graph").glob("*.py"))
    assert list(files) == [f"/{name}" for name in names]
    for name in names:
        content = (PACKAGE / "graph" / name).read_bytes()
        assert files[f"/{name}"] == file(content)


def test_a_program_is_read_once() -> None:
    assert program("graph") is program("graph")
