"""`s6gen init`."""

from pathlib import Path
from typing import Any

import click

from s6gen.configuration.certificates import machine_layers
from s6gen.configuration.initial import initial_text
from s6gen.errors import Fatal
from s6gen.output.write import replace_file
from s6gen.places import CONFIGURATION
from s6gen.text import printable, write


def main(config: str) -> None:
    """Write the file, with this machine's defaults in it."""
    path = Path(config)
    if path.exists() or path.is_symlink():
        raise Fatal(f"{path}: is there already: edit it, or name another with --config")
    pinned: dict[str, Any] = {}
    for layer in machine_layers():
        pinned.update(layer.values)
    replace_file(path, initial_text(pinned), None)
    write(f"created    {printable(str(path))}\n")


command = click.Command(
    "init",
    callback=main,
    params=[
        click.Option(
            ["-c", "--config"],
            metavar="FILE",
            default=CONFIGURATION,
            help=f"The file to write. [{CONFIGURATION}]",
        )
    ],
    short_help="Begin an s6gen.toml.",
    help="Write an s6gen.toml with every key in it, commented out. What this machine's "
    "own defaults say is put in, so that the file alone decides what is rendered, "
    "wherever that is done. A file that is there is left alone.",
)
