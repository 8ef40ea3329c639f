"""Warnings of names that will not do what they look like."""

import re
from collections.abc import Iterator

from s6gen.check.errors.references import mention
from s6gen.check.finding import Finding
from s6gen.sources.service import Service
from s6gen.sources.service_set import ServiceSet

SAFE = re.compile(r"[A-Za-z0-9_.%:+][A-Za-z0-9_.%:+@-]*")


def odd_name(_services: ServiceSet, service: Service, _file: str) -> Iterator[Finding]:
    """Names are letters, digits, dashes and the like (s6-rc-compile: Source format)."""
    if not SAFE.fullmatch(service.name):
        yield Finding(
            service.definition.path,
            "a name that breaks list files and scripts; use letters, digits, dashes, underscores",
        )


def blank_at_end(
    services: ServiceSet, service: Service, _file: str
) -> Iterator[Finding]:
    """No name ends in white space, which belongs to it (s6-rc-compile: For bundles)."""
    for reference in (*service.references, *service.pipeline_names):
        if reference.name != reference.name.rstrip() and services.is_defined(
            reference.name
        ):
            yield mention(
                service,
                reference,
                f"{reference.name!r}: white space at the end; remove it",
            )
