"""`s6gen config`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from s6gen.configuration.certificates import certificates, request
from s6gen.configuration.find import configuration_at
from s6gen.configuration.layers import BUILT_IN, Layer, effective
from s6gen.configuration.toml_lines import line_of, toml_lines
from s6gen.configuration.toml_text import toml_table, toml_value
from s6gen.services.parameters import (
    FIELDS,
    SECTIONS,
    WHICH,
    SectionedCommand,
    given_values,
)
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.services.validators import key_of
from s6gen.text import write

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration

COLUMN = 60
"""Where the origins begin."""
DERIVED = "follows from the others"
KEYS_AT_TOP = {"output": "output", "templates": "templates", "bundle": "bundle"} | {
    "machine_defaults": "machine-defaults"
}


def main(config: str | None, host: str | None, schema: bool, **parameters: Any) -> None:
    """Show each value and where it comes from."""
    if schema:
        from s6gen.configuration.schema import schema_text

        write(schema_text())
        return
    configuration = configuration_at(config)
    given = given_values(parameters)
    asked = request(configuration, given, host)
    found = certificates(asked)
    lines: dict[str, Any] = {}
    if configuration:
        write(top(configuration, lines))
    for name, several in asked.items():
        header = (
            "[[certificate]]"
            if name is None
            else f"[[host.{toml_value(name)}.certificate]]"
        )
        for certificate, layers in zip(found[name], several, strict=True):
            if given.get("page") in (None, certificate.page):
                write(f"{header}\n{described(certificate, layers, lines)}\n")


def top(configuration: "Configuration", lines: dict[str, Any]) -> str:
    """What the top of the file says."""
    layer = configuration.layer(configuration.table, ())
    text = ""
    for name, key in KEYS_AT_TOP.items():
        value = getattr(configuration.document, name)
        if value is not None:
            known = (value, layer) if key in configuration.table else None
            text += entry(key, value, origin(key, known, lines))
    return f"{text}\n"


def entry(key: str, value: Any, source: str) -> str:
    """One value, and where it comes from."""
    line = toml_table({key: value}).rstrip()
    return f"{line:<{COLUMN}} # {source}\n"


def described(
    certificate: RenewLetsEncrypt, layers: tuple[Layer, ...], lines: dict[str, Any]
) -> str:
    """Every value of a certificate that it has, and where it comes from."""
    known = effective(layers)
    text = ""
    for name, field in FIELDS.items():
        value, key = getattr(certificate, name), key_of(field)
        if value is None:
            continue
        derived = isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]
        unsaid = DERIVED if derived else BUILT_IN
        text += entry(key, value, origin(key, known.get(key), lines, unsaid))
    return text


def origin(
    key: str,
    known: tuple[Any, Layer] | None,
    lines: dict[str, Any],
    unsaid: str = BUILT_IN,
) -> str:
    """Where a value comes from."""
    if known is None:
        return unsaid
    layer = known[1]
    if not layer.is_file:
        return layer.source
    if layer.source not in lines:
        from s6gen.configuration.document import read_text

        lines[layer.source] = toml_lines(read_text(Path(layer.source)))
    return f"{layer.source}:{line_of(lines[layer.source], (*layer.table, key))}"


OUTPUT = [
    *WHICH,
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
    help="Show every value that s6gen render would use for each certificate, and where it comes "
    "from: a line of a file, the command line, or s6gen itself. Takes the options of s6gen render.",
)
