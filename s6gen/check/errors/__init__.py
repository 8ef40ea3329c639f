"""Why s6-rc-compile would refuse sources; apart from the warnings, which render does without."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from s6gen.check.errors.definitions import PRESENT, REQUIRED, directories_can_be_opened
from s6gen.check.errors.references import RULES
from s6gen.check.errors.undefined import names_are_defined, undefined
from s6gen.check.finding import Finding
from s6gen.sources.entries import source_of
from s6gen.sources.service import Service
from s6gen.sources.service_set import ServiceSet, service_set
from s6gen.sources.version import reads

if TYPE_CHECKING:  # tree brings attrs, which takes time to import
    from s6gen.rendering.tree import Tree


def errors(services: ServiceSet) -> list[Finding]:
    """Everything for which s6-rc-compile would refuse the sources, causes before effects."""
    found: list[Finding] = []
    for service in services.all:
        found += definition_errors(services, service)
    for rule in (*RULES, names_are_defined):
        found += named(rule, rule(services))
    return found


def tree_errors(tree: "Tree", path: str) -> list[Finding]:
    """Why s6-rc-compile would refuse a tree that is to be written to path.

    What it depends on is taken to come from elsewhere.
    """
    source = source_of(
        ((name, file.content, bool(file.mode & 0o111)) for name, file in tree.items()),
        path,
    )
    services = service_set([source])
    return errors(service_set([source], undefined(services)))


def definition_errors(services: ServiceSet, service: Service) -> Iterator[Finding]:
    """What is wrong within one service definition directory."""
    if service.definition.failure:
        yield from named(
            directories_can_be_opened, directories_can_be_opened(service, "")
        )
        return
    for file, required in REQUIRED[service.type]:
        yield from named(required, required(service, file))
    rules = PRESENT[service.type]
    for file in service.definition.entries:
        rule = rules.get(file)
        if rule and reads(services.version, file):
            yield from named(rule, rule(service, file))


def named(
    rule: Callable[..., object], findings: Iterable[Finding]
) -> Iterator[Finding]:
    """The findings of a rule, bearing its name."""
    for finding in findings:
        yield finding._replace(rule=rule.__name__.replace("_", "-"))
