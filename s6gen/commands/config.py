"""`s6gen config`."""

from collections.abc import Iterable
from typing import Any

import click

from s6gen.commands.parameter_options import (
    SECTIONS,
    SELECTION,
    SectionedCommand,
    given_values,
)
from s6gen.configuration.certificates import certificate_layers, certificates
from s6gen.configuration.find import read_configuration
from s6gen.configuration.origins import (
    ShownValue,
    certificate_values,
    document_values,
)
from s6gen.configuration.toml_text import toml_table, toml_value
from s6gen.text import printable, write

COLUMN = 60
"""The column in which origins begin."""


def main(config: str | None, host: str | None, schema: bool, **arguments: Any) -> None:
    """Print each value and where it comes from, as an s6gen.toml with comments."""
    if schema:
        # Not at the top: cattrs is slow to import.
        from s6gen.configuration.schema import schema_text

        write(schema_text())
        return
    configuration = read_configuration(config)
    given = given_values(arguments)
    hosts = certificate_layers(configuration, given, host)
    made = certificates(hosts)
    if configuration is not None:
        write(value_lines(document_values(configuration)) + "\n")
    for name, host_layers in hosts.items():
        header = table_header(name)
        for certificate, layers in zip(made[name], host_layers, strict=True):
            page = given.get("page", certificate.page)
            if page == certificate.page:
                values = certificate_values(certificate, layers)
                write(f"{header}\n{value_lines(values)}\n")


def table_header(host: str | None) -> str:
    """Return the header of a certificate's table."""
    if host is None:
        return "[[certificate]]"
    return f"[[host.{toml_value(host)}.certificate]]"


def value_lines(values: Iterable[ShownValue]) -> str:
    """Return a line for each value, with its origin as a comment."""
    lines = ""
    for key, value, origin in values:
        assignment = toml_table({key: value}).rstrip()
        lines += f"{assignment:<{COLUMN}} # {printable(origin)}\n"
    return lines


OUTPUT = [
    *SELECTION,
    click.Option(
        ["--schema"],
        is_flag=True,
        help="Print the JSON Schema of s6gen.toml instead, for editors.",
    ),
]

command = SectionedCommand(
    "config",
    callback=main,
    sections={"What is shown": OUTPUT, **SECTIONS},
    short_help="Show each value and where it comes from.",
    help="Show every value that s6gen render would use for each certificate, and where "
    "it comes from: a line of a file, the command line, or s6gen itself. Takes the "
    "options of s6gen render.",
)
