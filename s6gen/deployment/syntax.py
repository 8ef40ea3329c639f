"""How each step of a deployment is written, as text and as a table."""

import enum
from collections.abc import Iterator, Mapping

import attrs

from s6gen.deployment.files import PARTS
from s6gen.deployment.servers import PROGRAMS, STARTTLS


class ValueType(enum.Enum):
    """The types of values in a step."""

    TEXT = enum.auto()
    NUMBER = enum.auto()
    PARTS = enum.auto()
    """Parts of a certificate: with + between them in a text, a list in a table."""
    COMMAND = enum.auto()
    """The rest of a text; in a table one string, or a list of words."""


@attrs.frozen
class Value:
    """One value of a step."""

    key: str
    """Its key in a table."""
    type: ValueType = ValueType.TEXT
    choices: tuple[str, ...] = ()
    """All that it may be, where that is a list."""


@attrs.frozen
class Syntax:
    """The way in which one or more kinds of steps are written.

    As text: KIND VALUE ARGUMENT... SETTING=VALUE..., but for run and test, where
    the settings come before the command. As a table: every value under its key.
    """

    kinds: tuple[Value, ...]
    """The names of the kinds, which are keys too, and the value behind each."""
    arguments: tuple[Value, ...] = ()
    settings: tuple[Value, ...] = ()

    @property
    def values(self) -> Iterator[Value]:
        """All that can stand in a table."""
        yield from self.kinds
        yield from self.arguments
        yield from self.settings


SYNTAXES = (
    Syntax(
        kinds=(
            Value("copy", ValueType.PARTS, choices=PARTS),
            Value("combine", ValueType.PARTS),
        ),
        arguments=(Value("to"),),
        settings=(
            Value("owner"),
            Value("group"),
            Value("mode"),
            Value("password"),
            Value("alias"),
        ),
    ),
    Syntax(
        kinds=(Value("pair"),),
        settings=(Value("owner"), Value("group"), Value("mode")),
    ),
    Syntax(
        kinds=(Value("reload"),),
        settings=(Value("signal"), Value("through", choices=PROGRAMS)),
    ),
    Syntax(kinds=(Value("restart"),)),
    Syntax(
        kinds=(
            Value("run", ValueType.COMMAND),
            Value("test", ValueType.COMMAND),
        ),
        settings=(
            Value("service"),
            Value("user"),
            Value("timeout", ValueType.NUMBER),
        ),
    ),
    Syntax(
        kinds=(Value("serves"),),
        settings=(
            Value("starttls", choices=STARTTLS),
            Value("name"),
            Value("timeout", ValueType.NUMBER),
            Value("service"),
            Value("optional", choices=("yes", "no")),
        ),
    ),
)
"""The grammar of steps, for the text form, the table form and the schema.

The names of settings are those of the fields of the classes in files.py and servers.py.
"""

KINDS: Mapping[str, Syntax] = {
    kind.key: syntax for syntax in SYNTAXES for kind in syntax.kinds
}
"""The syntax of each kind of step."""
