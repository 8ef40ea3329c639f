"""Warnings of names that can do damage."""

import re
from collections.abc import Iterator

from s6gen.check.finding import Finding, reference_finding
from s6gen.sources.service import Service
from s6gen.sources.service_set import ServiceSet

SAFE = re.compile(r"[A-Za-z0-9_.%:+][A-Za-z0-9_.%:+@-]*")


def odd_name(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """A name has letters, digits and a few others (s6-rc-compile: Source format)."""
    if SAFE.fullmatch(service.name):
        return
    yield Finding(
        service.definition.path,
        "a name that breaks list files and scripts; "
        "use letters, digits, dashes, underscores",
    )


def blank_at_end(services: ServiceSet, service: Service) -> Iterator[Finding]:
    """No name in a list ends in white space, which is part of the name.

    (s6-rc-compile: For bundles)
    """
    for reference in (*service.references, *service.pipeline_names):
        name = reference.name
        # A name that is not defined is an error already.
        if name != name.rstrip() and services.is_defined(name):
            message = f"{name!r}: white space at the end; remove it"
            yield reference_finding(service, reference, message)
