"""The distance of one word from another, to recognise a typing error."""

from collections.abc import Callable, Iterable
from itertools import islice

MOST = 20_000
"""Candidates that are compared: each may take a tenth of a millisecond."""
LONGEST = 64
"""Letters of a word that may be mistyped. Longer ones are made by programs."""


def nearest(
    word: str, candidates: Iterable[str], reach: int, form: Callable[[str], str] = str
) -> str:
    """Return the candidate with the least distance from a word, or empty.

    The distance is reach at most. form gives the spelling of a candidate to compare
    with the word. Of two with the same distance, the first in the alphabet is taken.
    """
    distances = []
    for candidate in islice(candidates, MOST):
        distances.append((distance(word, form(candidate), reach), candidate))
    least, meant = min(distances, default=(reach + 1, ""))
    if least > reach:
        return ""
    return meant


def distance(word: str, other: str, reach: int) -> int:
    """Return how many letters are added, dropped, replaced, or swapped with the next.

    This is the optimal string alignment distance. A result above reach says only that
    the distance is larger than reach.
    """
    if abs(len(word) - len(other)) > reach or len(word) > LONGEST:
        return reach + 1
    # Each row has the distances of the first i letters from all beginnings of other.
    row_before_last: list[int] = []
    last_row: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        row_before_last, last_row, row = last_row, row, [i]
        # What is farther from the diagonal than reach cannot come back within it.
        first = max(1, i - reach)
        row += [reach + 1] * (first - 1)
        for j, other_letter in enumerate(other[first - 1 : i + reach], first):
            is_replaced = letter != other_letter
            dropped = last_row[j] + 1
            added = row[j - 1] + 1
            replaced = last_row[j - 1] + is_replaced
            cost = min(dropped, added, replaced)
            if i > 1 and j > 1:
                is_swapped = (word[i - 2], letter) == (other_letter, other[j - 2])
                if is_swapped:
                    cost = min(cost, row_before_last[j - 2] + 1)
            row.append(cost)
        row += [reach + 1] * (len(other) + 1 - len(row))
        if min(row) > reach:
            return reach + 1
    return row[-1]
