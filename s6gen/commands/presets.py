"""`s6gen presets`."""

import shlex
import textwrap

import click

from s6gen.deployment.presets import (
    Preset,
    as_text,
    fill_in,
    filled_steps,
    preset_names,
    read_preset,
)
from s6gen.text import write


def main(names: tuple[str, ...]) -> None:
    """Print a list of the presets, or some in full."""
    if not names:
        for name in preset_names():
            write(f"{name:<11} {read_preset(name).summary}\n")
    for name in names:
        write(description(read_preset(name)))


def description(preset: Preset) -> str:
    """Return a preset in full: settings, steps, and the program's own configuration."""
    settings = []
    for name, value in preset.settings.items():
        settings.append(f"{name}={shlex.quote(as_text(value))}")
    lines = [
        f"{preset.name}: {preset.summary}",
        f"  settings   {' '.join(settings)}",
    ]
    label = "does"
    for words in filled_steps(preset, preset.values):
        lines.append(f"  {label:<10} {shlex.join(words)}")
        label = ""
    configure = fill_in(preset.configure.strip(), preset.values)
    lines.append("  configure")
    lines.append(textwrap.indent(configure, "    "))
    return "\n".join(lines) + "\n"


command = click.Command(
    "presets",
    callback=main,
    params=[click.Argument(["names"], metavar="[NAME]...", nargs=-1, required=False)],
    short_help="List what render --deploy knows by name.",
    help="List the programs that --deploy of s6gen render knows by name, and what it "
    "does for each. With NAME: its settings, steps, and the lines that the program's "
    "own configuration needs.",
)
