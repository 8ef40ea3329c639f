"""Merging edits made by hand with a new rendering.

A merge needs the edited file, the new one, and their base, which is what was rendered
last. The record has only digests of that. Its content is the new one, or lies beside
the file, where an earlier merge has put it; or git has it, which is asked for --merge
alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from s6gen.output.change import Entry, NoMerge, Wanted, base_path
from s6gen.output.git import open_history
from s6gen.output.merge_lines import MOST_LINES, merge_texts
from s6gen.output.record import Record
from s6gen.rendering.tree import File, digest

COLLISION = NoMerge(
    "both change the same lines: --force drops the edit; make it anew, then --merge"
)
TOO_LONG = NoMerge(
    f"more than {MOST_LINES} lines are not merged: --force drops the edit; "
    "make it anew, then --merge"
)


def merge_edits(
    output: Path, wanted: Wanted, entries: Mapping[str, Entry], record: Record
) -> dict[str, File | NoMerge]:
    """Merge edited files with what is new, or tell why they cannot be merged.

    All edited files are merged if that is wanted, and else those that were merged
    before. Files whose base is unknown are left out. Raises Fatal where git would have
    to be asked, and cannot tell.
    """
    edits = edited_files(wanted, entries, record)
    bases = known_bases(edits, wanted, entries, record)
    unknown = edits.keys() - bases
    if wanted.merge and unknown:
        bases |= bases_in_history(output, sorted(unknown), record)
    merges: dict[str, File | NoMerge] = {}
    for path, base in bases.items():
        merges[path] = merge(edits[path], base, wanted.tree[path])
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


def known_bases(
    edits: Iterable[str],
    wanted: Wanted,
    entries: Mapping[str, Entry],
    record: Record,
) -> dict[str, bytes]:
    """Return the base of each edited file that is known without git."""
    bases = {}
    for path in edits:
        contents = base_candidates(path, wanted.tree[path], entries)
        base = find_base(contents, record.files[path])
        if base is not None:
            bases[path] = base
    return bases


def base_candidates(
    path: str, new: File, entries: Mapping[str, Entry]
) -> Iterator[bytes]:
    """Yield contents that may be the base of a file.

    They are what is rendered now, the base that is kept beside the file, and nothing at
    all.
    """
    yield new.content
    kept = entries.get(base_path(path))
    if isinstance(kept, File):
        yield kept.content
    yield b""


def bases_in_history(
    output: Path, paths: list[str], record: Record
) -> dict[str, bytes]:
    """Return the base of each edited file that git has. Raises Fatal."""
    bases = {}
    with open_history(output, paths[0]) as history:
        for path in paths:
            base = find_base(history.versions(path), record.files[path])
            if base is not None:
                bases[path] = base
    return bases


def find_base(contents: Iterable[bytes], rendered: frozenset[str]) -> bytes | None:
    """Return the first content that was rendered, as the record knows; or None."""
    for content in contents:
        if digest(content) in rendered:
            return content
    return None


def merge(edited: File, base: bytes, new: File) -> File | NoMerge:
    """Merge two changes to one file."""
    if new.content == base:
        return File(edited.content, new.mode)
    try:
        merged = merge_texts(base, edited.content, new.content)
    except ValueError:
        return TOO_LONG
    if merged is None:
        return COLLISION
    return File(merged, new.mode)
