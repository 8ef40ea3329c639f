"""The files of one's own templates: found, and read within bounds.

Where an s6gen.toml names their directory, that may be a stranger's: then what leads out
of it is refused, with a line that names it, and nothing is read through it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from s6gen.errors import Fatal, os_failure
from s6gen.files import read_text_file
from s6gen.names import is_private
from s6gen.text import is_visible

MAX_TEMPLATE = 1 << 20
"""Bytes of one template. The largest of s6gen's own has some thousand."""
MAX_ENTRIES = 10_000
"""Files and directories of all templates, of which s6gen itself has less than 100."""
REMEDY = "put a copy in its place, or write outside = true into your s6gen.toml"
MAX_DEPTH = 32
"""Directories in one another: more than a path of templates ever has."""


def own_names(
    directory: Path, within: Path | None, *, follows_links: bool
) -> list[str]:
    """Return the names of the templates in a directory, sorted.

    Hidden names, those of version control, and an editor's backups do not count.
    `within` is not None where a stranger may have named the directory; links out of it
    count only where they are followed. Raises Fatal for what is no template.
    """
    names = []
    waiting = [""]
    count = 0
    try:
        while waiting:
            folder = waiting.pop()
            for entry in entries_of(directory / folder):
                count += 1
                if count > MAX_ENTRIES:
                    reason = f"has more than {MAX_ENTRIES} entries"
                    raise Fatal(f"{directory}: {reason}: this is no template directory")
                name = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    refuse_deep(name, entry.path)
                    waiting.append(f"{name}/")
                    continue
                if not follows_links:
                    refuse_leading_out(entry, directory)
                if within is not None:
                    refuse_second_name(entry)
                if is_template(entry):
                    names.append(printable_name(name, directory))
    except OSError as error:
        raise os_failure("read", str(error.filename or directory), error) from None
    return sorted(names)


def entries_of(directory: Path) -> Iterator["os.DirEntry[str]"]:
    """Yield the entries of a directory that count."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if not is_hidden(entry.name) and not entry.name.endswith("~"):
                yield entry


def is_hidden(name: str) -> bool:
    """Tell whether a name is hidden, or one of version control (`is_private`)."""
    return name.startswith(".") or is_private(name)


def refuse_deep(name: str, path: str) -> None:
    """Raise Fatal for a directory that is in too many others."""
    if name.count("/") >= MAX_DEPTH:
        raise Fatal(f"{path}: is deeper than {MAX_DEPTH} directories")


def printable_name(name: str, directory: Path) -> str:
    """Return the name of a template. Raises Fatal for one that cannot be printed."""
    if not all(map(is_visible, name)):
        reason = f"a template is called {name!r}: give it a printable name"
        raise Fatal(f"{directory}: {reason}")
    return name


def is_template(entry: "os.DirEntry[str]") -> bool:
    """Tell whether an entry that is no directory is a template.

    A link to a directory is none. Raises Fatal for what is no regular file.
    """
    try:
        status = entry.stat()
    except FileNotFoundError:
        return False  # a link to nothing, such as an editor's lock
    if stat.S_ISDIR(status.st_mode):
        return False
    if not stat.S_ISREG(status.st_mode):
        raise Fatal(f"{entry.path}: is not a regular file: remove it")
    return True


def refuse_leading_out(entry: "os.DirEntry[str]", directory: Path) -> None:
    """Raise Fatal for a link that leads out of a directory, or to another one."""
    if not entry.is_symlink():
        return
    target = os.path.realpath(entry.path)  # resolve() has no answer for a loop
    below = os.path.relpath(target, os.path.realpath(directory))
    if below.split("/")[0] == "..":
        raise Fatal(f"{entry.path}: is a link that leads out of {directory}: {REMEDY}")
    if any(map(is_hidden, below.split("/"))):
        raise Fatal(f"{entry.path}: is a link to what is hidden: {REMEDY}")
    if Path(target).is_dir():
        raise Fatal(f"{entry.path}: is a link to a directory: {REMEDY}")


def refuse_second_name(entry: "os.DirEntry[str]") -> None:
    """Raise Fatal for a file with a second name (a hard link): whose is it?"""
    if not entry.is_symlink() and entry.stat().st_nlink > 1:
        raise Fatal(f"{entry.path}: has more names than this one: {REMEDY}")


def read_own(path: Path, within: Path | None) -> str:
    """Return the text of a template. Raises Fatal if it cannot be read.

    A link was allowed only if it stays in the directory: its target is opened, without
    following any.
    """
    if within is not None and path.is_symlink():
        path, within = path.resolve(), within.resolve()
        if within not in path.parents:
            raise Fatal(f"{path}: lies outside of {within}")
    return read_text_file(path, MAX_TEMPLATE, within).text
