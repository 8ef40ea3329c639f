"""The origin of a rendered service: s6gen's version and the service's parameters."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from s6gen import __version__
from s6gen.rendering.tree import digest
from s6gen.services.kind import Kind

DIGITS = 16
"""So many hex digits of the parameters' digest tell one set of them from another."""


class Origin(NamedTuple):
    """The version and the parameters that a service was rendered with.

    A named tuple, as in the record: an attrs class takes longer to make.
    """

    version: str
    """The version of s6gen."""
    parameters: str
    """The first digits of the parameters' digest."""


def origins(kinds: Iterable[Kind]) -> Mapping[str, Origin]:
    """Return the origin of each service, by its name."""
    by_service = {}
    for kind in kinds:
        parameters = kind.parameter_text.encode("utf-8", "surrogateescape")
        by_service[kind.service] = Origin(__version__, digest(parameters)[:DIGITS])
    return by_service
