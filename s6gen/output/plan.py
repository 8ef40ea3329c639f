"""What a rendering changes in what is there, and why. Decided before anything is written.

Named tuples, here and in the record: attrs classes take as long to make as the whole decision.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from s6gen.output import record as manifest
from s6gen.output.record import Origin, Record, digest, service_of
from s6gen.rendering.tree import File, Tree

Action = Literal[
    "created",
    "updated",
    "merged",
    "kept",
    "unchanged",
    "removed",
    "refused",
    "left over",
]
"""What becomes of a file. Kept: it was edited, and nothing that is new touches the edit."""

DIRECTORY = "a directory"


class Change(NamedTuple):
    """One file, what becomes of it, and why."""

    path: str
    action: Action
    reason: str = ""
    """Why it is not what would be rendered. Empty for what is unchanged."""
    advice: str = ""
    """What to do where nothing is done."""
    content: File | None = None
    """What it becomes, or would if it were not refused; nothing where it goes, or stays."""


class Foreign(NamedTuple):
    """What stands at a file's place and is no regular file."""

    kind: str
    """Such as "a symbolic link"."""


class Found(NamedTuple):
    """What is there now."""

    files: Mapping[str, File | Foreign]
    """Of the paths that matter."""
    record: Record
    strangers: Mapping[str, list[str]] = {}
    """For services that are no longer rendered, what s6gen did not write in them."""
    merged: Mapping[str, File | None] = {}
    """What a merge makes of files that were edited; nothing where both changed the same lines."""


class Wish(NamedTuple):
    """What is to be there, and how far a rendering may go for it."""

    tree: Tree
    origins: Mapping[str, Origin] = {}
    """What each service is rendered by and from."""
    complete: bool = False
    """Whether services that were rendered before and are not in tree are left over."""
    force: bool = False
    """Replace what was edited, or is not ours."""
    prune: bool = False
    """Remove what is left over."""
    merge: bool = False
    """Keep edits, and merge them with what is new."""
    host: str = ""
    """The host that it is for, if there are several."""

    @property
    def prefix(self) -> str:
        """What paths are shown with."""
        return f"{self.host}/" if self.host else ""

    @property
    def services(self) -> frozenset[str]:
        """The source definition directories."""
        return frozenset(map(service_of, self.tree))


def paths(wish: Wish, record: Record) -> list[str]:
    """The paths that matter: what is to be there, and what s6gen once wrote there."""
    relevant = record if wish.complete else record.only(wish.services)
    return sorted({*wish.tree, *relevant.files})


def is_pristine(path: str) -> bool:
    """Whether a file is what s6gen rendered of another, which was edited and merged."""
    name = path.rpartition("/")[2]
    return name.startswith(".") and name.endswith(".s6gen")


def pristine(path: str) -> str:
    """Where what was rendered is kept beside a file that was edited and merged."""
    directory, slash, name = path.rpartition("/")
    return f"{directory}{slash}.{name}.s6gen"


def plan(wish: Wish, found: Found) -> list[Change]:
    """The changes that make what is found into what is wished for."""
    changes = list(of_services(wish, found))
    services = wish.services
    if wish.complete:
        for service, recorded in by_service(found.record).items():
            if service not in services:
                changes += left_over(service, recorded, wish, found)
    return sorted(changes, key=lambda change: change.path)


def by_service(record: Record) -> dict[str, list[str]]:
    """The paths of each service that was rendered."""
    found: dict[str, list[str]] = {}
    for path in sorted(record.files):
        found.setdefault(service_of(path), []).append(path)
    return found


def of_services(wish: Wish, found: Found) -> Iterator[Change]:
    """What becomes of the files of the services that are rendered."""
    services = wish.services
    needed = set()
    for path in paths(wish, found.record):
        if service_of(path) in services and not is_pristine(path):
            for change in rendered(path, wish, found):
                if is_pristine(change.path) or change.action == "refused":
                    needed.add(pristine(path))
                yield change
    for path in found.record.only(services).files:
        if is_pristine(path) and path not in needed and path in found.files:
            yield Change(path, "removed", "the edit is gone")


def rendered(path: str, wish: Wish, found: Found) -> Iterator[Change]:
    """What becomes of a file of a service that is rendered."""
    wanted, present = wish.tree.get(path), found.files.get(path)
    if present is None:
        if wanted is not None:
            missing = path in found.record.files
            yield Change(
                path, "created", "missing" if missing else "new", content=wanted
            )
    elif wanted is not None and same(wanted, present):
        yield Change(path, "unchanged")
    elif refused := fault(path, present, found.record):
        reason, advice = refused
        if (
            path in found.record.files
            and wanted is not None
            and is_renewed(path, wanted, found)
        ):
            reason = f"{reason}; {cause(path, wish, found.record)}"
        if wish.force and not is_directory(present):
            yield replacement(path, wanted, reason)
        elif wanted is not None and path in found.merged:
            yield from merged(path, wanted, present, found, reason)
        else:
            advice = advice_for(wanted, present, wish) or advice
            yield Change(path, "refused", reason, advice, wanted)
    else:
        yield replacement(path, wanted, cause(path, wish, found.record))


def advice_for(wanted: File | None, present: File | Foreign, wish: Wish) -> str:
    """What to do about an edit that cannot be merged."""
    if isinstance(present, Foreign):
        return ""
    if wanted is None:
        return "no longer rendered: --force removes it"
    return (
        "git has no copy of what was rendered last: --force drops the edit"
        if wish.merge
        else ""
    )


def replacement(path: str, wanted: File | None, reason: str) -> Change:
    """What is wanted takes the place of what is there."""
    return Change(
        path, "removed" if wanted is None else "updated", reason, content=wanted
    )


def merged(
    path: str, wanted: File, present: File | Foreign, found: Found, reason: str
) -> Iterator[Change]:
    """What becomes of an edited file, and of what was rendered of it."""
    result = found.merged[path]
    if result is None:
        advice = "both change the same lines: --force drops the edit; make it anew, then --merge"
        yield Change(path, "refused", reason, advice, wanted)
        return
    if same(result, present):
        yield Change(path, "kept", reason)
    else:
        yield Change(path, "merged", reason, content=result)
    if not same(result, wanted):
        yield kept_beside(pristine(path), File(wanted.content), found)


def kept_beside(path: str, rendering: File, found: Found) -> Change:
    """What was rendered stays beside an edited file: the next merge needs it."""
    present = found.files.get(path)
    if present is not None and same(rendering, present):
        return Change(path, "unchanged")
    action: Action = "created" if present is None else "updated"
    return Change(path, action, "a merge", content=rendering)


def left_over(
    service: str, recorded: Iterable[str], wish: Wish, found: Found
) -> Iterator[Change]:
    """What becomes of a service that was rendered once and no longer is."""
    present = [path for path in recorded if path in found.files]
    reason = "left over"
    if not present:
        return
    if not wish.prune:
        advice = "no longer rendered, and s6-rc-compile may refuse it as it is: --prune removes it"
        yield Change(service, "left over", reason, advice)
        return
    if service in found.strangers:
        advice = f"{found.strangers[service][0]} was not rendered by s6gen: remove that yourself"
        yield Change(service, "left over", reason, advice)
        return
    for path in present:
        refused = fault(path, found.files[path], found.record)
        if refused and not (wish.force and not is_directory(found.files[path])):
            advice = f"{path} was edited: --prune --force removes it all the same"
            yield Change(service, "left over", reason, advice)
            return
    yield from (Change(path, "removed", reason) for path in present)


def same(wanted: File, present: File | Foreign) -> bool:
    """Whether a file is as it should be. Of the mode, what git keeps: whether it is a program."""
    return (
        isinstance(present, File)
        and wanted.content == present.content
        and wanted.mode & 0o100 == present.mode & 0o100
    )


def is_directory(present: File | Foreign) -> bool:
    """Whether it is a directory: who knows what is in it."""
    return isinstance(present, Foreign) and present.kind == DIRECTORY


def fault(path: str, present: File | Foreign, record: Record) -> tuple[str, str] | None:
    """Why a file is not ours to replace, and what to do; nothing if it is."""
    if is_directory(present):
        return f"is {DIRECTORY}", "remove it"
    if isinstance(present, Foreign):
        return f"is {present.kind}", "remove it, or replace it with --force"
    if path not in record.files:
        return "was not rendered by s6gen", "remove it, or replace it with --force"
    if digest(present.content) not in record.files[path]:
        return "edited by hand", "--merge keeps the edit, --force drops it"
    return None


def is_renewed(path: str, wanted: File, found: Found) -> bool:
    """Whether something else is rendered than last time."""
    return digest(wanted.content) not in found.record.files[path]


def cause(path: str, wish: Wish, record: Record) -> str:
    """Why something else is rendered than last time."""
    present = wish.tree.get(path)
    if present is not None and digest(present.content) in record.files[path]:
        return "mode changed"
    service = service_of(path)
    now, before = wish.origins.get(service), record.origins.get(service, frozenset())
    if now is None or not before:
        return "rendered differently"
    causes = []
    if now.parameters not in {one.parameters for one in before}:
        causes.append("parameters changed")
    if now.version not in {one.version for one in before}:
        versions = ", ".join(sorted({one.version for one in before}))
        causes.append(f"s6gen was {versions}, is {now.version}")
    return " and ".join(causes) or "templates changed"


def record_after(wish: Wish, found: Found, changes: Iterable[Change]) -> Record:
    """The record once the changes are made."""
    changes = list(changes)
    removed = {one.path for one in changes if one.action == "removed"}
    still = {service_of(path) for path in found.files.keys() - removed}
    gone = (
        {service_of(path) for path in found.record.files} - still
        if wish.complete
        else set()
    )
    touched = {
        service_of(one.path)
        for one in changes
        if one.action not in ("unchanged", "kept")
    }
    services = wish.services
    same = found.record.only(services - touched).origins
    before = {name: one for name, one in same.items() if len(one) == 1}
    now = {
        name: frozenset([one]) for name, one in wish.origins.items() if name in services
    }
    beside = {
        one.path: frozenset([digest(wish.tree[edited_of(one.path)].content)])
        for one in changes
        if is_pristine(one.path) and one.action != "removed"
    }
    mine = Record(
        {**manifest.describe(wish.tree), **beside}, {**now, **before}, wish.host
    )
    return found.record.without(services | gone) | mine


def record_under_way(
    before: Record, after: Record, changes: Iterable[Change]
) -> Record:
    """The record while the changes are made: each file is old or new.

    A file that is merged counts as old until all is done, so that whoever is interrupted merges
    from there once more.
    """
    both = before | after
    merging = {
        one.path: before.files[one.path] for one in changes if one.action == "merged"
    }
    return both._replace(files={**both.files, **merging})


def edited_of(path: str) -> str:
    """The file that a pristine one is kept for."""
    directory, slash, name = path.rpartition("/")
    return f"{directory}{slash}{name[1:].removesuffix('.s6gen')}"
