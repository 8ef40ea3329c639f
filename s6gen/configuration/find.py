"""s6gen.toml at the edge: found, begun, added to."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s6gen.configuration.toml_text import toml_table, toml_value
from s6gen.errors import Fatal
from s6gen.places import CONFIGURATION

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration


def find() -> Path | None:
    """The file in the current directory or above it. Raises Fatal for one of another user's."""
    here = Path.cwd()
    for directory in (here, *here.parents):
        path = directory / CONFIGURATION
        if path.is_file():
            owners = {path.stat().st_uid, path.lstat().st_uid}
            if not owners <= {0, os.geteuid()}:
                raise Fatal(
                    f"{path}: belongs to another user: give it with --config if you trust it"
                )
            return Path(os.path.relpath(path, here))
    return None


def own_templates(
    configuration: "Configuration | None", given: str | None
) -> Path | None:
    """The directory of one's own templates."""
    if given is not None:
        return Path(given)
    return configuration.templates if configuration else None


def configuration_at(
    given: str | None, *, may_be_missing: bool = False
) -> "Configuration | None":
    """What the file of that path says, or the one found here or above, if there is one."""
    path = find() if given is None else Path(given)
    if path is None or (may_be_missing and not path.exists()):
        return None
    from s6gen.configuration import document as configuration  # takes a while to load

    return configuration.configuration(configuration.read_text(path), path)


def with_certificate(
    before: "Configuration | None",
    path: str | None,
    values: Mapping[str, Any],
    host: str | None,
) -> "Configuration":
    """The file with one more certificate at its end; begun anew if there is none.

    Raises Fatal if the page is there already.
    """
    from s6gen.configuration.certificates import certificates, new_certificate
    from s6gen.configuration.document import configuration
    from s6gen.configuration.initial import initial

    for key in ("page", "domain"):
        if key not in values:
            raise Fatal(f"--save: missing option '--{key}'")
    old = before or configuration(initial(), Path(path or CONFIGURATION))
    for layers in old.hosts.get(host, []):
        if layers[-1].values.get("page") == values["page"]:
            raise Fatal(
                f"{old.path}: page {values['page']!r} is there already: change it there"
            )
    certificates({host: [new_certificate(old, host, values)]})
    place = "certificate" if host is None else f"host.{toml_value(host)}.certificate"
    addition = f"\n[[{place}]]\n{toml_table(values)}"
    if not addition.isascii() and "\udc80" <= max(addition) <= "\udcff":
        raise Fatal("--save: something given is not UTF-8, which TOML has to be")
    newline = "\r\n" if "\r\n" in old.text else "\n"
    text = f"{old.text.rstrip()}\n{addition}".replace("\r\n", "\n").replace(
        "\n", newline
    )
    try:
        return configuration(text, old.path)
    except Fatal:
        raise Fatal(
            f"{old.path}: a [[{place}]] cannot be added at its end: add it yourself"
        ) from None
