"""A finding of a check, and the name of the rule behind it."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from s6gen.sources.service import Reference, Service

OUTSIDE = (
    "a link leads out of the source to what is not right; nothing of that is shown, "
    "check it where it is"
)
"""The message about a file that may be anybody's."""


class Finding(NamedTuple):
    """One thing that is wrong: its place, its nature, and what to do about it."""

    path: str
    message: str
    line: int = 0
    """0: the file as a whole."""
    rule: str = ""
    """The name of the rule, added by the code that applies it."""
    is_warning: bool = False

    @property
    def shown_line(self) -> int:
        """The line for programs that need one: line 1 stands for the file."""
        return self.line or 1

    @property
    def severity(self) -> str:
        """The word for the kind of finding: error or warning."""
        return "warning" if self.is_warning else "error"


def file_finding(service: Service, file: str, message: str, line: int = 0) -> Finding:
    """A finding in a file of a service definition directory.

    Of what lies outside of the source, nothing is shown.
    """
    path = service.definition.path_of(file)
    if service.definition.is_outside(file):
        return Finding(path, OUTSIDE)
    return Finding(path, message, line)


def reference_finding(service: Service, reference: Reference, message: str) -> Finding:
    """A finding where a service mentions another."""
    return file_finding(service, reference.file, message, reference.line)


def rule_name(rule: Callable[..., object]) -> str:
    """The public name of a rule: that of its function, with dashes."""
    return rule.__name__.replace("_", "-")


def add_rule(
    findings: Iterable[Finding], rule: Callable[..., object]
) -> Iterator[Finding]:
    """Add the name of the rule to its findings."""
    for finding in findings:
        yield finding._replace(rule=rule_name(rule))
