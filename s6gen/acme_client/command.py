"""One run: its command, the signals that end it, and its exit code."""

# ruff: noqa: PTH110 (pathlib is slow to load)

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

from .locks import lock_file
from .messages import (
    BUG,
    ENDING,
    OK,
    TEMPORARY,
    USAGE,
    Fatal,
    Stopped,
    TimeIsOver,
    reason,
    say,
)
from .options import Options, parse
from .renewal.schedule import check_clock, next_run
from .state.state_file import StateFile, no_fingerprint

if TYPE_CHECKING:
    from .protocol.server import Server

PACKAGES = ("cryptography.x509", "josepy", "acme.jws")
"""What is imported of each package that the client needs; each needs those before."""
GRACE = 10
"""Seconds that cleaning up gets after --timeout, or after a signal, step by step."""

Fingerprint = Callable[[list[str]], str]


def run(arguments: list[str], version: str, fingerprint: Fingerprint) -> int:
    """Do what the arguments ask; return the exit code. Messages go to stderr."""
    try:
        options = parse(arguments, version)
        deadline = time.monotonic() + options.timeout
        if options.serves:
            return look_at_server(options, deadline)
        listen_for_signals(deadline, options.timeout)
        from .protocol.server import Server  # --serves does without HTTP

        server = Server(options.directory_url, options.ca_bundle, version, deadline)
        return do(options, server, lambda: fingerprint(arguments))
    except ModuleNotFoundError as missing:
        hint = "install python3-acme (Debian) or py3-acme (Alpine)"
        say("fatal", f"Python module {missing.name} is missing: {hint}")
        return USAGE
    except Stopped as stopped:
        # Whoever started this is to see which signal ended it.
        signal.signal(stopped.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), stopped.args[0])
        return TEMPORARY
    except Fatal as fatal:
        say("fatal", str(fatal))
        return fatal.code
    except (OSError, TimeIsOver) as error:
        say("fatal", reason(error))
        return TEMPORARY
    except Exception as bug:
        if package := broken_package():
            words = f"cannot be imported: {type(bug).__name__}: {bug}"
            hint = "install another version of acme, or of what it needs"
            say("fatal", f"the Python package {package} {words}: {hint}")
            return USAGE
        say(
            "fatal",
            f"bug, please report: {type(bug).__name__}: {bug} ({place_of(bug)})",
        )
        return BUG


def look_at_server(options: Options, deadline: float) -> int:
    """Tell whether a server serves the chain; return the exit code.

    It needs no acme package. The deadline is its own, and it says what it has seen: the
    alarm ends only what hangs beyond that.
    """
    listen_for_signals(deadline + GRACE, options.timeout)
    from .serving.look import print_served

    return print_served(options)


def do(options: Options, server: Server, fingerprint: Callable[[], str]) -> int:
    """Do what the options ask; return the exit code.

    The modules that need the acme package are imported here, for two reasons: that it
    is missing becomes a message, and the CA can be connected to meanwhile.
    """
    warnings.simplefilter("ignore")  # to programmers; they would end up in the log
    if importlib.util.find_spec("acme") is None:
        raise ModuleNotFoundError(name="acme")
    if options.status is not None:
        from .status import print_status

        return print_status(options)
    if options.revoke or options.deactivate or options.roll_over:
        return change_account(options, server)
    if options.check:
        from .status import print_check

        return print_check(options)
    if not options.out:
        return write_to_stdout(options, server)
    return keep_current(options, server, fingerprint)


def write_to_stdout(options: Options, server: Server) -> int:
    """Order now, and print the chain, as acme-tiny does; return the exit code."""
    connect_ahead(server)
    from .renewal.current import print_new_chain

    return print_new_chain(options, server)


def keep_current(
    options: Options, server: Server, fingerprint: Callable[[], str]
) -> int:
    """Renew FILE if it is due; return the exit code.

    One run at a time renews, under a lock. Another one may have done so while this one
    waited for the lock: so what is due is decided once more, and only then is the CA
    connected to.
    """
    is_due = is_surely_due(options)
    if not is_due:
        from .renewal.current import inspect_unlocked

        if inspect_unlocked(options, fingerprint):
            return OK
    with lock_file(f"{options.out}.lock"):
        if is_due and (options.force or not os.path.exists(options.out)):
            connect_ahead(server)
        from .renewal.current import renew_if_due

        return renew_if_due(options, server, fingerprint)


def change_account(options: Options, server: Server) -> int:
    """Do what the options ask about the account; return the exit code."""
    from .protocol.account_commands import deactivate, revoke, roll_over

    if options.revoke:
        return revoke(options, server)
    if options.deactivate:
        return deactivate(options, server)
    return roll_over(options, server)


# The first connection


def is_surely_due(options: Options) -> bool:
    """Tell whether this run will ask the CA, as far as can be told without acme.

    Raises Fatal for a clock that cannot be right.
    """
    if options.force:
        return True
    if os.path.exists(options.out):
        return False
    now = time.time()
    check_clock(now)
    state = StateFile(options.out, no_fingerprint).state
    if state.attempt:
        return False
    return not next_run(state, options.relevant_options(), now)


def connect_ahead(server: Server) -> None:
    """Connect to the CA, which may be far, while a thread imports the acme package.

    TLS is set up before the thread begins (`Connections.trusted_roots` says why).
    """
    server.prepare()
    thread = threading.Thread(target=import_ahead, daemon=True)
    thread.start()
    server.connect()
    # Its imports are whole by then, or have failed: then the next one says why.
    thread.join()


def import_ahead() -> None:
    """Import what an order needs; what fails here fails again where it is imported."""
    with contextlib.suppress(Exception):
        importlib.import_module(".renewal.current", __package__)


# Signals


def listen_for_signals(deadline: float, timeout: float) -> None:
    """Let SIGTERM, SIGINT and SIGHUP end the run cleanly, SIGALRM once time is over.

    The deadline is a time of the monotonic clock. An alarm before it is not ours: it
    was for snooze (`s6-svc -a`). After it, and after a signal, the alarm comes again
    and again: what is cleaned up may hang as well.
    """

    def stop(number: int, _: object) -> None:
        for ending in ENDING:
            signal.signal(ending, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, give_up)
        signal.setitimer(signal.ITIMER_REAL, GRACE, GRACE)
        raise Stopped(number)

    def give_up(_: int, __: object) -> None:
        raise TimeIsOver(f"not done within {GRACE} s after the signal")

    def alarm(_: int, __: object) -> None:
        if time.monotonic() >= deadline:
            raise TimeIsOver(f"not done within --timeout, {timeout:g} s")

    for ending in ENDING:
        signal.signal(ending, stop)
    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, timeout, GRACE)


def broken_package() -> str:
    """The first of our packages that cannot be imported, "" if all can.

    Asked after an error of unknown cause, where it costs nothing if all are imported.
    """
    for module in PACKAGES:
        try:
            importlib.import_module(module)
        except Exception:
            return module.partition(".")[0]
    return ""


def place_of(bug: Exception) -> str:
    """The file and the line in which the exception was raised."""
    trace = bug.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    if trace is None:
        return "no line"
    file = os.path.basename(trace.tb_frame.f_code.co_filename)  # noqa: PTH119 (pathlib is slow to load)
    return f"{file}, line {trace.tb_lineno}"
