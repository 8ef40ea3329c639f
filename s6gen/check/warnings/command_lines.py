"""Warnings of execline scripts that lex, and then do something else than was meant."""

import re
from collections.abc import Iterator, Sequence

from s6gen.check.errors.definitions import at
from s6gen.check.finding import Finding
from s6gen.check.warnings.run_scripts import script_in
from s6gen.execline import Word
from s6gen.sources.script import SHELLS, depth, interpreter
from s6gen.sources.service import ONESHOT, Service, read
from s6gen.sources.service_set import ServiceSet

Command = Sequence[Word]


def command_line(service: Service, file: str) -> list[Word]:
    """The words of an execline script of a service: up and down, or run and finish."""
    if service.type == ONESHOT:
        found = service.scripts.get(file)
        return found if isinstance(found, list) else []
    script = script_in(service, file)
    return script.words if script else []


TAKES_BLOCK = {
    "foreground": "",
    "background": "",
    "if": "x",
    "ifelse": "",
    "ifte": "",
    "ifthenelse": "",
    "pipeline": "",
    "multisubstitute": "",
}
"""Programs whose first argument is a block, and their options that take a value."""


def block_missing(words: Command) -> Iterator[tuple[str, int]]:
    """What takes a block is given one (execline: el_semicolon)."""
    for place, word in enumerate(words):
        name = word.value.strip(" ")
        if name in TAKES_BLOCK and begins_command(words, place):
            argument = after_options(words, place + 1, TAKES_BLOCK[name])
            level = depth(word)
            if argument is None or (
                depth(argument) <= level and argument.value != " " * level
            ):
                yield (
                    f"{name} takes a block and is given none; write {name} {{ ... }}",
                    word.line,
                )


def begins_command(words: Command, place: int) -> bool:
    """Whether a word is surely a program's name: the first of all, of a block, or of its line."""
    if place == 0:
        return True
    before = words[place - 1]
    return before.line != words[place].line and words[place].plain


def after_options(words: Command, place: int, with_value: str) -> Word | None:
    """The first argument that is no option."""
    while place < len(words):
        text = words[place].value.strip(" ")
        if not re.fullmatch(r"-[A-Za-z-][^ ]*", text):
            return words[place]
        place += 2 if len(text) == 2 and text[1] in with_value else 1
    return None


def glued_brace(words: Command) -> Iterator[tuple[str, int]]:
    """A brace that opens or closes a block stands alone (execlineb: Syntax of scripts)."""
    for word in words:
        if not word.plain or ("{" not in word.value and "}" not in word.value):
            continue
        text = word.value.strip(" ")
        opened, closed = text.count("{"), text.count("}")
        if (text[0] == "{" and opened > closed) or (
            text[-1] in "};" and closed > opened
        ):
            yield (
                f"{text} is no brace but a word; put blanks around the brace",
                word.line,
            )


def variable_not_imported(words: Command) -> Iterator[tuple[str, int]]:
    """A variable is substituted only after importas or the like (execline: Substitution)."""
    using = [word for word in words if "$" in word.value]
    if not using or hands_on(words):
        return
    told = {word.value.strip(" ") for word in words}
    for word in using:
        for braced, bare in VARIABLE.findall(word.value):
            variable = braced or bare
            if variable.isdigit() or variable in told:
                continue
            told.add(variable)
            yield (
                f"${variable} is passed on as it is written; put importas {variable} {variable} "
                "in front",
                word.line,
            )


VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")


def hands_on(words: Command) -> bool:
    """Whether one of the words is a program that reads others with a grammar of its own."""
    return any(word.value.strip(" ").rpartition("/")[2] in EVALUATORS for word in words)


EVALUATORS = SHELLS | {
    "awk",
    "gawk",
    "sed",
    "perl",
    "python",
    "python3",
    "eval",
    "expr",
    "find",
    "envsubst",
    "su",
    "ssh",
    "[",
    "test",
    "eltest",
}


def next_line_is_an_argument(words: Command) -> Iterator[tuple[str, int]]:
    """Each command but the last is in a block: a new line begins no new one (execline: grammar)."""
    for place, word in enumerate(words):
        if word.value.strip(" ") not in LEAVES or not begins_command(words, place):
            continue
        level = depth(word)
        for later in range(place + 1, len(words)):
            other = words[later]
            if depth(other) != level or not other.value.strip(" "):
                break
            name = other.value.strip(" ")
            if begins_command(words, later) and other.plain and name in LEAVES | CHAIN:
                yield (
                    f"{name} and what follows are arguments of {word.value.strip(' ')}; put each "
                    "command but the last into foreground { }",
                    other.line,
                )
                return


LEAVES = frozenset(
    {
        "chmod",
        "chown",
        "cp",
        "echo",
        "hostname",
        "install",
        "ip",
        "ln",
        "mkdir",
        "modprobe",
    }
    | {
        "mount",
        "mv",
        "printf",
        "rm",
        "rmdir",
        "sed",
        "sleep",
        "swapon",
        "sysctl",
        "touch",
        "umount",
    }
)
"""Programs that execute no other."""
CHAIN = frozenset(
    {"foreground", "background", "if", "ifelse", "importas", "backtick", "redirfd"}
)


def shell_syntax(words: Command) -> Iterator[tuple[str, int]]:
    """In up and down are execline command lines, whatever #! says (s6-rc-compile: For oneshots)."""
    for place, word in enumerate(words):
        if not word.plain:
            continue
        text = word.value.strip(" ")
        shell = (
            text in OPERATORS or "$(" in text or (text[-1:] == ";" and "}" not in text)
        )
        if not shell and not (
            SHELL_ONLY.fullmatch(text) and begins_command(words, place)
        ):
            continue
        if not hands_on(words):
            yield (
                f"{text} is shell, and this is execline; put the shell script into a file of its "
                "own and name that here",
                word.line,
            )
        return


OPERATORS = frozenset({"&&", "||", "|", "&", ">", ">>", "<", "2>&1", ">&2", "1>&2"})
SHELL_ONLY = re.compile(
    r"source|\.|local|then|fi|done|do|esac|\[\[|[A-Za-z_]\w*=.*|\w+\(\)"
)


def single_quotes(words: Command) -> Iterator[tuple[str, int]]:
    """Words are quoted with double quotes only (execlineb: Quoting)."""
    for place, word in enumerate(words):
        text = word.value.strip(" ")
        if not word.plain or text[:1] != "'" or (text[-1] == "'" and len(text) > 1):
            continue
        if any(one.plain and one.value.endswith("'") for one in words[place + 1 :]):
            yield (
                f"{text} begins no quote: execline knows double quotes only; use these",
                word.line,
            )
            return


COMMAND_LINE_WARNINGS = (
    single_quotes,
    block_missing,
    glued_brace,
    variable_not_imported,
    next_line_is_an_argument,
    shell_syntax,
)


def shell_script(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """One command line is in up and down; #! is a comment there (s6-rc-compile: oneshots)."""
    content = read(service.definition, file)
    words = service.scripts.get(file)
    if (
        not isinstance(content, bytes)
        or not content.startswith(b"#!")
        or not isinstance(words, list)
    ):
        return
    shebang = content.partition(b"\n")[0][2:].decode(errors="replace")
    several = len({word.line for word in words}) > 1 and not any(
        depth(word) for word in words
    )
    if (
        several
        and interpreter(shebang.split()) in SHELLS
        and not any(shell_syntax(words))
    ):
        yield at(
            service,
            file,
            "is lexed as one execline command line, and #! is a comment; put the shell script into "
            "a file of its own and name that here",
            1,
        )


def null_character(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No script has a null character: the lexer takes it for the end (el_parse)."""
    content = read(service.definition, file)
    if not isinstance(content, bytes):
        return
    text, _, rest = content.partition(b"\0")
    if rest.strip():
        yield at(
            service,
            file,
            "what follows the null character is not read; remove the character",
            text.count(b"\n") + 1,
        )
