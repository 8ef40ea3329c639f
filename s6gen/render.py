"""What is to be in each output directory: one, or one for each host."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s6gen.check.errors import tree_errors
from s6gen.configuration.certificates import certificate_layers, certificates
from s6gen.errors import Fatal, Fatals
from s6gen.output.plan import Wish
from s6gen.output.read import has_record, hosts_below
from s6gen.output.record import service_of
from s6gen.rendering.expand import origins, render
from s6gen.rendering.templates import Templates
from s6gen.services.host import host_services
from s6gen.services.kind import Kind
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration


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
    page = given.get("page") if configuration else None
    whole = configuration is not None and page is None
    found = certificates(certificate_layers(configuration, given, host))
    wishes = {}
    for name, several in found.items():
        path = top / name if name else top
        kinds = together(several, configuration)
        tree = render(kinds, templates)
        for error in tree_errors(tree, str(path)):
            raise Fatal(f"s6-rc would refuse this: {error.path}: {error.message}")
        if page is not None:
            chosen = next(one for one in several if one.page == page)
            tree = {
                path: file
                for path, file in tree.items()
                if service_of(path) in concerned(chosen)
            }
        wishes[path] = Wish(tree, origins(kinds), complete=whole, host=name or "")
    if whole and host is None:
        wishes |= former(top, wishes)
    asked = {
        path: wish for path, wish in wishes.items() if wish.tree or has_record(path)
    }
    if configuration and not asked:
        raise Fatal(
            f"{configuration.path}: asks for no certificate: add a [[certificate]]"
        )
    return asked


def concerned(certificate: RenewLetsEncrypt) -> tuple[str, ...]:
    """The services that are rendered for one certificate: its own, and its logger."""
    return (certificate.service, certificate.log_service)


def former(top: Path, wishes: Mapping[Path, Wish]) -> dict[Path, Wish]:
    """The output directories that were rendered into and no longer are."""
    found = {top: ""} | {top / name: name for name in hosts_below(top)}
    return {
        path: Wish({}, complete=True, host=host)
        for path, host in found.items()
        if path not in wishes
    }


def together(
    several: Sequence[RenewLetsEncrypt], configuration: "Configuration | None"
) -> Sequence[Kind]:
    """The services of a host; what cannot be together is told with the file that asks for it."""
    if not several:
        return ()
    if configuration is None:
        return host_services(several)
    try:
        return host_services(several, configuration.document.bundle)
    except Fatal as fatal:
        raise Fatals(f"{configuration.path}: {one}" for one in fatal.messages) from None
