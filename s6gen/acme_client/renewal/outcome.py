"""The outcome of an attempt, remembered: a chain, an order that goes on, a failure."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from ..messages import (
    LONGEST,
    TEMPORARY,
    Dead,
    Disconnected,
    Fatal,
    Judged,
    Refused,
    TimeIsOver,
    Unfinished,
    inform,
    reason,
    say,
    shortened,
    utc,
)
from ..options import Options
from ..protocol.server import Server
from ..state.records import Failure, Issuance, Issued, PlacedOrder
from ..state.state_file import StateFile
from .ledger import add
from .schedule import (
    DAY,
    HOUR,
    MINUTE,
    MOST_FAILURES,
    WEEK,
    InstalledChain,
    pause_after,
    renewal_time,
)

FREE_RUNS = 30
"""The number of runs that go on with one order without a pause in between."""
NOT_NOW = (404, 408, 429)
"""HTTP statuses of a refusal that says nothing about the order itself."""


def remember_success(
    options: Options, memory: StateFile, server: Server, chain: InstalledChain
) -> None:
    """Note what was issued, and how it was ordered; tell until when it lasts."""
    order = memory.state.order
    assert order
    issuance = Issuance(
        directory_url=order.wanted.directory_url,
        names=order.wanted.names,
        at=max(order.placed, chain.start),
        start=chain.start,
        end=chain.end,
        is_early=order.is_early,
        is_forced=order.is_forced,
    )
    memory.state = replace(
        memory.state,
        issued=Issued(chain.terms, server.renewal_info()),
        ledger=add(memory.state.ledger, issuance),
        order=None,
        failure=None,
        suggestion=None,
    )
    memory.save()
    when, _ = renewal_time(chain, None)
    names = shortened([*chain.names])
    until = f"valid until {utc(chain.end)}, to be renewed from {utc(when)}"
    inform(options.quiet, f"{options.out}: new certificate for {names}, {until}")
    warn_of_short_life(options, chain)


def warn_of_short_life(options: Options, chain: InstalledChain) -> None:
    """Warn of a certificate that hourly runs may be too late for."""
    lifetime = chain.end - chain.start
    if lifetime >= 3 * HOUR:
        return
    life = f"{lifetime / MINUTE:.0f} minutes"
    if lifetime < 2 * MINUTE:
        life = f"{lifetime:.0f} seconds"
    late = "hourly runs may come too late"
    say("warning", f"{options.out}: lives for {life} only: {late}")


def give_up_order(memory: StateFile, why: str) -> None:
    """Drop an order that cannot be gone on with, with a warning.

    If its certificate may have been issued, that counts.
    """
    order = memory.state.order
    assert order
    say("warning", f"the order {order.url} is given up: {why}")
    ledger = memory.state.ledger
    if order.may_be_issued:
        issuance = Issuance(
            order.wanted.directory_url,
            order.wanted.names,
            order.placed,
            start=0,
            end=0,
            is_early=order.is_early,
            is_forced=order.is_forced,
        )
        ledger = add(ledger, issuance)
    memory.state = replace(memory.state, order=None, ledger=ledger)
    memory.save()


def count_failure(
    options: Options,
    memory: StateFile,
    server: Server,
    chain: InstalledChain,
    failure: Fatal,
) -> None:
    """Count a failure that a killed run could not count any more."""
    failed = failure_after(options, memory, server, chain, failure)
    memory.state = replace(memory.state, failure=failed)


def remember_failure(
    options: Options,
    memory: StateFile,
    server: Server,
    chain: InstalledChain,
    failure: BaseException,
) -> float:
    """Count a failure, with the earliest next attempt, later each time; return that.

    An order that is alive is gone on with at the next run, unless the CA has judged.
    """
    now = time.time()
    failed = failure_after(options, memory, server, chain, failure)
    placed = memory.state.order
    if placed and has_waited_enough(placed, failure, server):
        give_up_order(memory, "it has not become a usable chain in time")
        placed = None
    order = order_after(placed, failure, failed.next, now)
    if order and isinstance(failure, Refused) and not order.refused:
        order = replace(order, refused=server.time())
    memory.state = replace(memory.state, failure=failed, attempt=None, order=order)
    memory.save()
    return max(order.next, now) if order else failed.next


def has_waited_enough(
    order: PlacedOrder, failure: BaseException, server: Server
) -> bool:
    """Tell whether an order is given up: expired, or refused for a day.

    Only if the CA has answered, which tells its time: an order is not lost by a clock
    that is wrong.
    """
    if not server.has_answered or isinstance(failure, Disconnected):
        return False
    if isinstance(failure, Refused):
        return 0 < order.refused < server.time() - DAY
    return server.time() > order.expires


def failure_after(
    options: Options,
    memory: StateFile,
    server: Server,
    chain: InstalledChain,
    failure: BaseException,
) -> Failure:
    """Return the record of a failure, which counts those before with these options."""
    now = time.time()
    relevant = options.relevant_options()
    count = 1
    previous = memory.state.failure
    if previous and previous.options == relevant:
        count = previous.count
        if not isinstance(failure, Unfinished):
            count += 1
    left = chain.end - server.time() if chain.is_usable(server.time()) else 0
    wait = 0.0
    spent = True
    if isinstance(failure, Fatal):
        wait = min(failure.wait, WEEK)
        spent = server.usage.spent or not failure.is_passing()
    pause = pause_after(count, left, spent, random.random())  # noqa: S311 (no secret)
    what = reason(failure)
    recent = previous.recent[-MOST_FAILURES:] if previous else ()
    return Failure(count, now + max(pause, wait), what, relevant, (*recent, now))


def order_after(
    order: PlacedOrder | None, failure: BaseException, held: float, now: float
) -> PlacedOrder | None:
    """Return what becomes of an order after a failure: None if it has ended.

    Held is the time of the next attempt if the CA, or a program of the user's, has
    judged: then the same would be said at once again.
    """
    if order is None or isinstance(failure, Dead):
        return None
    if is_slow(failure):
        order = replace(order, is_slow=True)
    is_judged = isinstance(failure, Judged)
    wait = 0.0
    if isinstance(failure, Fatal):
        wait = min(failure.wait, DAY)
        if 400 <= failure.status < 500 and failure.status not in NOT_NOW:
            is_judged = True
    following = held if is_judged else 0.0
    if wait:
        following = max(following, now + wait)
    return replace(order, next=max(following, pace_of(order, now)))


def is_slow(failure: BaseException) -> bool:
    """Tell whether a run has waited in vain for the CA."""
    if isinstance(failure, Unfinished | TimeIsOver):
        return True
    return isinstance(failure, Fatal) and failure.is_passing()


def pace_of(order: PlacedOrder, now: float) -> float:
    """Return the time before which an order is not gone on with, 0 for at once.

    The first runs are free: after a kill nothing is to be waited for. A service that is
    restarted all the time does not ask the CA all the time.
    """
    if order.runs < FREE_RUNS:
        return 0.0
    return now + 10 * MINUTE


def failure_line(
    memory: StateFile, failure: Fatal | OSError | TimeIsOver, when: float
) -> Fatal:
    """Return a failure as the last line of a run: when it is tried again.

    Not so for a mistake in the options that was found here: mending it ends the wait.
    """
    message = reason(failure)[: LONGEST - 1000]
    order = memory.state.order
    if order and order.url not in message:
        message = f"{message}; the order is kept: {order.url}"
    code = failure.code if isinstance(failure, Fatal) else TEMPORARY
    is_refusal = isinstance(failure, Fatal) and bool(failure.status)
    if code == TEMPORARY or is_refusal:
        message = f"{message}; trying again from {utc(when)}"
    return Fatal(message, code)
