"""A picture of services: boxes, frames for bundles, and arrows for needs.

A pipeline is one box. A need that follows from others is left out.
"""

import graphlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT, Service
from s6gen.sources.service_set import ServiceSet, producers_of

ELSEWHERE = "elsewhere"
"""The kind of a box for a service that these sources do not define."""
MOST = 20_000
"""Boxes of a picture that is tidied up; it needs a table of n*n bits."""
DEEP = 9
"""Bars in front of a name, at most."""

Needs = Mapping[str, Collection[str]]
"""For each box and bundle, by name: the names that it needs or contains, in order."""


class Box(NamedTuple):
    """A service, or a pipeline."""

    name: str
    """Of the service, or of the last consumer."""
    lines: tuple[str, ...]
    """The text in the box."""
    kind: str
    """oneshot, longrun, or elsewhere."""


class Frame(NamedTuple):
    """A bundle, around the services that are in no smaller bundle."""

    name: str
    boxes: tuple[str, ...]
    also: tuple[str, ...]
    """Contents that are drawn elsewhere."""


class Picture(NamedTuple):
    """All that is drawn."""

    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    edges: tuple[tuple[str, str], ...]
    """From the name of a box to that of a box or frame that it needs."""


def picture_of(services: ServiceSet) -> Picture:
    """Return the picture of all these services; with errors too, as far as they go."""
    box_names = boxes_of_services(services)
    needs = needs_of_boxes(services, box_names)
    return Picture(
        boxes=tuple(boxes(services, box_names, needs)),
        frames=frames(services, box_names),
        edges=tuple(edges(services, needs)),
    )


def boxes(
    services: ServiceSet, box_names: Mapping[str, str], needs: Needs
) -> Iterator[Box]:
    """The boxes: those of the services, and of all that they need."""
    names = dict.fromkeys(box_names.values())
    for needed_names in needs.values():
        names.update(dict.fromkeys(needed_names))
    bundles = services.names_of_bundles()
    for name in names:
        if name not in bundles:
            yield box(services, name)


def edges(services: ServiceSet, needs: Needs) -> Iterator[tuple[str, str]]:
    """The arrows from boxes to boxes and frames."""
    bundles = services.names_of_bundles()
    for name, needed_names in without_implied(needs).items():
        # A frame shows by itself what is in a bundle.
        if name in bundles:
            continue
        for needed in needed_names:
            yield name, needed


def boxes_of_services(services: ServiceSet) -> dict[str, str]:
    """For each atomic service the name of its box.

    That is the last consumer of its pipeline, or itself.
    """
    box_names: dict[str, str] = {}
    for service in (*services.of_type(ONESHOT), *services.of_type(LONGRUN)):
        # Each service on the way to the last consumer is in the same box.
        path = {service.name: None}
        last = service.name
        while last not in box_names:
            consumer = consumer_of(services, last)
            if consumer is None or consumer in path:
                break
            path[consumer] = None
            last = consumer
        box_name = box_names.get(last, last)
        box_names.update(dict.fromkeys(path, box_name))
    return box_names


def consumer_of(services: ServiceSet, name: str) -> str | None:
    """The longrun that a service names in producer-for, if it is one."""
    consumers = services.services[name].consumers
    if not consumers or not is_longrun(services, consumers[0].name):
        return None
    return consumers[0].name


def is_longrun(services: ServiceSet, name: str) -> bool:
    """Tell whether a longrun has this name."""
    service = services.services.get(name)
    return service is not None and service.type == LONGRUN


def needs_of_boxes(services: ServiceSet, box_names: Mapping[str, str]) -> Needs:
    """The names that each box needs; and for each bundle, the names in it."""
    needs: dict[str, dict[str, None]] = {}
    for service in services.services.values():
        # The services of a pipeline share its box, and what they need.
        name = box_names.get(service.name, service.name)
        needed_names = needs.setdefault(name, {})
        for reference in service.dependencies + service.contents:
            needed = drawn_name(services, box_names, reference.name)
            if needed != name:
                needed_names[needed] = None
    return needs


def drawn_name(services: ServiceSet, box_names: Mapping[str, str], name: str) -> str:
    """The name of the box or bundle that stands for a service, bundle or pipeline."""
    if name in services.pipelines and name not in services.services:
        last = services.pipelines[name].last
        return box_names[last.name]
    return box_names.get(name, name)


def without_implied(needs: Needs) -> Needs:
    """The needs without those that follow from others; all, if there is a cycle."""
    if len(needs) > MOST:
        return needs
    try:
        order = list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError:
        return needs
    numbers = {name: number for number, name in enumerate(order)}
    # For each name a bit for every name that it needs, by whatever way.
    reach: dict[str, int] = {}
    reduced: dict[str, list[str]] = {}
    for name in order:
        covered = 0
        reduced[name] = []
        # Who comes last in the order may imply the others, but is not implied by them.
        for needed in sorted(
            needs.get(name, ()), key=numbers.__getitem__, reverse=True
        ):
            bit = 1 << numbers[needed]
            if not covered & bit:
                reduced[name].append(needed)
                covered |= reach[needed] | bit
        reach[name] = covered
    return reduced


def box(services: ServiceSet, name: str) -> Box:
    """The box with this name."""
    service = services.services.get(name)
    if service is None or not service.type:
        return Box(name, (name,), ELSEWHERE)
    if service.type == LONGRUN and service.producers:
        title = pipeline_title(services, service)
        members = pipeline_lines(services, name)
        return Box(name, (*title, *members), LONGRUN)
    return Box(name, (name,), service.type)


def pipeline_title(services: ServiceSet, last: Service) -> list[str]:
    """The line with the name of a pipeline, if it has one."""
    for reference in last.pipeline_names[:1]:
        pipeline = services.pipelines.get(reference.name)
        if pipeline is not None and pipeline.last is last:
            return [f"{pipeline.name}:"]
    return []


def pipeline_lines(services: ServiceSet, last: str) -> Iterator[str]:
    """The services of a pipeline, producers first; a bar for each pipe on the way."""
    depths = {last: 0}
    waiting = [last]
    # The list grows while it is read: breadth first, so the last is the deepest.
    for name in waiting:
        for producer in producers_of(services.services, services.services[name]):
            if producer.name not in depths:
                depths[producer.name] = depths[name] + 1
                waiting.append(producer.name)
    deepest = depths[waiting[-1]]
    for name in reversed(waiting):
        bars = min(deepest - depths[name], DEEP)
        yield "| " * bars + name


def frames(services: ServiceSet, box_names: Mapping[str, str]) -> tuple[Frame, ...]:
    """The bundles, each service in the smallest that names it."""
    contents = contents_of_bundles(services, box_names)
    home = smallest_bundles(contents)
    bundle_frames = []
    for bundle in sorted(contents):
        inside = []
        also = []
        for name in contents[bundle]:
            if home.get(name) == bundle:
                inside.append(name)
            else:
                also.append(name)
        bundle_frames.append(Frame(bundle, tuple(inside), tuple(also)))
    return tuple(bundle_frames)


def contents_of_bundles(
    services: ServiceSet, box_names: Mapping[str, str]
) -> dict[str, list[str]]:
    """For each bundle the boxes and bundles in it."""
    contents = {}
    for bundle in services.of_type(BUNDLE):
        names: dict[str, None] = {}
        for reference in bundle.contents:
            name = drawn_name(services, box_names, reference.name)
            names[name] = None
        contents[bundle.name] = list(names)
    return contents


def smallest_bundles(contents: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """For each box in a bundle, the smallest bundle that it is in."""
    smallest: dict[str, str] = {}
    for bundle in sorted(contents, key=lambda name: (len(contents[name]), name)):
        for name in contents[bundle]:
            if name not in contents:
                smallest.setdefault(name, bundle)
    return smallest
