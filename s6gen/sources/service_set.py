"""All services of one compilation, and how they hang together."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from s6gen.errors import Exit, Fatal
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
MAX_SIZE = 1 << 29
"""Bytes of all names and words: those of a hundred thousand services."""
REFERENCE_SIZE, WORD_SIZE = 200, 150
"""Bytes that one takes in memory, beside its letters."""
MAX_MEMBERS = 5_000_000
"""Members of all pipelines with a name. A service is in many only by mistake."""


class Pipeline(NamedTuple):
    """The bundle that s6-rc-compile makes for a pipeline with a name."""

    name: str
    last: Service
    reference: Reference
    """The name in the pipeline-name of the last consumer."""
    members: tuple[str, ...]


class ServiceSet(NamedTuple):
    """The input of one s6-rc-compile: sources, and the meaning of their names."""

    sources: tuple[Source, ...]
    all: tuple[Service, ...]
    """Every definition, also the second of a name."""
    services: Mapping[str, Service]
    pipelines: Mapping[str, Pipeline]
    given: frozenset[str]
    """Names that come from elsewhere."""
    version: Version

    def is_defined(self, name: str) -> bool:
        """Tell whether something in the sources, or from elsewhere, has this name."""
        return name in self.services or name in self.pipelines or name in self.given

    def of_type(self, type_: str) -> Iterator[Service]:
        """The services of one type."""
        for service in self.services.values():
            if service.type == type_:
                yield service

    def names_of_bundles(self) -> set[str]:
        """The names of the bundles, without those of the pipelines."""
        return {bundle.name for bundle in self.of_type(BUNDLE)}

    @property
    def has_layers(self) -> bool:
        """A source is a lower layer."""
        return any(source.is_layer for source in self.sources)

    def own_sources(self) -> Iterator[Source]:
        """The sources that are no lower layers."""
        for source in self.sources:
            if not source.is_layer:
                yield source

    def own_services(self) -> Iterator[Service]:
        """The services that are defined, at least in part, outside of layers."""
        for source in self.own_sources():
            yield from self.defined_in(source)

    def defined_in(self, source: Source) -> Iterator[Service]:
        """The services of a source, without second ones of a name and unknown types."""
        for definition in source.definitions:
            service = self.services[definition.name]
            if service.type and service.definition is definition:
                yield service

    def needs(self, name: str) -> Iterator[str]:
        """The names that must be up for this one.

        They are the dependencies and the consumer; for a bundle, its contents.
        """
        service = self.services.get(name)
        if service is None:
            if name in self.pipelines:
                yield from self.pipelines[name].members
            return
        references = service.dependencies + service.contents + service.consumers
        for reference in references:
            if self.is_defined(reference.name):
                yield reference.name

    def is_bundle(self, name: str) -> bool:
        """Tell whether a name stands for other services, and is none itself."""
        service = self.services.get(name)
        if service is None:
            return name in self.pipelines
        return service.type == BUNDLE

    def bundles_in(self, bundle: Service) -> list[str]:
        """The bundles that a bundle contains."""
        names = []
        for reference in bundle.contents:
            if self.is_bundle(reference.name):
                names.append(reference.name)
        return names


def service_set(
    sources: Iterable[Source], given: Iterable[str] = (), version: Version = REFERENCE
) -> ServiceSet:
    """Return the services that these sources define together.

    given are names that come from elsewhere.
    """
    sources = tuple(sources)
    all_services: list[Service] = []
    services: dict[str, Service] = {}
    size = 0
    for source in sources:
        for definition in source.definitions:
            service = service_of(definition, version)
            size += size_of(service)
            if size > MAX_SIZE:
                reason = "names and words in the sources are too many up to here"
                raise Fatal(f"{definition.path}: {reason}", Exit.NO)
            all_services.append(service)
            services.setdefault(service.name, service)
    known = {*services, *given}
    for number, service in enumerate(all_services):
        if has_outside_lists(service):
            hidden = with_hidden_names(service, known)
            all_services[number] = hidden
            if services[service.name] is service:
                services[service.name] = hidden
    return ServiceSet(
        sources,
        tuple(all_services),
        services,
        pipelines_of(services),
        frozenset(given),
        version,
    )


def size_of(service: Service) -> int:
    """Return about how many bytes a service takes beside its files.

    A word in a block has a byte more for each level: few bytes can become very many.
    """
    size = REFERENCE_SIZE * sum(1 for _ in lists_of(service))
    for script in service.scripts.values():
        if isinstance(script, list):
            size += sum(WORD_SIZE + len(word.value) for word in script)
    return size


def has_outside_lists(service: Service) -> bool:
    """Tell whether a list of names lies outside of the source."""
    definition = service.definition
    if definition.outside:
        return True
    return any(definition.is_outside(reference.file) for reference in lists_of(service))


def lists_of(service: Service) -> Iterator[Reference]:
    """Yield all names that a service mentions."""
    yield from service.references
    yield from service.pipeline_names


def with_hidden_names(service: Service, known: Container[str]) -> Service:
    """Return a service without the unknown names of lists outside of the source.

    What others have in their files is not to be shown. Such a name is undefined in any
    case, and stays so under the name that it is given here.
    """
    return service._replace(
        dependencies=hidden_names(service, service.dependencies, known),
        contents=hidden_names(service, service.contents, known),
        consumers=hidden_names(service, service.consumers, known),
        producers=hidden_names(service, service.producers, known),
        pipeline_names=hidden_names(service, service.pipeline_names, ()),
    )


def hidden_names(
    service: Service, references: Sequence[Reference], known: Container[str]
) -> tuple[Reference, ...]:
    """Return references, with other names for those that are not to be shown."""
    result = []
    for number, reference in enumerate(references, 1):
        is_outside = service.definition.is_outside(reference.file)
        if is_outside and reference.name not in known:
            name = f"({service.name}/{reference.file.partition('/')[0]}, name {number})"
            result.append(reference._replace(name=name))
        else:
            result.append(reference)
    return tuple(result)


def pipelines_of(services: Mapping[str, Service]) -> dict[str, Pipeline]:
    """The pipelines with a name; of two with the same name, the first."""
    pipelines: dict[str, Pipeline] = {}
    count = 0
    for service in services.values():
        if not service.pipeline_names:
            continue
        reference = service.pipeline_names[0]
        if reference.name in pipelines:
            continue
        members = pipeline_members(services, service)
        count += len(members)
        if count > MAX_MEMBERS:
            path = service.definition.path
            raise Fatal(f"{path}: the pipelines are too large up to here", Exit.NO)
        pipelines[reference.name] = Pipeline(
            reference.name, service, reference, members
        )
    return pipelines


def pipeline_members(services: Mapping[str, Service], last: Service) -> tuple[str, ...]:
    """The last consumer and all producers in front of it (add_tree_to_bundle_rec)."""
    members = {last.name: None}
    waiting = [last]
    while waiting:
        consumer = waiting.pop()
        for producer in producers_of(services, consumer):
            if producer.name not in members:
                members[producer.name] = None
                waiting.append(producer)
    return tuple(members)


def producers_of(
    services: Mapping[str, Service], consumer: Service
) -> Iterator[Service]:
    """The longruns that a consumer names in consumer-for."""
    for reference in consumer.producers:
        producer = services.get(reference.name)
        if producer is not None and producer.type == LONGRUN:
            yield producer


def implicit_dependencies(service: Service) -> tuple[str, ...]:
    """The services that s6-rc-compile adds by itself to a service's dependencies."""
    if service.type == ONESHOT:
        return (ONESHOT_RUNNER,)
    if service.consumers or service.producers:
        return (FDHOLDER,)
    return ()
