"""One more certificate in s6gen.toml: what `s6gen render --save` adds."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s6gen.configuration.certificates import certificates, new_certificate_layers
from s6gen.configuration.toml_text import toml_table, toml_value
from s6gen.errors import Fatal
from s6gen.places import CONFIGURATION
from s6gen.services.renew_lets_encrypt import REQUIRED_KEYS

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration


def with_certificate(
    before: "Configuration | None",
    path: str | None,
    values: Mapping[str, Any],
    host: str | None,
) -> "Configuration":
    """Return the file with one more certificate at its end; nothing is written.

    Without a file a new one is begun, at path or here. Raises Fatal for a page that is
    in the file already, and for values that cannot be right.
    """
    # cattrs and textwrap take a while to load: not for those who do not save.
    from s6gen.configuration.document import parse_document
    from s6gen.configuration.initial import initial_text

    refuse_incomplete(values)
    old = before or parse_document(initial_text(), Path(path or CONFIGURATION))
    refuse_known_page(old, host, values["page"])
    certificates({host: [new_certificate_layers(old, host, values)]})
    array = "certificate"
    if host is not None:
        array = f"host.{toml_value(host)}.certificate"
    addition = f"\n[[{array}]]\n{toml_table(values)}"
    refuse_bytes(addition)
    try:
        text = combined_text(old.text, addition)
        return parse_document(text, old.path, is_own=old.is_own)
    except Fatal:
        raise Fatal(
            f"{old.path}: a [[{array}]] cannot be added at its end: add it yourself"
        ) from None


def refuse_incomplete(values: Mapping[str, Any]) -> None:
    """Raise Fatal for a certificate without page or names."""
    for key in REQUIRED_KEYS:
        if key not in values:
            raise Fatal(f"--save: missing option '--{key}'")


def refuse_known_page(
    configuration: "Configuration", host: str | None, page: str
) -> None:
    """Raise Fatal for a page that the host has already."""
    for layers in configuration.host_layers.get(host, []):
        if layers[-1].values.get("page") == page:
            raise Fatal(
                f"{configuration.path}: page {page!r} is there already: change it there"
            )


def refuse_bytes(text: str) -> None:
    """Raise Fatal for bytes of the command line that are not UTF-8 (os.fsdecode)."""
    if not text.isascii() and "\udc80" <= max(text) <= "\udcff":
        raise Fatal("--save: something given is not UTF-8, which TOML has to be")


def combined_text(text: str, addition: str) -> str:
    """Return a text with an addition at its end, in the text's kind of lines."""
    both = f"{text.rstrip()}\n{addition}".replace("\r\n", "\n")
    if "\r\n" in text:
        return both.replace("\n", "\r\n")
    return both
