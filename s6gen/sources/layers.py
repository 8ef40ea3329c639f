"""Lays one source beneath another, as an image build does with its layers."""

import os
from collections.abc import Iterable, Sequence

from s6gen.sources.entries import Definition, Folder, Source


def lay_beneath(sources: Iterable[Source], layer: Source) -> tuple[Source, ...]:
    """The sources with a lower layer beneath, merged by path as an image build merges layers.

    What only the layer defines becomes a source of its own: s6-rc-compile sees no difference.
    """
    beneath = {definition.name: definition for definition in layer.definitions}
    merged = []
    for source in sources:
        definitions = (
            over(one, beneath.pop(one.name, None)) for one in source.definitions
        )
        merged.append(source._replace(definitions=tuple(definitions)))
    rest = layer._replace(definitions=tuple(beneath.values()), is_layer=True)
    return (*merged, rest)


def over(upper: Definition, lower: Definition | None) -> Definition:
    """One definition laid over another of the same name."""
    if lower is None:
        return upper
    entries = {**lower.entries, **upper.entries}
    for name, entry in upper.entries.items():
        under = lower.entries.get(name)
        if isinstance(entry, Folder) and isinstance(under, Folder):
            names = tuple(dict.fromkeys((*under.names, *entry.names)))
            entries[name] = entry._replace(names=names)
    lent = {name: lower.path for name in lower.entries if name not in upper.entries}
    return upper._replace(entries=entries, lent={**lower.lent, **lent})


def layer_directories(layer: str, paths: Sequence[str]) -> list[str]:
    """The source directories of a layer: where it has paths like those of the sources, or itself.

    `--layer base/root` finds base/root/etc/s6-rc/source beneath app/root/etc/s6-rc/source.
    """
    found = [directory for path in paths if (directory := same_path(layer, path))]
    return list(dict.fromkeys(found)) or [layer]


def same_path(layer: str, path: str) -> str | None:
    """The directory in a layer whose path ends like this one, in two names or more."""
    parts = os.path.abspath(path).split("/")  # noqa: PTH100 (importing pathlib takes time)
    for start in range(1, len(parts) - 1):
        directory = os.path.join(layer, *parts[start:])  # noqa: PTH118
        if os.path.isdir(directory):  # noqa: PTH112
            return directory
    return None
