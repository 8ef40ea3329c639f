"""The s6gen.toml that counts: found, and read if there is one."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from s6gen.errors import Fatal
from s6gen.names import lies_in_private
from s6gen.places import CONFIGURATION

if TYPE_CHECKING:
    from s6gen.configuration.document import Configuration


def find_file() -> Path | None:
    """Return the file in the current directory or above it, relative to the former.

    Raises Fatal for a file that belongs to another user, or that lies elsewhere.
    """
    here = Path.cwd()
    for directory in (here, *here.parents):
        path = directory / CONFIGURATION
        refuse_link(path)
        if path.is_file():
            refuse_foreign(path)
            return Path(os.path.relpath(path, here))
    return None


def file_path(given: str | None) -> Path | None:
    """Return the path of --config, or of the file that is found, or None."""
    if given is not None:
        return Path(given)
    return find_file()


def refuse_foreign(path: Path) -> None:
    """Raise Fatal for a file, or a link to it, that neither root nor the user owns."""
    owners = {path.stat().st_uid, path.lstat().st_uid}
    if not owners <= {0, os.geteuid()}:
        raise Fatal(
            f"{path}: belongs to another user: give it with --config if you trust it"
        )


def refuse_link(path: Path) -> None:
    """Raise Fatal for a link that leads out of its directory, or to git's own files.

    Who wrote it may want to have another file's mistakes printed, or that file changed;
    or made, if it is not there.
    """
    if not path.is_symlink():
        return
    directory = os.path.realpath(path.parent)  # resolve() has no answer for a loop
    below = os.path.relpath(os.path.realpath(path), directory)
    if below.split("/")[0] == ".." or lies_in_private(below):
        reason = "is a symbolic link that leads out of its directory"
        raise Fatal(f"{path}: {reason}: give it with --config if you trust it")


def read_configuration(
    given: str | None, *, may_be_missing: bool = False
) -> "Configuration | None":
    """Return the file of --config, or the one that is found, or None without one.

    Raises Fatal if it cannot be read, Fatals with every mistake of its form. The one
    of --config has to be there unless it may be missing.
    """
    path = file_path(given)
    if path is None:
        return None
    if may_be_missing and not path.exists():
        return None
    # cattrs takes a while to load: not for those who have no file.
    from s6gen.configuration.document import read_document

    return read_document(path)
