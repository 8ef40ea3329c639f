"""What must be there for s6-rc-compile to know every name; fragments lean on other layers."""

from collections.abc import Iterator, Mapping, Sequence

from s6gen.check.errors.references import mention
from s6gen.check.finding import Finding
from s6gen.check.spelling import distance
from s6gen.names import RESERVED
from s6gen.sources.entries import is_addition
from s6gen.sources.service import Reference, Service
from s6gen.sources.service_set import ServiceSet

Mention = tuple[Service, Reference]

FEW = 3
"""More unknown names than this are no slips: the sources are a fragment."""
SHOWN = 6
LONGEST = 255
"""Letters of a name; no file has a longer one."""


def names_are_defined(services: ServiceSet) -> Iterator[Finding]:
    """Every name that is mentioned is defined (resolve_bundles, resolve_services)."""
    unknown = undefined(services)
    near = slips(services, unknown) if len(unknown) <= FEW else {}
    for name, meant in near.items():
        for service, reference in unknown.pop(name):
            yield mention(service, reference, f"{name!r} is not defined; {meant}")
    untyped = [
        service
        for service in services.all
        if is_addition(service.definition) and service.name not in services.given
    ]
    if unknown or untyped:
        yield fragment(unknown, untyped)


def undefined(services: ServiceSet) -> dict[str, list[Mention]]:
    """Names that nothing defines, and where they are mentioned."""
    found: dict[str, list[Mention]] = {}
    for service in services.services.values():
        for reference in service.references:
            name = reference.name
            if not services.is_defined(name) and not name.startswith(RESERVED):
                found.setdefault(name, []).append((service, reference))
    return found


def slips(
    services: ServiceSet, unknown: Mapping[str, Sequence[Mention]]
) -> dict[str, str]:
    """Which unknown names are probably slips, and what to do about them."""
    known = (*services.services, *services.pipelines, *services.given)
    found = {}
    for name in unknown:
        reach = 1 if len(name) < 5 else 2
        distances = [(distance(name, one, reach), one) for one in known]
        nearest, meant = min(distances, default=(reach + 1, ""))
        if nearest <= reach:
            found[name] = f"did you mean {meant}?"
        elif len(name.split()) > 1 and all(
            services.is_defined(one) for one in name.split()
        ):
            found[name] = "write one name a line"
    return found


def fragment(
    unknown: Mapping[str, Sequence[Mention]], untyped: Sequence[Service]
) -> Finding:
    """The one line that says what is missing, and which option tells it."""
    wrong = [f"nothing here defines {shortened(list(unknown))}"] if unknown else []
    if untyped:
        names = shortened([service.name for service in untyped])
        wrong.append(f"there is no type in {names}")
    message = (
        f"{' and '.join(wrong)}; add what is missing, or if it comes from elsewhere "
        "lay that beneath with --layer DIR or name it with --given NAME"
    )
    if unknown:
        service, reference = next(iter(unknown.values()))[0]
        return mention(service, reference, message)
    return Finding(untyped[0].definition.path, message)


def shortened(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(name[:LONGEST] for name in names[:SHOWN]) + more
