"""An order of an earlier run: gone on with, or given up."""

from __future__ import annotations

import time
from dataclasses import replace

from cryptography import x509

from ..certificates import Request, describe
from ..csr import find_public_key, fingerprint_of, make_request, wanted_names
from ..messages import Dead, Fatal, Refused
from ..options import Options
from ..protocol.challenges import Challenges
from ..protocol.download import fetch_chain
from ..protocol.order import Order, explain
from ..protocol.responses import Document
from ..protocol.server import Server
from ..state.state_file import StateFile
from .attempts import (
    account_of,
    challenges_cleared,
    install_chain,
    is_in_place,
    note_finalize,
    wanted_of,
)
from .outcome import count_failure, give_up_order, pace_of
from .schedule import InstalledChain, renewal_time

GONE = ("accountDoesNotExist", "malformed", "unauthorized")
"""The problem types by which a CA says that it has no such order (section 6.7)."""


def resume(
    options: Options, memory: StateFile, server: Server, chain: InstalledChain
) -> bool:
    """Go on with the order of an earlier run, and put its chain in place.

    Returns False if there is nothing to go on with: the order is given up then.
    """
    placed = memory.state.order
    assert placed
    account = account_of(options, memory, server)
    names = wanted_names(options)
    account.sign_in()
    if placed.wanted != wanted_of(options, account, names):
        give_up_order(memory, "other names, another CA, account or profile are wanted")
        return False
    begun = replace(placed, runs=placed.runs + 1)
    begun = replace(begun, next=pace_of(begun, time.time()))  # also if it is killed
    memory.state = replace(memory.state, order=begun)
    memory.save()
    order = Order(account, placed.url, asks_once=placed.is_slow)
    document = look_at_kept(options, memory, order, chain)
    if document is None:
        return False
    server.is_patient = not placed.is_slow
    ordered = complete_kept(options, memory, order, document)
    when, _ = renewal_time(describe(ordered[0]), None)
    if server.time() >= when and not is_in_place(options.out, ordered):
        give_up_order(memory, "its certificate is old by now")
        return False
    install_chain(options, memory, server, ordered)
    return True


def complete_kept(
    options: Options, memory: StateFile, order: Order, document: Document
) -> list[x509.Certificate]:
    """Take an order of an earlier run to its end, and return its chain, verified.

    If it was not finalized yet, it may be so with another key by now.
    """

    def challenges() -> Challenges:
        return Challenges(options, memory, wanted_names(options))

    def request() -> Request:
        made = make_request(options)
        note_finalize(memory, fingerprint_of(made.public_key()))
        return made

    with challenges_cleared(options, memory, order):
        document = order.complete(document, challenges, request)
    placed = memory.state.order
    assert placed
    key = find_public_key(options, placed.key)
    if key is None:
        gone = "the key that it is for is gone"
        give_up_order(memory, gone)
        raise Fatal(f"{order.url}: the order is given up: {gone}")
    url = document.link("certificate")
    return fetch_chain(order.account, url, set(placed.wanted.names), key)


def look_at_kept(
    options: Options, memory: StateFile, order: Order, chain: InstalledChain
) -> Document | None:
    """Ask for an order of an earlier run; None if it cannot be gone on with.

    An order that is invalid by now is a failure, which the run that was killed could
    not count any more.
    """
    placed = memory.state.order
    assert placed
    try:
        document = order.look()
    except Fatal as refusal:
        is_refused = 400 <= refusal.status < 500
        if is_refused and refusal.kind in GONE:
            count_failure(options, memory, order.server, chain, refusal)
            give_up_order(memory, str(refusal))
            return None
        if refusal.status in (404, 410):  # by whom? The order is kept for a day.
            raise Refused(str(refusal), status=refusal.status) from refusal
        raise
    status = document.field("status", str)
    if status == "invalid":
        why = f"it is invalid: {explain(order.account, document)}"
        failure = Dead(f"{placed.url}: {why}")
        note_not_issued(memory)
        order.server.usage.spent = True
        count_failure(options, memory, order.server, chain, failure)
        give_up_order(memory, why)
        return None
    if status in ("processing", "valid"):
        if find_public_key(options, placed.key) is None:
            give_up_order(memory, "the key that it is for is gone")
            return None
    return document


def note_not_issued(memory: StateFile) -> None:
    """An order that has become invalid has no certificate (section 7.1.6)."""
    order = memory.state.order
    assert order
    memory.state = replace(memory.state, order=replace(order, may_be_issued=False))
