"""The layers that values come from: each lies over those before it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

BUILT_IN = "built in"
COMMAND_LINE = "command line"


class Layer(NamedTuple):
    """Values by their keys, and where they come from.

    A NamedTuple, because making an attrs class takes longer, at every start of s6gen.
    """

    values: Mapping[str, Any]
    source: str
    """A file's path, or one of the above."""
    table: tuple[str | int, ...] = ()
    """The path of the table in the file."""

    @property
    def is_file(self) -> bool:
        """Tell whether the values stand in a file."""
        return self.source not in (BUILT_IN, COMMAND_LINE)


Layers = tuple[Layer, ...]
"""All that the values of one certificate come from, the lowest first."""

HostLayers = Mapping[str | None, list[Layers]]
"""By host, or None for no host, the layers of each certificate."""

EffectiveValues = Mapping[str, tuple[Any, Layer]]
"""By key the value that counts, and the layer that it comes from."""


def effective_values(layers: Iterable[Layer]) -> EffectiveValues:
    """Return the values that count: of each key the uppermost.

    `{page}` in a file stands for the certificate's page.
    """
    values = uppermost_values(layers)
    page, _ = values.get("page", ("", None))
    for key, (value, layer) in values.items():
        if layer.source != COMMAND_LINE:
            values[key] = (with_page(value, str(page)), layer)
    return values


def uppermost_values(layers: Iterable[Layer]) -> dict[str, tuple[Any, Layer]]:
    """Return each key's value in the uppermost layer that has one, and that layer."""
    values: dict[str, tuple[Any, Layer]] = {}
    for layer in layers:
        for key, value in layer.values.items():
            values[key] = (value, layer)
    return values


def with_page(value: Any, page: str) -> Any:
    """Return a value, or a list or table of values, with the page for `{page}`."""
    if isinstance(value, str):
        return value.replace("{page}", page)
    if isinstance(value, list):
        return [with_page(member, page) for member in value]
    if isinstance(value, dict):
        table = {}
        for key, member in value.items():
            table[key] = with_page(member, page)
        return table
    return value
