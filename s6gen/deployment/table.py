"""Deployments as tables of a file: another form of what --deploy takes as text."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from s6gen.errors import Fatal
from s6gen.names import is_service_name
from s6gen.shell import shell_words

KINDS = ("copy", "combine", "reload", "restart", "run")


def as_text(table: Mapping[str, Any]) -> str:
    """The text that says the same. Raises Fatal for what cannot be said."""
    if "preset" in table:
        settings = {key: value for key, value in table.items() if key != "preset"}
        preset = text_of("preset", table["preset"])
        return shlex.join([preset, *assignments(settings)])
    unknown = sorted(table.keys() - {"name", "steps"})
    if unknown:
        raise Fatal(
            f"{unknown[0]}: no such key: a deployment has preset, or name and steps"
        )
    steps = table.get("steps")
    if not isinstance(steps, list) or not all(isinstance(one, dict) for one in steps):
        raise Fatal(
            'steps: must be a list of tables, such as {copy = "chain", to = "/…"}'
        )
    name = text_of("name", table.get("name"))
    if not is_service_name(name):
        raise Fatal(f"name: not a name for a consumer: {name!r}")
    return f"{name}: " + "; ".join(shlex.join(step_words(step)) for step in steps)


def step_words(step: Mapping[str, Any]) -> list[str]:
    """The words of one step."""
    kinds = [kind for kind in KINDS if kind in step]
    if len(kinds) != 1:
        raise Fatal(f"a step has one of {', '.join(KINDS)}: {dict(step)}")
    kind = kinds[0]
    rest = {key: value for key, value in step.items() if key != kind}
    if kind == "run":
        command = step[kind]
        words = (
            command
            if isinstance(command, list)
            else shell_words(text_of(kind, command))
        )
        return [kind, *assignments(rest), *(text_of(kind, word) for word in words)]
    if kind in ("copy", "combine"):
        parts = step[kind] if isinstance(step[kind], list) else [step[kind]]
        path = text_of(f"{kind}: to", rest.pop("to", None))
        return [
            kind,
            "+".join(text_of(kind, part) for part in parts),
            path,
            *assignments(rest),
        ]
    return [kind, text_of(kind, step[kind]), *assignments(rest)]


def assignments(settings: Mapping[str, Any]) -> Iterator[str]:
    """Settings as words."""
    for key, value in settings.items():
        number = isinstance(value, int) and not isinstance(value, bool)
        yield f"{key}={value if number else text_of(key, value)}"


def text_of(key: str, value: Any) -> str:
    """A value that must be text."""
    if not isinstance(value, str):
        raise Fatal(
            f"{key}: must be a string" + ("" if value is None else f": {value!r}")
        )
    return value
