"""The certificates that are asked for, by all files and the command line together."""

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from s6gen import places
from s6gen.configuration.layers import (
    BUILT_IN,
    COMMAND_LINE,
    HostLayers,
    Layer,
    Layers,
)
from s6gen.errors import Fatal
from s6gen.services.renew_lets_encrypt import (
    PARAMETERS,
    REQUIRED_KEYS,
    RenewLetsEncrypt,
)

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration

FILE_DEFAULTS = {
    "service": "renew-lets-encrypt-{page}-srv",
    "log-service": "renew-lets-encrypt-log",
    "certificate-dir": "/etc/ssl/letsencrypt/{page}",
    "account-key": "/etc/ssl/letsencrypt/account.key",
}
"""The defaults for certificates of a file.

Each certificate has names and a directory of its own; all have one account and one log.
"""


def certificates(hosts: HostLayers) -> dict[str | None, list[RenewLetsEncrypt]]:
    """Return the certificates of each host. Raises Fatals with all mistakes in them."""
    if uses_files(hosts):
        # cattrs takes a while to load: not for those who have no file.
        from s6gen.configuration.structure import structure_certificates

        return structure_certificates(hosts)
    result: dict[str | None, list[RenewLetsEncrypt]] = {}
    for host, host_layers in hosts.items():
        result[host] = [from_command_line(layers) for layers in host_layers]
    return result


def uses_files(hosts: HostLayers) -> bool:
    """Tell whether any value may come from elsewhere than the command line."""
    for host_layers in hosts.values():
        for layers in host_layers:
            if any(layer.source != COMMAND_LINE for layer in layers):
                return True
    return False


def from_command_line(layers: Layers) -> RenewLetsEncrypt:
    """Return a certificate that the command line alone asks for."""
    attributes = {}
    for key, value in layers[-1].values.items():
        attributes[PARAMETERS[key].name] = value
    return RenewLetsEncrypt(**attributes)


def certificate_layers(
    configuration: "Configuration | None", given: Mapping[str, Any], host: str | None
) -> HostLayers:
    """Return the layers of each certificate that is asked for.

    These are the certificates of a file, if there is one, with the command line's
    values over them. If these have a page, they are for that certificate alone, which
    may be a new one. Raises Fatal for a page or host that is not there, and for what is
    missing where there is no file.
    """
    if configuration is None:
        refuse_incomplete(given, host)
        return {None: [all_layers(None, (), given)]}
    hosts: dict[str | None, list[Layers]] = {}
    for name, host_layers in selected_hosts(configuration, given, host).items():
        if "page" in given:
            hosts[name] = overlay_page(configuration, name, host_layers, given)
        else:
            hosts[name] = overlay_all(configuration, host_layers, given)
    return hosts


def refuse_incomplete(given: Mapping[str, Any], host: str | None) -> None:
    """Raise Fatal for what is missing, or means nothing, without an s6gen.toml."""
    for key in REQUIRED_KEYS:
        if key not in given:
            raise Fatal(
                f"missing option '--{key}', and there is no s6gen.toml here or above"
            )
    if host is not None:
        raise Fatal(
            "--host: hosts are named in s6gen.toml, and there is none here or above"
        )


def selected_hosts(
    configuration: "Configuration", given: Mapping[str, Any], host: str | None
) -> HostLayers:
    """Return the hosts that the command line selects: the one of --host, or all."""
    hosts = configuration.host_layers
    names = list(configuration.document.host)
    if host is not None:
        refuse_unknown_host(configuration, host, names)
        return {host: hosts[host]}
    if "page" in given and names:
        raise Fatal(f"--page: say for which host: --host of {', '.join(names)}")
    return hosts


def refuse_unknown_host(
    configuration: "Configuration", host: str, names: list[str]
) -> None:
    """Raise Fatal for a host that is not one of these names."""
    if host in names:
        return
    message = f"--host: {configuration.path} has no host {host!r}"
    if names:
        message += f": it has {', '.join(names)}"
    raise Fatal(message)


def overlay_all(
    configuration: "Configuration",
    certificates: list[Layers],
    given: Mapping[str, Any],
) -> list[Layers]:
    """Return the certificates of a host with the command line over each."""
    if "domain" in given and len(certificates) > 1:
        raise Fatal("--domain: say for which page: --page")
    return [all_layers(configuration, layers, given) for layers in certificates]


def overlay_page(
    configuration: "Configuration",
    host: str | None,
    certificates: list[Layers],
    given: Mapping[str, Any],
) -> list[Layers]:
    """Return the certificates of a host with the command line over that of its page."""
    page = given["page"]
    pages = [layers[-1].values.get("page") for layers in certificates]
    if page in pages:
        position = pages.index(page)
    elif "domain" in given:
        position = len(certificates)
        certificates = [*certificates, configuration.default_layers(host)]
    else:
        known = ", ".join(map(repr, pages)) or "none"
        raise Fatal(
            f"--page: {configuration.path} has no page {page!r}, but {known}: "
            "give --domain for a new one"
        )
    result = []
    for number, layers in enumerate(certificates):
        values = given if number == position else {}
        result.append(all_layers(configuration, layers, values))
    return result


def new_certificate_layers(
    configuration: "Configuration", host: str | None, given: Mapping[str, Any]
) -> Layers:
    """Return the layers of a certificate that is not in the file."""
    return all_layers(configuration, configuration.default_layers(host), given)


def all_layers(
    configuration: "Configuration | None", layers: Layers, given: Mapping[str, Any]
) -> Layers:
    """Return the layers of a file, with all that lie below and above them."""
    below = machine_layers(configuration)
    if configuration is not None:
        below = (Layer(FILE_DEFAULTS, BUILT_IN), *below)
    return (*below, *layers, Layer(given, COMMAND_LINE))


def machine_layers(configuration: "Configuration | None" = None) -> Layers:
    """Return the defaults of distribution and administrator, unless a file says no."""
    if configuration and not configuration.document.machine_defaults:
        return ()
    return read_machine_layers()


@functools.cache
def read_machine_layers() -> Layers:
    """Return what this machine's files of defaults say. Raises Fatals for mistakes."""
    paths = []
    for path in (places.DISTRIBUTION, places.ADMINISTRATOR):
        if path.is_file():
            paths.append(path)
    if not paths:
        return ()
    # cattrs takes a while to load: not for those who have no file.
    from s6gen.configuration.document import read_machine_layer

    return tuple(map(read_machine_layer, paths))
