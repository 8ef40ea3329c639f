"""What services and files may be called."""

import re

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*")
RESERVED = ("s6rc-", "s6-rc-")
"""No name begins with these (s6-rc-compile: Source format)."""


def size(text: str) -> int:
    """How many bytes a text is in a file, whatever the locale."""
    return len(text.encode("utf-8", "surrogateescape"))


def is_directory_below_root(path: str) -> bool:
    """An absolute path that means the same everywhere, and not the root itself."""
    names = path.split("/")[1:]
    return path.startswith("/") and ".." not in names and all(map(is_file_name, names))


def is_interpreter(path: str) -> bool:
    """What a kernel takes behind `#!`: one absolute path without white space (execve(2))."""
    return path.startswith("/") and not re.search(r"\s", path) and size(path) <= 100


def is_service_name(name: str) -> bool:
    """The names that s6-rc-compile advises, less those it reserves (its page: Source format)."""
    return (
        NAME.fullmatch(name) is not None
        and not name.startswith(RESERVED)
        and len(name) <= 200
    )


def is_file_name(name: str) -> bool:
    """What one entry of a directory can be called (NAME_MAX)."""
    return name != "" and "/" not in name and "\0" not in name and size(name) <= 255
