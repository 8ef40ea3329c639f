"""Warnings of bundles, of sources, and of the number of services."""

from collections.abc import Iterable, Iterator

from s6gen.check.finding import Finding, file_finding
from s6gen.sources.entries import Folder
from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service, content_of
from s6gen.sources.service_set import ServiceSet


def empty_bundle(_services: ServiceSet, service: Service) -> Iterator[Finding]:
    """A bundle has contents, unless a dot file says that it is empty on purpose."""
    if service.type != BUNDLE or service.contents:
        return
    # A bundle with neither list is an error.
    folder = service.definition.entries.get("contents.d")
    if isinstance(folder, Folder):
        if not folder.names:
            yield file_finding(
                service,
                "contents.d",
                "is empty: git does not keep it, and a clone will not compile; "
                "put a .gitkeep there",
            )
    elif isinstance(content_of(service.definition, "contents"), bytes):
        yield file_finding(
            service, "contents", "names nothing; name services, or remove the bundle"
        )


ENOUGH = 0.5
"""If bundles start a smaller share of the services, something else starts them."""


def services_in_no_bundle(services: ServiceSet) -> Iterator[Finding]:
    """Every service is started by some bundle, if bundles start this system.

    Not in an image: layers leave services to the images that are built on them.
    """
    if services.has_layers:
        return
    unreached = unreached_services(services)
    needed = names_needed(services, unreached)
    for service in unreached:
        if service.name not in needed:
            yield Finding(
                service.definition.path,
                "is in no bundle, and nothing in a bundle depends on it; add it to one",
            )


def unreached_services(services: ServiceSet) -> list[Service]:
    """The services that no bundle starts; none, if bundles start too few of them."""
    reached = names_in_bundles(services)
    atomic = [*services.of_type(ONESHOT), *services.of_type(LONGRUN)]
    unreached = [service for service in atomic if service.name not in reached]
    if len(unreached) > ENOUGH * len(atomic):
        return []
    return unreached


def names_in_bundles(services: ServiceSet) -> set[str]:
    """The bundles, the names in them, and all that these need."""
    reached: set[str] = set()
    waiting = [bundle.name for bundle in services.of_type(BUNDLE)]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += services.needs(name)
    return reached


def names_needed(services: ServiceSet, needing: Iterable[Service]) -> set[str]:
    """The names that some services need."""
    names: set[str] = set()
    for service in needing:
        names.update(services.needs(service.name))
    return names


def empty_source(services: ServiceSet) -> Iterator[Finding]:
    """A source holds service definition directories (s6-rc-compile warns of it)."""
    for source in services.own_sources():
        if source.definitions or source.failure:
            continue
        message = "holds no service definition directory; name another"
        # The user has named a service in place of its source.
        if "type" in source.files:
            message = (
                "is a service definition directory; name the directory that it is in"
            )
        yield Finding(source.path, message)


STACK = 8 << 20
"""Bytes of stack that a process commonly gets."""


def too_many_services(services: ServiceSet) -> Iterator[Finding]:
    """s6-rc-compile has n²/8 bytes and more on its stack (main: sarray, barray)."""
    atomic = 0
    bundles = len(services.pipelines)
    for service in services.services.values():
        if service.type == BUNDLE:
            bundles += 1
        else:
            atomic += 1
    needed = (atomic + bundles) * (atomic // 8 + 1)
    if needed > STACK:
        yield Finding(
            services.sources[0].path,
            f"s6-rc-compile needs {needed >> 20} MiB of stack for {atomic} services; "
            "raise the limit with ulimit -s",
        )
