"""Merging edits made by hand with a new rendering, by git.

git-merge-file(1) merges three files: the edited one, the new one, and their base, which
is what was rendered last. The record has only digests of that; its content is in git.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from s6gen.errors import Fatal
from s6gen.output.change import Entry, Wanted, base_path
from s6gen.output.record import Record
from s6gen.rendering.tree import File, digest

REVISIONS = 1000
"""So many commits are searched for the base of a merge."""


def merge_edits(
    output: Path, wanted: Wanted, entries: Mapping[str, Entry], record: Record
) -> dict[str, File | None]:
    """Merge edited files with what is new; None stands for those where both collide.

    All edited files are merged if that is wanted, and else those that were merged
    before. Files whose base is unknown are left out. Raises Fatal without git.
    """
    merges: dict[str, File | None] = {}
    for path, edited in edited_files(wanted, entries, record).items():
        new = wanted.tree[path]
        base = find_base(candidates(output, path, entries, new), record.files[path])
        if base is not None:
            merges[path] = merge(edited, base, new)
    return merges


def edited_files(
    wanted: Wanted, entries: Mapping[str, Entry], record: Record
) -> dict[str, File]:
    """Return the files that were edited by hand and are to be merged."""
    edited = {}
    for path in paths_to_merge(wanted, entries):
        entry = entries.get(path)
        rendered = record.files.get(path)
        if rendered is None or not isinstance(entry, File):
            continue
        if digest(entry.content) not in rendered:
            edited[path] = entry
    return edited


def paths_to_merge(wanted: Wanted, entries: Mapping[str, Entry]) -> Iterable[str]:
    """Return the paths of all files, or of those that were merged before."""
    if wanted.merge:
        return wanted.tree
    return [path for path in wanted.tree if base_path(path) in entries]


def find_base(contents: Iterable[bytes], rendered: frozenset[str]) -> bytes | None:
    """Return the first content that was rendered, as the record knows; or None."""
    for content in contents:
        if digest(content) in rendered:
            return content
    return None


def candidates(
    output: Path, path: str, entries: Mapping[str, Entry], new: File
) -> Iterator[bytes]:
    """Return contents that may be the base of a file, the cheap ones first.

    They are what is rendered now, the base that is kept beside the file, nothing at
    all, and what git has.
    """
    yield new.content
    kept = entries.get(base_path(path))
    if isinstance(kept, File):
        yield kept.content
    yield b""
    for name in revisions(output, path):
        yield git("-C", output, "cat-file", "blob", name).stdout


def revisions(output: Path, path: str) -> Iterable[str]:
    """Return git's names of a file: in the index, and in each commit that changed it.

    The newest commit comes first. Raises Fatal where there is no repository.
    """
    yield f":./{path}"
    limit = f"--max-count={REVISIONS}"
    listing = git("-C", output, "rev-list", limit, "HEAD", "--", f"./{path}")
    if listing.returncode != 0:
        errors = listing.stderr.decode(errors="replace").strip()
        reason = errors.partition("\n")[0]
        raise Fatal(
            f"{output / path}: git cannot tell what was rendered last: {reason}"
        )
    for commit in listing.stdout.decode().split():
        yield f"{commit}:./{path}"


def merge(edited: File, base: bytes, new: File) -> File | None:
    """Merge two changes to one file (git-merge-file); return None if they collide."""
    contents = {"mine": edited.content, "base": base, "theirs": new.content}
    with tempfile.TemporaryDirectory() as directory:
        paths = []
        for name, content in contents.items():
            path = Path(directory) / name
            path.write_bytes(content)
            paths.append(path)
        merging = git("merge-file", "-p", *paths)
    if merging.returncode != 0:
        return None
    return File(merging.stdout, new.mode)


def git(*arguments: str | Path) -> "subprocess.CompletedProcess[bytes]":
    """Run git, without the variables of another git that runs s6gen as a hook.

    Raises Fatal if git is not installed.
    """
    environment = {}
    for name, value in os.environ.items():
        if not name.startswith("GIT_"):
            environment[name] = value
    command = ["git", *arguments]
    try:
        return subprocess.run(
            command, capture_output=True, check=False, env=environment
        )
    except FileNotFoundError:
        raise Fatal("edits are merged by git, which is not installed") from None
