"""A rendering that is killed before any of its system calls: the next one finishes."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.program import require
from support.rendering import fulfil

from s6gen.output.change import Wanted
from s6gen.rendering.origin import Origin
from s6gen.rendering.tree import File, Tree

CHANGING = ("write", "mkdir", "rename", "replace", "unlink", "rmdir")
BASE: Tree = {
    "a/data/x": File(b"x\n"),
    "a/run": File(b"#!/bin/sh\none\ntwo\nthree\nfour\nfive\n", 0o755),
    "a/type": File(b"longrun\n"),
    "b/type": File(b"bundle\n"),
}
NEXT: Tree = {
    "a/env/y": File(b"y\n"),
    "a/run": File(b"#!/bin/sh\none\ntwo\nthree\nfour\nFIVE\n", 0o755),
    "a/type": File(b"longrun\n"),
}


def origins(tree: Tree, version: str) -> dict[str, Origin]:
    return {path.split("/")[0]: Origin(version, "0" * 16) for path in tree}


FIRST = Wanted(BASE, origins(BASE, "1"), complete=True)
THEN = Wanted(NEXT, origins(NEXT, "2"), complete=True)


def files_in(output: Path) -> dict[str, tuple[bytes, int]]:
    """Return all files, the record among them, and whether each is executable."""
    return {
        str(path.relative_to(output)): (path.read_bytes(), path.stat().st_mode & 0o100)
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }


def killed(number: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that ends before its call of that number, if it has one."""
    child = os.fork()
    if child == 0:
        left = number

        def counting(call: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os._exit(9)
                return call(*arguments, **named)

            return wrapped

        for name in CHANGING:
            setattr(os, name, counting(getattr(os, name)))
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def moments(
    start: Path, sv: Path, wanted: Wanted, expected: dict[str, tuple[bytes, int]]
) -> int:
    """Kill a rendering before each of its calls, and render again; count the calls."""
    for number in itertools.count():
        shutil.rmtree(sv)
        shutil.copytree(start, sv)
        if not killed(number, lambda: fulfil(wanted, sv)):
            return number
        fulfil(wanted, sv)
        assert without_git(sv) == expected, f"killed before call {number}"
    raise AssertionError


def edit(output: Path) -> None:
    """Edit a file, as somebody does by hand."""
    run = output / "a/run"
    run.write_bytes(run.read_bytes().replace(b"one\n", b"one\nmine\n"))


@pytest.mark.parametrize(
    ("before", "edited", "wanted"),
    [
        pytest.param(None, False, FIRST, id="all new"),
        pytest.param(FIRST, False, THEN, id="some new"),
        pytest.param(FIRST, False, THEN._replace(prune=True), id="some gone"),
        pytest.param(
            FIRST, False, Wanted({}, complete=True, prune=True), id="all gone"
        ),
        pytest.param(FIRST, True, THEN._replace(merge=True), id="merged"),
        pytest.param(FIRST, True, THEN._replace(force=True), id="an edit dropped"),
    ],
)
def test_killed_anywhere(
    before: Wanted | None, edited: bool, wanted: Wanted, tmp_path: Path
) -> None:
    require("git")
    start, sv = tmp_path / "start", tmp_path / "sv"
    start.mkdir()
    if before:
        fulfil(before, start)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        [*identity, "commit", "-qm.", "--allow-empty"],
    ):
        subprocess.run(["git", *command], cwd=start, check=True)
    if edited:
        edit(start)
    shutil.copytree(start, sv)
    fulfil(wanted, sv)
    expected = without_git(sv)

    assert moments(start, sv, wanted, expected) > 10


def without_git(output: Path) -> dict[str, tuple[bytes, int]]:
    return {
        path: file
        for path, file in files_in(output).items()
        if not path.startswith(".git/")
    }


def test_a_second_merge_that_is_killed(tmp_path: Path) -> None:
    """What was rendered last is in no commit now, but beside the file."""
    require("git")
    start, sv = tmp_path / "start", tmp_path / "sv"
    start.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=start, check=True)
    fulfil(FIRST, start)
    edit(start)
    fulfil(FIRST._replace(merge=True), start)
    assert (start / "a/.run.s6gen").read_bytes() == BASE["a/run"].content
    shutil.copytree(start, sv)
    fulfil(THEN, sv)
    expected = without_git(sv)
    assert expected["a/run"][0] == b"#!/bin/sh\none\nmine\ntwo\nthree\nfour\nFIVE\n"

    assert moments(start, sv, THEN, expected) > 10
