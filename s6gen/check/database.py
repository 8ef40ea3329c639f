"""The compiled database that s6-rc-compile would make, in the terms of s6-rc-db."""

from collections.abc import Mapping
from typing import Any

from s6gen.errors import Exit, Fatal
from s6gen.sources.service import BUNDLE, ESSENTIAL, LONGRUN, ONESHOT, Service
from s6gen.sources.service_set import (
    FDHOLDER,
    ONESHOT_RUNNER,
    ServiceSet,
    implicit_dependencies,
    pipeline_members,
)
from s6gen.sources.version import Version

Database = dict[str, Any]
"""`services` by name (type, dependencies, flags, up …) and `bundles` by name."""
Bundles = dict[str, set[str]]
"""For each bundle, the atomic services that it stands for."""

INTERNAL_ESSENTIAL: Version = (0, 6, 0, 0)
"""Since then s6-rc-compile marks its own services as essential."""


MOST = 5_000_000
"""Names in a database: a bundle of bundles, or a long pipeline, has n*n of them."""


class Budget:
    """Counts the names in a database."""

    def __init__(self) -> None:
        """There is none yet."""
        self.spent = 0

    def spend(self, count: int) -> None:
        """Count some more. Raises Fatal if they are too many."""
        self.spent += count
        if self.spent > MOST:
            raise Fatal(
                f"the database has more than {MOST} names: take another --format",
                Exit.NO,
            )


def database(services: ServiceSet) -> Database:
    """Return the output of s6-rc-db for these sources, once compiled.

    They must be free of errors.
    """
    budget = Budget()
    bundles = resolved_bundles(services, budget)
    return {
        "services": atomic_services(services, bundles, budget),
        "bundles": {name: sorted(bundles[name]) for name in sorted(bundles)},
    }


def atomic_services(
    services: ServiceSet, bundles: Bundles, budget: Budget
) -> dict[str, Any]:
    """The oneshots and longruns, with those of s6-rc-compile itself."""
    flags = resolved_flags(services, bundles)
    pipes = pipe_pairs(services, budget)
    atomic: dict[str, Any] = {}
    for name, service in services.services.items():
        if service.type in (ONESHOT, LONGRUN):
            described = atomic_service(service, bundles, flags[name])
            budget.spend(len(described["dependencies"]))
            atomic[name] = described
    for name, pairs in pipes.items():
        atomic[name]["pipeline"] = pairs
    for name in (ONESHOT_RUNNER, FDHOLDER):
        atomic[name] = internal_service(services.version)
    return dict(sorted(atomic.items()))


def resolved_flags(services: ServiceSet, bundles: Bundles) -> dict[str, int]:
    """The flags of each service: its own, and those of the bundles that it is in."""
    flags = {name: service.flags for name, service in services.services.items()}
    for bundle, members in bundles.items():
        for member in members:
            flags[member] = flags.get(member, 0) | flags.get(bundle, 0)
    return flags


def internal_service(version: Version) -> dict[str, Any]:
    """A service that s6-rc-compile adds by itself."""
    service: dict[str, Any] = {"type": LONGRUN, "dependencies": []}
    if version >= INTERNAL_ESSENTIAL:
        service["flags"] = f"{ESSENTIAL:08x}"
    return service


def atomic_service(service: Service, bundles: Bundles, flags: int) -> dict[str, Any]:
    """A oneshot or longrun, without its pipeline."""
    described: dict[str, Any] = {
        "type": service.type,
        "dependencies": atomic_dependencies(service, bundles),
    }
    for file, value in (
        ("timeout-up", service.timeout_up),
        ("timeout-down", service.timeout_down),
    ):
        if value:
            # What lies outside of the source is not shown.
            described[file] = None if service.definition.is_outside(file) else value
    if flags:
        described["flags"] = f"{flags:08x}"
    if service.type == ONESHOT:
        described["up"] = script_words(service, "up")
        described["down"] = script_words(service, "down")
    return described


def atomic_dependencies(service: Service, bundles: Bundles) -> list[str]:
    """The names of the atomic services that a service depends on, sorted."""
    names = set(implicit_dependencies(service))
    for reference in service.dependencies + service.consumers:
        names |= bundles.get(reference.name, {reference.name})
    return sorted(names)


def script_words(service: Service, script: str) -> list[str] | None:
    """The command line in up or down of a oneshot; None if it is not to be shown."""
    if service.definition.is_outside(script):
        return None
    words = service.scripts.get(script)
    if not isinstance(words, list):
        return []
    return [word.value for word in words]


def resolved_bundles(services: ServiceSet, budget: Budget) -> Bundles:
    """The bundles, including those of the pipelines."""
    bundles: Bundles = {}
    for name, pipeline in services.pipelines.items():
        bundles[name] = set(pipeline.members)
    for bundle in services.of_type(BUNDLE):
        waiting = [bundle.name]
        while waiting:
            name = waiting[-1]
            unresolved = unresolved_bundles(services, name, bundles)
            if unresolved:
                # Those come first; this one is resolved when they are.
                waiting += unresolved
                continue
            waiting.pop()
            bundles[name] = atomic_contents(services.services[name], bundles)
            budget.spend(len(bundles[name]))
    return bundles


def unresolved_bundles(
    services: ServiceSet, bundle: str, bundles: Mapping[str, set[str]]
) -> list[str]:
    """The bundles in a bundle that are not resolved yet."""
    names = services.bundles_in(services.services[bundle])
    return [name for name in names if name not in bundles]


def atomic_contents(bundle: Service, bundles: Bundles) -> set[str]:
    """The atomic services in a bundle. The bundles in it must be resolved."""
    names: set[str] = set()
    for reference in bundle.contents:
        names |= bundles.get(reference.name, {reference.name})
    return names


def pipe_pairs(services: ServiceSet, budget: Budget) -> dict[str, list[str]]:
    """For each longrun in a pipeline, all producer/consumer pairs of that pipeline."""
    pairs_by_name: dict[str, list[str]] = {}
    for last in services.of_type(LONGRUN):
        if not last.is_last_consumer:
            continue
        members = pipeline_members(services.services, last)
        pairs = []
        for name in members:
            for producer in services.services[name].producers:
                pairs.append(f"{producer.name}/{name}")
        # Each member has all of them.
        budget.spend(len(pairs) * len(members))
        pairs.sort()
        pairs_by_name.update(dict.fromkeys(members, pairs))
    return pairs_by_name
