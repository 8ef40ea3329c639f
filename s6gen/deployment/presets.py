"""The presets: one file for each program that uses certificates, data and no code."""

import re
import tomllib
from collections.abc import Mapping

import attrs

from s6gen.errors import Fatal
from s6gen.places import shipped


@attrs.frozen
class Preset:
    """The deployment that one program needs."""

    name: str
    summary: str
    configure: str
    """The lines of the program's own configuration that fit."""
    settings: Mapping[str, str]
    """The names that --deploy may set, and their defaults."""
    steps: tuple[tuple[str, ...], ...]
    """Words in which {setting} stands for its value."""

    @property
    def values(self) -> dict[str, str]:
        """The defaults of all that can be set: the target's name, and the settings."""
        return {"name": self.name, **self.settings}


def preset_names() -> list[str]:
    """Return the names of all presets."""
    return sorted(path.stem for path in shipped("presets").glob("*.toml"))


def read_preset(name: str) -> Preset:
    """Return the preset of that name. Raises Fatal if there is none."""
    if name not in preset_names():
        raise Fatal(
            f"no preset is called {name!r}: 's6gen presets' lists them, "
            "or give 'NAME: …'"
        )
    with (shipped("presets") / f"{name}.toml").open("rb") as file:
        table = tomllib.load(file)
    steps = [tuple(step.split()) for step in table["steps"]]
    return Preset(
        name,
        table["summary"],
        table["configure"],
        table.get("settings", {}),
        tuple(steps),
    )


def expand_preset(words: list[str]) -> tuple[str, list[list[str]]]:
    """Return the name of a target and the words of its steps.

    The first word is a preset's name, the others are NAME=VALUE. Raises Fatal for a
    preset or a setting that does not exist.
    """
    preset = read_preset(words[0] if words else "")
    values = preset.values
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals or name not in values:
            known = " ".join(f"{setting}=" for setting in values)
            raise Fatal(f"{word!r}: preset {preset.name} has the settings {known}")
        values[name] = value
    steps = []
    for step in preset.steps:
        steps.append([fill_in(word, values) for word in step])
    return values["name"], steps


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Return a text of a preset with values in place of the settings' names."""
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)
