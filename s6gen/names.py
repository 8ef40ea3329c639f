"""The rules for names of services, files and accounts, and for paths."""

import re

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
PRIVATE = frozenset(
    {
        *(".git", ".hg", ".sl", ".svn", ".bzr", ".jj", ".pijul", ".darcs", "_darcs"),
        *("cvs", "rcs", "sccs", ".fossil", "_fossil_", ".fslckout", "_mtn", ".repo"),
    }
)
"""Directories in which version control systems keep their own files, in lower case."""
RESERVED = ("s6rc-", "s6-rc-")
"""No name of a service begins with these (s6-rc-compile: Source format)."""


def size(text: str) -> int:
    """Return how many bytes a text is in a file, whatever the locale."""
    return len(text.encode("utf-8", "surrogateescape"))


def is_directory_below_root(path: str) -> bool:
    """Tell whether a path is absolute, has no '..', and is not the root itself."""
    names = path.split("/")[1:]
    return path.startswith("/") and ".." not in names and all(map(is_file_name, names))


def is_interpreter(path: str) -> bool:
    """Tell whether a kernel takes a path after `#!` (execve(2)).

    It is absolute, without white space, and short.
    """
    return path.startswith("/") and not re.search(r"\s", path) and size(path) <= 100


def is_service_name(name: str) -> bool:
    """Tell whether a name is one that s6-rc-compile advises, and does not reserve.

    The rules are in its page (Source format).
    """
    return (
        NAME.fullmatch(name) is not None
        and not name.startswith(RESERVED)
        and len(name) <= 200
    )


def is_account_name(name: str) -> bool:
    """Tell whether a name can be that of an account or group (passwd(5)).

    A leading dash would be an option for the programs that are given the name.
    """
    return re.fullmatch(r"[^-:\s][^:\s]*", name) is not None


def is_file_name(name: str) -> bool:
    """Tell whether one entry of a directory can have a name (NAME_MAX)."""
    return name != "" and "/" not in name and "\0" not in name and size(name) <= 255


def is_visible_file_name(name: str) -> bool:
    """Tell whether a name is one of a file that is not hidden: no dot begins it."""
    return is_file_name(name) and not name.startswith(".")


def is_private(name: str) -> bool:
    """Tell whether a version control system takes a directory's name for its own.

    Some of its programs run what they find there. File systems may pass over case,
    over invisible characters, and over dots and blanks at the end.
    """
    plain = re.sub(r"[^!-~]", "", name).lower().rstrip(".")
    return plain in PRIVATE or plain.endswith(".git")


def lies_in_private(path: str) -> bool:
    """Tell whether a path leads into such a directory, or is one."""
    return any(map(is_private, path.split("/")))
