"""Where values come from: each layer lies over those before it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

BUILT_IN = "built in"
COMMAND_LINE = "command line"


class Layer(NamedTuple):
    """Some values, by the names of their options, and where they are from."""

    values: Mapping[str, Any]
    source: str
    """A file's path, or one of the above."""
    table: tuple[str | int, ...] = ()
    """Where they are in the file."""

    @property
    def is_file(self) -> bool:
        """Whether there is a place to point at."""
        return self.source not in (BUILT_IN, COMMAND_LINE)


Effective = Mapping[str, tuple[Any, Layer]]
"""For each key the value that counts, and where it is from."""


def effective(layers: Iterable[Layer]) -> Effective:
    """The values that count. `{page}` in a file stands for the certificate's page."""
    found: dict[str, tuple[Any, Layer]] = {}
    for layer in layers:
        for key, value in layer.values.items():
            found[key] = (value, layer)
    page = found.get("page", ("",))[0]
    for key, (value, layer) in found.items():
        if layer.source != COMMAND_LINE:
            found[key] = (filled(value, str(page)), layer)
    return found


def filled(value: Any, page: str) -> Any:
    """A value with the page in its place."""
    if isinstance(value, str):
        return value.replace("{page}", page)
    if isinstance(value, list):
        return [filled(one, page) for one in value]
    if isinstance(value, dict):
        return {key: filled(one, page) for key, one in value.items()}
    return value
