"""One attempt: an order placed, or gone on with, and its chain put in FILE's place."""

# ruff: noqa: PTH110, PTH120 (pathlib is slow to load)

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cryptography import x509

from ..certificates import Request, names_of, parse_chain, pem_chain
from ..csr import (
    fingerprint_of,
    make_request,
    settle_new_key,
)
from ..files import read_file, replace_file, try_to_replace
from ..keys import load_mac_key, load_or_make_key
from ..locks import lock_existing
from ..messages import Fatal, TimeIsOver, Unfinished, say
from ..options import Options
from ..protocol.account import Account
from ..protocol.challenges import Challenges, try_hook
from ..protocol.download import fetch_chain
from ..protocol.order import Order, place_order
from ..protocol.removal import keep_challenges, remove_challenges
from ..protocol.responses import Document, time_in
from ..protocol.server import Server
from ..state.records import Attempt, PlacedOrder, Wanted
from ..state.state_file import StateFile
from .installed import inspect_chain
from .outcome import (
    failure_line,
    remember_failure,
    remember_success,
)
from .schedule import DAY, MONTH, InstalledChain


@contextlib.contextmanager
def failure_remembered(
    options: Options, memory: StateFile, server: Server, chain: InstalledChain
) -> Iterator[None]:
    """Remember a failure, and tell when it is tried again, if the CA was asked."""
    try:
        yield
    except (Exception, TimeIsOver) as failure:
        if not server.usage.asked:
            raise
        if isinstance(failure, TimeIsOver) and server.waited_for:
            failure = TimeIsOver(f"{server.waited_for}, and {failure}")
        try:
            when = remember_failure(options, memory, server, chain, failure)
        except Fatal as second:
            say("warning", f"the failure is not remembered: {second}")
            raise failure from None
        if isinstance(failure, Fatal | OSError | TimeIsOver):
            raise failure_line(memory, failure, when) from failure
        raise


# A new order


@dataclass(frozen=True)
class Prepared:
    """All that an order needs and that can be had without the CA."""

    account: Account
    request: Request
    names: set[str]
    challenges: Challenges


def prepare(options: Options, memory: StateFile, server: Server) -> Prepared:
    """Make what an order needs, and try all that can fail later without the CA.

    Raises Fatal or OSError: then the CA is not asked.
    """
    if options.out:
        try_to_replace(options.out, 0o640)
        memory.save()
    if options.new_key:
        with lock_existing(os.path.dirname(options.domain_key) or "."):
            try_to_replace(options.domain_key, 0o600, secret=True)
    if options.dns_hook:
        try_hook(options.dns_hook)
    account = account_of(options, memory, server)
    if options.eab_kid:
        load_mac_key(options.eab_key_file)
    request = make_request(options)
    names = names_of(request)
    challenges = Challenges(options, memory, names)
    return Prepared(account, request, names, challenges)


def order_chain(
    prepared: Prepared,
    options: Options,
    memory: StateFile,
    replaces: str,
    is_early: bool,
) -> list[x509.Certificate]:
    """Order a chain, and return it, verified. Raises Fatal or OSError.

    Replaces is the identifier of the certificate that it takes the place of, "" if the
    CA does not know that one. From when the order is placed, memory has it.
    """
    account, names = prepared.account, prepared.names
    account.sign_in()
    account.server.check_time()
    attempt = Attempt(time.time(), options.relevant_options())
    memory.state = replace(memory.state, attempt=attempt)
    memory.save()
    url, document = place_order(account, names, replaces)
    now = account.server.time()
    placed = PlacedOrder(
        url,
        wanted_of(options, account, names),
        fingerprint_of(prepared.request.public_key()),
        placed=now,
        expires=expiry_of(document, now),
        is_early=is_early,
        is_forced=is_early and options.force,
    )
    memory.state = replace(memory.state, attempt=None, order=placed)
    memory.save()
    account.server.is_patient = True
    order = Order(account, url, asks_once=False)
    document = Document(url, document.content)

    def request() -> Request:
        note_finalize(memory, placed.key)
        return prepared.request

    with challenges_cleared(options, memory, order):
        document = order.complete(document, lambda: prepared.challenges, request)
    chain_url = document.link("certificate")
    return fetch_chain(account, chain_url, names, prepared.request.public_key())


@contextlib.contextmanager
def challenges_cleared(
    options: Options, memory: StateFile, order: Order
) -> Iterator[None]:
    """Remove the challenges at the end, unless the CA is still validating.

    Then they stay for the next run, if there is a state that tells it of them.
    """
    is_over = False
    try:
        yield
    except (Unfinished, TimeIsOver):
        is_over = True
        raise
    finally:
        if is_over and order.is_validating() and memory.path:
            keep_challenges(memory)
        else:
            remove_challenges(options, memory, directory_of(order))


def directory_of(order: Order) -> int | None:
    """The --acme-dir that was opened for an order's challenges, if any were met."""
    if order.authorizations is None:
        return None
    return order.authorizations.challenges.directory


def expiry_of(document: Document, now: float) -> float:
    """The time after which an order is given up: the CA's, within bounds.

    Section 7.1.3. A CA that does not say has a month.
    """
    expires = time_in(document, "expires") or now + MONTH
    return min(max(expires, now + DAY), now + 3 * MONTH)


def account_of(options: Options, memory: StateFile, server: Server) -> Account:
    """The account of the key, which is made if it is missing; nothing is asked yet."""
    is_new = not os.path.exists(options.account_key)
    key = load_or_make_key(options.account_key, "ec256", options.quiet)
    account = Account(options, server, memory, key)
    account.is_key_new = is_new
    return account


def wanted_of(options: Options, account: Account, names: set[str]) -> Wanted:
    """The CA, account, profile and names of an order: with others it is another one."""
    return Wanted(
        options.directory_url,
        account.url,
        options.profile,
        tuple(sorted(names)),
    )


def note_finalize(memory: StateFile, key: str) -> None:
    """Note that the CA is about to be asked to issue, and for which key."""
    order = memory.state.order
    assert order
    noted = replace(order, may_be_issued=True, key=key)
    if noted != order:
        memory.state = replace(memory.state, order=noted)
        memory.save()


# The chain


def install_chain(
    options: Options, memory: StateFile, server: Server, chain: list[x509.Certificate]
) -> None:
    """Put a chain in FILE's place, its key too, look at them, and remember it all."""
    if not is_in_place(options.out, chain):
        replace_file(options.out, pem_chain(chain).encode(), 0o640)
    settle_new_key(options, is_ordered=True)
    installed = inspect_chain(options)
    if installed.fault:
        raise Fatal(f"{options.out}: just put in place, but it {installed.fault}")
    remember_success(options, memory, server, installed)


def is_in_place(path: str, chain: list[x509.Certificate]) -> bool:
    """Tell whether a file holds exactly this chain."""
    with contextlib.suppress(OSError, Fatal):
        return parse_chain(read_file(path), path) == chain
    return False
