"""What a check has to say."""

from typing import NamedTuple


class Finding(NamedTuple):
    """One thing that is wrong: where, what, and what to do about it."""

    path: str
    message: str
    line: int = 0
    """0: the file as a whole."""
    rule: str = ""
    """The name of the rule, stamped on by whoever applies it."""
    warning: bool = False
