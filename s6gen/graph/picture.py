"""A picture of services: boxes for services and pipelines, frames for bundles, and what needs what.

A pipeline is one box. A need that follows from others is left out.
"""

import graphlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from s6gen.sources.service import BUNDLE, LONGRUN, ONESHOT
from s6gen.sources.service_set import ServiceSet

ELSEWHERE = "elsewhere"


class Box(NamedTuple):
    """A service, or a pipeline."""

    name: str
    """Of the service, or of the last consumer."""
    lines: tuple[str, ...]
    """What is written in it."""
    kind: str
    """oneshot, longrun, or elsewhere: not defined in these sources."""


class Frame(NamedTuple):
    """A bundle, around what is in no smaller bundle."""

    name: str
    boxes: tuple[str, ...]
    also: tuple[str, ...]
    """Contents that are drawn elsewhere."""


class Picture(NamedTuple):
    """What to draw."""

    boxes: tuple[Box, ...]
    frames: tuple[Frame, ...]
    edges: tuple[tuple[str, str], ...]
    """From the name of a box to that of a box or frame that it needs."""


def picture(services: ServiceSet) -> Picture:
    """The picture of all these services; of unsound ones too, as far as they go."""
    box_of = boxes_by_service(services)
    needs = needs_of_boxes(services, box_of)
    shown = dict.fromkeys(
        (*box_of.values(), *(name for seen in needs.values() for name in seen))
    )
    bundles = {bundle.name for bundle in services.of_type(BUNDLE)}
    boxes = tuple(box(services, name) for name in shown if name not in bundles)
    edges = tuple(
        (name, needed)
        for name, found in reduced(needs).items()
        if name not in bundles
        for needed in found
    )
    return Picture(boxes, frames(services, box_of), edges)


def boxes_by_service(services: ServiceSet) -> dict[str, str]:
    """For each atomic service the name of its box: its pipeline's last consumer, or itself."""
    found: dict[str, str] = {}
    for service in (*services.of_type(ONESHOT), *services.of_type(LONGRUN)):
        path = {service.name: None}
        name = service.name
        while name not in found:
            consumers = services.services[name].consumers
            if not consumers or consumers[0].name in path:
                break
            if not is_longrun(services, consumers[0].name):
                break
            name = consumers[0].name
            path[name] = None
        found.update(dict.fromkeys(path, found.get(name, name)))
    return found


def is_longrun(services: ServiceSet, name: str) -> bool:
    """Whether a longrun has this name."""
    service = services.services.get(name)
    return service is not None and service.type == LONGRUN


def needs_of_boxes(
    services: ServiceSet, box_of: Mapping[str, str]
) -> dict[str, list[str]]:
    """What each box needs; and for each bundle what is in it."""
    found: dict[str, dict[str, None]] = {}
    for service in services.services.values():
        name = box_of.get(service.name, service.name)
        needed = found.setdefault(name, {})
        for reference in service.dependencies + service.contents:
            for target in targets(services, box_of, reference.name):
                if target != name:
                    needed[target] = None
    return {name: list(needed) for name, needed in found.items()}


def targets(
    services: ServiceSet, box_of: Mapping[str, str], name: str
) -> Iterable[str]:
    """The box or bundle that a name leads to."""
    if name in services.pipelines and name not in services.services:
        return (box_of[services.pipelines[name].last.name],)
    return (box_of.get(name, name),)


MOST = 20_000
"""Boxes of a picture that is tidied up; a table of n*n bits is needed for it."""


def reduced(needs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The needs without those that follow from others; all of them, if there is a cycle."""
    if len(needs) > MOST:
        return dict(needs)
    try:
        order = list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError:
        return dict(needs)
    place = {name: number for number, name in enumerate(order)}
    reach: dict[str, int] = {}
    kept: dict[str, list[str]] = {}
    for name in order:
        covered = 0
        kept[name] = []
        for needed in sorted(needs.get(name, ()), key=place.__getitem__, reverse=True):
            if not covered >> place[needed] & 1:
                kept[name].append(needed)
                covered |= reach[needed] | 1 << place[needed]
        reach[name] = covered
    return kept


def box(services: ServiceSet, name: str) -> Box:
    """One box."""
    service = services.services.get(name)
    if service is None:
        return Box(name, (name,), ELSEWHERE)
    if not service.producers or service.type != LONGRUN:
        return Box(name, (name,), service.type or ELSEWHERE)
    lines = tuple(pipeline_lines(services, name))
    named = [
        pipeline.name
        for pipeline in services.pipelines.values()
        if pipeline.last is service
    ]
    return Box(name, (*(f"{one}:" for one in named), *lines), LONGRUN)


DEEP = 9
"""Bars in front of a name, at most."""


def pipeline_lines(services: ServiceSet, last: str) -> Iterator[str]:
    """The services of a pipeline, producers first; a bar for each pipe on the way."""
    seen = {last}
    waiting = [(last, 0)]
    found = []
    for name, depth in waiting:
        found.append((depth, name))
        for reference in services.services[name].producers:
            if reference.name not in seen and is_longrun(services, reference.name):
                seen.add(reference.name)
                waiting.append((reference.name, depth + 1))
    deepest = found[-1][0]
    for depth, name in reversed(found):
        yield "| " * min(deepest - depth, DEEP) + name


def frames(services: ServiceSet, box_of: Mapping[str, str]) -> tuple[Frame, ...]:
    """The bundles, each service in the smallest that names it."""
    held = {
        bundle.name: list(
            dict.fromkeys(
                target
                for reference in bundle.contents
                for target in targets(services, box_of, reference.name)
            )
        )
        for bundle in services.of_type(BUNDLE)
    }
    home: dict[str, str] = {}
    for bundle in sorted(held, key=lambda name: (len(held[name]), name)):
        for name in held[bundle]:
            if name not in held:
                home.setdefault(name, bundle)
    return tuple(
        Frame(
            bundle,
            tuple(name for name in names if home.get(name) == bundle),
            tuple(name for name in names if home.get(name) != bundle),
        )
        for bundle, names in sorted(held.items())
    )
