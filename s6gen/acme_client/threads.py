"""How to wait for what no signal ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_thread(work: Callable[[], T], within: float | None = None) -> T:
    """Return what some work returns, or raise what it raises; it is done in a thread.

    Some waits are not ended by a signal: for a resolver that does not answer, or in
    OpenSSL for a server that goes on with a handshake for ever. Waiting for a thread
    is. One that is left behind ends with the process. Raises TimeoutError for what is
    not done within so many seconds.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(within)
    if failures:
        raise failures[0]
    if not results:
        raise TimeoutError("not done in time")
    return results[0]
