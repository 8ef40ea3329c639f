"""What a file system lacks is a warning; what must not be lost is an error."""

import errno
import fcntl
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s6gen.acme_client import files, messages
from s6gen.acme_client.files import replace_file, try_to_replace
from s6gen.acme_client.locks import lock_existing, lock_file
from s6gen.acme_client.messages import Fatal


@pytest.fixture(autouse=True)
def nothing_warned_of_yet() -> None:
    """Each test is a run of its own."""
    messages.warn_once.cache_clear()


def failing(number: int) -> Callable[..., Any]:
    """A system call that fails."""

    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize(
    "number", [errno.ENOLCK, errno.ENOSYS, errno.EBADF, errno.EOPNOTSUPP]
)
def test_without_locks_it_goes_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    number: int,
) -> None:
    monkeypatch.setattr(fcntl, "flock", failing(number))
    lock = tmp_path / "chain.lock"
    for _ in range(3):
        with lock_file(str(lock)) as is_held:
            assert is_held
    warning = f"{lock}: going on without a lock: {os.strerror(number)}"
    assert capfd.readouterr().err == f"s6gen-acme: warning: {warning}\n"


def test_a_lock_of_root_does_not_lock_the_service_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "chain.lock"
    lock.touch()
    real = os.open

    def closed(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        if str(path) == str(lock) and not flags & os.O_EXCL:
            raise PermissionError(errno.EACCES, "Permission denied", str(lock))
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", closed)
    with lock_file(str(lock)) as is_held:
        assert is_held
    assert "going on without a lock" in capfd.readouterr().err


def test_a_missing_directory_is_named_and_not_made(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    with pytest.raises(Fatal) as fatal, lock_existing(str(missing)):
        pass
    assert str(fatal.value) == f"{missing}: No such file or directory"
    with pytest.raises(Fatal) as fatal, lock_file(str(missing / "chain.lock")):
        pass
    assert str(fatal.value) == f"{missing}: no such directory"
    assert not missing.exists()


@pytest.mark.parametrize("name", ["fchmod", "fchown"])
def test_modes_that_cannot_be_set_are_a_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    path = tmp_path / "chain"
    path.write_text("old")
    path.chmod(0o640)
    if name == "fchown":
        real = os.stat

        def of_another_group(*arguments: Any, **more: Any) -> os.stat_result:
            status = real(*arguments, **more)
            fields = [*status]
            fields[stat.ST_GID] += 1
            return os.stat_result(fields)

        monkeypatch.setattr(os, "stat", of_another_group)
    monkeypatch.setattr(os, name, failing(errno.EPERM))
    replace_file(str(path), b"new", 0o640)
    replace_file(str(path), b"newer", 0o640)
    monkeypatch.undo()
    assert path.read_text() == "newer"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600  # not for another group
    said = capfd.readouterr().err
    assert said.count("warning") == 1
    assert str(tmp_path) in said


def test_a_secret_that_others_could_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system with one mode for all files, which says nothing."""
    path = tmp_path / "key"
    real = os.fstat

    def open_to_all(descriptor: int) -> os.stat_result:
        fields: list[Any] = [*real(descriptor)]
        fields[stat.ST_MODE] |= 0o044
        return os.stat_result(fields)

    monkeypatch.setattr(os, "fstat", open_to_all)
    replace_file(str(tmp_path / "chain"), b"new", 0o600)
    with pytest.raises(Fatal) as fatal:
        replace_file(str(path), b"secret", 0o600, secret=True)
    assert str(fatal.value).startswith(f"{path}: others could read it: ")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chain"]


def test_a_directory_that_cannot_be_flushed_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The file is in place by then."""
    real = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    replace_file(str(tmp_path / "chain"), b"new", 0o640)
    assert (tmp_path / "chain").read_text() == "new"
    assert f"{tmp_path}: unable to flush it to disk" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("number", "is_lost"),
    [(errno.EINVAL, False), (errno.EIO, True), (errno.ENOSPC, True)],
)
def test_a_file_that_cannot_be_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_lost: bool
) -> None:
    path = tmp_path / "chain"
    path.write_text("old")
    real = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", sync)
    if is_lost:
        with pytest.raises(Fatal):
            replace_file(str(path), b"new", 0o640)
    else:
        replace_file(str(path), b"new", 0o640)
    assert path.read_text() == ("old" if is_lost else "new")
    assert [file.name for file in tmp_path.iterdir()] == ["chain"]


def test_an_access_control_list_stays(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("old")
    path.chmod(0o600)
    # linux/posix_acl_xattr.h: version 2, then tag, permissions and user of each entry
    entries = [(1, 6, -1), (2, 4, 65534), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
    acl = struct.pack("<I", 2)
    for tag, permissions, user in entries:
        acl += struct.pack("<HHi", tag, permissions, user)
    try:
        os.setxattr(path, files.ACL, acl)
    except OSError as error:
        pytest.skip(f"no access control lists on this file system: {error}")
    replace_file(str(path), b"new", 0o600, secret=True)
    assert (path.read_text(), files.acl_of(str(path))) == ("new", acl)


def test_a_trial_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "chain"
    path.write_text("old")
    path.chmod(0o604)
    os.utime(path, ns=(10**18, 10**18))
    try_to_replace(str(path), 0o640)
    status = path.stat()
    assert (path.read_text(), stat.S_IMODE(status.st_mode)) == ("old", 0o604)
    assert status.st_mtime_ns == 10**18
    try_to_replace(str(tmp_path / "none"), 0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    try_to_replace(str(link), 0o640)
    assert link.is_symlink()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["chain", "link"]
    with pytest.raises(Fatal):
        try_to_replace(str(tmp_path / "missing" / "chain"), 0o640)
