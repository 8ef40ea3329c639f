"""What is to be in each output directory: one, or one for each host."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s6gen.compile_errors import tree_errors
from s6gen.errors import Fatal, Fatals
from s6gen.host import services
from s6gen.kind import Kind
from s6gen.output import recorded_below
from s6gen.plan import Wish
from s6gen.render import origins, render
from s6gen.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.request import certificates, request
from s6gen.templates import Templates

if TYPE_CHECKING:
    from s6gen.configuration import Configuration


def wished(
    configuration: "Configuration | None",
    given: Mapping[str, Any],
    *,
    host: str | None,
    output: Path | None,
    templates: Templates,
) -> dict[Path, Wish]:
    """What is asked for, rendered. What was rendered before, and no longer is, is left over."""
    top = output or (configuration.output if configuration else Path())
    whole = configuration is not None and "page" not in given
    bundle = configuration.document.bundle if configuration and whole else None
    asked = request(configuration, given, host)
    found = {name: certificates(layers) for name, layers in asked.items()}
    wishes = {}
    for name, several in found.items():
        kinds = together(several, bundle, str(configuration.path) if configuration else "")
        path = top / name if name else top
        wishes[path] = Wish(tree=render(kinds, templates), origins=origins(kinds), complete=whole)
        for error in tree_errors(wishes[path].tree, str(path)):
            raise Fatal(f"s6-rc would refuse this: {error.path}: {error.message}")
    if whole and host is None:
        former = (top, *(top / name for name in recorded_below(top)))
        wishes |= {path: Wish(tree={}, complete=True) for path in former if path not in wishes}
    return wishes


def together(
    several: Sequence[RenewLetsEncrypt], bundle: str | None, source: str
) -> Sequence[Kind]:
    """The services of a host; what cannot be together is told with the file that asks for it."""
    try:
        return services(several, bundle) if several else ()
    except Fatal as fatal:
        raise Fatals(f"{source}: {one}" if source else one for one in fatal.messages) from None
