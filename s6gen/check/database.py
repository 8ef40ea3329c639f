"""The compiled database that s6-rc-compile would make, in the terms of s6-rc-db."""

from typing import Any

from s6gen.sources.service import BUNDLE, ESSENTIAL, LONGRUN, ONESHOT, Service
from s6gen.sources.service_set import FDHOLDER, ONESHOT_RUNNER, ServiceSet, own_needs
from s6gen.sources.version import Version

Database = dict[str, Any]
"""`services` by name (type, dependencies, flags, up …) and `bundles` by name."""

INTERNAL_ESSENTIAL: Version = (0, 6, 0, 0)
"""Since then s6-rc-compile marks its own services as essential."""


def database(services: ServiceSet) -> Database:
    """What s6-rc-db would print of these sources, once compiled. They must be free of errors."""
    contents = resolved_bundles(services)
    flags = {service.name: service.flags for service in services.services.values()}
    for name, members in contents.items():
        for member in members if flags.get(name) else ():
            flags[member] = flags.get(member, 0) | flags[name]
    pipes = pipe_pairs(services)
    described = {
        name: described_service(service, contents, flags[name], pipes)
        for name, service in services.services.items()
        if service.type in (ONESHOT, LONGRUN)
    }
    for name in (ONESHOT_RUNNER, FDHOLDER):
        described[name] = {"type": LONGRUN, "dependencies": []}
        if services.version >= INTERNAL_ESSENTIAL:
            described[name]["flags"] = f"{ESSENTIAL:08x}"
    return {
        "services": dict(sorted(described.items())),
        "bundles": {
            name: sorted(members) for name, members in sorted(contents.items())
        },
    }


def described_service(
    service: Service,
    contents: dict[str, set[str]],
    flags: int,
    pipes: dict[str, list[str]],
) -> dict[str, Any]:
    """One atomic service."""
    needs = {reference.name for reference in service.dependencies + service.consumers}
    atomic = set(own_needs(service)).union(
        *(contents.get(name, {name}) for name in needs)
    )
    found: dict[str, Any] = {"type": service.type, "dependencies": sorted(atomic)}
    if service.timeout_up:
        found["timeout-up"] = service.timeout_up
    if service.timeout_down:
        found["timeout-down"] = service.timeout_down
    if flags:
        found["flags"] = f"{flags:08x}"
    if service.name in pipes:
        found["pipeline"] = pipes[service.name]
    if service.type == ONESHOT:
        found["up"] = words(service, "up")
        found["down"] = words(service, "down")
    return found


def words(service: Service, script: str) -> list[str]:
    """A oneshot's command line."""
    found = service.scripts.get(script, [])
    return [word.value for word in found] if isinstance(found, list) else []


def resolved_bundles(services: ServiceSet) -> dict[str, set[str]]:
    """For each bundle the atomic services it stands for, pipelines' bundles included."""
    found = {
        name: set(pipeline.members) for name, pipeline in services.pipelines.items()
    }
    for bundle in services.of_type(BUNDLE):
        waiting = [bundle.name]
        while waiting:
            name = waiting[-1]
            missing = [
                reference.name
                for reference in services.services[name].contents
                if services.is_bundle(reference.name) and reference.name not in found
            ]
            if name in found or not missing:
                waiting.pop()
                if name not in found:
                    members = (one.name for one in services.services[name].contents)
                    found[name] = set().union(
                        *(found.get(one, {one}) for one in members)
                    )
            else:
                waiting += missing
    return found


def pipe_pairs(services: ServiceSet) -> dict[str, list[str]]:
    """For each longrun in a pipeline, all producer/consumer pairs of that pipeline."""
    found: dict[str, list[str]] = {}
    for last in services.of_type(LONGRUN):
        if last.consumers or not last.producers:
            continue
        pairs, members = [], [last]
        for consumer in members:
            for reference in consumer.producers:
                pairs.append(f"{reference.name}/{consumer.name}")
                if reference.name in services.services:
                    members.append(services.services[reference.name])
        found.update({member.name: sorted(pairs) for member in members})
    return found
