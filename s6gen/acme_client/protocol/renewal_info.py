"""Renewal information (RFC 9773): the CA is asked when it wants a renewal."""

from __future__ import annotations

import random
from dataclasses import replace

from ..messages import Fatal, TimeIsOver, inform, say, utc
from ..options import Options
from ..renewal.schedule import (
    InstalledChain,
    choose_moment,
    next_question_after,
    next_question_after_failure,
    suggestion_for,
)
from ..state.records import Suggestion
from ..state.state_file import StateFile
from .responses import Document, parse_window
from .server import Server


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
        url = renewal_info_url(server, memory)
        if not url:
            never = replace(suggestion, ask=chain.end)
            memory.state = replace(memory.state, suggestion=never)
            return
        response = server.get_once(f"{url.rstrip('/')}/{chain.identifier}")
        document = response.json()
        window = parse_window(document)
    except (Fatal, TimeIsOver) as failure:
        forget_renewal_info(memory)
        chance = random.random()  # noqa: S311 (no secret)
        status, wait = 0, 0.0
        if isinstance(failure, Fatal):
            status, wait = failure.status, failure.wait
        ask = next_question_after_failure(status, wait, server.time(), chance)
        later = replace(suggestion, ask=ask)
        memory.state = replace(memory.state, suggestion=later)
        say("warning", f"the CA does not say when to renew: {failure}")
        return
    suggestion = replace(
        suggestion, ask=next_question_after(response.retry_after(), server.time())
    )
    if suggestion.window != window:
        moment = choose_moment(*window, random.random())  # noqa: S311 (no secret)
        suggestion = replace(suggestion, window=window, moment=moment)
        between = f"{utc(window[0])} and {utc(window[1])}"
        told = f"the CA suggests to renew between {between}{explanation(document)}"
        inform(options.quiet, told)
    memory.state = replace(memory.state, suggestion=suggestion)


def renewal_info_url(server: Server, memory: StateFile) -> str:
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


def explanation(document: Document) -> str:
    """The page that explains the window (section 4.2), as the end of a message."""
    url = document.content.get("explanationURL")
    return f", see {url[:1000]}" if isinstance(url, str) and url else ""
