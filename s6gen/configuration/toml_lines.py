"""In which line of a TOML document something stands, which tomllib does not tell."""

import re
import tomllib
from collections.abc import Iterator, Mapping

TablePath = tuple[str | int, ...]
"""Keys, and the numbers of an array's tables."""

# With ++ and *+ nothing is tried twice: hostile text takes no longer than other.
PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]++|\\.)*+"|'[^'\n]*+')"""
DOTTED = rf"{PART}(?:[ \t]*\.[ \t]*{PART})*"
STATEMENT = re.compile(rf"[ \t]*(?:(\[\[?)[ \t]*({DOTTED})[ \t]*\]|({DOTTED})[ \t]*=)")
TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'"
    r"|\#[^\n]*+"
    r"|[\[\]{}\n]"
    r"""|[^\[\]{}\n"'#]+""",
    re.DOTALL,
)
NESTING = {"[": 1, "{": 1, "]": -1, "}": -1}


def toml_lines(text: str) -> Mapping[TablePath, int]:
    """Return the line of each table and key, but for what is in inline tables.

    The document must be one that tomllib accepts.
    """
    lines: dict[TablePath, int] = {}
    arrays: dict[TablePath, int] = {}
    table: TablePath = ()
    for line, statement in statements(text):
        brackets, header, key = statement.groups()
        if key is None:
            table = table_path(split_key(header), arrays, is_array=brackets == "[[")
            path = table
        else:
            path = table + split_key(key)
        lines.setdefault(path, line)
    return lines


def statements(text: str) -> Iterator[tuple[int, "re.Match[str]"]]:
    """Yield each header or key, with its line."""
    position = 0
    line = 1
    while position < len(text):
        statement = STATEMENT.match(text, position)
        if statement:
            yield line, statement
            position = statement.end()
        end = statement_end(text, position)
        line += text.count("\n", position, end)
        position = end


def statement_end(text: str, position: int) -> int:
    """Return where a statement ends: after a newline that is not within brackets."""
    depth = 0
    while match := TOKEN.match(text, position):
        position = match.end()
        piece = match[0]
        depth += NESTING.get(piece, 0)
        if piece == "\n" and depth <= 0:
            return position
    return len(text)


def too_deep(text: str, most: int) -> tuple[int, str]:
    """Return the first line with too many brackets in one another, or too long a key.

    The reason is empty if there is none. The text may be anything: what follows the
    first thing that is no TOML is not looked at, as a parser does not come there.
    """
    line, depth, dots = 1, 0, 0
    position = 0
    while match := TOKEN.match(text, position):
        position = match.end()
        piece = match[0]
        depth += NESTING.get(piece, 0)
        if piece == "\n":
            dots = 0
        elif piece[0] not in "\"'#":
            dots = piece.count(".") + (0 if "," in piece or "=" in piece else dots)
        if depth > most:
            return line, "is nested too deeply"
        if dots > most:
            return line, "has too many dots in a key"
        line += piece.count("\n")
    return line, ""


def table_path(
    header: TablePath, arrays: dict[TablePath, int], *, is_array: bool
) -> TablePath:
    """Return the table that a header opens: of an array the last one, or one more.

    `arrays` has the number of the last table of each array, and is kept up to date.
    """
    path: TablePath = ()
    for number, part in enumerate(header, 1):
        path = (*path, part)
        is_last = number == len(header)
        if is_last and is_array:
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path = (*path, arrays[path])
    return path


def split_key(dotted: str) -> TablePath:
    """Return the parts of a dotted key, without their quotes."""
    parts = []
    for part in re.findall(PART, dotted):
        is_quoted = part[0] in "\"'"
        parts.append(tomllib.loads(f"key = {part}")["key"] if is_quoted else part)
    return tuple(parts)


def line_of(lines: Mapping[TablePath, int], path: TablePath) -> int:
    """Return the line of a table or key, or of the nearest table that it is in."""
    while path:
        if path in lines:
            return lines[path]
        first_of_array = (*path, 0)
        if first_of_array in lines:
            return lines[first_of_array]
        path = path[:-1]
    return 1
