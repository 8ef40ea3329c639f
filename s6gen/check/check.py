"""Checks sources: would s6-rc-compile take them, and what is there to warn of?"""

from collections.abc import Container

from s6gen.check.errors import errors
from s6gen.check.finding import Finding
from s6gen.check.warnings import warnings
from s6gen.sources.service_set import ServiceSet


def check(services: ServiceSet, ignored: Container[str] = ()) -> list[Finding]:
    """Return all errors, and all warnings except those whose names are ignored."""
    return [*errors(services), *warnings(services, ignored)]
