"""Writing a tree: what is replaced, what is refused, what a kill leaves."""

import fcntl
import os
import random
import signal
import time
from pathlib import Path

import pytest
from support.rendering import store

from s6gen.errors import Exit, Fatal
from s6gen.output.change import Action
from s6gen.output.write import replace_file
from s6gen.rendering.tree import File, Tree

TREE: Tree = {
    "foo/data/helper": File(b"#!/bin/sh\n", 0o755),
    "foo/dependencies.d/mount": File(b""),
    "foo/run": File(b"#!/bin/execlineb -P\nfoo\n", 0o755),
    "foo/type": File(b"longrun\n"),
}


def put(tree: Tree, output: Path, *, force: bool = False) -> list[str]:
    """Store a tree, and return what became of each file that changed."""
    return [
        f"{change.action} {change.path}"
        for change in store(tree, output, force=force)
        if change.action is not Action.UNCHANGED
    ]


def files_in(output: Path) -> Tree:
    """Return every file below output but the record."""
    return {
        path.relative_to(output).as_posix(): File(
            path.read_bytes(), path.stat().st_mode & 0o777
        )
        for path in sorted(output.rglob("*"))
        if path.is_file() and path.name != ".s6gen"
    }


def times(output: Path) -> dict[Path, tuple[int, int]]:
    """Return inode and time of all that is there."""
    return {
        path: (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in output.rglob("*")
    }


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "sv"


def test_creates(output: Path) -> None:
    mask = os.umask(0o077)
    try:
        changes = store(TREE, output, force=False)
    finally:
        os.umask(mask)

    assert [(Action.CREATED, path) for path in TREE] == [
        (change.action, change.path) for change in changes
    ]
    assert files_in(output) == TREE
    assert (output / "foo/data").stat().st_mode & 0o777 == 0o755


def test_again_touches_nothing(output: Path) -> None:
    store(TREE, output, force=False)
    before = times(output)

    assert put(TREE, output) == []
    assert times(output) == before


def test_a_checkout_with_another_umask_is_unchanged(output: Path) -> None:
    store(TREE, output, force=False)
    (output / "foo/type").chmod(0o600)
    (output / "foo/run").chmod(0o775)

    assert put(TREE, output) == []


def test_updates_what_differs_and_removes_what_it_wrote_once(output: Path) -> None:
    store(TREE, output, force=False)
    (output / "foo/run").chmod(0o644)
    (output / "foo/own-file").write_text("mine")
    (output / "foo/own-file").chmod(0o644)  # whatever the umask
    others = times(output)
    after = {
        "foo/dependencies.d/net": File(b""),
        "foo/run": TREE["foo/run"],
        "foo/type": File(b"oneshot\n"),
    }

    assert put(after, output) == [
        "removed foo/data/helper",
        "removed foo/dependencies.d/mount",
        "created foo/dependencies.d/net",
        "updated foo/run",
        "updated foo/type",
    ]
    assert files_in(output) == after | {"foo/own-file": File(b"mine")}
    assert not (output / "foo/data").exists()
    assert times(output)[output / "foo/own-file"] == others[output / "foo/own-file"]


def test_the_record_keeps_other_services(output: Path) -> None:
    other: Tree = {"bar/type": File(b"bundle\n")}
    store(TREE, output, force=False)
    store(other, output, force=False)
    record = (output / ".s6gen").read_text().splitlines()

    assert [line.split("  ")[1] for line in record] == ["bar/type", *TREE]
    assert put({"foo/type": TREE["foo/type"]}, output) == [
        "removed foo/data/helper",
        "removed foo/dependencies.d/mount",
        "removed foo/run",
    ]
    assert put(other, output) == []


def test_an_edited_file_is_refused_and_nothing_written(output: Path) -> None:
    store(TREE, output, force=False)
    (output / "foo/run").write_text("#!/bin/execlineb -P\nmine\n")
    before = times(output)
    after = {
        **TREE,
        "foo/run": File(b"#!/bin/execlineb -P\nbar\n", 0o755),
        "foo/new": File(b""),
    }

    with pytest.raises(
        Fatal,
        match=r"^foo/run: edited by hand; rendered differently: --merge keeps the edit, --force",
    ):
        store(after, output, force=False)

    assert times(output) == before
    assert put(after, output, force=True) == ["created foo/new", "updated foo/run"]
    assert files_in(output) == after


def test_a_file_of_others_is_refused(output: Path) -> None:
    (output / "foo").mkdir(parents=True)
    (output / "foo/run").write_text("#!/bin/sh\n")

    with pytest.raises(Fatal, match=r"^foo/run: was not rendered by s6gen: "):
        store(TREE, output, force=False)

    assert put(TREE, output, force=True)[2] == "updated foo/run"


def test_a_file_of_others_that_is_the_same_is_adopted(output: Path) -> None:
    """As after a merge that lost the record."""
    store(TREE, output, force=False)
    (output / ".s6gen").unlink()

    assert put(TREE, output) == []
    assert put({"foo/type": TREE["foo/type"]}, output) == [
        "removed foo/data/helper",
        "removed foo/dependencies.d/mount",
        "removed foo/run",
    ]


def test_a_symbolic_link_is_refused_and_never_followed(
    output: Path, tmp_path: Path
) -> None:
    store(TREE, output, force=False)
    target = tmp_path / "precious"
    target.write_bytes(TREE["foo/run"].content)
    (output / "foo/run").unlink()
    (output / "foo/run").symlink_to(target)

    with pytest.raises(
        Fatal, match=r"^foo/run: is a symbolic link: remove it, or replace it"
    ):
        store(TREE, output, force=False)
    store({**TREE, "foo/run": File(b"#!/bin/true\n", 0o755)}, output, force=True)

    assert target.read_bytes() == TREE["foo/run"].content
    assert (output / "foo/run").is_symlink() is False


def test_a_service_directory_that_is_a_link_is_refused_even_by_force(
    output: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    output.mkdir()
    (output / "foo").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(
        Fatal, match=r"/sv/foo/data: lies in what is no directory: remove that$"
    ):
        store(TREE, output, force=True)

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_fifo_does_not_make_it_wait(output: Path) -> None:
    (output / "foo").mkdir(parents=True)
    os.mkfifo(output / "foo/run")

    with pytest.raises(Fatal, match=r"^foo/run: is a FIFO: "):
        store(TREE, output, force=False)


def test_a_directory_at_a_files_place_is_refused_even_by_force(output: Path) -> None:
    store(TREE, output, force=False)
    (output / "foo/run").unlink()
    (output / "foo/run").mkdir()
    before = times(output)

    with pytest.raises(Fatal, match=r"^foo/run: is a directory: remove it$"):
        store({**TREE, "foo/type": File(b"oneshot\n")}, output, force=True)

    assert times(output) == before


def test_a_record_that_points_elsewhere_removes_nothing(
    output: Path, tmp_path: Path
) -> None:
    store(TREE, output, force=False)
    (tmp_path / "precious").write_text("mine")
    with (output / ".s6gen").open("a") as record:
        record.write(f"{'0' * 64}  foo/../../precious\n")

    with pytest.raises(
        Fatal, match=r"/sv/\.s6gen:5: must be a path below this directory: "
    ):
        store(TREE, output, force=True)

    assert (tmp_path / "precious").read_text() == "mine"


def test_one_rendering_at_a_time(output: Path) -> None:
    output.mkdir()
    other = os.open(output, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)

    with pytest.raises(Fatal, match=r"/sv: another rendering is under way$") as refusal:
        store(TREE, output, force=False)
    os.close(other)

    assert refusal.value.code is Exit.TEMPORARY
    assert put(TREE, output) == [f"created {path}" for path in TREE]


def test_output_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for output in (tmp_path / "file", tmp_path / "file/below"):
        with pytest.raises(
            Fatal, match=r"^--output: /.*: is not a directory$"
        ) as refusal:
            store(TREE, output, force=False)
        assert refusal.value.code is Exit.USAGE


def test_a_record_with_a_conflict_names_the_line(output: Path) -> None:
    store(TREE, output, force=False)
    record = output / ".s6gen"
    record.write_text("<<<<<<< HEAD\n" + record.read_text())

    with pytest.raises(
        Fatal, match=r"/sv/\.s6gen:1: a conflict: keep the lines of both sides, "
    ):
        store(TREE, output, force=False)


def test_a_kill_leaves_whole_files_and_the_next_rendering_finishes(
    output: Path,
) -> None:
    """SIGKILL at random moments, two hundred times, while two trees replace each other."""
    one = {f"foo/{n}": File(b"#! one %d\n" % n * 99, 0o755) for n in range(9)}
    two = {f"foo/{n}": File(b"#! two %d\n" % n * 99, 0o755) for n in range(3, 12)}
    chance = random.Random(1)
    for _ in range(200):
        child = os.fork()
        if child == 0:
            while True:
                store(two, output, force=False)
                store(one, output, force=False)
        time.sleep(chance.uniform(0.001, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for path, file in files_in(output).items():
            if not path.startswith(".s6gen-new/"):
                assert file in (one.get(path), two.get(path))

    store(two, output, force=False)

    assert files_in(output) == two


def test_an_empty_file_can_be_replaced(tmp_path: Path) -> None:
    """As by --save, after `touch s6gen.toml`."""
    (tmp_path / "s6gen.toml").touch()

    replace_file(tmp_path / "s6gen.toml", "new", "")

    assert (tmp_path / "s6gen.toml").read_text() == "new"
    with pytest.raises(Fatal, match=r"/s6gen\.toml: was changed meanwhile: try again$"):
        replace_file(tmp_path / "s6gen.toml", "other", "")
    assert [path.name for path in tmp_path.iterdir()] == ["s6gen.toml"]
