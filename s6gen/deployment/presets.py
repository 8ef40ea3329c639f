"""The presets: one file for each program that uses certificates, data and no code."""

import re
import tomllib
from collections.abc import Mapping

import attrs

from s6gen.errors import Fatal
from s6gen.places import shipped


@attrs.frozen
class Preset:
    """What one program wants."""

    name: str
    summary: str
    configure: str
    """The lines of the program's own configuration that fit."""
    settings: Mapping[str, str]
    """What --deploy may change, and its default."""
    steps: tuple[tuple[str, ...], ...]
    """Words in which {setting} stands for its value."""


def names() -> list[str]:
    """All presets."""
    return sorted(path.stem for path in shipped("presets").glob("*.toml"))


def load(name: str) -> Preset:
    """The preset of that name."""
    if name not in names():
        raise Fatal(
            f"no preset is called {name!r}: 's6gen presets' lists them, or give 'NAME: …'"
        )
    with (shipped("presets") / f"{name}.toml").open("rb") as file:
        found = tomllib.load(file)
    return Preset(
        name,
        found["summary"],
        found["configure"],
        found.get("settings", {}),
        tuple(tuple(step.split()) for step in found["steps"]),
    )


def consumer(words: list[str]) -> tuple[str, list[list[str]]]:
    """The name and the steps that a preset's name and NAME=VALUE words ask for."""
    preset = load(words[0] if words else "")
    values = {"name": preset.name, **preset.settings}
    for text in words[1:]:
        name, equals, value = text.partition("=")
        if not equals or name not in values:
            known = " ".join(f"{one}=" for one in values)
            raise Fatal(f"{text!r}: preset {preset.name} has the settings {known}")
        values[name] = value
    return values["name"], [
        [filled(one, values) for one in step] for step in preset.steps
    ]


def filled(text: str, values: Mapping[str, str]) -> str:
    """A word of a preset with the settings' values in it."""
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)
