"""Hand edits and a new rendering, merged: git knows how, and what was rendered last."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from s6gen.errors import Fatal
from s6gen.output.plan import Foreign, Wish, pristine
from s6gen.output.record import Record, digest
from s6gen.rendering.tree import File

REVISIONS = 1000
"""How far back git is asked."""


def merged(
    output: Path, wish: Wish, files: Mapping[str, File | Foreign], record: Record
) -> dict[str, File | None]:
    """What becomes of each edited file that is to be merged; nothing where both collide.

    Those are all, if that is wished for, and else the ones that were merged before. Files of which
    nobody knows what was rendered last are left out.
    """
    found: dict[str, File | None] = {}
    for path, wanted in wish.tree.items():
        mine = files.get(path)
        rendered = record.files.get(path, frozenset())
        if (
            not isinstance(mine, File)
            or not rendered
            or digest(mine.content) in rendered
        ):
            continue
        if wish.merge or pristine(path) in files:
            for base in bases(output, path, files, wanted):
                if digest(base) in rendered:
                    content = three_way(mine.content, base, wanted.content)
                    found[path] = (
                        None if content is None else File(content, wanted.mode)
                    )
                    break
    return found


def bases(
    output: Path, path: str, files: Mapping[str, File | Foreign], wanted: File
) -> Iterator[bytes]:
    """What may be the last rendering of a file: this one, the copy beside it, what git has."""
    yield wanted.content
    kept = files.get(pristine(path))
    if isinstance(kept, File):
        yield kept.content
    yield b""
    for name in revisions(output, path):
        yield git("-C", output, "cat-file", "blob", name).stdout


def revisions(output: Path, path: str) -> Iterable[str]:
    """The file in git's index, and in each commit that changed it, the newest first."""
    yield f":./{path}"
    listed = git(
        "-C", output, "rev-list", f"--max-count={REVISIONS}", "HEAD", "--", f"./{path}"
    )
    if listed.returncode != 0:
        why = listed.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise Fatal(f"{output / path}: git cannot tell what was rendered last: {why}")
    yield from (f"{commit}:./{path}" for commit in listed.stdout.decode().split())


def three_way(mine: bytes, base: bytes, theirs: bytes) -> bytes | None:
    """The merge of two changes to one file (git-merge-file); nothing if they collide."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / one for one in ("mine", "base", "theirs")]
        for path, content in zip(paths, (mine, base, theirs), strict=True):
            path.write_bytes(content)
        done = git("merge-file", "-p", *paths)
        return done.stdout if done.returncode == 0 else None


def git(*arguments: str | Path) -> "subprocess.CompletedProcess[bytes]":
    """Run git, whatever repository a hook that calls us is at work in."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("GIT_")
    }
    command = ["git", *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, check=False, env=environment
        )
    except FileNotFoundError:
        raise Fatal("edits are merged by git, which is not installed") from None
