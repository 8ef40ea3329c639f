"""All services of one compilation, and how they hang together."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from s6gen.sources.entries import Source
from s6gen.sources.service import (
    BUNDLE,
    LONGRUN,
    ONESHOT,
    Reference,
    Service,
    service_of,
)
from s6gen.sources.version import REFERENCE, Version

ONESHOT_RUNNER = "s6rc-oneshot-runner"
FDHOLDER = "s6rc-fdholder"


class Pipeline(NamedTuple):
    """The bundle that s6-rc-compile makes for a pipeline with a name."""

    name: str
    last: Service
    reference: Reference
    members: tuple[str, ...]


class ServiceSet(NamedTuple):
    """What one s6-rc-compile run is given: sources, and what names in them mean."""

    sources: tuple[Source, ...]
    all: tuple[Service, ...]
    """Every definition, also the second of a name."""
    services: Mapping[str, Service]
    pipelines: Mapping[str, Pipeline]
    given: frozenset[str]
    """Names that come from elsewhere."""
    version: Version

    def is_defined(self, name: str) -> bool:
        """Whether something in the sources, or from elsewhere, has this name."""
        return name in self.services or name in self.pipelines or name in self.given

    def of_type(self, type_: str) -> Iterator[Service]:
        """The services of one type."""
        return (service for service in self.services.values() if service.type == type_)

    def own(self) -> Iterator[Service]:
        """The services that are defined, at least in part, in other sources than layers."""
        for source in self.sources:
            for definition in () if source.is_layer else source.definitions:
                service = self.services[definition.name]
                if service.type and service.definition is definition:
                    yield service

    def needs(self, name: str) -> Iterator[str]:
        """What must be up for name: dependencies, the consumer; of a bundle, the contents."""
        if name in self.pipelines and name not in self.services:
            yield from self.pipelines[name].members
        elif service := self.services.get(name):
            for reference in (
                service.dependencies + service.contents + service.consumers
            ):
                if self.is_defined(reference.name):
                    yield reference.name

    def is_bundle(self, name: str) -> bool:
        """Whether name stands for other services, and is none itself."""
        service = self.services.get(name)
        return service.type == BUNDLE if service else name in self.pipelines


def service_set(
    sources: Iterable[Source], given: Iterable[str] = (), version: Version = REFERENCE
) -> ServiceSet:
    """What these sources define, together."""
    sources = tuple(sources)
    every = tuple(
        service_of(definition, version)
        for source in sources
        for definition in source.definitions
    )
    services: dict[str, Service] = {}
    for service in every:
        services.setdefault(service.name, service)
    pipelines: dict[str, Pipeline] = {}
    for service in services.values():
        for reference in service.pipeline_names[:1]:
            members = pipeline_members(services, service)
            pipelines.setdefault(
                reference.name, Pipeline(reference.name, service, reference, members)
            )
    return ServiceSet(sources, every, services, pipelines, frozenset(given), version)


def pipeline_members(services: Mapping[str, Service], last: Service) -> tuple[str, ...]:
    """The last consumer and all producers in front of it (add_tree_to_bundle_rec)."""
    members = {last.name: None}
    waiting = [last]
    while waiting:
        for reference in waiting.pop().producers:
            producer = services.get(reference.name)
            if producer and producer.type == LONGRUN and producer.name not in members:
                members[producer.name] = None
                waiting.append(producer)
    return tuple(members)


def own_needs(service: Service) -> tuple[str, ...]:
    """The services that s6-rc-compile adds by itself to a service's dependencies."""
    if service.type == ONESHOT:
        return (ONESHOT_RUNNER,)
    return (FDHOLDER,) if service.consumers or service.producers else ()
