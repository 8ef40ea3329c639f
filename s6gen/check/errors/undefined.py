"""Names that nothing defines. A fragment of a system leans on other layers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from s6gen.check.finding import Finding, reference_finding
from s6gen.check.spelling import nearest
from s6gen.names import RESERVED
from s6gen.sources.entries import is_addition
from s6gen.sources.service import Reference, Service
from s6gen.sources.service_set import ServiceSet

FEW = 3
"""More unknown names than these are no typing errors: the sources are a fragment."""
SHOWN = 6
"""The number of names that are shown."""
LONGEST = 255
"""Letters of a name; no file has a longer one."""


class Mention(NamedTuple):
    """A place where a service names another."""

    service: Service
    reference: Reference


def names_are_defined(services: ServiceSet) -> Iterator[Finding]:
    """Every name in a list is defined (resolve_bundles, resolve_services)."""
    unknown = undefined_names(services)
    for name, advice in typing_errors(services, unknown).items():
        message = f"{name!r} is not defined; {advice}"
        yield from mention_findings(unknown.pop(name), message)
    # The rest is no list of mistakes: something is missing as a whole.
    untyped = untyped_services(services)
    if unknown or untyped:
        yield fragment(unknown, untyped)


def mention_findings(mentions: Sequence[Mention], message: str) -> Iterator[Finding]:
    """The same message for each mention of a name."""
    for mention in mentions:
        yield reference_finding(mention.service, mention.reference, message)


def undefined_names(services: ServiceSet) -> dict[str, list[Mention]]:
    """The names that nothing defines, and where they are mentioned."""
    mentions: dict[str, list[Mention]] = {}
    for service in services.services.values():
        for reference in service.references:
            name = reference.name
            # names-are-allowed reports the reserved ones.
            is_reserved = name.startswith(RESERVED)
            if not is_reserved and not services.is_defined(name):
                mention = Mention(service, reference)
                mentions.setdefault(name, []).append(mention)
    return mentions


def untyped_services(services: ServiceSet) -> list[Service]:
    """The directories that add to a definition which is not there."""
    untyped = []
    for service in services.all:
        if is_addition(service.definition) and service.name not in services.given:
            untyped.append(service)
    return untyped


def typing_errors(
    services: ServiceSet, unknown: Mapping[str, Sequence[Mention]]
) -> dict[str, str]:
    """The unknown names that are probably typing errors, and what to do about them."""
    if len(unknown) > FEW:
        return {}
    advice = {}
    for name in unknown:
        meant = nearest_name(services, name)
        if meant:
            advice[name] = f"did you mean {meant}?"
        elif is_several_names(services, name):
            advice[name] = "write one name a line"
    return advice


def nearest_name(services: ServiceSet, name: str) -> str:
    """The defined name that differs by a letter or two, or empty."""
    # Two letters are too much of a short word.
    reach = 1 if len(name) < 5 else 2
    known = (*services.services, *services.pipelines, *services.given)
    return nearest(name, known, reach)


def is_several_names(services: ServiceSet, text: str) -> bool:
    """Tell whether a line holds several names that are defined."""
    names = text.split()
    return len(names) > 1 and all(services.is_defined(name) for name in names)


def fragment(
    unknown: Mapping[str, Sequence[Mention]], untyped: Sequence[Service]
) -> Finding:
    """The one line that says what is missing, and which option names it."""
    faults = []
    if unknown:
        faults.append(f"nothing here defines {first_names(list(unknown))}")
    if untyped:
        names = first_names([service.name for service in untyped])
        faults.append(f"there is no type in {names}")
    message = (
        f"{' and '.join(faults)}; add what is missing, or if it comes from elsewhere "
        "lay that beneath with --layer DIR or name it with --given NAME"
    )
    if not unknown:
        return Finding(untyped[0].definition.path, message)
    mentions = next(iter(unknown.values()))
    return reference_finding(mentions[0].service, mentions[0].reference, message)


def first_names(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    text = ", ".join(name[:LONGEST] for name in names[:SHOWN])
    if len(names) > SHOWN:
        text += f" and {len(names) - SHOWN} more"
    return text
