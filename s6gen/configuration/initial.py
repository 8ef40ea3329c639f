"""The file that `s6gen init` writes."""

import re
import textwrap
from collections.abc import Mapping
from typing import Any

import attrs

from s6gen.configuration.certificates import FILE_DEFAULTS
from s6gen.configuration.toml_text import toml_table, toml_value
from s6gen.services.parameters import Section, key_of, option_of
from s6gen.services.renew_lets_encrypt import REQUIRED_KEYS, parameters_in

HEAD = """\
# The certificates that `s6gen render` renders: s6gen.toml(5). What is commented out \
is the default,
# or, in capitals, the kind of value.

output = "sv"
# templates = "DIR"
# outside = false
# bundle = "renew-lets-encrypt"

# Two administrators, and CI, render the same if only this file counts, and \
no machine's defaults.
machine-defaults = false

[defaults]
# What holds for every certificate that does not say otherwise. {page} stands for \
its page.
"""
TAIL = """
# [[certificate]]
# page = "example"
# domain = ["example.org", "www.example.org"]
# deploy = ["nginx dir=/etc/nginx/tls/{page}"]

# Where there are several hosts, each certificate belongs to one, and is \
rendered below sv/NAME:
# [host.web1]
# network-service = "eth0"
# [[host.web1.certificate]]
# page = "example"
# domain = ["example.org"]
"""
WIDTH = 98
"""The columns of a comment, without the mark before it."""


def initial_text(pinned: Mapping[str, Any] | None = None) -> str:
    """Return a file with every key: those that are pinned, the others as comments."""
    sections = [section_text(section, pinned or {}) for section in Section]
    return HEAD + "".join(sections) + TAIL


def section_text(section: Section, pinned: Mapping[str, Any]) -> str:
    """Return the keys of one section, below its heading."""
    text = f"\n# {section.value}\n\n"
    for field in parameters_in(section):
        key = key_of(field)
        if key in REQUIRED_KEYS:
            continue
        text += comment(field)
        if key in pinned:
            text += toml_table({key: pinned[key]})
        else:
            text += f"# {key} = {toml_value(shown_value(field))}\n"
    return text


def comment(field: "attrs.Attribute[Any]") -> str:
    """Return the first sentence of the help, with a default that is not a value."""
    declared = option_of(field)
    sentence = re.split(r"\.(?: |$)|; repeat", declared.text)[0]
    if declared.default and not has_default_value(field):
        sentence += f" [{declared.default}]"
    return textwrap.indent(textwrap.fill(sentence, WIDTH), "# ") + "\n"


def shown_value(field: "attrs.Attribute[Any]") -> Any:
    """Return the value that stands behind a key: the default, or the kind of value."""
    key = key_of(field)
    if key in FILE_DEFAULTS:
        return FILE_DEFAULTS[key]
    if has_default_value(field):
        return field.default
    return str(option_of(field).metavar)


def has_default_value(field: "attrs.Attribute[Any]") -> bool:
    """Tell whether the default is a value that follows from no other parameter."""
    if key_of(field) in FILE_DEFAULTS:
        return True
    return isinstance(field.default, str | int | tuple)
