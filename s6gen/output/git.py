"""All that git is asked: what a file was when it was rendered last.

A repository may be a stranger's, and its configuration can make git run programs, or
fetch from wherever it says. So git is asked only for --merge, and in two steps. The
first finds the repository. It reads the configuration, but nothing in it is obeyed: no
object is read, no index and no file. The second reads objects through a directory of
our own, which git takes for a repository without any configuration, hook, attribute or
remote (gitrepository-layout(5); GIT_OBJECT_DIRECTORY and GIT_INDEX_FILE in git(1)).
"""

import contextlib
import functools
import os
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from s6gen.errors import Exit, Fatal
from s6gen.limits import limit_process

REVISIONS = 1000
"""So many commits are searched for a file."""
MOST_SECONDS = 120
"""Seconds that git gets for all files together."""
MOST_MEMORY = 1 << 30
"""Bytes of git's memory: a small file may be stored as a change to a huge one."""
MOST_OF_FILE = 1 << 20
"""Bytes of a file in the history. What s6gen renders is smaller."""
MOST_OF_ALL = 1 << 26
"""Bytes of all versions of one file."""
NOTHING_MOVES = {
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
"""For both steps: nothing is fetched, written or asked for (git(1))."""
OURS = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = {}\n"
"""The configuration of the directory of our own."""


@attrs.frozen
class Location:
    """What the first step tells about the repository of an output directory."""

    object_format: str
    """The kind of the objects' names: "sha1" or "sha256"."""
    prefix: str
    """The path from the top of the work tree to the output directory: "" or "sv/"."""
    objects: Path
    index: Path
    shallow: Path
    """The list of commits whose parents are not there, in a shallow clone."""
    head: str
    """The commit that is checked out; "" before the first one."""


@attrs.frozen
class History:
    """The history of the files in an output directory."""

    prefix: str
    head: str
    environment: Mapping[str, str]
    """It leads git to the directory of our own."""
    deadline: float
    """By the monotonic clock."""

    def versions(self, path: str) -> Iterator[bytes]:
        """Yield what a file was: in the index, then in the commits, the newest first.

        What is missing, or is too large, is left out. Raises Fatal if git takes too
        long.
        """
        path = self.prefix + path
        yield from self.contents([f":0:{path}"])
        if self.head:
            limit = f"--max-count={REVISIONS}"
            commits = self.ask("rev-list", limit, self.head, "--", path)
            yield from self.contents(
                f"{commit}:{path}" for commit in commits.decode().split()
            )

    def contents(self, names: Iterable[str]) -> Iterator[bytes]:
        """Yield the content of each file that git has under one of these names."""
        request = "".join(f"{name}\n" for name in names)
        total = 0
        for digest, size in sizes(self.ask("cat-file", "--batch-check", text=request)):
            total += size
            if total > MOST_OF_ALL:
                return
            yield self.ask("cat-file", "blob", digest)

    def ask(self, *arguments: str, text: str = "") -> bytes:
        """Return what git prints, or b"" if it fails; the text is its input."""
        command = ["--literal-pathspecs", *arguments]
        done = run_git(command, self.environment, self.deadline, text)
        return b"" if done.returncode else done.stdout


def sizes(answers: bytes) -> Iterator[tuple[str, int]]:
    """Yield digest and size of each file in the answers of `git cat-file`.

    Each is there once. What is missing, no file or too large is left out.
    """
    known = set()
    for answer in answers.decode(errors="replace").splitlines():
        words = answer.split(" ")
        if len(words) != 3 or words[1] != "blob":
            continue
        digest, size = words[0], int(words[2])
        if digest not in known and size <= MOST_OF_FILE:
            known.add(digest)
            yield digest, size


@contextlib.contextmanager
def open_history(output: Path, path: str) -> Iterator[History]:
    """Find the repository that an output directory is in, and open its history.

    The path is that of the first file in question. Raises Fatal, which names it, if
    there is no repository; and without git.
    """
    deadline = end_of_git()
    location = locate(output, path, deadline)
    with tempfile.TemporaryDirectory(prefix="s6gen-") as name:
        directory = Path(name)
        make_repository(directory, location)
        environment = own_environment() | {
            "GIT_DIR": str(directory),
            "GIT_OBJECT_DIRECTORY": str(location.objects),
            "GIT_INDEX_FILE": str(location.index),
            "GIT_SHALLOW_FILE": str(location.shallow),
            # Nor do the user's own settings count here.
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_ATTR_NOSYSTEM": "1",
            "HOME": str(directory),
            "XDG_CONFIG_HOME": str(directory),
        }
        yield History(location.prefix, location.head, environment, deadline)


@functools.cache
def end_of_git() -> float:
    """Return the time, by the monotonic clock, until which git may be asked.

    It is one for all output directories of a command.
    """
    return time.monotonic() + MOST_SECONDS


def locate(output: Path, path: str, deadline: float) -> Location:
    """Ask git for the repository that an output directory is in. Raises Fatal.

    A bare repository is not looked for: it could lie in the output directory itself,
    as files that were committed (git-config(1): safe.bareRepository).
    """
    here = ["-C", str(output), "-c", "safe.bareRepository=explicit", "rev-parse"]
    paths = ["--git-path", "objects", "--git-path", "index", "--git-path", "shallow"]
    questions = [*here, "--show-object-format", "--show-prefix", *paths]
    done = run_git(questions, own_environment(), deadline)
    lines = os.fsdecode(done.stdout).splitlines()
    if done.returncode or len(lines) != 5:
        why = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        reason = f"git cannot tell what was rendered last: {why}"
        raise Fatal(f"{output / path}: {reason}")
    object_format, prefix, *paths = lines
    objects, index, shallow = [
        # resolve() has no answer for a loop.
        Path(os.path.realpath(output / path))
        for path in paths
    ]
    question = [*here, "--quiet", "--verify", "HEAD"]
    head = run_git(question, own_environment(), deadline).stdout.decode().strip()
    return Location(object_format, prefix, objects, index, shallow, head)


def make_repository(directory: Path, location: Location) -> None:
    """Make an empty directory what git takes for a repository."""
    (directory / "refs").mkdir()
    (directory / "HEAD").write_text("ref: refs/heads/none\n")
    (directory / "config").write_text(OURS.format(location.object_format))


def own_environment() -> dict[str, str]:
    """Return the environment without the variables of another git.

    One that runs s6gen as a hook sets them, and they would lead our git astray.
    """
    environment = {}
    for name, value in os.environ.items():
        if not name.startswith("GIT_"):
            environment[name] = value
    return environment | NOTHING_MOVES


def run_git(
    arguments: list[str],
    environment: Mapping[str, str],
    deadline: float,
    text: str = "",
) -> "subprocess.CompletedProcess[bytes]":
    """Run git until a deadline, with a text as its input.

    Raises Fatal if it is not installed, or takes longer.
    """
    try:
        return subprocess.run(
            ["git", *arguments],
            input=os.fsencode(text),
            capture_output=True,
            check=False,
            env=environment,
            timeout=max(deadline - time.monotonic(), 0),
            preexec_fn=limit_memory,  # s6gen has no threads
        )
    except FileNotFoundError:
        raise Fatal("edits are merged by git, which is not installed") from None
    except subprocess.TimeoutExpired:
        reason = f"has not told within {MOST_SECONDS} seconds what was rendered last"
        advice = "try again, or drop the edit with --force"
        raise Fatal(f"git {reason}: {advice}", Exit.TEMPORARY) from None


def limit_memory() -> None:
    """Limit the memory of the process that becomes git."""
    limit_process("RLIMIT_DATA", MOST_MEMORY)
