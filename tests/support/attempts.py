"""How often an attack is tried: a little by default, as long as S6GEN_ATTEMPTS says."""

import os


def attempts(few: int) -> int:
    """A number of attempts: `few`, times the factor in S6GEN_ATTEMPTS."""
    return few * int(os.environ.get("S6GEN_ATTEMPTS", "1"))
