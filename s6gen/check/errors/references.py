"""What must hold between services for s6-rc-compile to take them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from s6gen.check.cycles import cycles
from s6gen.check.finding import Finding
from s6gen.names import RESERVED
from s6gen.sources.entries import Broken
from s6gen.sources.service import BUNDLE, LONGRUN, Reference, Service, read
from s6gen.sources.service_set import ServiceSet


def mention(service: Service, reference: Reference, message: str) -> Finding:
    """A finding where a service mentions another."""
    return Finding(service.definition.place(reference.file), message, reference.line)


def sources_can_be_opened(services: ServiceSet) -> Iterator[Finding]:
    """Every source is a directory that can be listed (add_sources)."""
    for source in services.sources:
        if source.failure:
            yield Finding(
                source.path,
                f"cannot be opened: {source.failure}; name a source directory",
            )


def entries_can_be_examined(services: ServiceSet) -> Iterator[Finding]:
    """Whatever is in a source can be told a directory or not (add_sources: stat_at)."""
    for source in services.sources:
        for name, reason in source.broken.items():
            yield Finding(
                f"{source.path}/{name}", f"cannot be examined: {reason}; remove it"
            )


def names_are_allowed(services: ServiceSet) -> Iterator[Finding]:
    """No newline, no reserved prefix, in names of files too (s6-rc-compile: Source format)."""
    for source in services.sources:
        names = (definition.name for definition in source.definitions)
        for name in (*names, *source.files, *source.broken):
            path = f"{source.path}/{name}"
            if "\n" in name:
                yield Finding(path, "a newline in a name; rename it")
            elif name.startswith(RESERVED):
                yield Finding(path, f"{RESERVE}; rename it")
    for service in services.all:
        for reference in (*service.references, *service.pipeline_names):
            if reference.name.startswith(RESERVED):
                yield mention(
                    service, reference, f"{reference.name}: {RESERVE}; remove it"
                )


RESERVE = "names that begin with s6rc- or s6-rc- are reserved"


def names_are_defined_once(services: ServiceSet) -> Iterator[Finding]:
    """Names cannot be duplicated, by pipelines neither (s6-rc-compile: Source format)."""
    for service in services.all:
        first = services.services[service.name]
        if first is not service:
            yield Finding(
                service.definition.path,
                f"already defined in {first.definition.path}; rename or remove one of them",
            )
    for service in services.services.values():
        for reference in service.pipeline_names[:1]:
            holder = services.services.get(reference.name)
            pipeline = services.pipelines[reference.name]
            if holder:
                where = holder.definition.path
            elif pipeline.last is not service:
                where = f"{pipeline.last.definition.path}/pipeline-name"
            else:
                continue
            yield mention(
                service,
                reference,
                f"{reference.name} is already defined in {where}; rename one",
            )


def consumers_are_longruns(services: ServiceSet) -> Iterator[Finding]:
    """A producer's consumer is a longrun that declares it back (resolve_prodcons)."""
    known: dict[str, Declared] = {}
    for service in services.of_type(LONGRUN):
        for reference in service.consumers if len(service.consumers) == 1 else ():
            yield from declared_back(
                services, service, reference, "consumer-for", known
            )


def producers_are_longruns(services: ServiceSet) -> Iterator[Finding]:
    """A consumer's producers are longruns that declare it back (resolve_prodcons)."""
    known: dict[str, Declared] = {}
    for service in services.of_type(LONGRUN):
        for reference in service.producers:
            yield from declared_back(
                services, service, reference, "producer-for", known
            )


class Declared(NamedTuple):
    """What the other end of a pipe declares: kept, for a logger may have thousands of producers."""

    names: frozenset[str]
    all_defined: bool


def declared_back(
    services: ServiceSet,
    service: Service,
    reference: Reference,
    file: str,
    known: dict[str, Declared],
) -> Iterator[Finding]:
    """The other end of a pipe is a longrun whose file names this service."""
    if services.is_bundle(reference.name):
        yield mention(
            service, reference, f"{reference.name} is a bundle; {ONLY_LONGRUNS}"
        )
    other = services.services.get(reference.name)
    if other is None or not other.type or other.type == BUNDLE:
        return
    if other.type != LONGRUN:
        yield mention(service, reference, f"{other.name} is a oneshot; {ONLY_LONGRUNS}")
        return
    if isinstance(read(other.definition, file), Broken):
        return
    if other.name not in known:
        back = other.consumers if file == "producer-for" else other.producers
        names = frozenset(one.name for one in back)
        known[other.name] = Declared(names, all(map(services.is_defined, names)))
    # A name that is not defined is told of elsewhere, and may well be meant for this one.
    if service.name not in known[other.name].names and known[other.name].all_defined:
        yield mention(
            service,
            reference,
            f"{other.name} does not declare it back; write {service.name} into "
            f"{other.definition.path}/{file}",
        )


ONLY_LONGRUNS = "pipelines are made of longruns only"


def bundles_have_no_cycle(services: ServiceSet) -> Iterator[Finding]:
    """No bundle contains itself (s6-rc-compile: For bundles)."""
    graph = {
        bundle.name: [
            reference.name
            for reference in bundle.contents
            if services.is_bundle(reference.name)
        ]
        for bundle in services.of_type(BUNDLE)
    }
    for cycle in cycles(graph):
        yield cycle_finding(services, cycle, "bundle")


def dependencies_have_no_cycle(services: ServiceSet) -> Iterator[Finding]:
    """No service depends on itself (s6-rc-compile: For atomic services).

    A producer depends on its consumer, so this finds cyclic pipelines too; and since each
    producer has one consumer that declares it back, pipelines cannot collide.
    """
    graph = {
        name: tuple(services.needs(name))
        for name in (*services.services, *services.pipelines)
    }
    for cycle in cycles(graph):
        if not all(services.is_bundle(name) for name in cycle):
            yield cycle_finding(services, cycle, "dependency")


LONG = 12
"""More names of a cycle than these are not shown."""


def cycle_finding(services: ServiceSet, cycle: Sequence[str], what: str) -> Finding:
    """A cycle, at the first name that leads into it."""
    start = min(
        (place for place, name in enumerate(cycle) if name in services.services),
        key=lambda place: (services.is_bundle(cycle[place]), cycle[place]),
    )
    names = [*cycle[start:], *cycle[:start], cycle[start]]
    service = services.services[names[0]]
    reference = next(one for one in service.references if one.name == names[1])
    steps = [
        f"{name} (bundle)" if what != "bundle" and services.is_bundle(name) else name
        for name in names
    ]
    if len(steps) > LONG:
        steps[LONG - 2 : -2] = [f"({len(steps) - LONG} more)"]
    return mention(
        service,
        reference,
        f"{what} cycle: {' -> '.join(steps)}; remove one of these steps",
    )


RULES = (
    sources_can_be_opened,
    entries_can_be_examined,
    names_are_allowed,
    names_are_defined_once,
    consumers_are_longruns,
    producers_are_longruns,
    bundles_have_no_cycle,
    dependencies_have_no_cycle,
)
