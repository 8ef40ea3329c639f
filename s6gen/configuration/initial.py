"""What `s6gen init` writes."""

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import click

from s6gen.configuration.certificates import SEVERAL
from s6gen.configuration.toml_text import toml_table, toml_value
from s6gen.services.parameters import FIELDS, SECTIONS
from s6gen.services.validators import key_of

HEAD = """\
# The certificates that `s6gen render` renders: s6gen.toml(5). What is commented out is the default,
# or, in capitals, the kind of value.

output = "sv"
# templates = "DIR"
# bundle = "renew-lets-encrypt"

# Two administrators, and CI, render the same if only this file counts, and no machine's defaults.
machine-defaults = false

[defaults]
# What holds for every certificate that does not say otherwise. {page} stands for its page.
"""
TAIL = """
# [[certificate]]
# page = "example"
# domain = ["example.org", "www.example.org"]
# deploy = ["nginx dir=/etc/nginx/tls/{page}"]

# Where there are several hosts, each certificate belongs to one, and is rendered below sv/NAME:
# [host.web1]
# network-service = "eth0"
# [[host.web1.certificate]]
# page = "example"
# domain = ["example.org"]
"""
OWN = ("page", "domains")
"""What no default can be."""


def initial(pinned: Mapping[str, Any] | None = None) -> str:
    """A file with every key, commented out but for those that are pinned."""
    pinned = pinned or {}
    return HEAD + "".join(section(name, pinned) for name in SECTIONS) + TAIL


def section(name: str, pinned: Mapping[str, Any]) -> str:
    """The keys of one section of the options."""
    options = [option for option in SECTIONS[name] if option.name not in OWN]
    return f"\n# {name}\n\n" + "".join(
        line for option in options for line in entry(option, pinned)
    )


def entry(option: click.Option, pinned: Mapping[str, Any]) -> Iterator[str]:
    """One key: what it is for, and its default."""
    field = FIELDS[str(option.name)]
    key = key_of(field)
    sentence = re.split(r"\.(?: |$)|; repeat", option.help or "")[0]
    follows = re.search(r"\[([^]]*)\]$", option.help or "")
    has_default = key in SEVERAL or isinstance(field.default, str | int | tuple)
    note = f" [{follows[1]}]" if follows and not has_default else ""
    yield textwrap.indent(textwrap.fill(f"{sentence}{note}", 98), "# ") + "\n"
    value = SEVERAL.get(key, field.default if has_default else f"{option.metavar}")
    yield (
        toml_table({key: pinned[key]})
        if key in pinned
        else f"# {key} = {toml_value(value)}\n"
    )
