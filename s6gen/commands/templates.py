"""`s6gen templates`."""

from pathlib import Path

import click

from s6gen.configuration.find import configuration_at, own_templates
from s6gen.errors import Fatal
from s6gen.output.write import add_file
from s6gen.rendering.templates import Templates
from s6gen.text import write

LIST, COPY = "list", "copy"


def main(words: tuple[str, ...], config: str | None, templates: str | None) -> None:
    """List the templates, or copy some."""
    configuration = configuration_at(config)
    own = own_templates(configuration, templates)
    match words:
        case () | ("list",):
            known = Templates(own if own and own.is_dir() else None)
            write(
                "".join(
                    f"{known.origin(name):<7} {name}\n"
                    for name in sorted(known.sources)
                )
            )
        case ("copy", *names) if names:
            if own is None:
                raise Fatal(
                    "copy: say where to: templates = in s6gen.toml, or --templates before it"
                )
            copy(names, own)
        case _:
            raise Fatal(f"nothing, list, or copy and names: {' '.join(words)!r}")


def copy(names: list[str], own: Path) -> None:
    """Copy templates of ours to the administrator's own."""
    ours = Templates()
    for name in names:
        if name not in ours.sources:
            raise Fatal(
                f"copy: no template is called {name!r}: 's6gen templates' lists them"
            )
        if (own / name).exists() or (own / name).is_symlink():
            raise Fatal(f"copy: {own / name}: is there already")
    for name in names:
        add_file(own / name, ours.read(name))
        click.echo(f"created    {own / name}")


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
    help="List the templates that s6gen render expands, and whether each is s6gen's or your own. "
    "copy NAME puts s6gen's into your directory, where you change it: from then on yours is used "
    "instead. Files that only you have there are rendered as well.",
)
