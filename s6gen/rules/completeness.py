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
            yield mention(service, reference, f"{name!r} is not defined; did you mean {meant}?")
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


def slips(services: ServiceSet, unknown: Mapping[str, Sequence[Mention]]) -> dict[str, str]:
    """Which unknown names are probably misspelt, and what was meant."""
    known = (*services.services, *services.pipelines, *services.given)
    found = {}
    for name in unknown:
        reach = 1 if len(name) < 5 else 2
        distances = [(distance(name, one, reach), one) for one in known]
        nearest, meant = min(distances, default=(reach + 1, ""))
        if nearest <= reach:
            found[name] = meant
    return found


def distance(one: str, other: str, reach: int) -> int:
    """How many letters to add, drop, replace or swap (optimal string alignment), up to reach."""
    if abs(len(one) - len(other)) > reach:
        return reach + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > reach:
            return reach + 1
    return row[-1]


def fragment(unknown: Mapping[str, Sequence[Mention]], untyped: Sequence[Service]) -> Finding:
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
    return ", ".join(names[:SHOWN]) + more
