"""Walking below an open directory: no link is followed, nothing stays open."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from s6gen.errors import Fatal
from s6gen.files import OPEN_DIRECTORY
from s6gen.output import directory
from s6gen.output.directory import Directories, lock_output


@pytest.fixture
def top(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, OPEN_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def same(descriptor: int, path: Path) -> bool:
    """Tell whether an open directory is the one at a path."""
    return os.path.samestat(os.fstat(descriptor), path.stat())


def open_files() -> int:
    """Return how many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_each_directory_is_the_right_one(top: int, tmp_path: Path) -> None:
    for path in ("a/b/c", "a/d", "e"):
        (tmp_path / path).mkdir(parents=True)
    before = open_files()

    with Directories(top) as directories:
        for path in ("", "a", "a/b", "a/b/c", "a/b/c", "a/d", "e", "a/b/c", "", "a/b"):
            assert same(directories.open(path), tmp_path / path)

    assert open_files() == before


def test_what_is_missing_is_made_only_if_asked_for(top: int, tmp_path: Path) -> None:
    with Directories(top) as directories:
        with pytest.raises(FileNotFoundError):
            directories.open("a/b")
        assert same(directories.open(""), tmp_path)
    mask = os.umask(0o077)
    try:
        with Directories(top, make=True) as directories:
            assert same(directories.open("a/b"), tmp_path / "a/b")
    finally:
        os.umask(mask)
    assert (tmp_path / "a/b").stat().st_mode & 0o777 == 0o755


def test_no_link_is_followed(top: int, tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/link").symlink_to("b")

    for make in (False, True):
        with Directories(top, make=make) as directories:
            with pytest.raises(NotADirectoryError):
                directories.open("a/link")
            assert same(directories.open("a/b"), tmp_path / "a/b")


def test_a_directory_that_another_rendering_removes_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that made it and was refused does that, also between opening and locking."""
    output, lock = tmp_path / "sv", directory.lock
    removed: list[Path] = []

    def lock_too_late(top: int, path: Path) -> None:
        if not removed:
            path.rmdir()
            removed.append(path)
        lock(top, path)

    monkeypatch.setattr(directory, "lock", lock_too_late)
    with lock_output(output) as top:
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=top))
    assert (output / "file").exists()


def test_who_comes_too_late_removes_nothing(tmp_path: Path) -> None:
    output = tmp_path / "sv"
    with lock_output(output):
        with (
            pytest.raises(Fatal, match="another rendering is under way"),
            lock_output(output),
        ):
            pass
        assert output.exists()


def test_a_directory_removed_between_opening_and_locking_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, open_output = tmp_path / "sv", directory.open_output
    removed: list[Path] = []

    @contextlib.contextmanager
    def open_too_early(path: Path, within: Path | None = None) -> Iterator[int | None]:
        with open_output(path, within) as top:
            if not removed:
                path.rmdir()
                removed.append(path)
            yield top

    monkeypatch.setattr(directory, "open_output", open_too_early)
    with lock_output(output) as top:
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=top))
    assert (output / "file").exists()


def test_what_was_made_and_cannot_be_written_to_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with an umask of 777, which does not hinder root."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    with (
        pytest.raises(Fatal, match="b: is not writable"),
        lock_output(tmp_path / "a/b"),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
