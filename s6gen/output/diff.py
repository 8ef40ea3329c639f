"""The changes of a rendering as a unified diff for patch(1) and git-apply(1)."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from s6gen.output.change import Action, Change, Entry, Irregular
from s6gen.rendering.tree import File
from s6gen.text import printable, without_controls

RED, GREEN, CYAN, BOLD, PLAIN = "\033[31m", "\033[32m", "\033[36m", "\033[1m", "\033[0m"
COLOURS = {"-": RED, "+": GREEN, "@": CYAN}
HEADERS = ("diff ", "+++ ", "--- ", "new ", "old ", "deleted ")


def unified_diff(
    changes: Iterable[Change], entries: Mapping[str, Entry], prefix: str = ""
) -> Iterator[str]:
    """Return the lines of the difference between what is there and what would be.

    `entries` is what is there, by path; `prefix` stands before each path.
    """
    for change in changes:
        path = printable(prefix + change.path)
        entry = entries.get(change.path)
        if change.action is Action.ORPHANED:
            yield f"{path}: left over"
        elif isinstance(entry, Irregular):
            yield f"{path}: is {entry.kind}"
        else:
            yield from mode_lines(path, entry, change.content)
            yield from content_lines(path, entry, change.content)


def mode_lines(path: str, old: File | None, new: File | None) -> Iterator[str]:
    """Return the header of a file's difference, with its mode, in git's form."""
    yield f"diff --git a/{path} b/{path}"
    if old is None:
        if new is not None:
            yield f"new file mode 100{new.mode:o}"
        return
    if new is None:
        yield f"deleted file mode 100{git_mode(old):o}"
        return
    if old.is_executable != new.is_executable:
        yield f"old mode 100{git_mode(old):o}"
        yield f"new mode 100{git_mode(new):o}"


def content_lines(path: str, old: File | None, new: File | None) -> Iterator[str]:
    """Return the difference of the contents of a file; nothing if they are the same."""
    difference = difflib.unified_diff(
        lines_of(old),
        lines_of(new),
        header_name("a", path, old),
        header_name("b", path, new),
        lineterm="",
    )
    for line in difference:
        yield from line.split("\n")


def header_name(side: str, path: str, file: File | None) -> str:
    """Return a file's name in a header: /dev/null if it is missing (git-diff(1))."""
    return "/dev/null" if file is None else f"{side}/{path}"


def lines_of(file: File | None) -> list[str]:
    """Return the lines of a file; the last one tells if its newline is missing."""
    if file is None:
        return []
    lines = []
    for line in file.content.decode("utf-8", "replace").split("\n"):
        # A patch has to fit: `\\0x`, which execline writes itself, stays as it is.
        lines.append("\t".join(map(without_controls, line.split("\t"))))
    last = lines.pop()
    if last:
        lines.append(f"{last}\n\\ No newline at end of file")
    return lines


def git_mode(file: File) -> int:
    """Return the mode as git keeps it."""
    return 0o755 if file.is_executable else 0o644


def coloured(line: str) -> str:
    """Return a line of a difference in git's colours."""
    if line.startswith(HEADERS):
        return f"{BOLD}{line}{PLAIN}"
    colour = COLOURS.get(line[:1])
    if colour is None:
        return line
    return f"{colour}{line}{PLAIN}"
