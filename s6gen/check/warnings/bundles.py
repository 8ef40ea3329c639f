"""Warnings of bundles, of sources, and of how many services there are."""

from collections.abc import Iterator

from s6gen.check.errors.definitions import at
from s6gen.check.finding import Finding
from s6gen.sources.entries import Folder
from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service, read
from s6gen.sources.service_set import ServiceSet


def empty_bundle(
    _services: ServiceSet, service: Service, _file: str
) -> Iterator[Finding]:
    """A bundle stands for something, unless a dot file says that it is empty on purpose."""
    if service.type != BUNDLE or service.contents:
        return
    folder = service.definition.entries.get("contents.d")
    if isinstance(folder, Folder) and not folder.names:
        yield at(
            service,
            "contents.d",
            "is empty: git does not keep it, and a clone will not compile; put a .gitkeep there",
        )
    elif not isinstance(folder, Folder) and isinstance(
        read(service.definition, "contents"), bytes
    ):
        yield at(
            service, "contents", "names nothing; name services, or remove the bundle"
        )


ENOUGH = 0.5
"""If bundles start fewer of the services than this, they are not what starts this system."""


def services_in_no_bundle(services: ServiceSet) -> Iterator[Finding]:
    """Every service is started by some bundle, if bundles are how this system is started.

    Not in an image: layers leave services to those who build on them.
    """
    if any(source.is_layer for source in services.sources):
        return
    reached: set[str] = set()
    waiting = [bundle.name for bundle in services.of_type(BUNDLE)]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += services.needs(name)
    atomic = [*services.of_type(ONESHOT), *services.of_type(LONGRUN)]
    left = [service for service in atomic if service.name not in reached]
    if len(left) > ENOUGH * len(atomic):
        return
    wanted = {need for service in left for need in services.needs(service.name)}
    for service in left:
        if service.name not in wanted:
            yield Finding(
                service.definition.path,
                "is in no bundle, and nothing in a bundle depends on it; add it to one",
            )


def empty_source(services: ServiceSet) -> Iterator[Finding]:
    """A source holds service definition directories (s6-rc-compile warns of it)."""
    for source in services.sources:
        if source.definitions or source.failure or source.is_layer:
            continue
        if "type" in source.files:
            message = (
                "is a service definition directory; name the directory that it is in"
            )
        else:
            message = "holds no service definition directory; name another"
        yield Finding(source.path, message)


STACK = 8 << 20
"""Bytes of stack that a process commonly gets."""


def too_many_services(services: ServiceSet) -> Iterator[Finding]:
    """s6-rc-compile has its stack for n services: n²/8 bytes and more (main: sarray, barray)."""
    atomic = sum(1 for service in services.services.values() if service.type != BUNDLE)
    bundles = len(services.services) - atomic + len(services.pipelines)
    needed = (atomic + bundles) * (atomic // 8 + 1)
    if needed > STACK:
        yield Finding(
            services.sources[0].path,
            f"s6-rc-compile needs {needed >> 20} MiB of stack for {atomic} services; raise the "
            "limit with ulimit -s",
        )
