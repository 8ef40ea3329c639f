"""What s6-overlay brings: its own services, and how its sources are recognised."""

import os

from s6gen.sources.entries import Definition, File, Folder, Source, is_addition

DIRECTORIES = ("s6-rc.d", "user-bundles.d")
USER_BUNDLES = ("user", "user2")


def bundle(name: str, *contents: str) -> Definition:
    """A bundle of s6-overlay."""
    return Definition(
        f"s6-overlay/{name}",
        name,
        {"type": File(b"bundle\n"), "contents.d": Folder(contents)},
    )


def oneshot(name: str, *dependencies: str) -> Definition:
    """A oneshot of s6-overlay."""
    return Definition(
        f"s6-overlay/{name}",
        name,
        {
            "type": File(b"oneshot\n"),
            "up": File(b""),
            "dependencies.d": Folder(dependencies),
        },
    )


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
    """Whether this is a source directory of an image that is built on s6-overlay."""
    parent, name = os.path.split(os.path.abspath(source.path))  # noqa: PTH100 (no link followed)
    if name in DIRECTORIES and os.path.basename(parent) == "s6-overlay":  # noqa: PTH119
        return True
    return any(
        definition.name in USER_BUNDLES and is_addition(definition)
        for definition in source.definitions
    )
