"""Values as TOML."""

from collections.abc import Mapping
from typing import Any

DELETE = "\x7f"
"""The only character that JSON leaves alone in a string and TOML does not."""


def toml_value(value: Any) -> str:
    """Return a string, a number, a truth value, or a list or table of such, as TOML."""
    if isinstance(value, dict):
        pairs = []
        for key, member in value.items():
            pairs.append(f"{key} = {toml_value(member)}")
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    import json  # not for those who only render: it takes 2 ms to load

    text = json.dumps(value, ensure_ascii=False)
    return text.replace(DELETE, "\\u007f")


def toml_table(values: Mapping[str, Any]) -> str:
    """Return one line for each key."""
    lines = [f"{key} = {toml_value(value)}\n" for key, value in values.items()]
    return "".join(lines)
