"""A script that s6-supervise executes: what interprets it, and its words if that is execlineb."""

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from s6gen.execline import ScriptError, Word, lex

SHELLS = frozenset({"sh", "bash", "ash", "dash", "ksh", "mksh", "zsh", "bashio"})
WRAPPERS = frozenset({"env", "with-contenv"})
"""Programs between #! and the interpreter proper: env, and s6-overlay's."""


class RunScript(NamedTuple):
    """What run or finish is."""

    text: str
    shebang: str
    """What follows #!, or empty."""
    program: str
    """The name of the interpreter, without its directory."""
    words: list[Word]
    error: ScriptError | None = None

    @property
    def is_shell(self) -> bool:
        """Whether a shell interprets it."""
        return self.program in SHELLS

    @property
    def is_execline(self) -> bool:
        """Whether execlineb interprets it."""
        return self.program == "execlineb"

    def lines(self) -> Iterator[tuple[int, str]]:
        """Its lines without comments, and their numbers."""
        for number, line in enumerate(self.text.split("\n"), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield number, line


@functools.lru_cache(maxsize=16)
def run_script(content: bytes) -> RunScript:
    """The script that this is the content of."""
    text = content.decode(errors="surrogateescape")
    shebang = text[2:].partition("\n")[0] if text.startswith("#!") else ""
    program = interpreter(shebang.split())
    if program != "execlineb":
        return RunScript(text, shebang, program, [])
    try:
        return RunScript(text, shebang, program, lex(content))
    except ScriptError as error:
        return RunScript(text, shebang, program, [], error)


def interpreter(command: list[str]) -> str:
    """The name of the program that reads the script."""
    names = [re.sub(r".*/", "", part) for part in command if not part.startswith("-")]
    while len(names) > 1 and names[0] in WRAPPERS:
        del names[0]
    return names[0] if names else ""


def depth(word: Word) -> int:
    """How many blocks a word is in."""
    return len(word.value) - len(word.value.lstrip(" "))
