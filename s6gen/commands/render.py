"""`s6gen render`."""

import contextlib
import gc
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from s6gen.commands.parameter_options import (
    SECTIONS,
    WHICH,
    SectionedCommand,
    given_values,
)
from s6gen.configuration.addition import with_certificate
from s6gen.configuration.find import own_templates, read_configuration
from s6gen.errors import Exit, Fatal, Fatals
from s6gen.output import record as manifest
from s6gen.output.plan import Change, Wish
from s6gen.output.update import Update, foreseen, make, under_way
from s6gen.output.write import replace_file
from s6gen.render import wished
from s6gen.rendering.templates import Templates
from s6gen.rendering.tree import File
from s6gen.text import printable, wants_colour, write

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration

REPORTED = ("refused", "left over")


def main(
    output: str | None,
    config: str | None,
    templates: str | None,
    host: str | None,
    check: bool,
    diff: bool,
    save: bool,
    force: bool,
    merge: bool,
    prune: bool,
    **parameters: Any,
) -> Exit:
    """Render, and write, or tell what would be written."""
    refuse_together(check=check, diff=diff)
    refuse_together(check=check, save=save)
    refuse_together(diff=diff, save=save)
    refuse_together(force=force, merge=merge)
    if output == "":
        raise Fatal("--output: is empty: give a directory, such as '.'")
    # Nothing here is garbage before the end: collecting would cost more than the rest.
    gc.disable()
    given = given_values(parameters)
    configuration = read_configuration(config, may_be_missing=save)
    before = configuration
    addition = with_certificate(configuration, config, given, host) if save else None
    if addition:
        configuration, given = addition, {}
    elif configuration is None:
        refuse_incomplete(given, host)
    wishes = {
        path: wish._replace(force=force, merge=merge, prune=prune)
        for path, wish in wished(
            configuration,
            given,
            host=host,
            output=Path(output) if output else None,
            templates=Templates(own_templates(configuration, templates)),
        ).items()
    }
    if prune and (configuration is None or "page" in given):
        raise Fatal("--prune: is for all that s6gen.toml asks for: leave out --page")
    if check or diff:
        return shown(
            [foreseen(wish, path) for path, wish in wishes.items()], as_diff=diff
        )
    written(wishes, before, addition)
    return Exit.OK


def refuse_together(**flags: bool) -> None:
    """Raise Fatal for flags of which only one makes sense."""
    if all(flags.values()):
        raise Fatal(
            " and ".join(f"--{name}" for name in flags) + ": give only one of them"
        )


def refuse_incomplete(given: dict[str, Any], host: str | None) -> None:
    """Raise Fatal for what is missing without a configuration file."""
    for key in ("page", "domain"):
        if key not in given:
            raise Fatal(
                f"missing option '--{key}', and there is no s6gen.toml here or above"
            )
    if host is not None:
        raise Fatal(
            "--host: hosts are named in s6gen.toml, and there is none here or above"
        )


def shown(updates: Sequence[Update], *, as_diff: bool) -> Exit:
    """Tell what would be written."""
    lines = [
        line
        for update in updates
        for line in (differences if as_diff else drift)(update)
    ]
    write("".join(f"{line}\n" for line in lines))
    return Exit.NO if lines else Exit.OK


def drift(update: Update) -> list[str]:
    """What would change in an output directory, and why."""
    changing = [
        one for one in update.changes if one.action not in ("unchanged", "kept")
    ]
    changing += [
        Change(path, "refused", "was not rendered by s6gen") for path in update.added
    ]
    return [
        printable(f"{update.wish.prefix}{one.path}: {one.reason}")
        for one in sorted(changing) or record_change(update)
    ]


def differences(update: Update) -> Iterable[str]:
    """The same as a unified diff, with the record."""
    from s6gen.output.diff import coloured, unified

    changes = [one for one in update.changes if one.action not in ("unchanged", "kept")]
    present = {**update.found.files}
    if update.found.record.files:
        present[manifest.NAME] = File(manifest.dump(update.found.record))
    found = unified([*record_change(update), *changes], present, update.wish.prefix)
    return map(coloured, found) if wants_colour() else found


def record_change(update: Update) -> list[Change]:
    """What becomes of the record itself."""
    if update.after == update.found.record:
        return []
    missing = not update.found.record.files
    reason = "missing" if missing else "does not fit what is there: render again"
    content = File(manifest.dump(update.after))
    return [
        Change(
            manifest.NAME, "created" if missing else "updated", reason, content=content
        )
    ]


def written(
    wishes: dict[Path, Wish],
    before: "Configuration | None",
    addition: "Configuration | None",
) -> None:
    """Write, and list the files: all, or none where one is refused."""
    with contextlib.ExitStack() as stack:
        updates = [
            stack.enter_context(under_way(wish, path)) for path, wish in wishes.items()
        ]
        every = [update for update, _ in updates]
        refuse([*reported(every, "refused")])
        if before is not None and read_again(before.path) != before.text:
            raise Fatal(
                f"{before.path}: was changed meanwhile: try again", Exit.TEMPORARY
            )
        if addition is not None:
            replace_file(addition.path, addition.text, before.text if before else None)
            write(f"{'created' if before is None else 'updated':<10} {addition.path}\n")
        for update, top in updates:
            make(update, top)
    for one in reported(every, "left over"):
        print(f"s6gen: warning: {one.path}: {one.advice}", file=sys.stderr)  # noqa: T201
    write(
        "".join(
            f"{one.action:<10} {printable(update.wish.prefix + one.path)}\n"
            for update in every
            for one in update.changes
            if one.action not in REPORTED
            and not (update.wish.complete and one.action in ("unchanged", "kept"))
        )
    )


def read_again(path: Path) -> str:
    """What the file says now: somebody may have added to it since it was read."""
    return path.read_bytes().decode(errors="replace") if path.exists() else ""


def reported(updates: Sequence[Update], action: str) -> Iterator[Change]:
    """The changes of a kind, in all output directories."""
    for update in updates:
        for one in update.changes:
            if one.action == action:
                yield one._replace(path=printable(update.wish.prefix + one.path))


def refuse(changes: Sequence[Change]) -> None:
    """Raise Fatals for what may not be done."""
    if changes:
        raise Fatals(f"{one.path}: {one.reason}: {one.advice}" for one in changes)


OUTPUT = [
    click.Option(
        ["-o", "--output"],
        metavar="DIR",
        help="Where the source definition directories go. Made if missing. [output of "
        "s6gen.toml; .]",
    ),
    *WHICH,
    click.Option(
        ["--templates"],
        metavar="DIR",
        help="Your own templates, in front of s6gen's. [templates of s6gen.toml]",
    ),
    click.Option(
        ["--save"],
        is_flag=True,
        help="Add the certificate to the file, which is made if missing, and render all of it.",
    ),
    click.Option(
        ["--check"],
        is_flag=True,
        help="Write nothing; list what would be, and why; exit 1 if that is anything.",
    ),
    click.Option(["--diff"], is_flag=True, help="The same, as a unified diff."),
    click.Option(
        ["-m", "--merge"],
        is_flag=True,
        help="Keep what was edited by hand, and merge it with what is new. Needs git.",
    ),
    click.Option(
        ["-f", "--force"],
        is_flag=True,
        help="Replace files too that were edited since, or that s6gen did not render.",
    ),
    click.Option(
        ["--prune"],
        is_flag=True,
        help="Remove services that s6gen rendered, nobody changed, and the file no longer names.",
    ),
]

command = SectionedCommand(
    "render",
    callback=main,
    sections={**SECTIONS, "The output": OUTPUT},
    short_help="Write the services that keep certificates renewed.",
    help="Write the source definition directories of two services: a longrun that keeps the "
    "certificate of --domain renewed, and its logger. They are ready for s6-rc-compile. Without "
    "--page, all certificates of s6gen.toml are rendered, with the options over what it says; see "
    "s6gen.toml(5). Each file is listed as created, updated, merged, kept, unchanged or removed. "
    "Without a change nothing is written; files that were edited by hand are not replaced.\n\n"
    "Example:\n\n"
    "\b\n"
    "  s6gen render --page example --domain example.org --domain www.example.org -o sv\n"
    "  s6-rc-compile compiled sv\n",
)
