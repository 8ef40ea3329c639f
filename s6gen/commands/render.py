"""`s6gen render`: its options, and what it prints."""

from collections.abc import Iterable, Sequence
from typing import Any

import click

from s6gen.commands.parameter_options import (
    SECTIONS,
    SELECTION,
    SectionedCommand,
    given_values,
    single_option,
)
from s6gen.errors import Exit, Fatal
from s6gen.output.change import Action, Change, Update, changes_of_action
from s6gen.output.next_record import record_change
from s6gen.output.record import RECORD_NAME, dump_record
from s6gen.render import Rendering, RenderOptions, apply, prepare, preview
from s6gen.rendering.tree import File
from s6gen.text import printable, wants_colour, warn, write, write_coloured

EXCLUSIVE = (("check", "diff"), ("check", "save"), ("diff", "save"), ("force", "merge"))
"""Pairs of options of which only one makes sense."""


def main(**parameters: Any) -> Exit:
    """Render, and write, or print what would be written."""
    options = options_of(parameters)
    rendering = prepare(options)
    if options.check or options.diff:
        updates = preview(rendering)
        return print_preview(updates, as_diff=options.diff)
    updates = apply(rendering)
    print_saved(rendering)
    print_warnings(updates)
    print_changes(updates)
    return Exit.OK


def options_of(parameters: dict[str, Any]) -> RenderOptions:
    """Return the options of a command line. Raises Fatal for those that do not fit."""
    for first, second in EXCLUSIVE:
        if parameters[first] and parameters[second]:
            raise Fatal(f"--{first} and --{second}: give only one of them")
    if parameters["output"] == "":
        raise Fatal("--output: is empty: give a directory, such as '.'")
    return RenderOptions(
        values=given_values(parameters),
        config=parameters["config"],
        output=parameters["output"],
        templates=parameters["templates"],
        host=parameters["host"],
        check=parameters["check"],
        diff=parameters["diff"],
        save=parameters["save"],
        force=parameters["force"],
        merge=parameters["merge"],
        prune=parameters["prune"],
    )


def print_preview(updates: Sequence[Update], *, as_diff: bool) -> Exit:
    """Print what would be written; the exit code is 1 if that is anything."""
    lines: list[str] = []
    for update in updates:
        lines += diff_lines(update) if as_diff else drift_lines(update)
    write_coloured("".join(f"{line}\n" for line in lines))
    return Exit.NO if lines else Exit.OK


def drift_lines(update: Update) -> list[str]:
    """Return what would change in an output directory, and why, a line each."""
    changes = update.drift
    for path in update.foreign:
        changes.append(Change(path, Action.REFUSED, "was not rendered by s6gen"))
    if not changes:
        changes = record_change(update.present, update.record_after)
    lines = []
    for change in sorted(changes, key=lambda change: (change.path, change.action)):
        path = update.wanted.prefix + change.path
        lines.append(printable(f"{path}: {change.reason}"))
    return lines


def diff_lines(update: Update) -> Iterable[str]:
    """Return what would change as a unified diff, with the record."""
    # Only --diff needs it, and difflib takes a while to load.
    from s6gen.output.diff import coloured, unified_diff

    record = update.present.record
    entries = dict(update.present.entries)
    if record.files:
        entries[RECORD_NAME] = File(dump_record(record))
    changes = record_change(update.present, update.record_after) + update.drift
    lines = unified_diff(changes, entries, update.wanted.prefix)
    if wants_colour():
        return map(coloured, lines)
    return lines


def print_warnings(updates: Iterable[Update]) -> None:
    """Print a warning on stderr for each orphaned service."""
    for path, change in changes_of_action(updates, Action.ORPHANED):
        warn(f"{path}: {change.advice}")


def print_saved(rendering: Rendering) -> None:
    """Print the file of certificates, if one was added to it."""
    if rendering.addition is not None:
        is_new = rendering.configuration is None
        action = Action.CREATED if is_new else Action.UPDATED
        write(f"{action:<10} {printable(str(rendering.addition.path))}\n")


def print_changes(updates: Iterable[Update]) -> None:
    """Print what became of each file."""
    lines = []
    for update in updates:
        for change in update.listing:
            path = printable(update.shown_path(change))
            lines.append(f"{change.action:<10} {path}\n")
    write("".join(lines))


OUTPUT = [
    single_option(
        ["-o", "--output"],
        metavar="DIR",
        help="Where the source definition directories go. Made if missing. "
        "[output of s6gen.toml; .]",
    ),
    *SELECTION,
    single_option(
        ["--templates"],
        metavar="DIR",
        help="Your own templates, in front of s6gen's. [templates of s6gen.toml]",
    ),
    click.Option(
        ["--save"],
        is_flag=True,
        help="Add the certificate to the file, which is made if missing, and render "
        "all of it.",
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
        help="Remove services that s6gen rendered, nobody changed, and the file no "
        "longer names.",
    ),
]

command = SectionedCommand(
    "render",
    callback=main,
    sections={**SECTIONS, "The output": OUTPUT},
    short_help="Write the services that keep certificates renewed.",
    help="Write the source definition directories of two services: a longrun that "
    "keeps the certificate of --domain renewed, and its logger. They are ready for "
    "s6-rc-compile. Without --page, all certificates of s6gen.toml are rendered, with "
    "the options over what it says; see s6gen.toml(5). Each file is listed as created, "
    "updated, merged, kept, unchanged or removed. Without a change nothing is written; "
    "files that were edited by hand are not replaced.\n\n"
    "Example:\n\n"
    "\b\n"
    "  s6gen render --page example --domain example.org --domain www.example.org "
    "-o sv\n"
    "  s6-rc-compile compiled sv\n",
)
