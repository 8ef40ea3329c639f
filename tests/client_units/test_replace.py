"""Files are replaced whole, with their modes; links are not followed."""

import os
import stat
from pathlib import Path

import pytest

from s6gen.acme_client.files import replace_file
from s6gen.acme_client.messages import Fatal, say


def test_a_file_is_replaced_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "chain"
    path.write_text("old")
    path.chmod(0o604)
    replace_file(str(path), b"new", 0o640)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o604)
    assert [one.name for one in tmp_path.iterdir()] == ["chain"]


def test_a_new_file_has_the_mode_asked_for(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        replace_file(str(tmp_path / "chain"), b"new", 0o640)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "chain").stat().st_mode) == 0o640


def test_a_link_is_replaced_not_followed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target, link = tmp_path / "target", tmp_path / "chain"
    target.write_text("old")
    link.symlink_to(target)
    (tmp_path / "chain.tmp").symlink_to(target)
    replace_file(str(link), b"new", 0o640)
    assert (target.read_text(), link.read_text(), link.is_symlink()) == (
        "old",
        "new",
        False,
    )
    warning = (
        f"s6gen-acme: warning: {link}: was a symbolic link, is replaced by a file\n"
    )
    assert capfd.readouterr().err == warning


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "chain"
    with pytest.raises(Fatal) as fatal:
        replace_file(str(path), b"new", 0o640)
    expected = (f"{path}: unable to write: No such file or directory", 111)
    assert (str(fatal.value), fatal.value.code) == expected


def test_a_message_is_one_line_whatever_it_holds(
    capfd: pytest.CaptureFixture[str],
) -> None:
    say("fatal", "a\nb\x1b[31m\r\0ü\udcff")
    expected = "s6gen-acme: fatal: a\\nb\\x1b[31m\\r\\x00ü\\udcff\n"
    assert capfd.readouterr().err == expected
