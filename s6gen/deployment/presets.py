"""The presets: one file for each program that uses certificates, data and no code."""

import re
import shlex
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
    settings: Mapping[str, str | list[str]]
    """The names that --deploy may set, and their defaults: a text, or several words."""
    steps: tuple[tuple[str, ...], ...]
    """Words in which {setting} stands for its value."""

    @property
    def values(self) -> dict[str, str | list[str]]:
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
        is_several = isinstance(values[name], list)
        values[name] = split_setting(name, value) if is_several else value
    return as_text(values["name"]), filled_steps(preset, values)


def split_setting(name: str, value: str) -> list[str]:
    """Return the words of a setting that is several, quoted as for a shell."""
    try:
        return shlex.split(value)
    except ValueError as error:
        raise Fatal(f"{name}=: {str(error).lower()}: {value!r}") from None


def filled_steps(
    preset: Preset, values: Mapping[str, str | list[str]]
) -> list[list[str]]:
    """Return the steps with values in place of the settings' names.

    A step is left out where a setting that is several words has none.
    """
    steps = []
    for step in preset.steps:
        if any(values.get(word[1:-1]) == [] for word in step):
            continue
        words: list[str] = []
        for word in step:
            value = values.get(word[1:-1])
            words += value if isinstance(value, list) else [fill_in(word, values)]
        steps.append(words)
    return steps


def fill_in(text: str, values: Mapping[str, str | list[str]]) -> str:
    """Return a text of a preset with values in place of the settings' names."""
    return re.sub(r"\{(\w+)\}", lambda match: as_text(values[match[1]]), text)


def as_text(value: str | list[str]) -> str:
    """Return a value as one text, as --deploy takes it."""
    return value if isinstance(value, str) else shlex.join(value)
