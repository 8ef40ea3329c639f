"""The declaration of a parameter: one field is an option and a key as well."""

import enum
from typing import Any, NamedTuple

import attrs


class Section(enum.Enum):
    """The groups in which options are listed, in their order, with their headings."""

    CERTIFICATE = "The certificate"
    MACHINE = "The machine"
    RENEWAL = "The renewal"
    DEPLOYMENT = "The deployment"
    SERVICES = "The services"
    LOG = "The log"


class Option(NamedTuple):
    """The option of `s6gen render`, and key of s6gen.toml, that sets a parameter.

    A NamedTuple, because making an attrs class takes longer, at every start of s6gen.
    """

    section: Section
    name: str
    """As the key; the option has two dashes before it."""
    metavar: str | None
    """The kind of value, in capitals; None for a flag."""
    text: str
    """The help, without the default."""
    default: str = ""
    """The words of the help for a default that is not simply a value."""
    position: int = 0
    """Options of one section are listed by this number, then in the order of fields."""


def option(
    section: Section,
    name: str,
    metavar: str | None,
    text: str,
    *,
    default: str = "",
    position: int = 0,
) -> dict[str, Option]:
    """Return the metadata of a field that is a parameter: its option."""
    return {"option": Option(section, name, metavar, text, default, position)}


def option_of(field: "attrs.Attribute[Any]") -> Option:
    """Return the option of a parameter's field."""
    declared: Option = field.metadata["option"]
    return declared


def key_of(field: "attrs.Attribute[Any]") -> str:
    """Return the key of s6gen.toml that sets a parameter, such as "web-root"."""
    return option_of(field).name


def option_name(field: "attrs.Attribute[Any]") -> str:
    """Return the option of the command line, such as "--web-root"."""
    return f"--{key_of(field)}"


def is_derived(field: "attrs.Attribute[Any]") -> bool:
    """Tell whether the default of a parameter follows from the others."""
    return isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]


def help_text(field: "attrs.Attribute[Any]") -> str:
    """Return the help of a parameter: it ends in the default, if there is one."""
    text = option_of(field).text
    default = default_text(field)
    if default == "":
        return text
    return f"{text} [{default}]"


def default_text(field: "attrs.Attribute[Any]") -> str:
    """Return what the help says of a default; nothing of one that is empty or zero."""
    declared = option_of(field)
    if declared.default:
        return declared.default
    if isinstance(field.default, str | int) and field.default:
        return str(field.default)
    return ""
