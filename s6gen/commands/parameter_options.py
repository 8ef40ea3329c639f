"""The options that set parameters, for the commands that take them."""

import os
from collections.abc import Mapping
from typing import Any

import attrs
import click

from s6gen.services.parameters import Section, help_text, option_name, option_of
from s6gen.services.renew_lets_encrypt import PARAMETERS, parameters_in
from s6gen.text import warn

REPEATED = "s6gen.repeated"
"""In click's `Context.meta`: the single options that were given several values."""


class Number(click.types.IntParamType):
    """A whole number."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Return the number. Says so where the next option stands in its place."""
        if isinstance(value, str) and value.startswith("--"):
            self.fail(f"needs a number before {value}", param, ctx)
        return super().convert(value, param, ctx)


def single_option(declarations: list[str], **settings: Any) -> click.Option:
    """Return an option of which one value counts; the settings are click's.

    click would drop all values but the last without a word: so it collects them.
    """
    return click.Option(declarations, multiple=True, callback=last_value, **settings)


def last_value(
    context: click.Context, option: click.Parameter, values: tuple[Any, ...]
) -> Any:
    """Return the value that counts, or None; note others that do not.

    Raises click.BadParameter for an option in the place of a value: `--output --check`.
    """
    if not values:
        return None
    last = values[-1]
    options = {name for other in context.command.params for name in other.opts}
    if last in options:
        raise click.BadParameter(f"needs a value before {last}", context, option)
    if len(set(values)) > 1:
        context.meta.setdefault(REPEATED, []).append(max(option.opts, key=len))
    return last


def parameter_option(field: "attrs.Attribute[Any]") -> click.Option:
    """Return the option that sets a parameter; its type follows from the field's."""
    declarations = [option_name(field), field.name]
    settings: dict[str, Any] = {
        "metavar": option_of(field).metavar,
        "help": help_text(field),
    }
    if field.type is bool:
        return click.Option(declarations, is_flag=True, **settings)
    if field.type == tuple[str, ...]:
        return click.Option(declarations, multiple=True, **settings)
    if field.type is int:
        settings["type"] = Number()
    return single_option(declarations, **settings)


SECTIONS: Mapping[str, list[click.Option]] = {
    section.value: [parameter_option(field) for field in parameters_in(section)]
    for section in Section
}
"""The options of every parameter, by the heading above them."""

SELECTION = [
    single_option(
        ["-c", "--config"],
        metavar="FILE",
        help="The file that names the certificates. [s6gen.toml here or above]",
    ),
    single_option(["--host"], metavar="NAME", help="Only that host of the file."),
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

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; if it succeeds, warn of options without effect."""
        result = super().invoke(ctx)
        for name in ctx.meta.get(REPEATED, ()):
            warn(f"{name} was given more than once: the last one counts")
        return result

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
        if is_given(value):
            values[key] = decoded(value)
    return values


def is_given(value: Any) -> bool:
    """Tell whether an option was given, by its value: 0 is one, though 0 == False."""
    return value is not None and value is not False and value != ()


def decoded(value: Any) -> Any:
    """Return a value of the command line, read as UTF-8 whatever the locale is."""
    if isinstance(value, str):
        return os.fsencode(value).decode("utf-8", "surrogateescape")
    if isinstance(value, tuple):
        return tuple(map(decoded, value))
    return value
