"""An order before the time of the last certificate: the ledger says when it may be."""

from __future__ import annotations

import time

from ..csr import wanted_names
from ..messages import Fatal, say, utc
from ..options import Options
from ..protocol.server import Server
from ..state.records import State
from ..state.state_file import StateFile
from .idle import save_idle_time
from .ledger import entries_for, explain, next_order
from .schedule import DAY, InstalledChain, renewal_due


def allowed_order(
    options: Options, state: State, chain: InstalledChain, now: float
) -> tuple[float, bool]:
    """Return the time of the next order for these names, and whether it is early."""
    entries = entries_for(state.ledger, *set_of_names(options))
    return next_order(entries, chain.is_usable(now), now)


def set_of_names(options: Options) -> tuple[str, tuple[str, ...]]:
    """Return the CA and the names: of both a CA counts what it has issued."""
    return options.directory_url, tuple(sorted(wanted_names(options)))


def wait_for_ledger(
    options: Options, memory: StateFile, chain: InstalledChain, server: Server
) -> bool:
    """Tell whether the next order has to wait, which is said; with --force it has not.

    Raises Fatal if FILE is not usable meanwhile.
    """
    now = server.time()
    when, is_early = allowed_order(options, memory.state, chain, now)
    if not is_early or now >= when:
        return False
    if options.force:
        return False
    told = f"{options.out}: {why_early(options, memory.state, chain, now)}"
    message = f"{told}: the next is ordered from {utc(when)} (now with --force)"
    if not chain.is_usable(now):
        raise Fatal(message)
    say("warning", message)
    until = min(when, chain.end) - server.offset
    save_idle_time(memory, min(until, time.time() + DAY) if server.offset else until)
    return True


def why_early(options: Options, state: State, chain: InstalledChain, now: float) -> str:
    """Tell why a certificate is ordered before its time, and what was issued so far."""
    _, why = renewal_due(chain, state, now, options.force)
    entries = entries_for(state.ledger, *set_of_names(options))
    return f"{why}, but {explain(entries, now)}"
