"""Values as TOML."""

from collections.abc import Mapping
from typing import Any

DELETE = "\x7f"
"""The only character that JSON leaves alone in a string and TOML does not."""


def toml_value(value: Any) -> str:
    """A string, a number, a truth value, or a list of such."""
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    import json  # not for those who only render

    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace(DELETE, "\\u007f")
    return json.dumps(value)


def toml_table(values: Mapping[str, Any]) -> str:
    """One line for each key."""
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items())
