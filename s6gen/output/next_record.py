"""The record that follows from the changes of an output directory."""

from collections.abc import Iterable

from s6gen.output.change import (
    Action,
    Change,
    Present,
    Wanted,
    drift_of,
    edited_path,
    is_base,
    services_of,
)
from s6gen.output.record import (
    RECORD_NAME,
    Record,
    digests_of,
    dump_record,
    service_name_of,
)
from s6gen.rendering.origin import Origin
from s6gen.rendering.tree import File, digest


def record_after(wanted: Wanted, present: Present, changes: list[Change]) -> Record:
    """Return the record once the changes are made."""
    files = digests_of(wanted.tree)
    files.update(digests_of_bases(wanted, changes))
    origins = origins_after(wanted, present.record, changes)
    of_services = Record(files, origins, wanted.host)
    replaced = wanted.services
    if wanted.complete:
        replaced |= services_without_files(present, changes)
    return present.record.without(replaced) | of_services


def digests_of_bases(
    wanted: Wanted, changes: Iterable[Change]
) -> dict[str, frozenset[str]]:
    """Return what the record holds of the bases that are kept beside edited files."""
    files = {}
    for change in changes:
        if is_base(change.path) and change.action is not Action.REMOVED:
            rendered = wanted.tree[edited_path(change.path)]
            files[change.path] = frozenset([digest(rendered.content)])
    return files


def services_without_files(
    present: Present, changes: Iterable[Change]
) -> frozenset[str]:
    """Return the recorded services of which nothing is left after the changes."""
    paths = set(present.entries)
    for change in changes:
        if change.action is Action.REMOVED:
            paths.discard(change.path)
    return present.record.services.difference(map(service_name_of, paths))


def origins_after(
    wanted: Wanted, record: Record, changes: Iterable[Change]
) -> dict[str, frozenset[Origin]]:
    """Return the origins of the rendered services once the changes are made.

    A service whose files do not change keeps its origin: a new version of s6gen that
    renders the same changes nothing, not even the record.
    """
    changed = services_of(drift_of(changes))
    origins = {}
    for service in wanted.services:
        now = wanted.origins.get(service)
        before = record.origins.get(service, frozenset())
        if len(before) == 1 and service not in changed:
            origins[service] = before
        elif now is not None:
            origins[service] = frozenset([now])
    return origins


def record_under_way(
    before: Record, after: Record, changes: Iterable[Change]
) -> Record:
    """Return the record while the changes are made: each file may be old or new.

    A file that is merged counts as old until all is done: if the rendering is
    interrupted, the next one merges it again from the same base.
    """
    both = before | after
    files = dict(both.files)
    for change in changes:
        if change.action is Action.MERGED:
            files[change.path] = before.files[change.path]
    return both._replace(files=files)


def record_change(present: Present, after: Record) -> list[Change]:
    """Return what becomes of the record itself; nothing if it stays as it is."""
    before = present.record
    if after == before:
        return []
    content = File(dump_record(after))
    if before.files:
        reason = "does not fit what is there: render again"
        return [Change(RECORD_NAME, Action.UPDATED, reason, content=content)]
    return [Change(RECORD_NAME, Action.CREATED, "missing", content=content)]
