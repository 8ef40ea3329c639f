"""One output directory from what is there to what is wished for: look, plan, store."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from s6gen import output as places
from s6gen.plan import Change, Found, Wish, paths, plan, record_after
from s6gen.store import forget, store


class Update(NamedTuple):
    """What is to be done in an output directory."""

    output: Path
    wish: Wish
    found: Found
    changes: list[Change]


def foreseen(wish: Wish, output: Path) -> Update:
    """What would be done. Nothing is touched."""
    with places.opened(output) as top:
        return considered(wish, output, top)


@contextlib.contextmanager
def under_way(wish: Wish, output: Path) -> Iterator[tuple[Update, int]]:
    """What is to be done, and the open directory: nobody else renders into it meanwhile."""
    with places.locked(output) as top:
        yield considered(wish, output, top), top


def considered(wish: Wish, output: Path, top: int | None) -> Update:
    """Look, and plan."""
    found = look(wish, output, top)
    return Update(output=output, wish=wish, found=found, changes=plan(wish, found))


def look(wish: Wish, output: Path, top: int | None) -> Found:
    """What is there."""
    record = places.read_record(top, output)
    files = places.read(top, output, paths(wish, record), wish.tree)
    strangers, merges = {}, {}
    if wish.prune:
        left = places.left_services(record, wish.services)
        strangers = places.strangers(top, left, record)
    if wish.merge:
        from s6gen.merge import merged  # runs git: only for those who ask

        merges = merged(output, wish.tree, files, record)
    return Found(files=files, record=record, strangers=strangers, merged=merges)


def make(update: Update, top: int) -> None:
    """Do it."""
    before = update.found.record
    after = record_after(update.wish, update.found, update.changes)
    store(update.changes, before, after, top, update.output)
    if before.files and not after.files:
        forget(top, update.output)
