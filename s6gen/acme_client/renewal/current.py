"""Keeps FILE current: inspect, decide, ask, and order if it is due."""

# ruff: noqa: PTH120 (pathlib is slow to load)

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from ..certificates import pem_chain
from ..csr import next_key, settle_new_key
from ..files import remove_file
from ..locks import lock_existing, lock_file
from ..messages import OK, Fatal, inform, print_text, reason, say, utc, warn_once
from ..options import Options
from ..protocol.known_accounts import path_beside
from ..protocol.removal import remove_challenges
from ..protocol.renewal_info import ask_window
from ..protocol.server import Server
from ..state.records import Failure
from ..state.state_file import StateFile, no_fingerprint
from .attempts import (
    Prepared,
    failure_remembered,
    install_chain,
    order_chain,
    prepare,
)
from .earlier_order import resume
from .early import allowed_order, wait_for_ledger, why_early
from .idle import idle_time, save_idle_time
from .installed import inspect_chain
from .outcome import give_up_order
from .schedule import (
    DAY,
    MOST_FAILURES,
    InstalledChain,
    check_begin,
    check_clock,
    is_clock_doubtful,
    next_question,
    next_run,
    pause_after,
    renewal_due,
    suggestion_for,
)


def inspect_unlocked(options: Options, fingerprint: Callable[[], str]) -> bool:
    """Inspect FILE; return True if nothing is due.

    If the lock is free, what a killed run has left is put in order, and it is stored
    until when nothing is due. While another run holds the lock, it may know more.
    """
    with lock_file(f"{options.out}.lock", wait=False) as is_held:
        memory = StateFile(options.out, fingerprint)
        if is_held:
            remove_leftovers(options)
            settle_new_key(options, memory.state.order is not None)
        until = idle_time(options, memory, inspect_chain(options), 0)
        if not until:
            return False
        if is_held:
            save_idle_time(memory, until)
        return True


def print_new_chain(options: Options, server: Server) -> int:
    """Order now, and print the chain on stdout: without --out."""
    memory = StateFile("", no_fingerprint)
    if not sys.stdout:
        raise Fatal("standard output is closed")
    prepared = prepare(options, memory, server)
    chain = order_chain(prepared, options, memory, replaces="", is_early=False)
    print_text(pem_chain(chain))
    return OK


def renew_if_due(
    options: Options, server: Server, fingerprint: Callable[[], str]
) -> int:
    """Renew FILE if it is due, under the lock, which the caller holds.

    An order that an earlier run has placed comes first.
    """
    memory = begin_run(options, fingerprint)
    chain = inspect_chain(options)
    check_clock(time.time())
    close_attempt(memory, chain)
    if memory.state.order and is_time_to_resume(options, memory):
        if go_on(options, memory, server, chain) and options.force:
            return OK
        if not memory.state.order:  # what it has left in place goes
            remove_challenges(options, memory)
    if is_due(options, memory, server) and not memory.state.order:
        order_if_allowed(options, memory, server)
    return OK


def go_on(
    options: Options, memory: StateFile, server: Server, chain: InstalledChain
) -> bool:
    """Go on with the order of an earlier run; tell whether FILE is new.

    With --force, an old order that fails once more is given up: that is the way out
    where a CA never ends one.
    """
    order = memory.state.order
    assert order
    inform(options.quiet, f"{options.out}: going on with {order.url}")
    try:
        with failure_remembered(options, memory, server, chain):
            return resume(options, memory, server, chain)
    except Fatal as failure:
        is_old = server.time() - order.placed >= DAY
        if not options.force or not is_old or not server.has_answered:
            raise
        say("warning", str(failure))
        if memory.state.order:
            give_up_order(memory, "--force was given, and it is a day old")
        if time.monotonic() >= server.deadline:
            raise
        return False


# What a run begins with


def begin_run(options: Options, fingerprint: Callable[[], str]) -> StateFile:
    """Read FILE.state, and put in order what a killed run has left."""
    remove_leftovers(options)
    memory = StateFile(options.out, fingerprint)
    note = memory.state.provisioned
    if note and not (note.is_kept and memory.state.order):
        remove_challenges(options, memory)
    settle_new_key(options, memory.state.order is not None)
    return memory


def remove_leftovers(options: Options) -> None:
    """Remove the files that a killed run has left half written; a failure is a warning.

    Whoever writes beside a key holds a lock meanwhile.
    """
    state = f"{options.out}.state"
    for path in (options.out, state, options.csr):
        if path:
            remove_leftover(f"{path}.tmp", "")
    if options.domain_key:
        directory = os.path.dirname(options.domain_key) or "."
        for path in (options.domain_key, next_key(options)):
            remove_leftover(f"{path}.tmp", directory)
    directory = os.path.dirname(options.account_key) or "."
    remove_leftover(f"{options.account_key}.tmp", directory)
    remove_leftover(f"{path_beside(options.account_key)}.tmp", options.account_key)


def remove_leftover(path: str, lock: str) -> None:
    """Remove one such file, under the lock of those who make it, if there is one."""
    if not os.path.lexists(path):
        return
    try:
        with lock_existing(lock) if lock else contextlib.nullcontext():
            remove_file(path)
    except (OSError, Fatal) as error:
        warn_once(f"unable to remove what a killed run has left: {reason(error)}")


def close_attempt(memory: StateFile, chain: InstalledChain) -> None:
    """Count an attempt as failed that has not ended: the run was killed.

    The order may have been placed, under a URL that nobody knows. After a power cut the
    next run need not wait; after several in a row it has to, like after every failure.
    """
    attempt = memory.state.attempt
    if attempt is None:
        return
    previous = memory.state.failure
    count = 1
    if previous and previous.options == attempt.options:
        count = previous.count + 1
    left = chain.end - time.time() if chain.is_usable(time.time()) else 0
    pause = 0.0
    if count > 1:
        pause = pause_after(count, left, spent=True, chance=random.random())  # noqa: S311 (no secret)
    begun = min(attempt.begun, time.time())
    what = f"the run of {utc(attempt.begun)} ended while it placed an order"
    recent = previous.recent[-MOST_FAILURES:] if previous else ()
    failure = Failure(count, begun + pause, what, attempt.options, (*recent, begun))
    memory.state = replace(memory.state, attempt=None, failure=failure)
    memory.save()


def is_time_to_resume(options: Options, memory: StateFile) -> bool:
    """Tell whether the order of an earlier run is to be gone on with now."""
    if options.force:
        return True
    now = time.time()
    return not next_run(memory.state, options.relevant_options(), now)


# What is due


def is_due(options: Options, memory: StateFile, server: Server) -> bool:
    """Tell whether an order is due, after the CA was asked for its wish.

    If not, it is stored until when that holds. Raises Fatal while FILE is not usable
    but an attempt has to wait, and for a clock that cannot be right.
    """
    chain = inspect_chain(options)
    question = next_question(chain, memory.state.suggestion, server.time())
    if not options.force and server.time() >= question:
        ask_window(options, server, memory, chain)
    until = idle_time(options, memory, chain, server.offset)
    if until:
        save_idle_time(memory, until)
    elif not is_clock_doubtful(chain, server.time()):
        refuse_too_early(options, memory)
    return not until


def refuse_too_early(options: Options, memory: StateFile) -> None:
    """Raise Fatal while an attempt has to wait, unless --force was given."""
    if options.force:
        return
    state = memory.state
    until = next_run(state, options.relevant_options(), time.time())
    if not until:
        return
    when = f"next attempt {utc(until)}"
    if state.order:
        when = f"the order {state.order.url} is gone on with from {utc(until)}"
    what = state.failure.what if state.failure else "the CA is at work on it"
    raise Fatal(f"{options.out}: {when}; the last one failed: {what}")


# A new order


def order_if_allowed(options: Options, memory: StateFile, server: Server) -> None:
    """Order a new chain, if the ledger allows it and the CA's clock says so too."""
    chain = inspect_chain(options)
    if wait_for_ledger(options, memory, chain, server):
        return
    prepared = prepare(options, memory, server)
    _, why = renewal_due(chain, memory.state, server.time(), options.force)
    inform(options.quiet, f"{options.out}: {why}, ordering")
    with failure_remembered(options, memory, server, chain):
        server.directory()  # which tells the CA's time
    check_begin(chain, server.time())
    if server.offset:
        until = idle_time(options, memory, chain, server.offset)
        if until:
            save_idle_time(memory, until)
            return
        if wait_for_ledger(options, memory, chain, server):
            return
    order_now(prepared, options, memory, chain)


def order_now(
    prepared: Prepared, options: Options, memory: StateFile, chain: InstalledChain
) -> None:
    """Order a new chain and put it in FILE's place."""
    server = prepared.account.server
    now = server.time()
    _, is_early = allowed_order(options, memory.state, chain, now)
    if is_early:
        told = f"{options.out}: {why_early(options, memory.state, chain, now)}"
        say("warning", f"{told}: ordering all the same")
    known = suggestion_for(chain, memory.state.suggestion)
    replaces = chain.identifier if known and known.window else ""
    with failure_remembered(options, memory, server, chain):
        ordered = order_chain(prepared, options, memory, replaces, is_early)
        install_chain(options, memory, server, ordered)
