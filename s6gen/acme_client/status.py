"""--check and --status: tell what is due and what chains there are; change nothing."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from typing import Any

from .certificates import describe, parse_chain
from .deployed import Deployed, Records, read_records
from .files import read_regular_file
from .messages import NO, OK, Fatal, print_text, reason, shortened, utc
from .options import Options
from .renewal.early import allowed_order, why_early
from .renewal.installed import inspect_chain
from .renewal.schedule import (
    DAY,
    InstalledChain,
    check_begin,
    check_clock,
    next_run,
    renewal_due,
)
from .state.records import State
from .state.state_file import StateFile, no_fingerprint


def print_check(options: Options) -> int:
    """Print what would be done, why and when; exit code 0 nothing due, 1 due."""
    now = time.time()
    state = read_state(options.out)
    chain = inspect_chain(options)
    check_clock(now)
    check_begin(chain, now)
    when, why = renewal_due(chain, state, now, options.force)
    if now < when:
        print_text(f"{options.out}: nothing due before {utc(when)}: {why}\n")
        return OK
    until = next_run(state, options.relevant_options(), now)
    if not until and not state.order and not options.force:
        with contextlib.suppress(OSError, Fatal):  # what is wrong is told as the reason
            until, is_early = allowed_order(options, state, chain, now)
            if is_early and now < until:
                why = why_early(options, state, chain, now)
    attempt = f", next attempt {utc(until)}" if now < until else " now"
    order = f"; the order {state.order.url} is under way" if state.order else ""
    print_text(f"{options.out}: due{attempt}: {why}{order}\n")
    return NO


def read_state(path: str) -> State:
    """Return the state beside a chain."""
    return StateFile(path, no_fingerprint).state


def print_status(options: Options) -> int:
    """Print a table or JSON of chains, and of who was given the first one.

    Exit code 1 if one of them is not usable, or was not given to everybody.
    """
    now = time.time()
    files = options.status or (options.out,)
    rows = [status_of(path, now) for path in files]
    records = Records((), True)
    if options.deployed:
        records = read_records(options.deployed, files[0])
    consumers = [consumer_row(consumer) for consumer in records.consumers]
    if options.json:
        if options.deployed:
            rows[0]["deployed"] = consumers
        print_text(json.dumps(rows, indent=1) + "\n")
    else:
        print_text(table(rows))
        if consumers:
            print_text("\n" + table(consumers))
    if records.is_complete and all(row["usable"] for row in rows):
        return OK
    return NO


def consumer_row(consumer: Deployed) -> dict[str, Any]:
    """Return a row about who was given a chain."""
    return {
        "consumer": consumer.consumer,
        "given": utc(consumer.given),
        "served": consumer.is_served,
        "current": consumer.is_current,
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as aligned columns under their names."""
    lines = [[name.replace("_", " ") for name in rows[0]]]
    for row in rows:
        lines.append([cell(value) for value in row.values()])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ""
    for line in lines:
        cells = map(str.ljust, line, widths)
        text += "  ".join(cells).rstrip() + "\n"
    return text


def cell(value: object) -> str:
    """A value in a table: of many names only the first ones."""
    if isinstance(value, list):
        return shortened(value, 3)
    return str(value)


def status_of(path: str, now: float) -> dict[str, Any]:
    """Return a row about one chain, made without the options that keep it."""
    state = read_state(path)
    chain = read_chain(path, state)
    when, why = renewal_due(chain, state, now)
    return {
        "file": path,
        "names": [*chain.names],
        "issuer": chain.issuer,
        "serial": chain.serial,
        "not_after": utc(chain.end) if chain.end else "",
        "days": int((chain.end - now) // DAY) if chain.end else 0,
        "due": utc(when) if when > now else "now",
        "why": why,
        "usable": chain.is_usable(now),
    }


def read_chain(path: str, state: State) -> InstalledChain:
    """The chain in a file, taken to be for what was asked when it was ordered."""
    chain = InstalledChain()
    terms = state.issued.terms if state.issued else ()
    try:
        chain = describe(parse_chain(read_regular_file(path), path)[0])
    except FileNotFoundError:
        pass
    except (OSError, Fatal) as error:
        why = reason(error).removeprefix(f"{path}: ")
        chain = InstalledChain(fault=f"is not usable: {why}")
    return replace(chain, terms=terms)
