"""Deployments as tables of a file: another form of the text that --deploy takes."""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from s6gen.deployment.syntax import KINDS, ValueType
from s6gen.errors import Fatal
from s6gen.names import is_service_name
from s6gen.shell import shell_words


def as_text(table: Mapping[str, Any]) -> str:
    """Return the text that says the same. Raises Fatal for what no text can say."""
    if "preset" in table:
        return preset_text(table)
    unknown = sorted(table.keys() - {"name", "steps"})
    if unknown:
        raise Fatal(
            f"{unknown[0]}: no such key: a deployment has preset, or name and steps"
        )
    steps = table.get("steps")
    if not isinstance(steps, list) or not all_are(steps, dict):
        raise Fatal(
            'steps: must be a list of tables, such as {copy = "chain", to = "/…"}'
        )
    name = text_of("name", table.get("name"))
    if not is_service_name(name):
        raise Fatal(f"name: not a name for a consumer: {name!r}")
    texts = [shlex.join(step_words(step)) for step in steps]
    return f"{name}: " + "; ".join(texts)


def preset_text(table: Mapping[str, Any]) -> str:
    """Return the text of a preset and its settings, of which some are lists."""
    settings = dict(table)
    preset = text_of("preset", settings.pop("preset"))
    for name, value in settings.items():
        if isinstance(value, list):
            settings[name] = shlex.join(text_of(name, word) for word in value)
    return shlex.join([preset, *assignments(settings)])


def all_are(members: Iterable[Any], kind: Any) -> bool:
    """Tell whether all members are of a type."""
    return all(isinstance(member, kind) for member in members)


def step_words(step: Mapping[str, Any]) -> list[str]:
    """Return the words of one step."""
    kind = kind_of(step)
    settings = dict(step)
    value = settings.pop(kind)
    if value_type(kind) is ValueType.COMMAND:
        return command_words(kind, value, settings)
    arguments = []
    for argument in KINDS[kind].arguments:
        text = settings.pop(argument.key, None)
        arguments.append(text_of(f"{kind}: {argument.key}", text))
    return [kind, value_word(kind, value), *arguments, *assignments(settings)]


def kind_of(step: Mapping[str, Any]) -> str:
    """Return the kind of a step, which is a key. Raises Fatal unless it has one."""
    kinds = [kind for kind in KINDS if kind in step]
    if len(kinds) != 1:
        raise Fatal(f"a step has one of {', '.join(KINDS)}: {dict(step)}")
    return kinds[0]


def value_type(kind: str) -> ValueType:
    """Return the type of the value behind a kind."""
    types = {declared.key: declared.type for declared in KINDS[kind].kinds}
    return types[kind]


def value_word(kind: str, value: Any) -> str:
    """Return the word behind the kind; a list of parts has + between them."""
    if value_type(kind) is ValueType.PARTS and isinstance(value, list):
        return "+".join(text_of(kind, part) for part in value)
    return text_of(kind, value)


def command_words(kind: str, command: Any, settings: Mapping[str, Any]) -> list[str]:
    """Return the words of a step that runs a command: a string, or a list of words."""
    if isinstance(command, list):
        words = command
    else:
        words = split_command(kind, text_of(kind, command))
    assigned = list(assignments(settings))
    return [kind, *assigned, *[text_of(kind, word) for word in words]]


def split_command(kind: str, command: str) -> list[str]:
    """Return the words of a command, which is quoted as for a shell."""
    try:
        return [*shell_words(command)]
    except ValueError as error:
        raise Fatal(f"{kind}: {str(error).lower()}: {command!r}") from None


def assignments(settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield settings as words NAME=VALUE."""
    for key, value in settings.items():
        is_number = isinstance(value, int) and not isinstance(value, bool)
        text = str(value) if is_number else text_of(key, value)
        yield f"{key}={text}"


def text_of(key: str, value: Any) -> str:
    """Return a value that must be a string. Raises Fatal if it is not."""
    if value is None:
        raise Fatal(f"{key}: must be a string")
    if not isinstance(value, str):
        raise Fatal(f"{key}: must be a string: {value!r}")
    return value
