"""Errors between services: their names, pipelines and cycles."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from s6gen.check.cycles import cycles
from s6gen.check.finding import Finding, reference_finding
from s6gen.names import RESERVED
from s6gen.sources.entries import Broken, Source
from s6gen.sources.service import (
    BUNDLE,
    LONGRUN,
    ONESHOT,
    Reference,
    Service,
    content_of,
)
from s6gen.sources.service_set import ServiceSet


def sources_can_be_opened(services: ServiceSet) -> Iterator[Finding]:
    """Every source is a directory that can be listed (add_sources)."""
    for source in services.sources:
        if source.failure:
            yield Finding(
                source.path,
                f"cannot be opened: {source.failure}; name a source directory",
            )


def entries_can_be_examined(services: ServiceSet) -> Iterator[Finding]:
    """Every entry of a source can be examined (add_sources: stat_at)."""
    for source in services.sources:
        for name, reason in source.broken.items():
            yield Finding(
                f"{source.path}/{name}", f"cannot be examined: {reason}; remove it"
            )


def names_are_allowed(services: ServiceSet) -> Iterator[Finding]:
    """No name, not even of a file, has a newline or a reserved prefix.

    (s6-rc-compile: Source format)
    """
    for source in services.sources:
        yield from forbidden_names(source)
    for service in services.all:
        yield from reserved_references(service)


RESERVED_NAMES = f"names that begin with {' or '.join(RESERVED)} are reserved"


def forbidden_names(source: Source) -> Iterator[Finding]:
    """The names in a source directory that must not be there."""
    for name in names_in_source(source):
        path = f"{source.path}/{name}"
        if "\n" in name:
            yield Finding(path, "a newline in a name; rename it")
        elif name.startswith(RESERVED):
            yield Finding(path, f"{RESERVED_NAMES}; rename it")


def names_in_source(source: Source) -> Iterator[str]:
    """All names in a source directory."""
    for definition in source.definitions:
        yield definition.name
    yield from source.files
    yield from source.broken


def reserved_references(service: Service) -> Iterator[Finding]:
    """The reserved names in the lists of a service."""
    for reference in (*service.references, *service.pipeline_names):
        if reference.name.startswith(RESERVED):
            message = f"{reference.name}: {RESERVED_NAMES}; remove it"
            yield reference_finding(service, reference, message)


def names_are_defined_once(services: ServiceSet) -> Iterator[Finding]:
    """No name is defined twice, by services or pipelines.

    (s6-rc-compile: Source format)
    """
    # Of two services with a name, the first counts.
    for service in services.all:
        first = services.services[service.name]
        if first is not service:
            yield Finding(
                service.definition.path,
                f"already defined in {first.definition.path}; "
                "rename or remove one of them",
            )
    for service in services.services.values():
        for reference in service.pipeline_names[:1]:
            path = other_definition(services, service, reference)
            if path:
                yield reference_finding(
                    service,
                    reference,
                    f"{reference.name} is already defined in {path}; rename one",
                )


def other_definition(
    services: ServiceSet, service: Service, reference: Reference
) -> str:
    """The path that defines the name of a service's pipeline already, or empty."""
    named = services.services.get(reference.name)
    if named:
        return named.definition.path
    last = services.pipelines[reference.name].last
    if last is not service:
        return f"{last.definition.path}/pipeline-name"
    return ""


def consumers_are_longruns(services: ServiceSet) -> Iterator[Finding]:
    """A producer's consumer is a longrun that declares it back (resolve_prodcons)."""
    declarations: dict[str, Declaration] = {}
    for service in services.of_type(LONGRUN):
        # producer-for-names-one reports several consumers.
        if len(service.consumers) == 1:
            reference = service.consumers[0]
            yield from pipe_errors(
                services, service, reference, "consumer-for", declarations
            )


def producers_are_longruns(services: ServiceSet) -> Iterator[Finding]:
    """A consumer's producers are longruns that declare it back (resolve_prodcons)."""
    declarations: dict[str, Declaration] = {}
    for service in services.of_type(LONGRUN):
        for reference in service.producers:
            yield from pipe_errors(
                services, service, reference, "producer-for", declarations
            )


class Declaration(NamedTuple):
    """The names in producer-for or consumer-for of the other end of a pipe."""

    names: frozenset[str]
    is_certain: bool
    """The file can be read, and all names in it are defined.

    If not, other rules report it, and one of the names may be meant for this end.
    """


def pipe_errors(
    services: ServiceSet,
    service: Service,
    reference: Reference,
    file: str,
    declarations: dict[str, Declaration],
) -> Iterator[Finding]:
    """Check that the other end of a pipe is a longrun whose file names this service.

    declarations keeps what is known of the other ends, as a logger may have thousands
    of producers.
    """
    name = reference.name
    kind = kind_of(services, name)
    if kind in (BUNDLE, ONESHOT):
        message = f"{name} is a {kind}; pipelines are made of longruns only"
        yield reference_finding(service, reference, message)
        return
    if kind != LONGRUN:
        return
    other = services.services[name]
    if name not in declarations:
        declarations[name] = declaration(services, other, file)
    names, is_certain = declarations[name]
    if service.name not in names and is_certain:
        path = f"{other.definition.path}/{file}"
        message = f"{name} does not declare it back; write {service.name} into {path}"
        yield reference_finding(service, reference, message)


def kind_of(services: ServiceSet, name: str) -> str:
    """The type of the service or pipeline with this name; empty if it is unknown."""
    service = services.services.get(name)
    if service:
        return service.type
    if name in services.pipelines:
        return BUNDLE
    return ""


def declaration(services: ServiceSet, service: Service, file: str) -> Declaration:
    """The names that a service declares in producer-for or consumer-for."""
    # A filter between two pipes has both lists, which the file tells apart.
    references = service.producers
    if file == "producer-for":
        references = service.consumers
    names = frozenset(reference.name for reference in references)
    is_readable = not isinstance(content_of(service.definition, file), Broken)
    are_defined = all(map(services.is_defined, names))
    return Declaration(names, is_readable and are_defined)


def bundles_have_no_cycle(services: ServiceSet) -> Iterator[Finding]:
    """No bundle contains itself (s6-rc-compile: For bundles)."""
    for cycle in cycles(bundle_graph(services)):
        yield cycle_finding(services, cycle, "bundle")


def bundle_graph(services: ServiceSet) -> dict[str, list[str]]:
    """The bundles, and the bundles in each."""
    bundles = services.of_type(BUNDLE)
    return {bundle.name: services.bundles_in(bundle) for bundle in bundles}


def dependencies_have_no_cycle(services: ServiceSet) -> Iterator[Finding]:
    """No service depends on itself (s6-rc-compile: For atomic services).

    A producer depends on its consumer, so this finds cyclic pipelines too; and since
    each producer has one consumer that declares it back, pipelines cannot collide.
    """
    for cycle in cycles(dependency_graph(services)):
        is_of_bundles = all(map(services.is_bundle, cycle))
        if not is_of_bundles:
            yield cycle_finding(services, cycle, "dependency")


def dependency_graph(services: ServiceSet) -> dict[str, tuple[str, ...]]:
    """The services and pipelines, and the names that each needs."""
    names = (*services.services, *services.pipelines)
    return {name: tuple(services.needs(name)) for name in names}


LONG = 12
"""The number of names that are shown of a cycle."""


def cycle_finding(services: ServiceSet, cycle: Sequence[str], kind: str) -> Finding:
    """A cycle, at the first name that leads into it."""
    # A pipeline has no definition to show, and a service shows more than a bundle.
    defined = [name for name in cycle if name in services.services]
    first = min(defined, key=lambda name: (services.is_bundle(name), name))
    start = cycle.index(first)
    names = [*cycle[start:], *cycle[:start], first]
    service = services.services[first]
    reference = reference_to(names[1], service)
    steps = names
    if kind != "bundle":
        steps = [marked_bundle(services, name) for name in names]
    # The last two stay, as the cycle ends where it began.
    if len(steps) > LONG:
        steps[LONG - 2 : -2] = [f"({len(steps) - LONG} more)"]
    path = " -> ".join(steps)
    message = f"{kind} cycle: {path}; remove one of these steps"
    return reference_finding(service, reference, message)


def marked_bundle(services: ServiceSet, name: str) -> str:
    """A name, marked if it is that of a bundle."""
    if services.is_bundle(name):
        return f"{name} (bundle)"
    return name


def reference_to(name: str, service: Service) -> Reference:
    """The first mention of a name in a service, which must have one."""
    return next(reference for reference in service.references if reference.name == name)
