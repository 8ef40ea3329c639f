#!/usr/bin/env python3
"""Keeps one TLS certificate current by ACME (RFC 8555, RFC 9773).

Needs Python 3.11 and the `acme` package, nothing else: it may be copied and run alone. Read it from
the top: the command, what is due, one issuance, its challenges, the CA, and what these stand on.
FILE is what --out names. Moments are seconds since 1970; sections without a name are RFC 8555's.
"""

# pathlib is slow to load, and has no dir_fd:
# ruff: noqa: D105, N818, PTH104, PTH108, PTH110, PTH112, PTH113, PTH114, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps: four times as quick

if (
    __name__ == "__main__"
):  # first of all: `s6-svc -a` must not end a look that has just begun
    _signal.signal(_signal.SIGALRM, _signal.SIG_IGN)

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import contextlib
    import http.client
    import ipaddress
    import json
    import random
    import re
    import signal
    import ssl
    import urllib.parse
    import zlib
    from collections.abc import Callable
    from typing import Any, NoReturn, TypeVar

    from acme import jws
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from josepy import b64, jwa, jwk

    Json = dict[str, Any]
    Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    Options = argparse.Namespace
    Request = x509.CertificateSigningRequest
    T = TypeVar("T")

VERSION = "0.1.0"
RELEASED = 1795478400
"""2026-11-24: a clock before this day is wrong."""
AUTHORITIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
OUR_FAULT = (
    *("badCSR", "badPublicKey", "badSignatureAlgorithm", "externalAccountRequired"),
    *("invalidContact", "invalidProfile", "rejectedIdentifier", "unsupportedContact"),
    *("unsupportedIdentifier", "userActionRequired"),
)
"""The problem types that only another configuration cures (section 6.7)."""
MINUTE, HOUR, DAY, WEEK, NEVER = 60.0, 3600.0, 86400.0, 604800.0, float("inf")
SKEW = 5 * MINUTE
"""How far two honest clocks may differ."""
SOON = 0.02
"""Seconds that a CA gets before the first look whether it is done."""
GRACE = 10
"""Seconds that each thing gets that is done, or cleaned up, after --timeout or a signal."""
LIMIT = 1 << 20
"""Bytes: no honest answer or file is longer."""
NONCES, TRIES = 50, 4
OK, NO, USAGE, BUG, TEMPORARY = 0, 1, 100, 101, 111


class Fatal(Exception):
    """Ends the run with one line that names what is at fault.

    A CA's refusal has a kind, which is the problem's type without its namespace, an HTTP status,
    and the seconds after which the CA wants to be asked again, if it says so.
    """

    def __init__(
        self,
        message: str,
        code: int = TEMPORARY,
        kind: str = "",
        status: int = 0,
        wait: float = 0,
    ) -> None:
        super().__init__(message[:4000])  # a CA's word may be a long one
        self.code = USAGE if kind in OUR_FAULT else code
        self.kind, self.status, self.wait = kind, status, wait

    def passing(self) -> bool:
        """Whether the same request may succeed a little later."""
        return isinstance(self, Disconnected) or self.status >= 500


class Disconnected(Fatal):
    """No answer came: the request may have arrived or not."""


class Stopped(BaseException):
    """A signal asks to end: clean up and go."""


# The command


def main() -> None:
    """The command `s6gen-acme`."""
    try:
        code = OK if glance(sys.argv[1:]) else run(sys.argv[1:])
    except KeyboardInterrupt:  # before listen_for_signals
        code = TEMPORARY
    os._exit(code)  # all is written: taking the interpreter down is a tenth of a look


def glance(arguments: list[str]) -> bool:
    """Whether the last look holds: same arguments, same files, the moment it named is to come.

    This is the hourly look that finds nothing due, so it imports nothing.
    """
    path = ""
    for name, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if name == "--out":
            path = value
        elif name.startswith("--out="):
            path = name[6:]
    try:
        with open(f"{path}.state", encoding="ascii") as state:
            since, until, seen = state.readline().rstrip("\n").split(" ", 2)
        return float(since) <= time.time() < float(until) and seen == sight(arguments)
    except (ValueError, OSError):
        return False


def sight(arguments: list[str]) -> str:
    """The version, the arguments, and what changes with every file that one of them names."""
    seen: list[object] = [VERSION, *arguments]
    for argument in arguments:
        for path in (argument, argument.partition("=")[2]):
            if os.path.isfile(path):
                status = os.stat(path)
                seen.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return ascii(seen)


def import_standard() -> None:
    """Import what a glance does without, and what only one function needs is left to that."""
    global argparse, contextlib, http, json, random, re, signal, ssl, urllib, zlib
    import argparse
    import contextlib
    import http.client
    import json
    import random
    import re
    import signal
    import ssl
    import urllib.parse
    import zlib


def import_ahead() -> None:
    """Let a thread import the acme package, while `Ca.connect` waits for a distant CA."""
    import importlib.util
    import threading

    def work() -> None:
        with contextlib.suppress(Exception):  # it fails again where it is needed
            import_acme()

    if not importlib.util.find_spec("acme"):
        raise ModuleNotFoundError(name="acme")
    threading.Thread(target=work, daemon=True).start()


def import_acme() -> None:
    """Import the acme package and what comes with it, or wait for the thread that does."""
    global jws, x509, hashes, serialization, ec, rsa, b64, jwa, jwk
    import warnings

    warnings.simplefilter("ignore")  # to programmers; they would end up in the log
    from acme import jws
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from josepy import b64, jwa, jwk


def run(arguments: list[str]) -> int:
    """Do what the arguments ask; the exit code."""
    import_standard()
    try:
        options = parse(arguments)
        listen_for_signals(options)
        import_ahead()
        command: Callable[[Options], int] = options.command
        if command not in (keep_current, write_to_stdout):
            import_acme()
        return command(options)
    except ModuleNotFoundError as missing:
        hint = "install python3-acme (Debian) or py3-acme (Alpine)"
        return say("fatal", f"Python module {missing.name} is missing: {hint}", USAGE)
    except Stopped as stopped:
        signal.signal(stopped.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), stopped.args[0])
        return TEMPORARY
    except Fatal as fatal:
        return say("fatal", str(fatal), fatal.code)
    except OSError as error:
        return say("fatal", reason(error), TEMPORARY)
    except Exception as bug:
        trace = bug.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        where = f"line {trace.tb_lineno}" if trace else "no line"
        return say(
            "fatal", f"bug, please report: {type(bug).__name__}: {bug} ({where})", BUG
        )


def listen_for_signals(options: Options) -> None:
    """SIGTERM, SIGINT and SIGHUP end the run cleanly, SIGALRM only once --timeout is over.

    From then on it comes again and again: what is cleaned up may hang as well.
    """
    options.deadline = time.monotonic() + options.timeout
    limit = f"--timeout, {options.timeout:g} s"
    ends = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def stop(number: int, _: object) -> None:
        nonlocal limit
        limit = f"{GRACE} s after the signal"
        for each in ends:
            signal.signal(each, signal.SIG_IGN)
        options.deadline = time.monotonic()
        signal.setitimer(signal.ITIMER_REAL, GRACE, GRACE)
        raise Stopped(number)

    def alarm(_: int, __: object) -> None:
        if time.monotonic() >= options.deadline:
            raise Fatal(f"not done within {limit}")

    for each in ends:
        signal.signal(each, stop)
    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, options.timeout, GRACE)


def say(kind: str, message: str, code: int = OK) -> int:
    """One line on stderr, whatever the message holds and wherever that leads; returns code."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    if sys.stderr:  # None if it was closed: then 2 may be another file
        with contextlib.suppress(OSError):
            os.write(sys.stderr.fileno(), f"s6gen-acme: {kind}: {line}\n".encode())
    return code


def inform(options: Options, message: str) -> None:
    """Say it unless --quiet."""
    if not options.quiet:
        say("info", message)


def emit(text: str) -> int:
    """Text on stdout, all of it or an error."""
    if not sys.stdout:
        raise Fatal("standard output is closed")
    with open(sys.stdout.fileno(), "wb", closefd=False) as stdout:
        stdout.write(text.encode(errors="surrogateescape"))
    return OK


def reason(error: Exception) -> str:
    """An error in words: the file, if it is of one, and what is wrong."""
    file = getattr(error, "filename", None)
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return f"{os.fsdecode(file)}: {words}" if file else words


def utc(when: float) -> str:
    """A moment as people and programs read it (RFC 3339)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(when))


def listed(names: list[str], most: int = 5) -> str:
    """The names, but not a hundred of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return " ".join(names[:most]) + more


# What is due


def keep_current(options: Options) -> int:
    """Look at FILE; what is due is done by one run at a time, after a second look."""
    if not options.force and settled(options, State(options.out), look(options)):
        return OK
    with lock(f"{options.out}.lock"):
        state = State(options.out)
        remove_answers(state)
        ca = Ca(options, state)
        missing = not os.path.exists(options.out)
        if options.force or (missing and not hold_until(options, state, time.time())):
            ca.connect()
        settle_new_key(options)
        held = look(options)
        if not options.force and time.time() >= next_question(state, held, time.time()):
            ask_window(ca, state, held)
        if settled(options, state, held):
            return OK
        until = hold_until(options, state, time.time())
        if until and not options.force:
            last = state["failure"]["what"]
            raise Fatal(
                f"{options.out}: next attempt {utc(until)}; the last one failed: {last}"
            )
        inform(
            options,
            f"{options.out}: {decide(options, state, held, time.time())[1]}, ordering",
        )
        renew(options, state, held, ca)
    return OK


def settled(options: Options, state: State, held: Held) -> bool:
    """Whether there is nothing to do; until when is stored for `glance`."""
    now = time.time()
    check_clock(held, now)
    until = min(decide(options, state, held, now)[0], next_question(state, held, now))
    if held.usable(now) and not options.force:
        until = min(held.end, max(until, hold_until(options, state, now)))
    if now < until:
        with contextlib.suppress(OSError, Fatal):
            state.save(now, until)
    return now < until


def check_clock(held: Held, now: float) -> None:
    """Refuse to decide anything by a clock that cannot be right."""
    if now < RELEASED:
        raise Fatal(f"the clock says {utc(now)}, which cannot be: set it")
    if not held.fault and now + SKEW < held.start:
        raise Fatal(
            f"the clock says {utc(now)}, but the certificate begins {utc(held.start)}"
        )


def decide(options: Options, state: State, held: Held, now: float) -> tuple[float, str]:
    """From which moment FILE has to be ordered anew (0: at once), and why."""
    if options.force:
        return 0, "--force was given"
    if held.fault:
        return 0, held.fault
    if now >= held.end:
        return 0, f"expired {utc(held.end)}"
    if tuple(state["issued"].get("terms", held.terms)) != held.terms:
        return 0, "was ordered from another CA, for more names or with another profile"
    return renewal_moment(state, held)


def renewal_moment(state: State, held: Held) -> tuple[float, str]:
    """When a certificate's time has come, and by which rule."""
    lifetime = held.end - held.start
    if state["renewal"].get("id") == held.id and "moment" in state["renewal"]:
        suggested = float(state["renewal"]["moment"]), "the CA suggests this moment"
        return min(
            suggested, (held.end - lifetime * 0.05, "5 % of its lifetime is left")
        )
    if lifetime < 10 * DAY:
        return held.start + lifetime / 2, "half of its lifetime is over"
    return held.start + lifetime * 2 / 3, "two thirds of its lifetime are over"


def next_question(state: State, held: Held, now: float) -> float:
    """When to ask the CA for its window again, never for what is no use (RFC 9773 section 4.3)."""
    if not held.usable(now) or not held.id:
        return NEVER
    known = state["renewal"].get("id") == held.id
    return min(float(state["renewal"]["ask"]), now + DAY) if known else 0


def ask_window(ca: Ca, state: State, held: Held) -> None:
    """Ask when to renew; the moment once chosen stays until the window moves."""
    known = state["renewal"] if state["renewal"].get("id") == held.id else {}
    renewal = {**known, "id": held.id, "ask": time.time() + HOUR * random.uniform(1, 2)}  # noqa: S311
    state["renewal"] = renewal
    try:
        url = state["issued"].get("renewal-info") or ca.renewal_info()
        if not url:
            renewal["ask"] = held.end
            return
        answer = ca.get(f"{url.rstrip('/')}/{held.id}")
        window = parse_window(answer.json())
    except Fatal as failure:
        state["issued"].pop("renewal-info", None)
        pause = DAY if 400 <= failure.status < 500 else min(failure.wait, DAY)
        renewal["ask"] = max(renewal["ask"], time.time() + pause)
        say("warning", f"the CA does not say when to renew: {failure}")
        return
    renewal["ask"] = time.time() + min(max(answer.wait() or 6 * HOUR, MINUTE), DAY)
    if renewal.get("window") != window:
        renewal |= {"window": window, "moment": choose_moment(*window)}
        between = f"{utc(window[0])} and {utc(window[1])}"
        inform(ca.options, f"the CA suggests to renew between {between}")


def parse_window(document: Document) -> list[float]:
    """Start and end of the suggested window (RFC 9773 section 4.2)."""
    import datetime

    suggested = document.inner("suggestedWindow")
    try:
        moments = [suggested.field(name, str) for name in ("start", "end")]
        start, end = (
            datetime.datetime.fromisoformat(moment).timestamp() for moment in moments
        )
    except (ValueError, OverflowError) as error:
        raise Fatal(f"{document.url}: suggestedWindow: {error}") from error
    if not start < end:
        raise Fatal(f"{document.url}: suggestedWindow ends before it starts")
    return [start, end]


def choose_moment(start: float, end: float) -> float:
    """A random moment of the window, early enough that an hourly look comes before it ends."""
    return random.uniform(start, max(end - HOUR, (start + end) / 2))  # noqa: S311


def hold_until(options: Options, state: State, now: float) -> float:
    """The earliest next attempt after failures with the same options; 0 if none is set."""
    failure = state["failure"]
    if failure.get("of") != asked(options):
        return 0
    return float(failure["next"]) if now < failure["next"] <= now + WEEK else 0


def asked(options: Options) -> Json:
    """The options that an order depends on."""
    others = ("quiet", "timeout", "deadline", "command", "check", "force")
    return {
        name: value
        for name, value in vars(options).items()
        if value and name not in others
    }


def remember_failure(ca: Ca, state: State, held: Held, failure: Exception) -> None:
    """Count it, and set the earliest next attempt, later each time."""
    options = ca.options
    again = state["failure"].get("of") == asked(options)
    count = 1 + (state["failure"]["count"] if again else 0)
    wait = min(failure.wait, WEEK) if isinstance(failure, Fatal) else 0
    now = time.time()
    left = held.end - now if held.usable(now) else 0
    spent = ca.spent or not (isinstance(failure, Fatal) and failure.passing())
    until = now + max(pause_after(count, left, spent), wait)
    state["failure"] = {
        "count": count,
        "next": until,
        "what": str(failure),
        "of": asked(options),
    }
    state.save(synced=True)


def pause_after(failures: int, left: float, spent: bool) -> float:
    """Seconds to wait after so many failures, by what is left of a usable certificate's life.

    A CA that could not be asked has spent nothing of what it limits: it is asked again in time.
    """
    if left <= 0:
        pause = (MINUTE, 10 * MINUTE, 100 * MINUTE, DAY)[min(failures, 4) - 1]
        return pause if spent else min(pause, HOUR)
    pause = min(DAY, HOUR * 2.0 ** min(failures - 1, 5)) * random.uniform(0.9, 1.1)  # noqa: S311
    return min(pause, max(left / 2, 12 * MINUTE) if spent else left / 4)


def report(options: Options) -> int:
    """--check: what would be done, why and when; exit code 0 nothing due, 1 due."""
    state, held, now = State(options.out), look(options), time.time()
    check_clock(held, now)
    when, why = decide(options, state, held, now)
    until = hold_until(options, state, now)
    if now < when:
        return emit(f"{options.out}: nothing due before {utc(when)}: {why}\n")
    emit(
        f"{options.out}: due{f', next attempt {utc(until)}' if until else ' now'}: {why}\n"
    )
    return NO


class Held:
    """What FILE holds, and what is wrong with it for these options, "" if nothing is."""

    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    start = end = 0.0
    id = issuer = serial = ""
    fault = "is missing"

    def usable(self, now: float) -> bool:
        """Whether a server can work with it."""
        return not self.fault and self.start - SKEW <= now < self.end


def look(options: Options) -> Held:
    """Read FILE, and compare it with the names and the key that it has to be for."""
    held = Held()
    try:
        content = read(options.out)
        import_acme()
        chain = parse_chain(content, options.out)
        held = describe(chain[0])
        names, key = wanted(options)
        held.fault = misfit(chain, names, key)
        held.terms = (options.directory_url, options.profile, *sorted(names))
    except FileNotFoundError as missing:
        if missing.filename != options.out:
            held.fault = f"is for a key or a CSR that is missing, {missing.filename}"
    except (OSError, Fatal) as error:
        held.fault = f"is not usable: {reason(error).removeprefix(f'{options.out}: ')}"
    return held


def wanted(options: Options) -> tuple[set[str], Any]:
    """The names and the public key that a certificate has to be for."""
    if options.domain and options.domain_key:
        return {normal(name) for name in options.domain}, load_key(
            options.domain_key
        ).public_key()
    request = load_csr(options.csr)
    return names_of(request), request.public_key()


class State:
    """What is remembered between runs, in FILE.state: nothing of it is secret.

    The first line is for `glance`, the second a checksum, the rest JSON.
    """

    def __init__(self, out: str) -> None:
        self.path = f"{out}.state" if out else ""
        self.sections: dict[str, Json] = {}
        with contextlib.suppress(FileNotFoundError):
            checksum, _, content = read(self.path).partition(b"\n")[2].partition(b"\n")
            if checksum == b"%08x" % zlib.crc32(content):
                self.sections = json.loads(content)
            else:
                say("warning", f"{self.path}: damaged, starting it anew")

    def __getitem__(self, section: str) -> Json:
        return self.sections.setdefault(section, {})

    def __setitem__(self, section: str, value: Json) -> None:
        self.sections[section] = value

    def save(self, since: float = 0, until: float = 0, synced: bool = False) -> None:
        """Replace the file; from since until then nothing is due.

        A power cut may take what was not synced, which costs little: not so a failure, after which
        a machine that comes up again and again must not ask each time.
        """
        if self.path:
            content = json.dumps(self.sections, indent=1).encode() + b"\n"
            head = f"{int(since)} {until:.0f} {sight(sys.argv[1:])}\n{zlib.crc32(content):08x}\n"
            replace(self.path, head.encode() + content, 0o600, synced)


# One issuance


def write_to_stdout(options: Options) -> int:
    """Without --out: order now, the chain goes to stdout (as acme-tiny does)."""
    state = State("")
    ca = Ca(options, state)
    ca.connect()
    return emit(obtain(options, state, ca, ""))


def renew(options: Options, state: State, held: Held, ca: Ca) -> None:
    """Order a new chain and put it in FILE's place; a failure is remembered."""
    known = state["renewal"].get("id") == held.id and "window" in state["renewal"]
    try:
        state.save()
        chain = obtain(options, state, ca, held.id if known else "")
        replace(options.out, chain.encode(), 0o640)
    except Exception as failure:
        if ca.used:
            with contextlib.suppress(Fatal):
                remember_failure(ca, state, held, failure)
        raise
    finally:
        settle_new_key(options)
    new = look(options)
    state["issued"] = {"terms": new.terms, "renewal-info": ca.renewal_info()}
    state["failure"], state["renewal"] = {}, {}
    state.save()
    until = f"valid until {utc(new.end)}, to be renewed from {utc(renewal_moment(state, new)[0])}"
    inform(
        options, f"{options.out}: new certificate for {listed([*new.names])}, {until}"
    )


def obtain(options: Options, state: State, ca: Ca, replaces: str) -> str:
    """A verified chain in PEM, ordered with the CA."""
    import_acme()
    account_key = load_or_make_key(options, options.account_key, "ec256")
    request = certificate_request(options)
    names = names_of(request)
    answers = Answers(options, state, names)
    try:
        ca.sign_in(account_key)
        url, order = place_order(ca, names, replaces)
        if order.field("status", str) == "pending":
            answer_challenges(ca, order, answers)
            ca.pause(SOON)
        order = finalize(ca, url, order, request)
    finally:
        remove_answers(state)
    url = order.field("certificate", str)
    chain = choose_chain(ca, url)
    if fault := misfit(chain, names, request.public_key()) or defect(chain):
        raise Fatal(f"{url}: the chain {fault}: it is not used")
    return "".join(
        one.public_bytes(serialization.Encoding.PEM).decode() for one in chain
    )


def place_order(ca: Ca, names: set[str], replaces: str) -> tuple[str, Document]:
    """The order's URL and the order (section 7.4, RFC 9773 section 5)."""
    kinds = [
        {"type": "ip" if address(name) else "dns", "value": name}
        for name in sorted(names)
    ]
    wish: Json = {"identifiers": kinds}
    if profile := ca.options.profile:
        offered = ca.directory().inner("meta", {}).field("profiles", dict, {})
        if profile not in offered:
            on_offer = ", ".join(sorted(offered)) or "none"
            raise Fatal(f"--profile {profile}: unknown, on offer: {on_offer}", USAGE)
        wish["profile"] = profile
    try:
        known = {"replaces": replaces} if replaces else {}
        return ca.post(ca.resource("newOrder"), wish | known, again=False).located()
    except Fatal as refusal:
        # A CA that stumbles over `replaces` (500) would do so until the certificate has expired.
        if not replaces or not 400 <= refusal.status <= 500 or refusal.status == 429:
            raise
        inform(ca.options, f"ordering without `replaces`: {refusal}")
    return ca.post(ca.resource("newOrder"), wish, again=False).located()


def answer_challenges(ca: Ca, order: Document, answers: Answers) -> None:
    """Put all answers in place, then tell the CA of each (section 7.5)."""
    urls = []
    for url in order.field("authorizations", list):
        authorization = ca.post(url, None).json()
        if authorization.field("status", str) == "valid":
            continue
        name = authorization.inner("identifier").field("value", str)
        offered = authorization.each("challenges")
        chosen = [one for one in offered if one.field("type", str) == answers.kind]
        if not chosen:
            raise Fatal(
                f"{url}: no {answers.kind} challenge for {name} is on offer", USAGE
            )
        answers.plan(url, name, chosen[0].field("token", str), ca.thumbprint)
        urls.append(chosen[0].field("url", str))
    answers.put()
    for url in urls:
        ca.spent = True
        try:
            ca.post(url, {})
        except (
            Fatal
        ) as refusal:  # an answer that was lost is sent again: the CA may have had it
            known = 400 <= refusal.status < 500
            if not known or ca.post(url, None).json().field("status", str) == "pending":
                raise


def finalize(ca: Ca, url: str, order: Document, request: Request) -> Document:
    """The valid order, which has a certificate (section 7.4).

    It is tried without a look whether the order is ready: this saves a request if it is.
    """
    csr = b64.b64encode(request.public_bytes(serialization.Encoding.DER)).decode()
    target, pause = order.field("finalize", str), 5 * SOON
    while order.field("status", str) in ("pending", "ready"):
        ca.spent = True
        try:
            order = ca.post(target, {"csr": csr}, again=False).json()
            break
        except Fatal as refusal:
            if refusal.kind != "orderNotReady":
                raise
        order = poll(ca, url, "pending", pause)
        pause = min(3 * pause, 5)
    if order.field("status", str) == "processing":
        order = poll(ca, url, "processing", SOON)
    if order.field("status", str) != "valid":
        raise Fatal(
            f"{url}: the order is {order.field('status', str)}: {explain(ca, order)}"
        )
    return order


def poll(ca: Ca, url: str, unfinished: str, pause: float) -> Document:
    """The order, once its status is another: looked at as the CA says, else ever more seldom."""
    wait = 0.0
    while True:
        ca.sleep(wait) if wait else ca.pause(pause * random.uniform(1, 1.2))  # noqa: S311
        answer = ca.post(url, None)
        order = answer.json()
        if order.field("status", str) != unfinished:
            return order
        wait, pause = answer.wait(), min(max(3 * pause, 5 * SOON), 5)


def explain(ca: Ca, order: Document) -> str:
    """Why an order failed, name by name."""
    reasons = []
    for url in order.field("authorizations", list):
        authorization = ca.post(url, None).json()
        for challenge in authorization.each("challenges"):
            if "error" in challenge.content:
                name = authorization.inner("identifier").field("value", str)
                reasons.append(f"{name}: {in_words(challenge.content['error'])};")
    return listed(reasons or [in_words(order.content.get("error"))]).removesuffix(";")


def choose_chain(ca: Ca, url: str) -> list[x509.Certificate]:
    """The CA's own choice, or an alternate that leads to --preferred-chain (section 7.4.2)."""
    answer = ca.post(url, None)
    first = chain = parse_chain(answer.body, url)
    preferred = ca.options.preferred_chain
    links = ", ".join(answer.headers.get_all("Link") or [])
    alternates = re.findall(r'<([^<>]*)>\s*;\s*rel="?alternate\b', links)
    while preferred and preferred not in {common_name(one.issuer) for one in chain}:
        if not alternates:
            say(
                "warning",
                f"--preferred-chain {preferred}: not on offer, using the default chain",
            )
            return first
        other = urllib.parse.urljoin(url, alternates.pop(0))
        chain = parse_chain(ca.post(other, None).body, other)
    return chain


def defect(chain: list[x509.Certificate]) -> str:
    """What is wrong with a new chain, whoever it is for, "" if nothing is."""
    start, end = validity(chain[0])
    if not start - SKEW <= time.time() < end:
        return f"is valid {utc(start)} to {utc(end)}: not now"
    if any(
        one.issuer != above.subject
        for one, above in zip(chain, chain[1:], strict=False)
    ):
        return "has certificates that form no chain"
    return ""


# The challenges


class Answers:
    """The answers in place: files (section 8.3) or DNS records (section 8.4).

    They are noted in the state before they are made: the next run removes what a killed one left.
    """

    def __init__(self, options: Options, state: State, names: set[str]) -> None:
        self.options, self.state = options, state
        self.kind = "dns-01" if options.dns_hook else "http-01"
        self.place = options.dns_hook or options.acme_dir
        self.names = {name.removeprefix("*.") for name in names}
        self.planned: list[list[str]] = []
        if not self.place:
            raise Fatal("--acme-dir or --dns-hook is needed", USAGE)
        if self.kind == "http-01" and any(name.startswith("*.") for name in names):
            raise Fatal("a wildcard needs DNS-01: give --dns-hook", USAGE)
        if self.kind == "http-01":
            self.folder = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
            if not os.access(".", os.W_OK | os.X_OK, dir_fd=self.folder):
                raise Fatal(f"{self.place}: not writable")

    def plan(self, url: str, name: str, token: str, thumbprint: str) -> None:
        """Add the answer for one name; name and token come from the CA, so both are checked."""
        if (name := normal(name)) not in self.names:
            raise Fatal(f"{url}: is for a name that was not asked for: {name[:80]}")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", token):
            raise Fatal(f"{url}: a token outside of its alphabet: {token[:80]}")
        text = f"{token}.{thumbprint}"
        if self.kind == "dns-01":
            import hashlib

            digest = b64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            self.planned.append([f"_acme-challenge.{name}", digest, name])
        else:
            self.planned.append([token, text, name])

    def put(self) -> None:
        """Make what is planned."""
        self.state["answers"] = {
            "kind": self.kind,
            "place": self.place,
            "made": self.planned,
        }
        self.state.save()
        for key, text, name in self.planned:
            if self.kind == "dns-01":
                call_hook(self.place, "add", key, text)
                continue
            try:
                write_answer(self.folder, key, text)
            except OSError as error:
                why = f"unable to write an answer: {error.strerror}"
                raise Fatal(f"{self.place}: {why}") from error
            if self.options.self_check:
                fetch_answer(self.options, name, key, text)


def remove_answers(state: State) -> None:
    """Remove what is noted as made, by this run or a killed one; the note goes at the next save."""
    noted = state["answers"]
    for key, text, _ in noted.get("made", []):
        try:
            if noted["kind"] == "dns-01":
                call_hook(noted["place"], "remove", key, text)
            else:
                remove(os.path.join(noted["place"], key))
        except (OSError, Fatal) as error:
            say("warning", f"unable to remove the answer {key}: {error}")
    state["answers"] = {}


def write_answer(folder: int, token: str, text: str) -> None:
    """A new file, readable by the web server whatever the umask; a link there is not followed."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(token, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(token, flags, 0o644, dir_fd=folder), "wb") as stream:
        os.fchmod(stream.fileno(), 0o644)
        stream.write(text.encode())


def fetch_answer(options: Options, name: str, token: str, text: str) -> None:
    """See the answer as the CA will, who ignores certificates too (acme-tiny's self-check)."""
    import urllib.request

    host = f"[{name}]" if ":" in name else name
    port = f":{options.check_port}" if options.check_port else ""
    url = f"http://{host}{port}/.well-known/acme-challenge/{token}"
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            seen = answer.read(LIMIT).strip()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Fatal(
            f"{url}: unable to fetch the answer: {error} (--disable-check)"
        ) from error
    if seen != text.encode():
        raise Fatal(
            f"{url}: serves something else than {options.acme_dir} (--disable-check)"
        )


def call_hook(program: str, verb: str, record: str, value: str) -> None:
    """Let the user's program add or remove a TXT record: `PROGRAM add|remove RECORD VALUE`."""
    import subprocess

    command = [program, verb, record, value]
    try:
        code = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
        ).returncode
    except OSError as error:
        raise Fatal(f"{program}: {error.strerror}") from error
    if code:
        raise Fatal(f"{program} {verb} {record}: failed with exit code {code}")


# Explicit commands


def status(options: Options) -> int:
    """--status: a table or JSON of chains; exit code 1 if one of them is not usable."""
    rows = [
        status_of(options, path, time.time())
        for path in options.status or [options.out]
    ]
    if options.json:
        emit(json.dumps(rows, indent=1) + "\n")
    else:
        lines = [[name.replace("_", " ") for name in rows[0]]]
        for row in rows:
            lines.append(
                [listed(v, 3) if isinstance(v, list) else str(v) for v in row.values()]
            )
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = [map(str.ljust, line, widths) for line in lines]
        emit("".join("  ".join(cells).rstrip() + "\n" for cells in table))
    return OK if all(row["usable"] for row in rows) else NO


def status_of(options: Options, path: str, now: float) -> Json:
    """What is known of one chain, without the options that keep it."""
    options = argparse.Namespace(**vars(options) | {"out": path, "force": False})
    state, held = State(path), Held()
    try:
        held = describe(parse_chain(read(path), path)[0])
    except FileNotFoundError:
        pass
    except (OSError, Fatal) as error:
        held.fault = f"is not usable: {reason(error).removeprefix(f'{path}: ')}"
    held.terms = tuple(state["issued"].get("terms", ()))
    when, why = decide(options, state, held, now)
    return {
        "file": path,
        "names": [*held.names],
        "issuer": held.issuer,
        "serial": held.serial,
        "not_after": utc(held.end) if held.end else "",
        "days": int((held.end - now) // DAY) if held.end else 0,
        "due": utc(when) if when > now else "now",
        "why": why,
        "usable": held.usable(now),
    }


def revoke(options: Options) -> int:
    """--revoke FILE, signed by the account or, without one, by the domain key (section 7.6)."""
    certificate = parse_chain(read(options.revoke), options.revoke)[0]
    if options.account_key:
        ca = signed_in(options, load_key(options.account_key))
    else:
        ca = Ca(options, State(""))
        ca.key = load_key(options.domain_key)
    der = b64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
    ca.post(ca.resource("revokeCert"), {"certificate": der, "reason": options.reason})
    inform(options, f"{options.revoke}: revoked")
    return OK


def deactivate(options: Options) -> int:
    """--deactivate the account, for ever (section 7.3.6)."""
    ca = signed_in(options, load_key(options.account_key))
    ca.post(ca.kid, {"status": "deactivated"})
    inform(options, f"{options.account_key}: account {ca.kid} is deactivated")
    return OK


def roll_over(options: Options) -> int:
    """--roll-over to a new account key (section 7.3.5); a killed one is finished by the next."""
    path, beside = options.account_key, f"{options.account_key}.next"
    old = load_key(path)
    if not os.path.exists(beside):
        replace(beside, pem_of(make_key(options.key_type)), 0o600)
    new = load_key(beside)
    try:
        ca = signed_in(options, old)
        url = ca.resource("keyChange")
        change = {
            "account": ca.kid,
            "oldKey": jwk_of(old)[0].public_key().to_partial_json(),
        }
        ca.post(url, json.loads(sign(new, url, change)))
    except Fatal as refusal:
        if refusal.kind != "accountDoesNotExist":
            raise
        ca = signed_in(options, new)
    os.rename(beside, path)
    inform(options, f"{path}: account {ca.kid} has a new key")
    return OK


def signed_in(options: Options, key: Key) -> Ca:
    """The CA, asked for the account of this key, which must be there."""
    ca = Ca(options, State(""))
    ca.sign_in(key, create=False)
    return ca


# The CA


class Ca:
    """A CA's ACME server: verified HTTPS, one kept-alive connection a host, signed requests."""

    def __init__(self, options: Options, state: State) -> None:
        self.options, self.state = options, state
        self.used, self.took = False, 0.0
        self.spent = (
            False  # a validation or a certificate, of which a CA gives so many an hour
        )
        self.key: Key
        self.kid = self.nonce = self.place = self.thumbprint = ""
        self.resources: Document | None = None
        self.connections: dict[str, http.client.HTTPSConnection] = {}

    def directory(self) -> Document:
        """The directory, asked for once a run: Let's Encrypt's may not be kept longer."""
        if self.resources is None:
            self.resources = self.get(self.options.directory_url).json()
        return self.resources

    def resource(self, name: str) -> str:
        """The URL of a resource (section 7.1.1)."""
        return self.directory().field(name, str)

    def renewal_info(self) -> str:
        """Where the CA tells when to renew (RFC 9773 section 4.1), "" if it does not."""
        url = self.directory().content.get("renewalInfo")
        return url if isinstance(url, str) and len(url) < 2000 else ""

    def sign_in(self, key: Key, create: bool = True) -> None:
        """Act for the account of this key; it is created, or found, unless it is known."""
        self.key = key
        self.thumbprint = b64.b64encode(jwk_of(key)[0].thumbprint()).decode()
        self.place = f"{self.options.directory_url} {self.thumbprint}"
        account = self.state["accounts"].get(self.place, {})
        self.kid = account.get("url", "")
        if not self.kid:
            account = self.register(create)
        contact = self.options.contact
        if create and contact and account.get("contact", contact) != contact:
            self.post(self.kid, {"contact": contact})
        self.state["accounts"][self.place] = {"url": self.kid, "contact": contact}

    def register(self, create: bool = True) -> Json:
        """Create the account, or find it by its key (section 7.3)."""
        self.kid = ""
        url = self.resource("newAccount")
        wish: Json = (
            {"termsOfServiceAgreed": True} if create else {"onlyReturnExisting": True}
        )
        if create and self.options.contact:
            wish["contact"] = self.options.contact
        if create and self.options.eab_kid:
            wish["externalAccountBinding"] = bind(self.options, self.key, url)
        self.kid, account = self.post(url, wish).located()
        return account.content

    def post(self, url: str, payload: Json | None, again: bool = True) -> Response:
        """Send a signed request, without payload a POST-as-GET; again: it does no harm twice."""

        def attempt() -> Response:
            for _ in range(NONCES):
                body = sign(self.key, url, payload, self.take_nonce(), self.kid)
                answer = self.request("POST", url, body)
                if answer.status < 300 or answer.refusal().kind != "badNonce":
                    break
            return answer

        try:
            return self.patiently(attempt, again)
        except Fatal as refusal:
            stale = refusal.kind == "accountDoesNotExist" and self.kid
            if not stale or self.state["accounts"].pop(self.place, None) is None:
                raise
        self.register()
        return self.patiently(attempt, again)

    def get(self, url: str) -> Response:
        """Fetch what needs no signature."""
        return self.patiently(lambda: self.request("GET", url), again=True)

    def take_nonce(self) -> str:
        """The nonce of the last answer, else a fresh one (section 7.2)."""
        if not self.nonce:
            url = self.resource("newNonce")
            self.patiently(lambda: self.request("HEAD", url), again=True)
            if not self.nonce:
                raise Fatal(f"{url}: the answer has no nonce")
        nonce, self.nonce = self.nonce, ""
        return nonce

    def patiently(self, attempt: Callable[[], Response], again: bool) -> Response:
        """Try again what may succeed then, after what the CA says or ever more seconds."""
        count = 0
        while True:
            count += 1
            try:
                answer = attempt()
                if answer.status < 300:
                    return answer
                failure = answer.refusal()
            except Disconnected as lost:
                failure = lost
            told = failure.status == 503 or (failure.status == 429 and failure.wait)
            pause = failure.wait or 2**count * random.uniform(0.2, 0.4)  # noqa: S311
            late = count == TRIES or time.monotonic() + pause >= self.options.deadline
            if late or not (told or (again and failure.passing())):
                raise failure
            time.sleep(pause)

    def sleep(self, seconds: float) -> None:
        """Wait, but not in vain."""
        if time.monotonic() + seconds >= self.options.deadline:
            raise Fatal(
                f"{self.options.directory_url}: the CA is not done within --timeout"
            )
        time.sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Wait between two looks, less what the last request took: on its way the CA has time."""
        self.sleep(max(0.0, seconds - self.took))

    def request(self, method: str, url: str, body: bytes | None = None) -> Response:
        """One request and its answer; a redirect is not followed."""
        host, target = split_url(url, self.options.directory_url)
        connection = self.connection(host)
        self.used, begin = True, time.monotonic()
        headers = {"User-Agent": f"s6gen-acme/{VERSION}"}
        if body is not None:
            headers["Content-Type"] = "application/jose+json"
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read(LIMIT + 1)
            if len(content) <= LIMIT and response.length:
                raise http.client.IncompleteRead(content, response.length)
        except ssl.SSLCertVerificationError as error:
            why = f"its TLS certificate is not trusted: {error.verify_message}"
            raise Fatal(f"{host}: {why} (for a private CA: --ca-bundle)") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise Disconnected(f"{host}: {reason(error)}") from error
        if len(content) > LIMIT:
            raise Fatal(f"{url}: the answer is larger than {LIMIT} bytes")
        self.took = time.monotonic() - begin
        nonce = response.headers.get("Replay-Nonce", "")
        if (
            re.fullmatch(r"[A-Za-z0-9_-]{1,1000}", nonce) and len(nonce) % 4 != 1
        ):  # base64url
            self.nonce = nonce
        return Response(url, response.status, response.headers, content)

    def connect(self) -> None:
        """Connect before anything is to be asked; what fails here fails again where it matters."""
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            url = self.options.directory_url
            self.connection(split_url(url, url)[0]).connect()

    def connection(self, host: str) -> http.client.HTTPSConnection:
        """The connection to a host, made anew if the host hung up meanwhile."""
        import select

        if host not in self.connections:
            bundle = self.options.ca_bundle
            try:
                trusted = ssl.create_default_context(cafile=bundle or None)
                new = http.client.HTTPSConnection(host, timeout=30, context=trusted)
            except (OSError, http.client.HTTPException) as error:
                raise Fatal(f"{bundle or host}: {reason(error)}", USAGE) from error
            self.connections[host] = new
        connection = self.connections[host]
        # Before the first request it can be read because TLS has sent session tickets.
        if (
            self.used
            and connection.sock
            and select.select([connection.sock], [], [], 0)[0]
        ):
            connection.close()
        return connection


class Response:
    """What came back, of bounded size."""

    def __init__(
        self, url: str, status: int, headers: http.client.HTTPMessage, body: bytes
    ) -> None:
        self.url, self.status, self.headers, self.body = url, status, headers, body

    def json(self) -> Document:
        """The body as a JSON object."""
        try:
            return Document(self.url, json.loads(self.body))
        except (ValueError, RecursionError):
            return Document(self.url, None)

    def located(self) -> tuple[str, Document]:
        """The URL of what was created, and itself."""
        location = self.headers.get("Location")
        if not location:
            raise Fatal(f"{self.url}: the answer has no Location")
        return urllib.parse.urljoin(self.url, location), self.json()

    def wait(self) -> float:
        """Seconds to wait, 0 if the CA does not say."""
        return seconds_until(self.headers.get("Retry-After") or "", time.time())

    def refusal(self) -> Fatal:
        """Why the CA refuses (RFC 7807)."""
        try:
            problem = self.json().content
        except Fatal:
            problem = {}
        words = (
            in_words(problem)
            if self.status >= 400
            else "a redirect, which is not followed"
        )
        message = f"{self.url}: HTTP status {self.status}: {words}"
        return Fatal(message, TEMPORARY, kind_of(problem), self.status, self.wait())


def sign(
    key: Key, url: str, payload: Json | None, nonce: str = "", kid: str = ""
) -> bytes:
    """A request's body (section 6.2), or an inner one, which has no nonce."""
    public, algorithm = jwk_of(key)
    signed = jws.JWS.sign(
        b"" if payload is None else json.dumps(payload).encode(),
        key=public,
        alg=algorithm,
        nonce=b64.b64decode(nonce) if nonce else None,
        url=url,
        kid=kid or None,
    )
    return str(signed.json_dumps()).encode()


def bind(options: Options, key: Key, url: str) -> Json:
    """The external account binding of a new account (section 7.3.4)."""
    encoded = read(options.eab_key_file).strip().rstrip(b"=")
    if not re.fullmatch(rb"[A-Za-z0-9_-]{2,}", encoded) or len(encoded) % 4 == 1:
        raise Fatal(f"{options.eab_key_file}: not base64url", USAGE)
    secret = jwk.JWKOct(key=b64.b64decode(encoded))
    public = json.dumps(jwk_of(key)[0].public_key().to_partial_json()).encode()
    bound = jws.JWS.sign(
        public, key=secret, alg=jwa.HS256, nonce=None, url=url, kid=options.eab_kid
    )
    return dict(json.loads(bound.json_dumps()))


# What the CA sends, taken apart with suspicion


class Document:
    """A JSON object that the CA sent; where it came from is part of every error."""

    def __init__(self, url: str, content: object) -> None:
        if not isinstance(content, dict):
            raise Fatal(f"{url}: the answer is not a JSON object")
        self.url, self.content = url, content

    def field(self, name: str, kind: type[T], default: T | None = None) -> T:
        """A field of this kind, which must be there unless there is a default."""
        value = self.content.get(name, default)
        if not isinstance(value, kind):
            raise Fatal(f"{self.url}: the answer has no usable {name}")
        return value

    def inner(self, name: str, default: Json | None = None) -> Document:
        """An object inside of it."""
        return Document(self.url, self.field(name, dict, default))

    def each(self, name: str) -> list[Document]:
        """The objects in a list of it."""
        return [Document(self.url, one) for one in self.field(name, list)]


def split_url(url: Any, source: str) -> tuple[str, str]:
    """Host (with its port) and target of an https URL that comes from a source."""
    try:
        parts = urllib.parse.urlsplit(url)
        if (
            parts.scheme != "https"
            or not parts.hostname
            or "@" in parts.netloc
            or parts.port == 0
        ):
            raise ValueError
    except (ValueError, AttributeError, TypeError):
        raise Fatal(
            f"{source}: leads to what is no https URL: {str(url)[:200]}"
        ) from None
    return parts.netloc, (parts.path or "/") + (
        f"?{parts.query}" if parts.query else ""
    )


def seconds_until(retry_after: str, now: float) -> float:
    """Retry-After in seconds: a number or a date (RFC 9110 section 10.2.3); 0 if neither."""
    import email.utils

    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        return max(
            0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - now
        )
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0


def in_words(problem: Any, deep: bool = True) -> str:
    """A problem document as one sentence: type, detail, subproblems (section 6.7.1)."""
    if not isinstance(problem, dict) or not problem:
        return "no reason given"
    words = [
        f"{kind_of(problem)}: {str(problem.get('detail', 'no detail')).strip('. ')}"
    ]
    several = problem.get("subproblems")
    for one in several[:5] if deep and isinstance(several, list) else []:
        about = one.get("identifier") if isinstance(one, dict) else None
        name = about.get("value") if isinstance(about, dict) else "in detail"
        words.append(f"{name}: {in_words(one, deep=False)}")
    return "; ".join(words)[:1000]


def kind_of(problem: Json) -> str:
    """A problem's type without its namespace (section 6.7)."""
    return str(problem.get("type", "problem")).rpartition(":")[2]


# Names, keys, requests, certificates


def address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a name is, if it is one (RFC 8738)."""
    import ipaddress

    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def normal(name: str) -> str:
    """A name as it is compared: an address, or lower case ASCII."""
    if found := address(name):
        return str(found)
    star, plain = (
        "*." if name.startswith("*.") else "",
        name.removeprefix("*.").removesuffix("."),
    )
    try:
        if not plain.isascii():
            import idna

            plain = idna.encode(plain, uts46=True).decode()
        if not re.fullmatch(r"([A-Za-z0-9_-]{1,63}\.)*[A-Za-z0-9_-]{1,63}", plain):
            raise ValueError(
                "a character that none has, or a part that is empty or too long"
            )
    except ValueError as error:  # an IDNAError is one
        raise Fatal(f"{name}: not a domain name: {error}", USAGE) from error
    return star + plain.lower()


def names_of(signed: Request | x509.Certificate) -> set[str]:
    """The names of a request or a certificate: subjectAltName, and a request's common name."""
    names = []
    with contextlib.suppress(x509.ExtensionNotFound):
        alternative = signed.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
        names += alternative.get_values_for_type(x509.DNSName)
        names += map(str, alternative.get_values_for_type(x509.IPAddress))
    if isinstance(signed, x509.CertificateSigningRequest) and common_name(
        signed.subject
    ):
        names.append(common_name(signed.subject))
    return {normal(name) for name in names}


def common_name(name: x509.Name) -> str:
    """The common name, "" if there is none."""
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def load_or_make_key(options: Options, path: str, kind: str) -> Key:
    """The private key in a file, which is made if it is missing."""
    if not os.path.exists(path):
        with lock(os.path.dirname(path) or "."):
            if not os.path.exists(path):
                replace(path, pem_of(make_key(kind)), 0o600)
                inform(options, f"{path}: new {kind} key")
    return load_key(path)


def load_key(path: str) -> Key:
    """The private key in a PEM file."""
    try:
        key = serialization.load_pem_private_key(read(path), None)
    except (ValueError, TypeError) as error:
        raise Fatal(f"{path}: not an unencrypted private key in PEM", USAGE) from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise Fatal(f"{path}: neither an RSA nor an EC key", USAGE)
    return key


def make_key(kind: str) -> Key:
    """A new private key."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(
        ec.SECP256R1() if kind == "ec256" else ec.SECP384R1()
    )


def pem_of(key: Key) -> bytes:
    """A private key in PEM, PKCS#8."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )


def jwk_of(key: Key) -> tuple[jwk.JWK, jwa.JWASignature]:
    """A key as JOSE spells it, and the algorithm that signs with it."""
    if isinstance(key, rsa.RSAPrivateKey):
        return jwk.JWKRSA(key=key), jwa.RS256
    algorithms = {"secp256r1": jwa.ES256, "secp384r1": jwa.ES384}
    if key.curve.name not in algorithms:
        raise Fatal(f"--account-key: {key.curve.name} is no curve for it", USAGE)
    return jwk.JWKEC(key=key), algorithms[key.curve.name]


def certificate_request(options: Options) -> Request:
    """The CSR in --csr, made anew where it is missing or not for these names and this key."""
    if not (options.domain and options.domain_key):
        return load_csr(options.csr)
    names = {normal(name) for name in options.domain}
    if options.new_key:
        key = make_key(options.key_type)
        replace(f"{options.domain_key}.next", pem_of(key), 0o600)
        return make_csr(key, names)
    key = load_or_make_key(options, options.domain_key, options.key_type)
    if options.csr and os.path.exists(options.csr):
        request = load_csr(options.csr)
        if names_of(request) == names and same(request.public_key(), key.public_key()):
            return request
    request = make_csr(key, names)
    if options.csr:
        replace(options.csr, request.public_bytes(serialization.Encoding.PEM), 0o644)
        inform(options, f"{options.csr}: new request for {listed(sorted(names))}")
    return request


def load_csr(path: str) -> Request:
    """The certificate signing request in a PEM file."""
    try:
        request = x509.load_pem_x509_csr(read(path))
        names = names_of(request)
    except ValueError as error:
        raise Fatal(
            f"{path}: not a certificate signing request in PEM", USAGE
        ) from error
    if not names:
        raise Fatal(f"{path}: asks for no names", USAGE)
    return request


def make_csr(key: Key, names: set[str]) -> Request:
    """A request for these names."""
    found = {name: address(name) for name in sorted(names)}
    alternative = [
        x509.IPAddress(ip) if ip else x509.DNSName(name) for name, ip in found.items()
    ]
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    builder = builder.add_extension(
        x509.SubjectAlternativeName(alternative), critical=False
    )
    return builder.sign(key, hashes.SHA256())


def parse_chain(pem: bytes, source: str) -> list[x509.Certificate]:
    """The certificates of a PEM text, which comes from a source, the end-entity's first."""
    pattern = rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----"
    try:
        chain = [
            x509.load_pem_x509_certificate(one)
            for one in re.findall(pattern, pem, re.S)
        ]
        # What is wrong inside of one shows when it is looked at: here, not where it is used.
        looked_at: list[Any] = [(one.subject, one.issuer) for one in chain]
        looked_at += [(describe(one), one.public_key()) for one in chain[:1]]
    except Exception as error:  # cryptography's, of many kinds
        raise Fatal(f"{source}: not a certificate: {error}") from error
    if not looked_at:
        raise Fatal(f"{source}: no certificate in it")
    return chain


def describe(certificate: x509.Certificate) -> Held:
    """What the decisions need to know of a certificate; its ARI name is RFC 9773 section 4.1's."""
    held = Held()
    held.fault = ""
    held.names = tuple(sorted(names_of(certificate)))
    held.start, held.end = validity(certificate)
    held.issuer = common_name(certificate.issuer)
    number = certificate.serial_number
    held.serial = f"{number:x}"
    with contextlib.suppress(x509.ExtensionNotFound):
        known = certificate.extensions.get_extension_for_class(
            x509.AuthorityKeyIdentifier
        )
        parts = (
            known.value.key_identifier or b"",
            number.to_bytes(number.bit_length() // 8 + 1),
        )
        held.id = ".".join(b64.b64encode(part).decode() for part in parts)
    return held


def misfit(chain: list[x509.Certificate], names: set[str], key: Any) -> str:
    """What is wrong with a chain for these names and this key, "" if nothing is."""
    if not same(chain[0].public_key(), key):
        return "is for another key"
    if missing := names - names_of(chain[0]):
        return f"is not for {listed(sorted(missing))}"
    return ""


def validity(certificate: x509.Certificate) -> tuple[float, float]:
    """From when to when (cryptography before 42 knows no aware datetimes)."""
    import datetime

    if hasattr(certificate, "not_valid_after_utc"):
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    else:
        start = certificate.not_valid_before.replace(tzinfo=datetime.UTC)
        end = certificate.not_valid_after.replace(tzinfo=datetime.UTC)
    return start.timestamp(), end.timestamp()


def same(one: Any, other: Any) -> bool:
    """Whether two public keys are one (cryptography before 40 does not compare them)."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return bool(one.public_bytes(*form) == other.public_bytes(*form))


# Files


def read(path: str) -> bytes:
    """The content of a file."""
    with open(path, "rb") as stream:
        return stream.read(LIMIT)


def remove(path: str) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def replace(path: str, content: bytes, mode: int, synced: bool = True) -> None:
    """Write beside path, then rename: a reader sees the old or the new file.

    What is synced survives a power cut. Mode and group of an existing file are kept; a link is not
    followed but replaced.
    """
    beside, group = f"{path}.tmp", -1
    if os.path.islink(path):
        say("warning", f"{path}: was a symbolic link, is replaced by a file")
    elif os.path.exists(path):
        mode, group = os.stat(path).st_mode & 0o777, os.stat(path).st_gid
    try:
        remove(beside)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(beside, flags, 0o600), "wb") as stream:
            with contextlib.suppress(PermissionError):
                os.fchown(stream.fileno(), -1, group)
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            if synced:
                os.fsync(stream.fileno())
        os.rename(beside, path)
        if synced:
            folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise Fatal(f"{path}: unable to write: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            remove(beside)


def lock(path: str) -> contextlib.ExitStack:
    """Wait until no other run holds this directory, or this file, which stays."""
    import fcntl

    flags = (
        os.O_RDONLY if os.path.isdir(path) else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    )
    file = os.open(path, flags, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    held = contextlib.ExitStack()
    held.callback(os.close, file)
    return held


def settle_new_key(options: Options) -> None:
    """Put the new key of --new-key in place if FILE is for it, else drop it; also after a kill."""
    beside = f"{options.domain_key}.next"
    if options.domain_key and os.path.exists(beside):
        import_acme()
        with contextlib.suppress(OSError, Fatal):
            if not misfit(
                parse_chain(read(options.out), options.out),
                set(),
                load_key(beside).public_key(),
            ):
                os.rename(beside, options.domain_key)
        remove(beside)


# The options


def parse(arguments: list[str]) -> Options:
    """The options, checked, and the command they ask for."""

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise Fatal(f"{message} (see --help)", USAGE)

    kinds = ("ec256", "ec384", "rsa2048", "rsa3072", "rsa4096")
    about = "Keep a TLS certificate current by ACME. See s6gen-acme(1)."
    parser = Parser(prog="s6gen-acme", description=about)
    add = parser.add_argument
    add(
        "--out",
        default="",
        metavar="FILE",
        help="keep this chain current (else: to stdout)",
    )
    add("--account-key", default="", metavar="FILE", help="made if missing")
    add("--domain-key", default="", metavar="FILE", help="made if missing")
    add(
        "--csr",
        default="",
        metavar="FILE",
        help="made if missing, by --domain and --domain-key",
    )
    add(
        "--domain",
        action="append",
        default=[],
        metavar="NAME",
        help="domain or IP address",
    )
    add("--key-type", default="ec256", choices=kinds, help="of keys to be made")
    add(
        "--new-key", action="store_true", help="a new domain key with every certificate"
    )
    add(
        "--acme-dir",
        default="",
        metavar="DIR",
        help="served as /.well-known/acme-challenge/",
    )
    add(
        "--dns-hook",
        default="",
        metavar="PROGRAM",
        help="DNS-01: adds and removes a TXT record",
    )
    add(
        "--directory-url",
        default="letsencrypt",
        metavar="CA",
        help="URL or letsencrypt[-staging]",
    )
    add(
        "--ca",
        default="",
        metavar="URL",
        help="CA's URL without /directory (deprecated)",
    )
    add(
        "--ca-bundle",
        default="",
        metavar="FILE",
        help="roots that verify the CA's own TLS",
    )
    add(
        "--contact",
        action="extend",
        nargs="*",
        default=[],
        metavar="URL",
        help="mailto:a@b.c",
    )
    add(
        "--eab-kid",
        default="",
        metavar="ID",
        help="external account binding: name of its key",
    )
    add(
        "--eab-key-file", default="", metavar="FILE", help="the key itself in base64url"
    )
    add(
        "--profile",
        default="",
        metavar="NAME",
        help="kind of certificate that the CA offers",
    )
    add(
        "--preferred-chain",
        default="",
        metavar="CN",
        help="issuer that the chain shall lead to",
    )
    add(
        "--timeout",
        type=float,
        default=600,
        metavar="SECONDS",
        help="for the whole run",
    )
    add(
        "--disable-check",
        action="store_true",
        help="do not fetch an answer before the CA does",
    )
    add(
        "--check-port",
        default="",
        metavar="PORT",
        help="where to fetch it, also with --out",
    )
    add("--quiet", action="store_true", help="only warnings and errors")
    add("--force", action="store_true", help="order now")
    add("--check", action="store_true", help="say what is due, and do nothing")
    add("--status", nargs="*", metavar="FILE", help="show chains")
    add("--json", action="store_true", help="show them in JSON")
    add("--revoke", default="", metavar="FILE", help="revoke a certificate")
    add(
        "--reason",
        type=int,
        default=0,
        metavar="CODE",
        help="why (RFC 5280 section 5.3.1)",
    )
    add("--deactivate", action="store_true", help="deactivate the account, for ever")
    add("--roll-over", action="store_true", help="give the account a new key")
    add("--version", action="version", version=f"s6gen-acme {VERSION}")
    options = parser.parse_args(arguments)
    options.directory_url = AUTHORITIES.get(
        options.directory_url, options.directory_url
    )
    if options.ca:
        options.directory_url = f"{options.ca}/directory"
    options.self_check = bool(
        options.check_port or not (options.out or options.disable_check)
    )
    options.command = command_of(options)
    return options


def command_of(options: Options) -> Callable[[Options], int]:
    """What is to be done; what that needs must have been given."""

    def need(given: object, what: str) -> None:
        if not given:
            raise Fatal(f"{what} (see --help)", USAGE)

    need(0 < options.timeout < WEEK, "--timeout must be positive")
    https = options.directory_url.startswith("https://")
    need(
        https,
        f"--directory-url {options.directory_url}: neither a known CA nor an https URL",
    )
    if options.status is not None:
        need(options.status or options.out, "--status needs FILE or --out")
        return status
    if options.revoke:
        need(options.account_key or options.domain_key, "--revoke needs a key")
        return revoke
    need(options.account_key, "--account-key is needed")
    if options.deactivate:
        return deactivate
    if options.roll_over:
        return roll_over
    need(all(options.domain), "--domain is empty")
    made = options.domain and options.domain_key
    need(options.csr or made, "--csr is needed, or --domain and --domain-key")
    need(
        not options.new_key or (made and options.out),
        "--new-key needs --out and --domain-key",
    )
    need(
        bool(options.eab_kid) == bool(options.eab_key_file),
        "--eab-kid needs --eab-key-file",
    )
    need(options.out or not options.check, "--check needs --out")
    files = (options.out, options.account_key, options.domain_key, options.csr)
    given = [os.path.realpath(file) for file in files if file]
    need(
        len(given) == len({*given}),
        "--out and the keys and the CSR must be different files",
    )
    if os.path.exists(options.out) and not os.path.isfile(options.out):
        raise Fatal(f"{options.out}: not a regular file", USAGE)
    if options.check:
        return report
    return keep_current if options.out else write_to_stdout


if __name__ == "__main__":
    main()
