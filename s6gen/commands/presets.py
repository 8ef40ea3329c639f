"""`s6gen presets`."""

import textwrap

import click

from s6gen.deployment import presets


def main(names: tuple[str, ...]) -> None:
    """List the presets, or show some in full."""
    if not names:
        for name in presets.names():
            click.echo(f"{name:<11} {presets.load(name).summary}")
    for name in names:
        click.echo(described(presets.load(name)), nl=False)


def described(preset: presets.Preset) -> str:
    """A preset in full: its settings, its steps, and what the program's configuration needs."""
    values = {"name": preset.name, **preset.settings}
    steps = [
        " ".join(presets.filled(one, values) for one in step) for step in preset.steps
    ]
    configure = presets.filled(preset.configure.strip(), values)
    lines = [
        f"{preset.name}: {preset.summary}",
        f"  settings   {' '.join(f'{name}={value}' for name, value in preset.settings.items())}",
        *(
            f"  {'does' if not number else '':<10} {step}"
            for number, step in enumerate(steps)
        ),
        "  configure",
        textwrap.indent(configure, "    "),
    ]
    return "\n".join(lines) + "\n"


command = click.Command(
    "presets",
    callback=main,
    params=[click.Argument(["names"], metavar="[NAME]...", nargs=-1, required=False)],
    short_help="List what render --deploy knows by name.",
    help="List the programs that --deploy of s6gen render knows by name, and what it does for "
    "each. With NAME: its settings, steps, and the lines that the program's own configuration "
    "needs.",
)
