"""What is said of a server that does not serve the new certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..messages import NO, TEMPORARY, USAGE, Fatal
from .handshake import Shown

OTHER_NAMES = 2
"""The exit code for a certificate of somebody else's."""


@dataclass(frozen=True)
class Answer:
    """What one address has answered: a certificate, or why there is none."""

    where: str = ""
    """The IP address, "" if it is clear."""
    is_connected: bool = False
    shown: Shown | None = None
    fault: str = ""
    is_late: bool = False

    def is_good(self, new: bytes) -> bool:
        """Tell whether it is this certificate, in a handshake without a fault."""
        return self.shown is not None and self.shown.leaf == new and not self.fault


Round = tuple[Answer, ...]
"""The answers of all addresses that count."""


@dataclass(frozen=True)
class Judgement:
    """The exit code of one answer, and what is said."""

    code: int
    text: str


def verdict(rounds: Sequence[Round], new: bytes, name: str) -> tuple[int, str]:
    """The exit code, and what the server does instead of serving `new`.

    The last round that went wrong counts, and the worst in it. But a server that has
    shown a certificate of ours, and then nothing or another's, is the right server.
    """
    wrong = [one for one in rounds if not is_good(one, new)]
    if not wrong:
        words = "serves the new certificate, but answers too slowly to be sure"
        return TEMPORARY, f"{words}: give it a longer --timeout"
    last = [judge(answer, new, name) for answer in wrong[-1] if not answer.is_good(new)]
    worst = min(last, key=lambda judgement: judgement.code)
    answers = [answer for answers in rounds for answer in answers]
    if any(answer.is_good(new) for answer in answers):
        return NO, f"{worst.text}; at times it serves the new certificate"
    if worst.code != NO:
        judgements = [judge(answer, new, name) for answer in answers]
        ours = [judgement for judgement in judgements if judgement.code == NO]
        if ours:
            return NO, f"{worst.text}; before that it {ours[-1].text}"
    return worst.code, worst.text


def is_good(answers: Round, new: bytes) -> bool:
    """Tell whether all of them are this certificate."""
    return all(answer.is_good(new) for answer in answers)


def judge(answer: Answer, new: bytes, name: str) -> Judgement:
    """What is said of one answer that is not good."""
    place = f" ({answer.where})" if answer.where else ""
    shown = answer.shown
    if shown is None:
        return Judgement(TEMPORARY, f"{answer.fault}{place}")
    if shown.has_wrong_key or (shown.leaf == new and shown.fault):
        what = "the new certificate" if shown.leaf == new else "a certificate"
        return Judgement(NO, f"shows {what}{place}, but {shown.fault}")
    code, text = describe(shown.leaf, new, name)
    return Judgement(code, f"serves {text}".replace(":", f"{place}:", 1))


def describe(der: bytes, new: bytes, name: str) -> tuple[int, str]:
    """What another certificate is, and the exit code for it."""
    # Not at the top: cryptography is slow to load, and mostly all is well.
    from .leaf import read_leaf

    try:
        ours = read_leaf(new)
    except Exception as error:  # cryptography's, of many kinds
        raise Fatal(f"standard input: not a certificate: {error}", USAGE) from error
    try:
        leaf = read_leaf(der)
    except Exception as error:  # cryptography's, of many kinds
        return NO, f"a certificate that cannot be read: {error}"
    if leaf.is_self_signed:
        return NO, f"a self-signed certificate: {leaf}"
    if leaf.is_for(name) or leaf.shares_names(ours):
        return NO, f"another certificate for these names: {leaf}"
    return OTHER_NAMES, f"a certificate for other names: {leaf}"
