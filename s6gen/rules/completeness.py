"""What must be there for s6-rc-compile to know every name; fragments lean on other layers."""

from collections.abc import Iterator, Mapping, Sequence

from s6gen.finding import Finding
from s6gen.rules.sets import RESERVED, mention
from s6gen.service import Reference, Service
from s6gen.service_set import ServiceSet
from s6gen.source import is_addition

Mention = tuple[Service, Reference]

FEW = 3
"""More unknown names than this are no slips: the sources are a fragment."""
SHOWN = 6


def names_are_defined(services: ServiceSet) -> Iterator[Finding]:
    """Every name that is mentioned is defined (resolve_bundles, resolve_services)."""
    unknown = undefined(services)
    near = slips(services, unknown) if len(unknown) <= FEW else {}
    for name, meant in near.items():
        for service, reference in unknown.pop(name):
            yield mention(service, reference, f"{name} is not defined; did you mean {meant}?")
    partial = [service.definition.path for service in services.all if is_untyped_addition(service)]
    if unknown or partial:
        yield fragment(unknown, partial)


def undefined(services: ServiceSet) -> dict[str, list[Mention]]:
    """Names that nothing defines, and where they are mentioned."""
    found: dict[str, list[Mention]] = {}
    for service in services.services.values():
        for reference in service.references:
            name = reference.name
            if not services.is_defined(name) and not name.startswith(RESERVED):
                found.setdefault(name, []).append((service, reference))
    return found


def slips(services: ServiceSet, unknown: Mapping[str, Sequence[Mention]]) -> dict[str, str]:
    """Which unknown names are probably misspelt, and what was meant."""
    if not unknown:
        return {}
    from difflib import get_close_matches

    known = [*services.services, *services.pipelines, *services.given]
    found = {}
    for name in unknown:
        close = get_close_matches(name, known, n=1, cutoff=0.75)
        if close and name not in close[0] and close[0] not in name:
            found[name] = close[0]
    return found


def is_untyped_addition(service: Service) -> bool:
    """Whether a lower layer must bring this definition's type."""
    return "type" not in service.definition.entries and is_addition(service.definition)


def fragment(unknown: Mapping[str, Sequence[Mention]], partial: Sequence[str]) -> Finding:
    """The one line that says what is missing, and which option tells it."""
    wrong = []
    if unknown:
        names = ", ".join(list(unknown)[:SHOWN])
        more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        wrong.append(f"nothing here defines {names}{more}")
    if partial:
        more = f" and {len(partial) - 1} more" if len(partial) > 1 else ""
        wrong.append(f"{partial[0]}{more} without type")
    message = (
        f"{', '.join(wrong)}; define what is missing, or if it comes from elsewhere, "
        "lay that beneath with --layer DIR or name it with --given NAME"
    )
    if unknown:
        service, reference = next(iter(unknown.values()))[0]
        return mention(service, reference, message)
    return Finding(partial[0], message)
