"""s6-overlay: its own services, and how a source of its images is recognised."""

import os

from s6gen.sources.entries import (
    Definition,
    Entry,
    Folder,
    RegularFile,
    Source,
    is_addition,
)

DIRECTORIES = ("s6-rc.d", "user-bundles.d")
USER_BUNDLES = ("user", "user2")


def bundle(name: str, *contents: str) -> Definition:
    """A bundle of s6-overlay."""
    entries: dict[str, Entry] = {
        "type": RegularFile(b"bundle\n"),
        "contents.d": Folder(contents),
    }
    return Definition(f"s6-overlay/{name}", name, entries)


def oneshot(name: str, *dependencies: str) -> Definition:
    """A oneshot of s6-overlay."""
    entries: dict[str, Entry] = {
        "type": RegularFile(b"oneshot\n"),
        "up": RegularFile(b""),
        "dependencies.d": Folder(dependencies),
    }
    return Definition(f"s6-overlay/{name}", name, entries)


S6_OVERLAY = Source(
    "s6-overlay",
    (
        bundle("base", "fix-attrs", "legacy-cont-init"),
        oneshot("fix-attrs"),
        oneshot("legacy-cont-init", "fix-attrs"),
        oneshot("legacy-services", "base", "user"),
        bundle("top", "base", "legacy-services", "user", "user2"),
        bundle("user"),
        bundle("user2"),
    ),
)
"""The sources that s6-overlay 3 compiles together with the image's own."""


def is_s6_overlay(source: Source) -> bool:
    """Tell whether this is a source directory of an image built on s6-overlay.

    Its path says so, or it adds to a bundle of s6-overlay.
    """
    # os.path, as importing pathlib would take time, and resolve() would follow links.
    path = os.path.abspath(source.path)  # noqa: PTH100 (see above)
    parent, name = os.path.split(path)
    if name in DIRECTORIES and os.path.basename(parent) == "s6-overlay":  # noqa: PTH119 (see above)
        return True
    return any(adds_to_user_bundle(definition) for definition in source.definitions)


def adds_to_user_bundle(definition: Definition) -> bool:
    """Tell whether a directory adds to one of the bundles that are there for images."""
    return definition.name in USER_BUNDLES and is_addition(definition)
