"""What changes in an output directory, and why. Decided before anything is written."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from s6gen.output.change import (
    DIRECTORY,
    Action,
    Change,
    Entry,
    Irregular,
    NoMerge,
    Present,
    Wanted,
    base_path,
    is_base,
)
from s6gen.output.record import Record, service_name_of
from s6gen.rendering.origin import Origin
from s6gen.rendering.tree import File, digest


def plan(wanted: Wanted, present: Present) -> list[Change]:
    """Return the changes from what is present to what is wanted, sorted by path."""
    services = wanted.services
    changes = changes_of_services(services, wanted, present)
    if wanted.complete:
        for service, paths in orphans(services, present).items():
            changes += changes_of_orphan(service, paths, wanted, present)
    return sorted(changes, key=lambda change: change.path)


def changes_of_services(
    services: frozenset[str], wanted: Wanted, present: Present
) -> list[Change]:
    """Return what becomes of the files of the services that are rendered."""
    paths = set(wanted.tree)
    bases = set()
    for path in present.record.files:
        if service_name_of(path) not in services:
            continue
        if is_base(path):
            bases.add(path)
        else:
            paths.add(path)
    changes: list[Change] = []
    for path in sorted(paths):
        changes += changes_of_path(path, wanted, present)
    if bases:
        changes += removals_of_bases(bases, changes, present)
    return changes


def changes_of_path(path: str, wanted: Wanted, present: Present) -> Iterable[Change]:
    """Return what becomes of a file of a service that is rendered, and of its base."""
    file = wanted.tree.get(path)
    entry = present.entries.get(path)
    recorded = present.record.files.get(path, frozenset())
    if entry is not None:
        if is_same(file, entry):
            return [Change(path, Action.UNCHANGED)]
        difference = Difference(path, file, entry, recorded)
        return changes_of_difference(difference, wanted, present)
    if file is None:
        return []
    reason = "missing" if recorded else "new"
    return [Change(path, Action.CREATED, reason, content=file)]


def is_same(file: File | None, entry: Entry) -> bool:
    """Tell whether a file is as it should be.

    Of its mode that counts which git keeps (git-config(1): core.fileMode).
    """
    if file is None or isinstance(entry, Irregular):
        return False
    if file.is_executable != entry.is_executable:
        return False
    return file.content == entry.content


class Difference(NamedTuple):
    """A path at which there is something else than what is rendered."""

    path: str
    file: File | None
    """The rendered file; None if nothing is rendered at this path any more."""
    entry: Entry
    """The entry that the path has now."""
    recorded: frozenset[str]
    """The digests of what was rendered last; none if s6gen did not write it."""

    @property
    def is_directory(self) -> bool:
        """Tell whether a directory is there, which not even --force replaces."""
        return isinstance(self.entry, Irregular) and self.entry.is_directory

    @property
    def is_renewed(self) -> bool:
        """Tell whether a file is rendered differently than last time."""
        if self.file is None or not self.recorded:
            return False
        return digest(self.file.content) not in self.recorded

    @property
    def renders_same_content(self) -> bool:
        """Tell whether the same content is rendered as last time."""
        if self.file is None:
            return False
        return digest(self.file.content) in self.recorded

    def replacement(self, reason: str) -> Change:
        """Return the change that puts what is rendered in the place of the entry."""
        action = Action.REMOVED if self.file is None else Action.UPDATED
        return Change(self.path, action, reason, content=self.file)

    def refusal(self, reason: str, advice: str) -> Change:
        """Return the change that is refused."""
        return Change(self.path, Action.REFUSED, reason, advice, self.file)


def changes_of_difference(
    difference: Difference, wanted: Wanted, present: Present
) -> Iterable[Change]:
    """Return what becomes of a file that is not as rendered, and of its base."""
    objection = objection_to_replacing(difference)
    if objection is None:
        reason = reason_of_rendering(difference, wanted, present.record)
        return [difference.replacement(reason)]
    reason = objection.reason
    if difference.is_renewed:
        rendering = reason_of_rendering(difference, wanted, present.record)
        reason = f"{reason}; {rendering}"
    if wanted.force and not difference.is_directory:
        return [difference.replacement(reason)]
    if difference.path in present.merges:
        merged = present.merges[difference.path]
        return changes_of_merge(difference, merged, reason, present)
    advice = advice_on_refusal(difference, objection, wanted)
    return [difference.refusal(reason, advice)]


class Objection(NamedTuple):
    """Why something is not s6gen's to replace, and what to do about it."""

    reason: str
    advice: str


def objection_to_replacing(difference: Difference) -> Objection | None:
    """Return why what is there is not s6gen's to replace; None if it is."""
    entry = difference.entry
    if difference.is_directory:
        return Objection(f"is {DIRECTORY}", "remove it")
    if isinstance(entry, Irregular):
        advice = "remove it, or replace it with --force"
        return Objection(f"is {entry.kind}", advice)
    if not difference.recorded:
        advice = "remove it, or replace it with --force"
        return Objection("was not rendered by s6gen", advice)
    if digest(entry.content) not in difference.recorded:
        advice = "--merge keeps the edit, --force drops it"
        return Objection("edited by hand", advice)
    return None


def advice_on_refusal(
    difference: Difference, objection: Objection, wanted: Wanted
) -> str:
    """Return what to do about a file that is neither replaced nor merged."""
    if isinstance(difference.entry, Irregular):
        return objection.advice
    if difference.file is None:
        return "no longer rendered: --force removes it"
    if wanted.merge:
        return "git has no copy of what was rendered last: --force drops the edit"
    return objection.advice


def reason_of_rendering(difference: Difference, wanted: Wanted, record: Record) -> str:
    """Return why a recorded file is rendered differently than last time."""
    if difference.renders_same_content:
        return "mode changed"
    service = service_name_of(difference.path)
    now = wanted.origins.get(service)
    before = record.origins.get(service)
    if now is None or not before:
        return "rendered differently"
    return reason_of_origins(before, now)


def reason_of_origins(before: Iterable[Origin], now: Origin) -> str:
    """Return what has changed from the recorded origins of a service to its new one."""
    parameters = {origin.parameters for origin in before}
    versions = {origin.version for origin in before}
    reasons = []
    if now.parameters not in parameters:
        reasons.append("parameters changed")
    if now.version not in versions:
        old = ", ".join(sorted(versions))
        reasons.append(f"s6gen was {old}, is {now.version}")
    if not reasons:
        return "templates changed"
    return " and ".join(reasons)


def changes_of_merge(
    difference: Difference, merged: File | NoMerge, reason: str, present: Present
) -> Iterator[Change]:
    """Return what becomes of an edited file that is merged, and of its base."""
    path, file = difference.path, difference.file
    if isinstance(merged, NoMerge):
        yield difference.refusal(reason, merged.advice)
        return
    if is_same(merged, difference.entry):
        yield Change(path, Action.KEPT, reason)
    else:
        yield Change(path, Action.MERGED, reason, content=merged)
    if file is not None and not is_same(merged, file):
        yield change_of_base(base_path(path), File(file.content), present)


def change_of_base(path: str, base: File, present: Present) -> Change:
    """Return what becomes of the base of an edited file: the next merge needs it."""
    entry = present.entries.get(path)
    if entry is None:
        return Change(path, Action.CREATED, "a merge", content=base)
    if is_same(base, entry):
        return Change(path, Action.UNCHANGED)
    return Change(path, Action.UPDATED, "a merge", content=base)


def removals_of_bases(
    bases: set[str], changes: Iterable[Change], present: Present
) -> list[Change]:
    """Return the removals of recorded bases that no edit needs any more."""
    needed = set()
    for change in changes:
        needed.add(change.path)
        if change.action is Action.REFUSED:
            needed.add(base_path(change.path))
    unneeded = bases.intersection(present.entries).difference(needed)
    reason = "the edit is gone"
    return [Change(path, Action.REMOVED, reason) for path in unneeded]


def orphans(services: frozenset[str], present: Present) -> dict[str, list[str]]:
    """Return the services that are no longer rendered, and what is left of them."""
    paths: dict[str, list[str]] = {}
    for path in sorted(present.record.files):
        service = service_name_of(path)
        if service not in services and path in present.entries:
            paths.setdefault(service, []).append(path)
    return paths


def changes_of_orphan(
    service: str, paths: Iterable[str], wanted: Wanted, present: Present
) -> list[Change]:
    """Return what becomes of a service that was rendered once and no longer is."""
    reason = "left over"
    advice = advice_on_orphan(service, paths, wanted, present)
    if advice:
        return [Change(service, Action.ORPHANED, reason, advice)]
    return [Change(path, Action.REMOVED, reason) for path in paths]


def advice_on_orphan(
    service: str, paths: Iterable[str], wanted: Wanted, present: Present
) -> str:
    """Return what to do about an orphaned service; "" if it is to be removed now."""
    if not wanted.prune:
        return (
            "no longer rendered, and s6-rc-compile may refuse it as it is: "
            "--prune removes it"
        )
    if service in present.foreign:
        path = present.foreign[service][0]
        return f"{path} was not rendered by s6gen: remove that yourself"
    for path in paths:
        entry, recorded = present.entries[path], present.record.files[path]
        difference = Difference(path, None, entry, recorded)
        if not is_removable(difference, wanted):
            return f"{path} was edited: --prune --force removes it all the same"
    return ""


def is_removable(difference: Difference, wanted: Wanted) -> bool:
    """Tell whether a file of an orphaned service may be removed."""
    if objection_to_replacing(difference) is None:
        return True
    return wanted.force and not difference.is_directory
