"""Warnings of execline scripts that lex, and then do something else than was meant."""

import re
from collections.abc import Container, Iterator, Sequence

from s6gen.check.finding import Finding, file_finding
from s6gen.check.warnings.run_scripts import script_in
from s6gen.execline import Word
from s6gen.sources.script import SHELLS, depth, interpreter
from s6gen.sources.service import ONESHOT, Service, readable_content
from s6gen.sources.service_set import ServiceSet

Command = Sequence[Word]


def command_line(service: Service, file: str) -> Command:
    """The words of an execline script: up and down, or run and finish; else none."""
    if service.type == ONESHOT:
        words = service.scripts.get(file)
        if isinstance(words, list):
            return words
        return ()
    script = script_in(service, file)
    if script is None:
        return ()
    return script.words


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
    """A program that takes a block is given one (execline: el_semicolon)."""
    for index, name in commands(words, TAKES_BLOCK):
        argument = after_options(words, index + 1, TAKES_BLOCK[name])
        if not is_in_block(argument, depth(words[index])):
            message = f"{name} takes a block and is given none; write {name} {{ ... }}"
            yield message, words[index].line


def is_in_block(argument: Word | None, level: int) -> bool:
    """Tell whether an argument is in a block at this level, or ends an empty one."""
    if argument is None:
        return False
    return depth(argument) > level or argument.value == " " * level


def commands(words: Command, names: Container[str]) -> Iterator[tuple[int, str]]:
    """The words that are surely commands with one of these names: index and name."""
    for index, word in enumerate(words):
        name = word.value.strip(" ")
        if name in names and begins_command(words, index):
            yield index, name


def begins_command(words: Command, index: int) -> bool:
    """Tell whether a word is surely the name of a program.

    It is the first word of all, or of its line. For others the grammar of the program
    in front decides, which we do not know.
    """
    if index == 0:
        return True
    word = words[index]
    return word.plain and words[index - 1].line != word.line


def after_options(words: Command, index: int, with_value: str) -> Word | None:
    """The first argument from index on that is no option, if any.

    with_value has the letters of the options that take a value.
    """
    while index < len(words):
        text = words[index].value.strip(" ")
        if not OPTION.fullmatch(text):
            return words[index]
        index += 1
        # A value is the next word, as in -x 3, or part of this one, as in -x3.
        is_one_letter = len(text) == 2
        if is_one_letter and text[1] in with_value:
            index += 1
    return None


OPTION = re.compile(r"-[A-Za-z-][^ ]*")


def glued_brace(words: Command) -> Iterator[tuple[str, int]]:
    """A brace of a block stands alone (execlineb: Syntax of scripts)."""
    for word in words:
        # In quotes, a brace is a character like others.
        if not word.plain:
            continue
        text = word.value.strip(" ")
        if is_glued_brace(text):
            message = f"{text} is no brace but a word; put blanks around the brace"
            yield message, word.line


def is_glued_brace(text: str) -> bool:
    """Tell whether a word begins with an opening or ends with a closing brace.

    Such a word may have braces in pairs, as in `${NAME}`.
    """
    surplus = text.count("{") - text.count("}")
    if surplus > 0:
        return text.startswith("{")
    if surplus < 0:
        return text.endswith(("}", ";"))
    return False


def variable_not_imported(words: Command) -> Iterator[tuple[str, int]]:
    """A variable is substituted only after importas or the like.

    (execline: Substitution)
    """
    uses = first_uses(words)
    if not uses or has_evaluator(words):
        return
    # A variable that is named anywhere in the script is taken to be imported.
    named = set(texts(words))
    for variable, word in uses.items():
        if variable not in named:
            message = (
                f"${variable} is passed on as it is written; "
                f"put importas {variable} {variable} in front"
            )
            yield message, word.line


def first_uses(words: Command) -> dict[str, Word]:
    """For each variable, the first word that it is in."""
    uses: dict[str, Word] = {}
    for word in words:
        if "$" in word.value:
            for variable in variables_in(word):
                uses.setdefault(variable, word)
    return uses


def variables_in(word: Word) -> Iterator[str]:
    """The names of the variables in a word, but not of its positional parameters."""
    for braced, bare in VARIABLE.findall(word.value):
        variable = braced or bare
        if not variable.isdigit():
            yield variable


VARIABLE = re.compile(r"\$(?:\{(\w+)\}|([A-Za-z_]\w*))")


def texts(words: Command) -> list[str]:
    """The words without the spaces that say in how many blocks they are."""
    return [word.value.strip(" ") for word in words]


def has_evaluator(words: Command) -> bool:
    """Tell whether a word is a program that reads others with a grammar of its own."""
    for text in texts(words):
        name = text.rpartition("/")[2]
        if name in EVALUATORS:
            return True
    return False


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
    """Each command but the last is in a block: a new line begins no new command.

    (execline: grammar)
    """
    for index, name in commands(words, LEAVES):
        other = command_in_arguments(words, index)
        if other is not None:
            message = (
                f"{other.value.strip(' ')} and what follows are arguments of {name}; "
                "put each command but the last into foreground { }"
            )
            yield message, other.line
            return


def command_in_arguments(words: Command, index: int) -> Word | None:
    """The word that looks like the next command, among the arguments of the program."""
    for later in arguments(words, index):
        name = words[later].value.strip(" ")
        if name in COMMANDS and begins_command(words, later):
            return words[later]
    return None


def arguments(words: Command, index: int) -> Iterator[int]:
    """The indices of the arguments of a program, up to where a block begins or ends."""
    level = depth(words[index])
    for later in range(index + 1, len(words)):
        word = words[later]
        if depth(word) != level or not word.value.strip(" "):
            return
        yield later


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
COMMANDS = LEAVES | {
    "foreground",
    "background",
    "if",
    "ifelse",
    "importas",
    "backtick",
    "redirfd",
}
"""Names that are hardly ever arguments of these."""


def shell_syntax(words: Command) -> Iterator[tuple[str, int]]:
    """The scripts up and down are execline command lines, whatever #! says.

    (s6-rc-compile: For oneshots)
    """
    for index, word in enumerate(words):
        if not is_shell(words, index):
            continue
        if not has_evaluator(words):
            message = (
                f"{word.value.strip(' ')} is shell, and this is execline; put the "
                "shell script into a file of its own and name that here"
            )
            yield message, word.line
        return


def is_shell(words: Command, index: int) -> bool:
    """Tell whether a word is an operator or a keyword of a shell."""
    word = words[index]
    # In quotes, it is meant for a program that knows what to do with it.
    if not word.plain:
        return False
    text = word.value.strip(" ")
    if has_operator(text):
        return True
    keyword = SHELL_ONLY.fullmatch(text)
    return keyword is not None and begins_command(words, index)


def has_operator(text: str) -> bool:
    """Tell whether a word is or has an operator of a shell."""
    if text in OPERATORS or "$(" in text:
        return True
    return text.endswith(";") and "}" not in text


OPERATORS = frozenset({"&&", "||", "|", "&", ">", ">>", "<", "2>&1", ">&2", "1>&2"})
SHELL_ONLY = re.compile(
    r"source|\.|local|then|fi|done|do|esac|\[\[|[A-Za-z_]\w*=.*|\w+\(\)"
)


def single_quotes(words: Command) -> Iterator[tuple[str, int]]:
    """Words are quoted with double quotes only (execlineb: Quoting)."""
    last = last_end_of_quote(words)
    for word in words[:last]:
        if begins_quote(word):
            text = word.value.strip(" ")
            message = (
                f"{text} begins no quote: execline knows double quotes only; use these"
            )
            yield message, word.line
            return


def begins_quote(word: Word) -> bool:
    """Tell whether a word begins with a single quote and does not end with another."""
    text = word.value.strip(" ")
    rest = text.removeprefix("'")
    return word.plain and rest != text and not rest.endswith("'")


def last_end_of_quote(words: Command) -> int:
    """Return the index of the last word that ends with a single quote; 0 if none."""
    for index in range(len(words) - 1, 0, -1):
        if words[index].plain and words[index].value.endswith("'"):
            return index
    return 0


def shell_script(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """The scripts up and down are one command line each; #! is a comment there.

    (s6-rc-compile: For oneshots)
    """
    words = service.scripts.get(file)
    content = readable_content(service.definition, file)
    if not isinstance(words, list) or not has_shell_shebang(content):
        return
    # shell-syntax says more of the same.
    if are_lines_of_commands(words) and not any(shell_syntax(words)):
        yield file_finding(
            service,
            file,
            "is lexed as one execline command line, and #! is a comment; "
            "put the shell script into a file of its own and name that here",
            1,
        )


def has_shell_shebang(content: bytes) -> bool:
    """Tell whether a script names a shell after #!."""
    if not content.startswith(b"#!"):
        return False
    first_line = content[2:].partition(b"\n")[0]
    command = first_line.decode(errors="replace").split()
    return interpreter(command) in SHELLS


def are_lines_of_commands(words: Command) -> bool:
    """Tell whether the words are in several lines and in no block."""
    lines = {word.line for word in words}
    return len(lines) > 1 and not any(map(depth, words))


def null_character(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """No script has a null character: the lexer takes it for the end (el_parse)."""
    content = readable_content(service.definition, file)
    text, _, rest = content.partition(b"\0")
    if rest.strip():
        yield file_finding(
            service,
            file,
            "what follows the null character is not read; remove the character",
            text.count(b"\n") + 1,
        )
