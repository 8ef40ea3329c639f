"""Values as TOML."""

import re
from collections.abc import Mapping
from typing import Any

from s6gen.text import is_visible


def toml_value(value: Any) -> str:
    """Return a string, a number, a truth value, or a list or table of such, as TOML."""
    if isinstance(value, dict):
        pairs = []
        for key, member in value.items():
            pairs.append(f"{toml_key(key)} = {toml_value(member)}")
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    import json  # not for those who only render: it takes 2 ms to load

    text = json.dumps(value, ensure_ascii=False)
    return "".join(map(toml_character, text))


def toml_character(char: str) -> str:
    """Return a character of a string; as an escape if it must not be printed.

    A byte that is not UTF-8 stays: TOML cannot say it.
    """
    if is_visible(char) or "\udc80" <= char <= "\udcff":
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def toml_key(key: str) -> str:
    """Return a key, quoted unless it is a bare one (TOML: Keys)."""
    if re.fullmatch("[A-Za-z0-9_-]+", key):
        return key
    return toml_value(key)


def toml_table(values: Mapping[str, Any]) -> str:
    """Return one line for each key."""
    lines = [f"{key} = {toml_value(value)}\n" for key, value in values.items()]
    return "".join(lines)
