"""The wanted state of an output directory, its present state, and the changes.

Named tuples, here and in the record: attrs classes take as long to make as all of the
decisions.
"""

import enum
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from s6gen.output.record import Record, service_name_of
from s6gen.rendering.origin import Origin
from s6gen.rendering.tree import File, Tree

DIRECTORY = "a directory"


class Action(enum.StrEnum):
    """The fate of a file. The values are the words of the listing."""

    CREATED = "created"
    UPDATED = "updated"
    MERGED = "merged"
    """It was edited by hand, and the edit is merged with what is new."""
    KEPT = "kept"
    """It was edited by hand, and nothing that is new touches the edit."""
    UNCHANGED = "unchanged"
    REMOVED = "removed"
    REFUSED = "refused"
    """It would change, but is not s6gen's to replace: nothing at all is written."""
    ORPHANED = "orphaned"
    """A service that is no longer rendered stays until it is pruned."""

    @property
    def changes_the_disk(self) -> bool:
        """Tell whether a file is written or removed."""
        return self in WRITING_ORDER

    @property
    def is_drift(self) -> bool:
        """Tell whether the directory is not as it is rendered."""
        return self is not Action.UNCHANGED and self is not Action.KEPT

    @property
    def is_reported(self) -> bool:
        """Tell whether a message on stderr speaks of it, and not the listing."""
        return self is Action.REFUSED or self is Action.ORPHANED


WRITING_ORDER = (Action.MERGED, Action.CREATED, Action.UPDATED, Action.REMOVED)
"""In this order changes reach the disk: no file names one that is not there."""


class Irregular(NamedTuple):
    """Something at the path of a file that is no regular file."""

    kind: str
    """Such as "a symbolic link"."""

    @property
    def is_directory(self) -> bool:
        """Tell whether it is a directory, which not even --force replaces."""
        return self.kind == DIRECTORY


Entry = File | Irregular


class NoMerge(NamedTuple):
    """The reason why an edited file cannot be merged with what is new."""

    advice: str
    """Tells the reason, and what to do."""


class Change(NamedTuple):
    """A change to one file, with its reason."""

    path: str
    """Of the file; of the service if that is orphaned."""
    action: Action
    reason: str = ""
    """Why it differs from what is rendered. Empty for a file that is unchanged."""
    advice: str = ""
    """What the user can do where nothing is done."""
    content: File | None = None
    """What it becomes, or would if it were not refused. None if it goes or stays."""


class Wanted(NamedTuple):
    """What is wanted in an output directory, and how far a rendering may go for it."""

    tree: Tree
    origins: Mapping[str, Origin] = {}
    """The origin of each service."""
    complete: bool = False
    """Services that were rendered before and are not in the tree are orphaned."""
    force: bool = False
    """Replace files that were edited, or that s6gen did not write."""
    prune: bool = False
    """Remove orphaned services."""
    merge: bool = False
    """Keep edits, and merge them with what is new."""
    host: str = ""
    """The host that the directory is for, if there are several."""
    within: Path | None = None
    """The directory from which on no link is followed; None if the last may be one."""

    @property
    def prefix(self) -> str:
        """Return what stands before each path in messages."""
        return f"{self.host}/" if self.host else ""

    @property
    def services(self) -> frozenset[str]:
        """Return the names of the source definition directories."""
        return frozenset(map(service_name_of, self.tree))


class Present(NamedTuple):
    """What is in an output directory."""

    record: Record
    entries: Mapping[str, Entry]
    """By path, for the paths that matter: the wanted ones and the recorded ones."""
    foreign: Mapping[str, list[str]] = {}
    """For each orphaned service the files in it that s6gen did not write."""
    merges: Mapping[str, File | NoMerge] = {}
    """For each edited file the merge with what is new."""


class Update(NamedTuple):
    """An output directory, and what changes in it."""

    output: Path
    wanted: Wanted
    present: Present
    changes: list[Change]
    """Sorted by path."""
    record_after: Record
    """The record once the changes are made."""
    foreign: tuple[str, ...] = ()
    """The files in the wanted services that s6gen did not write. Only for a preview."""

    @property
    def drift(self) -> list[Change]:
        """Return the changes by which the directory differs from its rendering."""
        return drift_of(self.changes)

    @property
    def writes(self) -> list[Change]:
        """Return the changes that write or remove a file."""
        return [change for change in self.changes if change.action.changes_the_disk]

    @property
    def listing(self) -> list[Change]:
        """Return the changes that the listing shows.

        Without a page those that change nothing are left out. What is refused or
        orphaned is never in it: a message tells of that.
        """
        changes = self.drift if self.wanted.complete else self.changes
        return [change for change in changes if not change.action.is_reported]

    def shown_path(self, change: Change) -> str:
        """Return the path of a change as messages show it: with the host."""
        return self.wanted.prefix + change.path


def changes_of_action(
    updates: Iterable[Update], action: Action
) -> Iterator[tuple[str, Change]]:
    """Return all changes of a kind, each with its path as messages show it."""
    for update in updates:
        for change in update.changes:
            if change.action is action:
                yield update.shown_path(change), change


def drift_of(changes: Iterable[Change]) -> list[Change]:
    """Return the changes by which a directory differs from its rendering."""
    return [change for change in changes if change.action.is_drift]


def services_of(changes: Iterable[Change]) -> frozenset[str]:
    """Return the names of the services that changes are about."""
    return frozenset(service_name_of(change.path) for change in changes)


def base_path(path: str) -> str:
    """Return where the base of a merge is kept: beside the file that was edited.

    The base is the file as it was rendered last. The next merge needs it.
    """
    directory, slash, name = path.rpartition("/")
    return f"{directory}{slash}.{name}.s6gen"


def is_base(path: str) -> bool:
    """Tell whether a file is the base of another that was edited and merged."""
    if not path.endswith(".s6gen"):
        return False
    return path.rpartition("/")[2].startswith(".")


def edited_path(base: str) -> str:
    """Return the path of the edited file that a base is kept for."""
    directory, slash, name = base.rpartition("/")
    return f"{directory}{slash}{name[1:].removesuffix('.s6gen')}"
