"""The values that count, each with its origin: what `s6gen config` shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from s6gen.configuration.layers import BUILT_IN, Layer, Layers, effective_values
from s6gen.configuration.toml_file import known_lines, read_text
from s6gen.configuration.toml_lines import line_of
from s6gen.services.parameters import is_derived
from s6gen.services.renew_lets_encrypt import PARAMETERS, RenewLetsEncrypt

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration

DERIVED = "follows from the others"
SETTINGS = ("output", "templates", "outside", "bundle", "machine_defaults")
"""The attributes of Document that are single values."""


class ShownValue(NamedTuple):
    """One value, and where it comes from."""

    key: str
    value: Any
    origin: str
    """A file and line, or the words for what stands in none."""


def document_values(configuration: "Configuration") -> Iterator[ShownValue]:
    """Yield the settings at the top of the file."""
    # Not at the top: cattrs is slow to import, and not for those who have no file.
    from s6gen.configuration.document import DOCUMENT_KEYS

    layer = configuration.layer(configuration.table, ())
    for name in SETTINGS:
        key = DOCUMENT_KEYS[name]
        value = getattr(configuration.document, name)
        if key in configuration.table:
            yield ShownValue(key, value, layer_origin(key, layer))
        elif value is not None:
            yield ShownValue(key, value, BUILT_IN)


def certificate_values(
    certificate: RenewLetsEncrypt, layers: Layers
) -> Iterator[ShownValue]:
    """Yield every value that a certificate has."""
    effective = effective_values(layers)
    for key, field in PARAMETERS.items():
        value = getattr(certificate, field.name)
        if value is None:
            continue
        if key in effective:
            _, layer = effective[key]
            origin = layer_origin(key, layer)
        elif is_derived(field):
            origin = DERIVED
        else:
            origin = BUILT_IN
        yield ShownValue(key, value, origin)


def layer_origin(key: str, layer: Layer) -> str:
    """Return where a key of a layer stands: its file and line, if it is in a file."""
    if not layer.is_file:
        return layer.source
    lines = known_lines(read_text(Path(layer.source)))
    return f"{layer.source}:{line_of(lines, (*layer.table, key))}"
