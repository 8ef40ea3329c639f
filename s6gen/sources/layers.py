"""Lays one source beneath another, as an image build does with its layers."""

import os
from collections.abc import Iterable, Sequence

from s6gen.sources.entries import Definition, Folder, Source


def lay_beneath(sources: Iterable[Source], layer: Source) -> tuple[Source, ...]:
    """Return the sources with a lower layer beneath them.

    They are merged by path, as an image build merges layers. What only the layer
    defines becomes a source of its own: s6-rc-compile sees no difference.
    """
    lower_definitions = {
        definition.name: definition for definition in layer.definitions
    }
    merged_sources = []
    for source in sources:
        definitions = []
        for upper in source.definitions:
            lower = lower_definitions.pop(upper.name, None)
            if lower is None:
                definitions.append(upper)
            else:
                definitions.append(merged_definition(upper, lower))
        merged_sources.append(source._replace(definitions=tuple(definitions)))
    rest = tuple(lower_definitions.values())
    merged_sources.append(layer._replace(definitions=rest, is_layer=True))
    return tuple(merged_sources)


def merged_definition(upper: Definition, lower: Definition) -> Definition:
    """One definition laid over another of the same name."""
    entries = {**lower.entries, **upper.entries}
    for name, entry in upper.entries.items():
        lower_entry = lower.entries.get(name)
        if isinstance(entry, Folder) and isinstance(lower_entry, Folder):
            names = dict.fromkeys((*lower_entry.names, *entry.names))
            outside = entry.outside or lower_entry.outside
            entries[name] = entry._replace(names=tuple(names), outside=outside)
    only_lower = lower.entries.keys() - upper.entries.keys()
    lower_paths = {**lower.lower_paths, **dict.fromkeys(only_lower, lower.path)}
    outside = upper.outside or lower.outside
    return upper._replace(entries=entries, lower_paths=lower_paths, outside=outside)


def layer_directories(layer: str, paths: Sequence[str]) -> list[str]:
    """The source directories of a layer, for the paths of the sources above it.

    `--layer base/root` means base/root/etc/s6-rc/source, if the source is
    app/root/etc/s6-rc/source. A layer without such a directory is one itself.
    """
    directories = []
    for path in paths:
        directory = directory_in_layer(layer, path)
        if directory and directory not in directories:
            directories.append(directory)
    return directories or [layer]


def directory_in_layer(layer: str, path: str) -> str | None:
    """The directory in a layer whose path ends like this one, in two names or more."""
    # os.path, as importing pathlib would take time.
    names = os.path.abspath(path).split("/")  # noqa: PTH100 (see above)
    for start in range(1, len(names) - 1):
        directory = os.path.join(layer, *names[start:])  # noqa: PTH118 (see above)
        if os.path.isdir(directory):  # noqa: PTH112 (see above)
            return directory
    return None
