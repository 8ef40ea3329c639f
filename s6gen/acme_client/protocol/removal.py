"""What was made for challenges is removed: only what this client can have made.

What is to be removed stands in FILE.state. That may be another user's than who runs
this: it is believed as far as it fits the options, and what is there.
"""

# ruff: noqa: PTH118 (pathlib is slow to load)

from __future__ import annotations

import os
import re
from dataclasses import replace

from ..csr import wanted_names
from ..messages import Fatal, TimeIsOver, reason, say, shortened
from ..options import Options
from ..state.records import Challenge, Provisioned
from ..state.state_file import StateFile
from .challenge_files import open_directory, remove_answer
from .challenges import RECORD, TOKEN, call_hook

DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url: a record's value, and a thumbprint (sections 8.1 and 8.4)."""
MOST_TRIES = 1
"""The number of further runs that try to remove what could not be removed."""


def remove_challenges(
    options: Options, memory: StateFile, directory: int | None = None
) -> None:
    """Remove what is noted as made, by this run or a killed one.

    Directory is the --acme-dir that this run has opened, if it has. What cannot be
    removed is a warning, and stays noted for the next runs. The rest of the note goes
    at the next save. FILE.state may belong to somebody else than who runs this: see
    `is_ours`.
    """
    note = memory.state.provisioned
    if note is None:
        return
    rest = None
    if not is_ours(note, options):
        labels = shortened([made.label[:80] for made in note.made])
        why = f"not of these options: {note.location[:200]}: {labels}"
        say("warning", f"answers may be left that are {why}")
    else:
        left = remove_noted(note, directory)
        if left and note.tries < MOST_TRIES:
            rest = Provisioned(note.kind, note.location, left, note.tries + 1)
    memory.state = replace(memory.state, provisioned=rest)


def remove_noted(note: Provisioned, directory: int | None) -> tuple[Challenge, ...]:
    """Remove what is noted; return what could not be removed, after a warning."""
    if note.kind == "dns-01" or directory is not None:
        return remove_each(note, directory)
    try:
        directory = open_directory(note.location)
    except FileNotFoundError:
        return ()
    except (OSError, Fatal) as error:
        say("warning", f"unable to remove answers: {reason(error)}")
        return note.made
    try:
        return remove_each(note, directory)
    finally:
        os.close(directory)


def remove_each(note: Provisioned, directory: int | None) -> tuple[Challenge, ...]:
    """Remove one by one, but nothing more once it hangs; return what is left."""
    left = []
    is_hanging = False
    for challenge in note.made:
        if is_hanging:
            left.append(challenge)
            continue
        try:
            remove_challenge(note, challenge, directory)
        except (OSError, Fatal, TimeIsOver) as error:
            why = reason(error)
            say("warning", f"unable to remove the answer {challenge.label}: {why}")
            left.append(challenge)
            is_hanging = isinstance(error, TimeIsOver)
    return tuple(left)


def remove_challenge(
    note: Provisioned, challenge: Challenge, directory: int | None
) -> None:
    """Remove a challenge file, or let the hook remove a record; raises an error."""
    if directory is None:
        call_hook(note.location, "remove", challenge.label, challenge.text)
        return
    try:
        is_gone = remove_answer(directory, challenge.label, challenge.text)
    except TimeIsOver:  # at this very moment; a file is removed quickly all the same
        is_gone = remove_answer(directory, challenge.label, challenge.text)
    if not is_gone:
        path = os.path.join(note.location, challenge.label)
        say("warning", f"{path}: is not the answer that was made: it is left alone")


def keep_challenges(memory: StateFile) -> None:
    """Leave all in place, because the CA is still validating; the next run knows."""
    note = memory.state.provisioned
    if note:
        kept = replace(note, is_kept=True)
        memory.state = replace(memory.state, provisioned=kept)


def is_ours(note: Provisioned, options: Options) -> bool:
    """Tell whether a note is about what a run with these options may have made.

    No other program is started than that of --dns-hook, and only for records of this
    certificate's names; no other file is removed than an answer in --acme-dir.
    """
    if note.kind == "dns-01":
        records = own_records(options)
        for made in note.made:
            if made.label not in records or not DIGEST.fullmatch(made.text):
                return False
        return note.location == options.dns_hook
    for made in note.made:
        token, _, thumbprint = made.text.partition(".")
        if token != made.label or not TOKEN.fullmatch(token):
            return False
        if not DIGEST.fullmatch(thumbprint):
            return False
    return note.location == options.acme_dir


def own_records(options: Options) -> set[str]:
    """The records of the names that are asked for; none if nobody knows them."""
    try:
        names = wanted_names(options)
    except (OSError, Fatal):
        return set()
    return {f"{RECORD}{name.removeprefix('*.')}" for name in names}
