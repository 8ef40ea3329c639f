"""Where an s6gen.toml may lead: `output` and `templates` stay below its directory.

What the command line says may lead anywhere. What the file says may do so only if the
file belongs to the user and has `outside = true`: it may have been written by somebody
whose repository was only cloned. No symbolic link below the directory is followed.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from s6gen.errors import Fatal
from s6gen.names import is_private, lies_in_private

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration


class Place(NamedTuple):
    """A directory, and how far it is trusted."""

    path: Path
    within: Path | None = None
    """The directory from which on no link is followed. None: any may be."""
    follows_links: bool = False
    """Links in it may lead out of it."""


def output_place(configuration: "Configuration | None", given: str | None) -> Place:
    """Return the directory that everything is rendered into, or below.

    Raises Fatals if the file leads where it may not.
    """
    if given is not None:
        return Place(Path(given))
    if configuration is None:
        return Place(Path())
    return place(configuration, "output", configuration.document.output)


def templates_place(
    configuration: "Configuration | None", given: str | None
) -> Place | None:
    """Return the directory of one's own templates, or None if there are none.

    Raises Fatals if the file leads where it may not.
    """
    if given is not None:
        is_open = configuration is not None and configuration.may_lead_outside
        return Place(Path(given), follows_links=is_open)
    if configuration is None or configuration.document.templates is None:
        return None
    return place(configuration, "templates", configuration.document.templates)


def place(configuration: "Configuration", key: str, value: str) -> Place:
    """Return the directory that a key of a file names.

    Raises Fatals if the file may not lead there.
    """
    above = configuration.path.parent
    below = path_below(above, value)
    if lies_in_private(value):
        fault = "lies in a private directory of a version control system: name another"
    elif configuration.may_lead_outside:
        return Place(above / value, follows_links=True)
    elif below is None:
        fault = f"leads out of the directory of this file: {remedy(configuration, key)}"
    elif link := first_link(above, below):
        fault = (
            f"{link} is a symbolic link, which is not followed: "
            f"{remedy(configuration, key)}"
        )
    else:
        return Place(above / below, above)
    # Not at the top: tomllib takes a while to load, and only a file has bounds.
    from s6gen.configuration.mistakes import Mistake, fatals_in

    raise fatals_in(configuration.path, configuration.text, [Mistake(key, fault)])


def remedy(configuration: "Configuration", key: str) -> str:
    """Return what lets a key lead elsewhere: once, or for ever."""
    if configuration.is_own:
        return f"write outside = true at the top if you wrote it, or give --{key}"
    return f"give --{key} (the file belongs to another user)"


def path_below(above: Path, value: str) -> str | None:
    """Return a path relative to the directory that it is in or below; None elsewhere.

    `..` takes back the name before it: no link is followed between.
    """
    if not os.path.isabs(value):  # noqa: PTH117 (as for the next lines)
        below = os.path.normpath(value)
        return None if below.split("/")[0] == ".." else below
    path = os.path.normpath(value)
    for directory in (os.path.abspath(above), os.path.realpath(above)):  # noqa: PTH100
        if os.path.commonpath([path, directory]) == directory:
            return os.path.relpath(path, directory)
    return None


def first_link(above: Path, below: str) -> Path | None:
    """Return the first symbolic link on the way to a path below a directory."""
    path = above
    for name in below.split("/"):
        path = path / name
        if path.is_symlink():
            return path
    return None


def refuse_private_names(names: Iterable[str]) -> None:
    """Raise Fatal for a service or host with a name that is not for services.

    git runs what is in .git/hooks; others have such directories, too.
    """
    for name in sorted(names):
        if is_private(name):
            reason = "is the name of a directory of a version control system"
            raise Fatal(f"{name}: {reason}: give another")
