"""What a rendering changes in what is there. Decided before anything is written."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import attrs

from s6gen import manifest
from s6gen.errors import Fatal
from s6gen.manifest import Manifest
from s6gen.tree import File, Tree

Action = Literal["created", "updated", "unchanged", "removed"]
"""What becomes of a file."""


DIRECTORY = "a directory"


@attrs.frozen
class Change:
    """One file, and what becomes of it."""

    path: str
    action: Action


@attrs.frozen
class Foreign:
    """What stands at a file's place and is no regular file."""

    kind: str
    """Such as "a symbolic link"."""


Found = Mapping[str, File | Foreign]
"""What is there now, of the paths that matter."""


def services(tree: Tree) -> frozenset[str]:
    """The source definition directories of a tree."""
    return frozenset(path.split("/")[0] for path in tree)


def paths(tree: Tree, recorded: Manifest) -> Iterable[str]:
    """The paths that matter: what is to be there, and what s6gen once wrote there."""
    return sorted({*tree, *manifest.within(recorded, services(tree))})


def plan(tree: Tree, found: Found, recorded: Manifest, *, force: bool) -> list[Change]:
    """The changes that make what is found into tree.

    Raises Fatal for what is not ours to replace or remove, unless force is given.
    """
    return list(changes(tree, found, recorded, force))


def changes(tree: Tree, found: Found, recorded: Manifest, force: bool) -> Iterator[Change]:
    """The change of each path in turn."""
    for path in paths(tree, recorded):
        wanted, present = tree.get(path), found.get(path)
        if present is None:
            if wanted is not None:
                yield Change(path, "created")
        elif wanted is not None and same(wanted, present):
            yield Change(path, "unchanged")
        else:
            refuse_directory(path, present)
            if not force:
                refuse_what_is_not_ours(path, present, recorded)
            yield Change(path, "updated" if wanted is not None else "removed")


def same(wanted: File, present: File | Foreign) -> bool:
    """Whether a file is as it should be. Of the mode, what git keeps: whether it is a program."""
    return (
        isinstance(present, File)
        and wanted.content == present.content
        and wanted.mode & 0o100 == present.mode & 0o100
    )


def refuse_directory(path: str, present: File | Foreign) -> None:
    """Raise Fatal for a directory at a file's place: who knows what is in it."""
    if isinstance(present, Foreign) and present.kind == DIRECTORY:
        raise Fatal(f"{path}: is a directory: remove it")


def refuse_what_is_not_ours(path: str, present: File | Foreign, recorded: Manifest) -> None:
    """Raise Fatal for what s6gen did not write, or somebody has changed since."""
    if isinstance(present, Foreign):
        raise Fatal(f"{path}: is {present.kind}: remove it, or replace it with --force")
    ours = recorded.get(path, frozenset())
    if not ours:
        raise Fatal(f"{path}: was not rendered by s6gen: remove it, or replace it with --force")
    if manifest.digest(present.content) not in ours:
        raise Fatal(f"{path}: was edited since it was rendered: --force replaces it")
