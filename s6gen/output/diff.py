"""What a rendering changes, as a unified diff that patch(1) and git take."""

import difflib
from collections.abc import Iterable, Iterator, Mapping

from s6gen.output.plan import Change, Foreign
from s6gen.rendering.tree import File
from s6gen.text import printable

RED, GREEN, CYAN, BOLD, PLAIN = "\033[31m", "\033[32m", "\033[36m", "\033[1m", "\033[0m"


def unified(
    changes: Iterable[Change], present: Mapping[str, File | Foreign], prefix: str = ""
) -> Iterator[str]:
    """The lines of the difference between what is there and what would be."""
    for change in changes:
        path = printable(prefix + change.path)
        old, new = present.get(change.path), change.content
        if change.action == "left over":
            yield f"{path}: left over"
        elif isinstance(old, Foreign):
            yield f"{path}: is {old.kind}"
        else:
            yield from file_difference(path, old, new)


def file_difference(path: str, old: File | None, new: File | None) -> Iterator[str]:
    """The difference of one file, with its mode, in git's extended form."""
    yield f"diff --git a/{path} b/{path}"
    if old is None and new is not None:
        yield f"new file mode 100{new.mode:o}"
    elif new is None and old is not None:
        yield f"deleted file mode 100{git_mode(old):o}"
    elif old and new and git_mode(old) != git_mode(new):
        yield f"old mode 100{git_mode(old):o}"
        yield f"new mode 100{git_mode(new):o}"
    before, after = (lines(one.content) if one else [] for one in (old, new))
    names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
    for line in difflib.unified_diff(before, after, *names, lineterm=""):
        yield from line.split("\n")


def lines(content: bytes) -> list[str]:
    """The lines of a file; the last says if its newline is missing."""
    text = content.decode("utf-8", "replace")
    found = ["\t".join(map(printable, line.split("\t"))) for line in text.split("\n")]
    last = found.pop()
    return [*found, f"{last}\n\\ No newline at end of file"] if last else found


def git_mode(file: File) -> int:
    """The mode as git keeps it."""
    return 0o755 if file.mode & 0o100 else 0o644


def coloured(line: str) -> str:
    """A line as git colours it."""
    if line.startswith(("diff ", "+++ ", "--- ", "new ", "old ", "deleted ")):
        return f"{BOLD}{line}{PLAIN}"
    colour = {"-": RED, "+": GREEN, "@": CYAN}.get(line[:1])
    return f"{colour}{line}{PLAIN}" if colour else line
