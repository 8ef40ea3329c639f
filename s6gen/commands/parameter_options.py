"""The options that set parameters, for the commands that take them."""

import os
from collections.abc import Mapping
from typing import Any

import attrs
import click

from s6gen.services.parameters import Section, help_text, option_name, option_of
from s6gen.services.renew_lets_encrypt import PARAMETERS, parameters_in


def parameter_option(field: "attrs.Attribute[Any]") -> click.Option:
    """Return the option that sets a parameter; its type follows from the field's."""
    settings: dict[str, Any] = {}
    if field.type is bool:
        settings["is_flag"] = True
    elif field.type is int:
        settings["type"] = int
    elif field.type == tuple[str, ...]:
        settings["multiple"] = True
    return click.Option(
        [option_name(field), field.name],
        metavar=option_of(field).metavar,
        help=help_text(field),
        **settings,
    )


SECTIONS: Mapping[str, list[click.Option]] = {
    section.value: [parameter_option(field) for field in parameters_in(section)]
    for section in Section
}
"""The options of every parameter, by the heading above them."""

SELECTION = [
    click.Option(
        ["-c", "--config"],
        metavar="FILE",
        help="The file that names the certificates. [s6gen.toml here or above]",
    ),
    click.Option(["--host"], metavar="NAME", help="Only that host of the file."),
]
"""The options that select certificates, for commands that read the file."""


class SectionedCommand(click.Command):
    """A command that lists its options in sections."""

    def __init__(
        self, name: str, *, sections: Mapping[str, list[click.Option]], **settings: Any
    ):
        """The sections in their order; the settings are click's."""
        options: list[click.Parameter] = []
        for section in sections.values():
            options.extend(section)
        super().__init__(name, params=options, **settings)
        self.sections = sections

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options, section by section."""
        for heading, options in self.sections.items():
            records = []
            for option in options:
                record = option.get_help_record(ctx)
                if record is not None:
                    records.append(record)
            with formatter.section(heading):
                formatter.write_dl(records)


def given_values(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that the command line sets, by key.

    The arguments are click's, by the names of fields.
    """
    values = {}
    for key, field in PARAMETERS.items():
        value = arguments.get(field.name)
        if value not in (None, (), False):
            values[key] = decoded(value)
    return values


def decoded(value: Any) -> Any:
    """Return a value of the command line, read as UTF-8 whatever the locale is."""
    if isinstance(value, str):
        return os.fsencode(value).decode("utf-8", "surrogateescape")
    if isinstance(value, tuple):
        return tuple(map(decoded, value))
    return value
