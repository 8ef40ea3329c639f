"""The three-way merge: two changes of one text, line by line, as git-merge-file(1).

Written here, because git would want a repository, or files in a temporary directory,
for what is a comparison in memory. The comparing is difflib's.
"""

import io
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

MOST_LINES = 2000
"""Lines of a text that is merged: more could take minutes to compare. The longest file
that s6gen renders has some hundred."""


class Section(NamedTuple):
    """Lines of the base, and what each side has in their place."""

    base: list[bytes]
    mine: list[bytes]
    theirs: list[bytes]


def merge_texts(base: bytes, mine: bytes, theirs: bytes) -> bytes | None:
    """Return a text with both changes; None if they are to the same lines.

    Lines that touch each other count as the same, unless both changes are equal.
    Raises ValueError for a text with more than MOST_LINES lines.
    """
    lines = []
    for section in sections(lines_of(base), lines_of(mine), lines_of(theirs)):
        merged = merge_section(section)
        if merged is None:
            return None
        lines += merged
    return b"".join(lines)


def lines_of(text: bytes) -> list[bytes]:
    """Return the lines of a text, with their newlines; the last may have none."""
    lines = list(io.BytesIO(text))
    if len(lines) > MOST_LINES:
        raise ValueError
    return lines


def merge_section(section: Section) -> list[bytes] | None:
    """Return the lines of a section that one side has changed, or both alike."""
    if section.mine == section.base:
        return section.theirs
    if section.theirs in (section.base, section.mine):
        return section.mine
    return None


def sections(
    base: list[bytes], mine: list[bytes], theirs: list[bytes]
) -> Iterator[Section]:
    """Yield what lies between the lines that all three have, and these lines."""
    in_mine = counterparts(base, mine)
    in_theirs = counterparts(base, theirs)
    start = mine_start = theirs_start = 0
    for position, line in enumerate(base):
        if position not in in_mine or position not in in_theirs:
            continue
        yield Section(
            base[start:position],
            mine[mine_start : in_mine[position]],
            theirs[theirs_start : in_theirs[position]],
        )
        yield Section([line], [line], [line])
        start = position + 1
        mine_start = in_mine[position] + 1
        theirs_start = in_theirs[position] + 1
    yield Section(base[start:], mine[mine_start:], theirs[theirs_start:])


def counterparts(base: list[bytes], other: list[bytes]) -> dict[int, int]:
    """Return where each line that both texts have is in the other one."""
    head = 0
    while head < min(len(base), len(other)) and base[head] == other[head]:
        head += 1
    tail = 0
    while (
        tail < min(len(base), len(other)) - head
        and base[len(base) - 1 - tail] == other[len(other) - 1 - tail]
    ):
        tail += 1
    pairs = {position: position for position in range(head)}
    matcher = SequenceMatcher(
        None, base[head : len(base) - tail], other[head : len(other) - tail]
    )
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            pairs[head + block.a + offset] = head + block.b + offset
    for distance in range(1, tail + 1):
        pairs[len(base) - distance] = len(other) - distance
    return pairs
