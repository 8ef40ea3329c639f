"""Keeps FILE current: inspect, decide, ask, order, remember."""

# ruff: noqa: PTH104, PTH110 (pathlib is slow to load)

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace

from .certificates import describe, misfit, parse_chain, wanted_names_and_key
from .challenges import remove_challenges
from .files import read_file, remove_file, replace_file
from .keys import load_key
from .messages import OK, Fatal, inform, print_text, reason, say, shortened, utc
from .options import Options
from .order import obtain_chain
from .responses import parse_window
from .schedule import (
    WEEK,
    InstalledChain,
    check_clock,
    choose_moment,
    idle_until,
    next_attempt,
    next_question,
    next_question_after,
    next_question_after_failure,
    pause_after,
    renewal_due,
    renewal_time,
    suggestion_for,
)
from .server import Server
from .state import Failure, Issued, StateFile, Suggestion, no_fingerprint


def inspect_unlocked(options: Options, fingerprint: Callable[[], str]) -> bool:
    """Inspect FILE without the lock; return True, and store it, if nothing is due."""
    memory = StateFile(options.out, fingerprint)
    return save_idle_time(options, memory, inspect_chain(options))


def renew_if_due(
    options: Options, server: Server, fingerprint: Callable[[], str]
) -> int:
    """Renew FILE if it is due, under the lock, which the caller holds."""
    memory = StateFile(options.out, fingerprint)
    remove_challenges(memory)
    settle_new_key(options)
    chain = inspect_chain(options)
    now = time.time()
    question = next_question(chain, memory.state.suggestion, now)
    if not options.force and now >= question:
        ask_window(options, server, memory, chain)
    if save_idle_time(options, memory, chain):
        return OK
    refuse_too_early(options, memory)
    _, why = renewal_due(chain, memory.state, time.time(), options.force)
    inform(options.quiet, f"{options.out}: {why}, ordering")
    renew(options, memory, chain, server)
    return OK


def print_new_chain(options: Options, server: Server) -> int:
    """Order now, and print the chain on stdout: without --out."""
    memory = StateFile("", no_fingerprint)
    print_text(obtain_chain(options, memory, server, replaces=""))
    return OK


def inspect_chain(options: Options) -> InstalledChain:
    """Read FILE, and compare it with the names and the key that it has to be for."""
    chain = InstalledChain()
    try:
        certificates = parse_chain(read_file(options.out), options.out)
        chain = describe(certificates[0])
        names, key = wanted_names_and_key(options)
    except FileNotFoundError as missing:
        if missing.filename == options.out:
            return chain
        fault = f"is for a key or a CSR that is missing, {missing.filename}"
        return replace(chain, fault=fault)
    except (OSError, Fatal) as error:
        why = reason(error).removeprefix(f"{options.out}: ")
        return replace(chain, fault=f"is not usable: {why}")
    return replace(
        chain,
        fault=misfit(certificates, names, key),
        terms=(options.directory_url, options.profile, *sorted(names)),
    )


def save_idle_time(options: Options, memory: StateFile, chain: InstalledChain) -> bool:
    """Store until when nothing is due, for the hourly run; return False if due.

    Raises Fatal for a clock that cannot be right.
    """
    now = time.time()
    check_clock(chain, now)
    if options.force:
        return False
    attempt = next_attempt(memory.state.failure, options.relevant_options(), now)
    until = idle_until(chain, memory.state, now, attempt)
    if now >= until:
        return False
    # Without it, the next run takes longer, and comes to the same end.
    with contextlib.suppress(OSError, Fatal):
        memory.save(now, until)
    return True


def refuse_too_early(options: Options, memory: StateFile) -> None:
    """Raise Fatal while a failed attempt has to wait, unless --force was given."""
    failure = memory.state.failure
    until = next_attempt(failure, options.relevant_options(), time.time())
    if failure and until and not options.force:
        when = f"next attempt {utc(until)}"
        raise Fatal(f"{options.out}: {when}; the last one failed: {failure.what}")


def settle_new_key(options: Options) -> None:
    """Put the key of --new-key in place if FILE is for it, else drop it.

    Also after a kill: from then on key and chain belong together again.
    """
    beside = f"{options.domain_key}.next"
    if not options.domain_key or not os.path.exists(beside):
        return
    with contextlib.suppress(OSError, Fatal):
        chain = parse_chain(read_file(options.out), options.out)
        if not misfit(chain, set(), load_key(beside).public_key()):
            os.rename(beside, options.domain_key)
    remove_file(beside)


# When


def ask_window(
    options: Options, server: Server, memory: StateFile, chain: InstalledChain
) -> None:
    """Ask the CA when to renew; the time once chosen stays until the window moves.

    That it cannot be asked is a warning: the lifetime's rules hold then.
    """
    suggestion = suggestion_for(chain, memory.state.suggestion)
    if suggestion is None:
        suggestion = Suggestion(chain.identifier, ask=0)
    try:
        url = renewal_info(server, memory)
        if not url:
            never = replace(suggestion, ask=chain.end)
            memory.state = replace(memory.state, suggestion=never)
            return
        response = server.get(f"{url.rstrip('/')}/{chain.identifier}")
        window = parse_window(response.json())
    except Fatal as failure:
        forget_renewal_info(memory)
        chance = random.random()  # noqa: S311 (no secret)
        ask = next_question_after_failure(
            failure.status, failure.wait, time.time(), chance
        )
        later = replace(suggestion, ask=ask)
        memory.state = replace(memory.state, suggestion=later)
        say("warning", f"the CA does not say when to renew: {failure}")
        return
    suggestion = replace(
        suggestion, ask=next_question_after(response.retry_after(), time.time())
    )
    if suggestion.window != window:
        moment = choose_moment(*window, random.random())  # noqa: S311 (no secret)
        suggestion = replace(suggestion, window=window, moment=moment)
        between = f"{utc(window[0])} and {utc(window[1])}"
        inform(options.quiet, f"the CA suggests to renew between {between}")
    memory.state = replace(memory.state, suggestion=suggestion)


def renewal_info(server: Server, memory: StateFile) -> str:
    """Return the URL of renewal information: noted, else from the directory."""
    issued = memory.state.issued
    if issued and issued.renewal_info:
        return issued.renewal_info
    return server.renewal_info()


def forget_renewal_info(memory: StateFile) -> None:
    """Drop the noted URL: the CA may have another one by now."""
    issued = memory.state.issued
    if issued:
        memory.state = replace(memory.state, issued=replace(issued, renewal_info=""))


# The renewal


def renew(
    options: Options, memory: StateFile, chain: InstalledChain, server: Server
) -> None:
    """Order a new chain and put it in FILE's place; a failure is remembered."""
    known = suggestion_for(chain, memory.state.suggestion)
    replaces = chain.identifier if known and known.window else ""
    try:
        memory.save()
        pem = obtain_chain(options, memory, server, replaces)
        replace_file(options.out, pem.encode(), 0o640)
    except Exception as failure:
        if server.usage.asked:
            with contextlib.suppress(Fatal):
                remember_failure(options, memory, chain, server, failure)
        raise
    finally:
        settle_new_key(options)
    remember_success(options, memory, server)


def remember_success(options: Options, memory: StateFile, server: Server) -> None:
    """Note how FILE was ordered, and tell until when it lasts."""
    chain = inspect_chain(options)
    memory.state = replace(
        memory.state,
        issued=Issued(chain.terms, server.renewal_info()),
        failure=None,
        suggestion=None,
    )
    memory.save()
    when, _ = renewal_time(chain, None)
    names = shortened([*chain.names])
    until = f"valid until {utc(chain.end)}, to be renewed from {utc(when)}"
    inform(options.quiet, f"{options.out}: new certificate for {names}, {until}")


def remember_failure(
    options: Options,
    memory: StateFile,
    chain: InstalledChain,
    server: Server,
    failure: Exception,
) -> None:
    """Count the failure, and set the earliest next attempt, later each time."""
    now = time.time()
    relevant = options.relevant_options()
    count = 1
    previous = memory.state.failure
    if previous and previous.options == relevant:
        count = previous.count + 1
    left = chain.end - now if chain.is_usable(now) else 0
    wait = 0.0
    spent = True
    if isinstance(failure, Fatal):
        wait = min(failure.wait, WEEK)
        spent = server.usage.spent or not failure.is_passing()
    pause = pause_after(count, left, spent, random.random())  # noqa: S311 (no secret)
    failed = Failure(count, now + max(pause, wait), str(failure), relevant)
    memory.state = replace(memory.state, failure=failed)
    memory.save(synced=True)
