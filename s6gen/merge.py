"""Hand edits and a new rendering, merged: git knows how, and what was rendered last."""

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from s6gen.errors import Exit, Fatal
from s6gen.manifest import Record, digest
from s6gen.plan import Foreign, pristine
from s6gen.tree import File, Tree

REVISIONS = 1000
"""How far back git is asked."""


def merged(
    output: Path, tree: Tree, files: Mapping[str, File | Foreign], record: Record
) -> dict[str, File | None]:
    """What becomes of each edited file; nothing where the edit and the rendering collide.

    Files of which nobody knows what was rendered last are left out.
    """
    found: dict[str, File | None] = {}
    for path, wanted in tree.items():
        mine = files.get(path)
        rendered = record.files.get(path, frozenset())
        if isinstance(mine, File) and rendered and digest(mine.content) not in rendered:
            for base in bases(output, path, files):
                if digest(base) in rendered:
                    content = three_way(mine.content, base, wanted.content)
                    found[path] = None if content is None else File(content, wanted.mode)
                    break
    return found


def bases(output: Path, path: str, files: Mapping[str, File | Foreign]) -> Iterator[bytes]:
    """What may be the last rendering of a file: the copy beside it, then what git has."""
    kept = files.get(pristine(path))
    if isinstance(kept, File):
        yield kept.content
    if output.is_dir():
        yield from (blob for name in revisions(output, path) if (blob := git_blob(output, name)))
        yield b""


def revisions(output: Path, path: str) -> Iterable[str]:
    """The file in git's index, and in each commit that changed it, the newest first."""
    yield f":./{path}"
    listed = git("-C", output, "rev-list", f"--max-count={REVISIONS}", "HEAD", "--", f"./{path}")
    yield from (f"{commit}:./{path}" for commit in (listed or b"").decode().split())


def git_blob(output: Path, name: str) -> bytes | None:
    """The content that git has under a name."""
    return git("-C", output, "cat-file", "blob", name)


def three_way(mine: bytes, base: bytes, theirs: bytes) -> bytes | None:
    """The merge of two changes to one file (git-merge-file); nothing if they collide."""
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / one for one in ("mine", "base", "theirs")]
        for path, content in zip(paths, (mine, base, theirs), strict=True):
            path.write_bytes(content)
        return git("merge-file", "-p", *paths)


def git(*arguments: str | Path) -> bytes | None:
    """What git prints; nothing if it fails."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise Fatal("--merge: needs git, which is not installed", Exit.USAGE) from None
    return done.stdout if done.returncode == 0 else None
