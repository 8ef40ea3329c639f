"""In which line of a TOML document something stands, which tomllib does not tell."""

import re
import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str | int, ...]
"""Keys, and the numbers of an array's tables."""

PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
DOTTED = rf"{PART}(?:[ \t]*\.[ \t]*{PART})*"
STATEMENT = re.compile(rf"[ \t]*(?:(\[\[?)[ \t]*({DOTTED})[ \t]*\]|({DOTTED})[ \t]*=)")
TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}\n]"
    r"""|[^\[\]{}\n"'#]+""",
    re.DOTALL,
)


def toml_lines(text: str) -> Mapping[Path, int]:
    """The line of each table and key of a document that tomllib takes, but for inline tables."""
    found: dict[Path, int] = {}
    arrays: dict[Path, int] = {}
    table: Path = ()
    for line, statement in statements(text):
        brackets, header, key = statement.groups()
        if key is not None:
            place = table + parts(key)
        else:
            place = table = opened(parts(header), arrays, is_array=brackets == "[[")
        found.setdefault(place, line)
    return found


def statements(text: str) -> Iterator[tuple[int, "re.Match[str]"]]:
    """Each header or key, and its line."""
    at, line = 0, 1
    while at < len(text):
        statement = STATEMENT.match(text, at)
        if statement:
            yield line, statement
            at = statement.end()
        end = statement_end(text, at)
        line += text.count("\n", at, end)
        at = end


def statement_end(text: str, at: int) -> int:
    """Where the rest of a statement ends: behind a newline that is not within brackets."""
    depth = 0
    while match := TOKEN.match(text, at):
        at = match.end()
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
        if match[0] == "\n" and depth <= 0:
            break
    return at if match else len(text)


def opened(header: Path, arrays: dict[Path, int], *, is_array: bool) -> Path:
    """The table that a header opens: of an array the last table, or one more."""
    place: Path = ()
    for number, part in enumerate(header, 1):
        place = (*place, part)
        if number == len(header) and is_array:
            arrays[place] = arrays.get(place, -1) + 1
        if place in arrays:
            place = (*place, arrays[place])
    return place


def parts(dotted: str) -> Path:
    """The keys of a dotted key."""
    return tuple(
        tomllib.loads(f"key = {part}")["key"] if part[0] in "\"'" else part
        for part in re.findall(PART, dotted)
    )


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """The line of something, or of what it is in."""
    while path:
        for place in (path, (*path, 0)):
            if place in lines:
                return lines[place]
        path = path[:-1]
    return 1
