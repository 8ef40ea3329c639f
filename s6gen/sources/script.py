"""The script of a longrun: its interpreter, and its words if that is execlineb."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from s6gen.execline import ScriptError, Word, lex

SHELLS = frozenset({"sh", "bash", "ash", "dash", "ksh", "mksh", "zsh", "bashio"})
WRAPPERS = frozenset({"env", "with-contenv"})
"""Programs between #! and the interpreter proper: env, and s6-overlay's."""


class RunScript(NamedTuple):
    """A run or finish script."""

    text: str
    shebang: str
    """The rest of the first line after #!, or empty."""
    program: str
    """The name of the interpreter, without its directory."""
    words: list[Word]
    """The words of an execline script."""
    error: ScriptError | None = None
    """The reason why execlineb refuses it."""

    @property
    def is_shell(self) -> bool:
        """A shell interprets it."""
        return self.program in SHELLS

    @property
    def is_execline(self) -> bool:
        """Execlineb interprets it."""
        return self.program == "execlineb"

    def lines(self) -> Iterator[tuple[int, str]]:
        """Its lines without comments, and their numbers."""
        for number, line in enumerate(self.text.split("\n"), 1):
            stripped = line.lstrip()
            if stripped and not stripped.startswith("#"):
                yield number, line

    def code(self) -> str:
        """Its lines without comments, as one text."""
        return "\n".join(line for _, line in self.lines())


@functools.lru_cache(maxsize=16)
def run_script(content: bytes) -> RunScript:
    """The script with this content."""
    text = content.decode(errors="surrogateescape")
    shebang = ""
    if text.startswith("#!"):
        shebang = text[2:].partition("\n")[0]
    program = interpreter(shebang.split())
    if program != "execlineb":
        return RunScript(text, shebang, program, [])
    try:
        words = lex(content)
    except ScriptError as error:
        return RunScript(text, shebang, program, [], error)
    return RunScript(text, shebang, program, words)


def interpreter(command: Sequence[str]) -> str:
    """The name of the program that reads a script, or empty.

    command is the words after #!.
    """
    name = ""
    for word in command:
        if word.startswith("-"):
            continue
        name = word.rpartition("/")[2]
        if name not in WRAPPERS:
            return name
    return name


def depth(word: Word) -> int:
    """The number of blocks that a word is in."""
    return len(word.value) - len(word.value.lstrip(" "))
