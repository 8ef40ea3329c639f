"""What is asked for: the layers of each certificate, from all files and the command line."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from s6gen import places
from s6gen.configuration.layers import BUILT_IN, COMMAND_LINE, Layer
from s6gen.errors import Fatal
from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt
from s6gen.services.validators import key_of

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration
    from s6gen.configuration.structure import Mistake

SEVERAL = {
    "service": "renew-lets-encrypt-{page}-srv",
    "log-service": "renew-lets-encrypt-log",
    "certificate-dir": "/etc/ssl/letsencrypt/{page}",
    "account-key": "/etc/ssl/letsencrypt/account.key",
}
"""What a file of certificates starts from: each its own place, all one account and one log."""
NAMES = {key_of(field): field.name for field in attrs.fields(RenewLetsEncrypt)}
"""For each key the attribute."""

Request = Mapping[str | None, list[tuple[Layer, ...]]]
"""For each host, or for none, the layers of each certificate."""


def request(
    configuration: "Configuration | None", given: Mapping[str, Any], host: str | None
) -> Request:
    """What a configuration asks for, if there is one, with the command line's values over it.

    With a page on the command line they lie over that certificate alone, which may be a new one.
    """
    if configuration is None:
        return {None: [layered(None, (), given)]}
    return {
        name: overlaid(configuration, name, certificates, given)
        for name, certificates in hosts(configuration, given, host).items()
    }


def new_certificate(
    configuration: "Configuration", host: str | None, given: Mapping[str, Any]
) -> tuple[Layer, ...]:
    """The layers of a certificate that is not in the file."""
    return layered(configuration, configuration.below(host), given)


def layered(
    configuration: "Configuration | None",
    layers: tuple[Layer, ...],
    given: Mapping[str, Any],
) -> tuple[Layer, ...]:
    """What lies below and above the layers of the file."""
    built_in = (Layer(SEVERAL, BUILT_IN),) if configuration else ()
    return (
        *built_in,
        *machine_defaults(configuration),
        *layers,
        Layer(given, COMMAND_LINE),
    )


def hosts(
    configuration: "Configuration", given: Mapping[str, Any], host: str | None
) -> Request:
    """The hosts that are asked for."""
    found = configuration.hosts
    known = ", ".join(filter(None, found))
    if host is None:
        if "page" in given and known:
            raise Fatal(f"--page: say for which host: --host of {known}")
        return found
    if host not in found:
        but = f": it has {known}" if known else ""
        raise Fatal(f"--host: {configuration.path} has no host {host!r}{but}")
    return {host: found[host]}


def overlaid(
    configuration: "Configuration",
    host: str | None,
    certificates: list[tuple[Layer, ...]],
    given: Mapping[str, Any],
) -> list[tuple[Layer, ...]]:
    """The certificates of a host, and the command line's values over those that they are for."""
    if "page" not in given:
        if "domain" in given and len(certificates) > 1:
            raise Fatal("--domain: say for which page: --page")
        return [layered(configuration, layers, given) for layers in certificates]
    pages = [layers[-1].values.get("page") for layers in certificates]
    if given["page"] in pages:
        place = pages.index(given["page"])
    elif "domain" in given:
        place, certificates = len(pages), [*certificates, configuration.below(host)]
    else:
        known = ", ".join(map(repr, pages)) or "none"
        raise Fatal(
            f"--page: {configuration.path} has no page {given['page']!r}, but {known}: "
            "give --domain for a new one"
        )
    return [
        layered(configuration, layers, given if number == place else {})
        for number, layers in enumerate(certificates)
    ]


def machine_defaults(configuration: "Configuration | None" = None) -> tuple[Layer, ...]:
    """The distribution's and the administrator's defaults, if they count, and are there."""
    if configuration and not configuration.document.machine_defaults:
        return ()
    return machine_files()


@functools.cache
def machine_files() -> tuple[Layer, ...]:
    """What this machine's files of defaults say."""
    found = [
        path for path in (places.DISTRIBUTION, places.ADMINISTRATOR) if path.is_file()
    ]
    if not found:
        return ()
    from s6gen.configuration.document import machine_layer  # takes a while to load

    return tuple(map(machine_layer, found))


def certificates(asked: Request) -> dict[str | None, list[RenewLetsEncrypt]]:
    """The certificates asked for, of each host. Raises Fatals with all mistakes."""
    every = [layers for several in asked.values() for layers in several]
    if all(layer.source == COMMAND_LINE for layers in every for layer in layers):
        return {
            name: [directly(layers) for layers in several]
            for name, several in asked.items()
        }
    from s6gen.configuration.document import listed  # takes a while to load
    from s6gen.configuration.structure import structure

    results = {
        name: [structure(layers) for layers in several]
        for name, several in asked.items()
    }
    wrong = [
        told(mistake, layers)
        for name, several in asked.items()
        for layers, result in zip(several, results[name], strict=True)
        if isinstance(result, list)
        for mistake in result
    ]
    if wrong:
        raise listed(wrong)
    return {
        name: [one for one in several if isinstance(one, RenewLetsEncrypt)]
        for name, several in results.items()
    }


def directly(layers: tuple[Layer, ...]) -> RenewLetsEncrypt:
    """A certificate that the command line alone asks for."""
    return RenewLetsEncrypt(
        **{NAMES[key]: value for key, value in layers[-1].values.items()}
    )


def told(mistake: "Mistake", layers: tuple[Layer, ...]) -> tuple[str, int, str]:
    """Where a mistake is, and what it is."""
    from s6gen.configuration import document as configuration

    layer = mistake.layer
    if layer is None or layer.source == BUILT_IN:
        layer = next((one for one in reversed(layers) if one.is_file), layers[-1])
    if not layer.is_file:
        return (
            "",
            0,
            f"--{mistake.key}: {mistake.message}" if mistake.key else mistake.message,
        )
    path = Path(layer.source)
    found = attrs.evolve(mistake, layer=layer)
    return configuration.told(found, path, configuration.read_text(path))
