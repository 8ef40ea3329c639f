"""The way to the challenge directory: no link is followed, and nothing is left open."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s6gen.acme_client.messages import USAGE, Fatal
from s6gen.acme_client.protocol.challenge_files import (
    open_directory,
    remove_answer,
    write_answer,
)


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """A directory that nobody else can change, as is all above it."""
    tmp_path.chmod(0o755)
    return tmp_path


def opened(path: str) -> Path:
    """Where an opened directory is."""
    descriptor = open_directory(path)
    try:
        return Path(f"/proc/self/fd/{descriptor}").readlink()
    finally:
        os.close(descriptor)


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Nothing is left open."""
    before = sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208
    yield
    assert sorted(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize("way", ["link", "link/below", "place/link", "round"])
def test_no_link_is_followed(closed: Path, way: str) -> None:
    """Not even one of this user's own: the message has the path to give instead."""
    (closed / "precious/below").mkdir(parents=True)
    (closed / "place").mkdir()
    (closed / "link").symlink_to("precious")
    (closed / "place/link").symlink_to(closed / "precious")
    (closed / "round").symlink_to("round")
    with pytest.raises(Fatal, match="leads through a symbolic link, ") as refusal:
        open_directory(str(closed / way))
    assert refusal.value.code == USAGE
    if way != "round":
        real = str(refusal.value).rpartition("give the real path, ")[2]
        assert opened(real) == (closed / way).resolve()


WORDS = st.lists(st.sampled_from(["a", "b", "..", ".", "", "missing"]), max_size=8)


@given(words=WORDS, is_absolute=st.booleans())
def test_it_leads_where_the_kernel_goes(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], is_absolute: bool
) -> None:
    top = tmp_path_factory.getbasetemp() / "walk"
    (top / "a/b/a").mkdir(parents=True, exist_ok=True)
    (top / "b").mkdir(exist_ok=True)
    path = "/".join(words)
    path = f"{top}/{path}" if is_absolute else path or "."
    before = Path.cwd()
    os.chdir(top)
    try:
        if not Path(path).is_dir():
            with pytest.raises(OSError, match="No such file"):
                open_directory(path)
            return
        if not os.access(path, os.W_OK):
            with pytest.raises(Fatal, match="not writable"):
                open_directory(path)
            return
        assert opened(path) == Path(path).resolve()
    finally:
        os.chdir(before)


def test_a_directory_that_can_only_be_entered(closed: Path) -> None:
    """Web roots are 0711: O_PATH needs no permission to read."""
    if not hasattr(os, "O_PATH"):
        pytest.skip("this system has no O_PATH")
    (closed / "www/page").mkdir(parents=True)
    (closed / "www").chmod(0o311)
    (closed / "www/page").chmod(0o311)
    try:
        assert opened(f"{closed}/www/page") == closed / "www/page"
    finally:
        (closed / "www").chmod(0o755)
        (closed / "www/page").chmod(0o755)


def test_a_disk_that_is_full_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int, __: bytes) -> int:
        raise OSError(28, "No space left on device")

    directory = open_directory(str(tmp_path))
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        write_answer(directory, "token", "token.thumbprint")
    os.close(directory)
    assert list(tmp_path.iterdir()) == []


def test_only_the_answer_itself_is_removed(tmp_path: Path) -> None:
    directory = open_directory(str(tmp_path))
    text = "token.thumbprint"
    write_answer(directory, "token", text)
    write_answer(directory, "token", text)  # two names may have one token
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o644
    (tmp_path / "token").write_text(text + "x")
    assert not remove_answer(directory, "token", text)
    (tmp_path / "token").write_text(text)
    assert remove_answer(directory, "token", text)
    assert remove_answer(directory, "token", text)
    os.mkfifo(tmp_path / "token")
    assert not remove_answer(directory, "token", text)
    with pytest.raises(FileExistsError):
        write_answer(directory, "token", text)
    os.close(directory)
