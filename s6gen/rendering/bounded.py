"""Own templates are expanded in a process of their own: so time and memory are bounded.

The sandbox of jinja2 keeps a template from all but its values, but not from looping for
ever, or from computing a number that fills the memory. Nothing but the end of the
process ends such a computation for sure.
"""

import marshal
import mmap
import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from s6gen.errors import Exit, Fatal
from s6gen.limits import limit_process
from s6gen.rendering.tree import File

SECONDS = 10
"""For the expansion of all templates, and EACH more for each service."""
EACH = 0.05
"""Fifty times what a service takes."""
MOST_SECONDS = 120
"""However many services there are."""
MEMORY = 1 << 29
"""Bytes that the expansion may take beyond what the process has."""
MAX_BYTES = 1 << 29
"""Bytes of all that is expanded: ten times what ten thousand services have."""
CHUNK = 1 << 20
Expansion = list[tuple[str, File]]
"""The paths and files of one service."""
Note = Callable[[str], None]
"""Is told which template is expanded now."""


def expand_bounded(
    expansions: Sequence[Callable[[Note], Expansion]],
) -> list[Expansion]:
    """Return what each of the functions returns, called in another process.

    Raises Fatal, with the name of the template, if that takes too long, or too much.
    """
    under_way = mmap.mmap(-1, 4096)
    reading, writing = os.pipe()
    seconds = min(SECONDS + EACH * len(expansions), MOST_SECONDS)
    child = os.fork()
    if child == 0:
        os.close(reading)
        answer_and_exit(expansions, writing, under_way, seconds)
    os.close(writing)
    try:
        answer = read_answer(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    name = under_way[:].rstrip(b"\0").decode("utf-8", "replace")
    if answer is None:
        raise Fatal(f"{name}: the expansion takes more than {seconds:.0f} seconds")
    try:
        answered = marshal.loads(answer)  # noqa: S302 (we wrote it)
    except (EOFError, ValueError, TypeError):  # not written, or not to its end
        reason = f"the expansion takes too much ({ending(status)})"
        raise Fatal(f"{name}: {reason}") from None
    return result_of(answered, name)


def answer_and_exit(
    expansions: Sequence[Callable[[Note], Expansion]],
    writing: int,
    under_way: mmap.mmap,
    seconds: float,
) -> None:
    """Expand, within limits, and write what came of it. Ends the process."""

    def note(name: str) -> None:
        encoded = name.encode("utf-8", "replace")[:4096]
        under_way[:] = encoded.ljust(4096, b"\0")

    answer: tuple[str, Any] = ("bug", "")
    try:
        limit(seconds)
        results = []
        for expand in expansions:
            files = [(path, f.content, f.mode) for path, f in expand(note)]
            results.append(files)
        answer = ("files", results)
    except Fatal as fatal:
        answer = ("fatal", fatal.messages[0])
    except (MemoryError, RecursionError, SyntaxError) as excess:
        answer = ("excess", type(excess).__name__)
    except BaseException as bug:
        answer = ("bug", f"{type(bug).__name__}: {bug}")
    try:
        with os.fdopen(writing, "wb") as pipe:
            marshal.dump(answer, pipe)
    finally:
        os._exit(0)


def limit(seconds: float) -> None:
    """Limit the memory and the CPU time of this process."""
    limit_process("RLIMIT_AS", bytes_now() + MEMORY)
    limit_process("RLIMIT_CPU", int(seconds) + 1)


def bytes_now() -> int:
    """Return the size of this process (proc_pid_statm(5)); a guess if not on Linux."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[0]
    except OSError:
        return MEMORY
    return int(pages) * mmap.PAGESIZE


def read_answer(reading: int, deadline: float) -> bytes | None:
    """Return all that the other process writes, or None if that takes too long.

    Nothing is returned if it has ended without a word, or writes too much.
    """
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BYTES:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            return None
        part = os.read(reading, CHUNK)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    return b""


def result_of(answer: tuple[str, Any], name: str) -> list[Expansion]:
    """Return the files of an answer. Raises Fatal for a mistake in a template."""
    kind, value = answer
    if kind == "fatal":
        raise Fatal(value)
    if kind == "excess":
        raise Fatal(f"{name}: is nested too deeply, or takes too much ({value})")
    if kind == "bug":
        raise Fatal(f"bug, please report: {value}", Exit.BUG)
    known: dict[tuple[bytes, int], File] = {}
    results = []
    for files in value:
        expansion = []
        for path, content, mode in files:
            # What many services have in common is in memory once.
            file = known.setdefault((content, mode), File(content, mode))
            expansion.append((path, file))
        results.append(expansion)
    return results


def ending(status: int) -> str:
    """Return how a process has ended."""
    if os.WIFSIGNALED(status):
        return f"it ended by signal {os.WTERMSIG(status)}"
    return "it ended without an answer"
