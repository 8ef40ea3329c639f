"""Whether s6-rc-compile would take these sources, and what else there is to say about them."""

from collections.abc import Container

from s6gen.check.errors import errors
from s6gen.check.finding import Finding
from s6gen.check.warnings import warnings
from s6gen.sources.service_set import ServiceSet


def check(services: ServiceSet, ignored: Container[str] = ()) -> list[Finding]:
    """All errors, and all warnings but those ignored."""
    return [*errors(services), *warnings(services, ignored)]
