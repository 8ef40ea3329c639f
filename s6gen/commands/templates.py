"""`s6gen templates`."""

from pathlib import Path

import click

from s6gen.configuration.bounds import Place, templates_place
from s6gen.configuration.find import read_configuration
from s6gen.errors import Fatal
from s6gen.output.write import add_file
from s6gen.render import templates_in
from s6gen.rendering.templates import Templates
from s6gen.text import printable, write


def main(words: tuple[str, ...], config: str | None, templates: str | None) -> None:
    """List the templates, or copy some."""
    configuration = read_configuration(config)
    own = templates_place(configuration, templates)
    match words:
        case () | ("list",):
            print_list(own)
        case ("copy", *names) if names:
            if own is None:
                raise Fatal(
                    "copy: say where to: templates = in s6gen.toml, "
                    "or --templates before it"
                )
            copy_templates(names, own)
        case _:
            raise Fatal(f"nothing, list, or copy and names: {' '.join(words)!r}")


def print_list(own: Place | None) -> None:
    """Print every template, and whether it is s6gen's or one's own."""
    if own is None or not own.path.is_dir():
        templates = Templates()
    else:
        templates = templates_in(own)
    lines = ""
    for name in sorted(templates.sources):
        lines += f"{templates.owner(name):<7} {printable(name)}\n"
    write(lines)


def copy_templates(names: list[str], own: Place) -> None:
    """Copy s6gen's templates into the directory of one's own: all, or none."""
    ours = Templates()
    for name in names:
        if name not in ours.sources:
            raise Fatal(
                f"copy: no template is called {name!r}: 's6gen templates' lists them"
            )
        refuse_existing(own.path / name)
    for name in names:
        path = own.path / name
        add_file(path, ours.read(name), own.within or own.path)
        write(f"created    {printable(str(path))}\n")


def refuse_existing(path: Path) -> None:
    """Raise Fatal for a path where something is, if only a broken link."""
    if path.exists() or path.is_symlink():
        raise Fatal(f"copy: {path}: is there already")


command = click.Command(
    "templates",
    callback=main,
    params=[
        click.Argument(
            ["words"], metavar="[list | copy NAME...]", nargs=-1, required=False
        ),
        click.Option(
            ["-c", "--config"],
            metavar="FILE",
            help="The file that names your templates. [s6gen.toml here or above]",
        ),
        click.Option(
            ["--templates"],
            metavar="DIR",
            help="Your own templates. [templates of s6gen.toml]",
        ),
    ],
    short_help="List the templates, or copy one to change it.",
    help="List the templates that s6gen render expands, and whether each is s6gen's or "
    "your own. copy NAME puts s6gen's into your directory, where you change it: from "
    "then on yours is used instead. Files that only you have there are rendered as "
    "well.",
)
