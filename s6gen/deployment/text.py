"""Deployments as text: the values of --deploy."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping

from s6gen.deployment.files import Copy, Pair
from s6gen.deployment.presets import expand_preset
from s6gen.deployment.refusals import refuse_if
from s6gen.deployment.servers import Reload, Restart, Run, Serves, Trial
from s6gen.deployment.steps import Step, Target
from s6gen.deployment.syntax import KINDS
from s6gen.errors import Fatal
from s6gen.names import is_service_name

STEP = re.compile(
    r"""(?:[^;'"\\]|'[^']*'|"(?:[^"\\]|\\.)*"|\\.|['"\\].*)*""", re.DOTALL
)
"""A step: everything up to the next semicolon that is not quoted."""

COMMANDS: Mapping[str, type[Run] | type[Trial]] = {"run": Run, "test": Trial}
"""The kinds of steps whose value is a command."""


def targets(texts: Iterable[str]) -> tuple[Target, ...]:
    """Return the targets of several values of --deploy, in their order.

    Raises Fatal for what cannot be deployed, and for two of one name.
    """
    result = tuple(map(target, texts))
    names = [target.name for target in result]
    for name in names:
        refuse_if(
            names.count(name) > 1,
            f"two are named {name!r}: name one with name=, or 'NAME: …'",
        )
    return result


def target(text: str) -> Target:
    """Return the target of 'NAME: STEP; STEP…', or of a preset's name and settings."""
    try:
        steps: Iterable[list[str]]
        own = re.match(r"([A-Za-z0-9_.@-]*):\s", text)
        if own:
            name = own[1]
            steps = split_steps(text[own.end() :])
        else:
            name, steps = expand_preset(split_words(text))
        refuse_if(not is_service_name(name), f"not a name for a consumer: {name!r}")
        return Target(name, tuple(map(parse_step, steps)))
    except Fatal as fatal:
        raise Fatal(f"--deploy: {text!r}: {fatal}") from None


def split_words(text: str) -> list[str]:
    """Return the words of a text that is quoted as for a shell."""
    refuse_if("\0" in text, "contains a null character")
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Fatal(str(error).lower()) from None


def split_steps(text: str) -> Iterator[list[str]]:
    """Yield the words of each step."""
    start = 0
    while start <= len(text):
        end = STEP.match(text, start).end()  # type: ignore[union-attr]
        words = split_words(text[start:end])
        refuse_if(not words, "a step is missing")
        yield words
        start = end + 1


def parse_step(words: list[str]) -> Step:
    """Return a step. Raises Fatal for words that are none."""
    kind, *rest = words
    if kind not in KINDS:
        *others, last = KINDS
        raise Fatal(f"a step is {', '.join(others)} or {last}: {kind!r}")
    if kind in COMMANDS:
        command, settings = split_settings(rest)
        return COMMANDS[kind](words=command, **settings)
    arguments, settings = split_arguments(kind, rest)
    match kind:
        case "pair":
            return Pair(path=arguments[0], **settings)
        case "reload":
            return Reload(service=arguments[0], **settings)
        case "restart":
            return Restart(service=arguments[0])
        case "serves":
            return Serves(address=arguments[0], **settings)
        case _:
            return parse_copy(kind, arguments, settings)


def parse_copy(kind: str, arguments: list[str], settings: dict[str, str]) -> Copy:
    """Return the step of copy, for one part, or combine, for several."""
    parts = tuple(arguments[0].split("+"))
    is_combined = len(parts) > 1
    refuse_if(
        (kind == "combine") != is_combined and parts != ("pkcs12",),
        f"{kind} {arguments[0]}: copy is for one part",
    )
    return Copy(parts=parts, path=arguments[1], **settings)


def split_arguments(kind: str, words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the arguments of a step, and the settings behind them."""
    syntax = KINDS[kind]
    count = 1 + len(syntax.arguments)
    plural = "s" if count > 1 else ""
    refuse_if(len(words) < count, f"{kind}: needs {count} argument{plural}")
    names = [setting.key for setting in syntax.settings]
    settings: dict[str, str] = {}
    for word in words[count:]:
        name, equals, value = word.partition("=")
        refuse_if(
            not equals or name not in names,
            f"{kind}: {word!r} is not of {'= '.join(names)}=",
        )
        settings[name] = value
    return words[:count], settings


def split_settings(words: list[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return a command, without the settings before it, and those."""
    names = [setting.key for setting in KINDS["run"].settings]
    settings: dict[str, str] = {}
    for number, word in enumerate(words):
        setting = re.fullmatch(r"([a-z]+)=(.*)", word, re.DOTALL)
        if setting is None:
            return tuple(words[number:]), settings
        refuse_if(
            setting[1] not in names,
            f"{word!r} before a command is not of {'= '.join(names)}=",
        )
        settings[setting[1]] = setting[2]
    return (), settings
