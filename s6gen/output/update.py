"""One output directory from what is there to what is wished for: look, plan, store."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from s6gen.output import read as places
from s6gen.output.plan import (
    Change,
    Found,
    Wish,
    is_pristine,
    paths,
    plan,
    record_after,
    record_under_way,
)
from s6gen.output.record import Record
from s6gen.output.write import forget, store


class Update(NamedTuple):
    """What is to be done in an output directory."""

    output: Path
    wish: Wish
    found: Found
    changes: list[Change]
    after: Record
    """The record once they are made."""
    added: tuple[str, ...] = ()
    """What lies in the services that s6gen did not write."""


def foreseen(wish: Wish, output: Path) -> Update:
    """What would be done. Nothing is touched."""
    with places.opened(output, follow=not wish.host) as top:
        update = considered(wish, output, top)
        added = places.strangers(top, wish.services, update.after)
        return update._replace(
            added=tuple(path for paths in added.values() for path in paths)
        )


@contextlib.contextmanager
def under_way(wish: Wish, output: Path) -> Iterator[tuple[Update, int]]:
    """What is to be done, and the open directory: nobody else renders into it meanwhile."""
    with places.locked(output, follow=not wish.host) as top:
        yield considered(wish, output, top), top


def considered(wish: Wish, output: Path, top: int | None) -> Update:
    """Look, and plan."""
    found = look(wish, output, top)
    changes = plan(wish, found)
    return Update(output, wish, found, changes, record_after(wish, found, changes))


def look(wish: Wish, output: Path, top: int | None) -> Found:
    """What is there."""
    record = places.read_record(top, output)
    files = places.read(top, output, paths(wish, record), wish.tree)
    strangers, merges = {}, {}
    if wish.prune:
        left = places.left_services(record, wish.services)
        strangers = places.strangers(top, left, record)
    if wish.merge or any(map(is_pristine, record.files)):
        from s6gen.output.merge import merged  # runs git: only for those who have edits

        merges = merged(output, wish, files, record)
    return Found(files=files, record=record, strangers=strangers, merged=merges)


def make(update: Update, top: int) -> None:
    """Do it."""
    before, after = update.found.record, update.after
    under_way = record_under_way(before, after, update.changes)
    store(update.changes, (before, under_way, after), top, update.output)
    if not after.files:
        forget(top, update.output)
