#!/usr/bin/env python3
"""Keeps one TLS certificate current by ACME (RFC 8555, RFC 9773).

Needs Python 3.11 and the `acme` package, nothing else: it may be copied and run alone. Read it from
the top: the command, what is due, one issuance, the challenges, the CA, and what these stand on.
FILE is what --out names. Moments are seconds since 1970.
"""

# ruff: noqa: D105, D107, N818, PTH104, PTH108, PTH110, PTH112, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    import contextlib
    import datetime
    import email.utils
    import fcntl
    import hashlib
    import http.client
    import ipaddress
    import itertools
    import json
    import random
    import re
    import select
    import signal
    import ssl
    import stat
    import subprocess
    import urllib.parse
    import urllib.request
    import zlib
    from collections.abc import Callable
    from typing import Any, NoReturn, TypeVar

    from acme import jws
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from josepy import b64, jwa, jwk

    Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    T = TypeVar("T")

VERSION = "0.1.0"
RELEASED = 1795478400
"""2026-11-24: a clock before this day is wrong."""
AUTHORITIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
KEY_TYPES = ("ec256", "ec384", "rsa2048", "rsa3072", "rsa4096")
OUR_FAULT = (
    *("badCSR", "badPublicKey", "badSignatureAlgorithm", "externalAccountRequired"),
    *("invalidContact", "invalidProfile", "rejectedIdentifier", "unsupportedContact"),
    *("unsupportedIdentifier", "userActionRequired"),
)
"""Problem types that only another configuration cures (RFC 8555 section 6.7)."""
MINUTE, HOUR, DAY, WEEK = 60.0, 3600.0, 86400.0, 604800.0
NEVER = float("inf")
SKEW = 5 * MINUTE
"""How far two honest clocks may differ."""
LIMIT = 1 << 20
"""Bytes: no honest answer or file is longer."""
NONCES, TRIES = 50, 4
OK, NO, USAGE, BUG, TEMPORARY = 0, 1, 100, 101, 111


class Fatal(Exception):
    """Ends the run: one line that names what is at fault; retry_after: seconds the CA asks for."""

    def __init__(self, message: str, code: int = TEMPORARY, retry_after: float = 0) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class ConnectionFailed(Fatal):
    """The request may have arrived or not."""


class Problem(Fatal):
    """The CA refuses; kind is the problem's type without its namespace (RFC 8555 section 6.7)."""

    def __init__(self, message: str, kind: str, status: int, retry_after: float) -> None:
        super().__init__(message, USAGE if kind in OUR_FAULT else TEMPORARY, retry_after)
        self.kind = kind
        self.status = status


class Stopped(BaseException):
    """A signal asks to end: clean up and go."""


# The command


def main() -> None:
    """The command `s6gen-acme`."""
    sys.exit(OK if glance(sys.argv[1:]) else run(sys.argv[1:]))


def glance(arguments: list[str]) -> bool:
    """Whether the last look holds: same arguments, same files, not yet the moment it named.

    This is the hourly look that finds nothing due, so it imports nothing.
    """
    try:
        with open(arguments[arguments.index("--out") + 1] + ".state", encoding="ascii") as state:
            since, until, seen = state.readline().rstrip("\n").split(" ", 2)
        return float(since) <= time.time() < float(until) and seen == sight(arguments)
    except (ValueError, IndexError, OSError):
        return False


def sight(arguments: list[str]) -> str:
    """The arguments, and what changes with every file that one of them names."""
    seen: list[object] = list(arguments)
    for argument in arguments:
        try:
            status = os.stat(argument.partition("=")[2] or argument)
        except (OSError, ValueError):
            continue
        if status.st_mode & 0o170000 == 0o100000:
            seen.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return ascii(seen)


def import_the_rest() -> None:
    """Import what a glance does without: it is slow to load, and some of it may be missing."""
    global argparse, contextlib, datetime, email, fcntl, hashlib, http, ipaddress
    global itertools, json, random, re, select, signal, ssl, stat, subprocess, urllib, zlib
    global jws, x509, serialization, ec, rsa, SHA256, b64, jwa, jwk
    import argparse
    import contextlib
    import datetime
    import email.utils
    import fcntl
    import hashlib
    import http.client
    import ipaddress
    import itertools
    import json
    import random
    import re
    import select
    import signal
    import ssl
    import stat
    import subprocess
    import urllib.parse
    import zlib

    from acme import jws
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from josepy import b64, jwa, jwk


def run(arguments: list[str]) -> int:
    """Do what the arguments ask; the exit code."""
    try:
        import_the_rest()
    except ModuleNotFoundError as missing:
        hint = "install python3-acme (Debian) or py3-acme (Alpine)"
        return say("fatal", f"Python module {missing.name} is missing: {hint}", USAGE)
    try:
        options = parse(arguments)
        listen_for_signals(options)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except Stopped as stopped:
        signal.signal(stopped.args[0], signal.SIG_DFL)
        os.kill(os.getpid(), stopped.args[0])
        return TEMPORARY
    except Fatal as fatal:
        return say("fatal", str(fatal), fatal.code)
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return say("fatal", f"{where}{error.strerror or error}", TEMPORARY)
    except Exception as bug:
        trace = bug.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        where = f"line {trace.tb_lineno}" if trace else "no line"
        return say("fatal", f"bug, please report: {type(bug).__name__}: {bug} ({where})", BUG)


def listen_for_signals(options: argparse.Namespace) -> None:
    """SIGTERM and SIGINT end the run cleanly, SIGALRM only once --timeout is over."""
    options.deadline = time.monotonic() + options.timeout

    def stop(number: int, _: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    def alarm(_: int, __: object) -> None:
        if time.monotonic() >= options.deadline:
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            raise Fatal(f"not done within --timeout, {options.timeout:g} s")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, options.timeout)


def say(kind: str, message: str, code: int = OK) -> int:
    """One line on stderr, whatever the message holds; returns code."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    print(f"s6gen-acme: {kind}: {line}", file=sys.stderr, flush=True)  # noqa: T201 (the edge)
    return code


def emit(text: str) -> int:
    """Text on stdout, all of it or an error."""
    with open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False) as stdout:
        stdout.write(text)
    return OK


def inform(options: argparse.Namespace, message: str) -> None:
    """Say it unless --quiet."""
    if not options.quiet:
        say("info", message)


def utc(when: float) -> str:
    """A moment as people write it."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(when))


# What is due


def keep_current(options: argparse.Namespace) -> int:
    """Look at FILE; what is due is done by one run at a time, after a second look."""
    if settled(options, State(options), look(options)):
        return OK
    with lock(f"{options.out}.lock"):
        finish_what_was_killed(options)
        state, held = State(options), look(options)
        ca = Ca(options, state)
        if not options.force and time.time() >= next_question(state, held, time.time()):
            ask_window(ca, state, held)
        if settled(options, state, held):
            return OK
        if not options.force and (until := hold_until(options, state, time.time())):
            last = state["failure"]["what"]
            raise Fatal(f"{options.out}: next attempt {utc(until)}; the last one failed: {last}")
        inform(options, f"{options.out}: {decide(options, state, held, time.time())[1]}, ordering")
        renew(options, state, held, ca)
    return OK


def settled(options: argparse.Namespace, state: State, held: Held) -> bool:
    """Whether there is nothing to do; until when is stored for `glance`."""
    now = time.time()
    check_clock(held, now)
    if options.force:
        return False
    until = min(decide(options, state, held, now)[0], next_question(state, held, now))
    if held.usable(now):
        until = max(until, hold_until(options, state, now))
    if now < until:
        with contextlib.suppress(OSError, Fatal):
            state.save(now, until)
    return now < until


def check_clock(held: Held, now: float) -> None:
    """Refuse to decide anything by a clock that cannot be right."""
    if now < RELEASED:
        raise Fatal(f"the clock says {utc(now)}, which is past: set it")
    if not held.fault and now + SKEW < held.start:
        raise Fatal(f"the clock says {utc(now)}, but the certificate begins {utc(held.start)}")


def decide(options: argparse.Namespace, state: State, held: Held, now: float) -> tuple[float, str]:
    """From which moment FILE has to be ordered anew (0: at once), and why."""
    if options.force:
        return 0, "--force was given"
    if held.fault:
        return 0, held.fault
    if now >= held.end:
        return 0, f"expired {utc(held.end)}"
    if state["issued"].get("terms", terms(options)) != terms(options):
        return 0, "was ordered from another CA or with another profile"
    return renewal_moment(state, held)


def renewal_moment(state: State, held: Held) -> tuple[float, str]:
    """When a certificate's time has come, and by which rule."""
    lifetime = held.end - held.start
    last = held.end - lifetime * 0.05, "5 % of its lifetime are left"
    if state["renewal"].get("id") == held.id and "moment" in state["renewal"]:
        return min((float(state["renewal"]["moment"]), "the CA suggests this moment"), last)
    if lifetime < 10 * DAY:
        return held.start + lifetime / 2, "half of its lifetime is over"
    return held.start + lifetime * 2 / 3, "two thirds of its lifetime are over"


def terms(options: argparse.Namespace) -> list[str]:
    """What makes a certificate another one, though it has the same names and key."""
    return [options.directory_url, options.profile]


def next_question(state: State, held: Held, now: float) -> float:
    """When to ask the CA for its window again (RFC 9773 section 4.3): never for an unusable one."""
    if not held.usable(now) or not held.id:
        return NEVER
    return float(state["renewal"]["ask"]) if state["renewal"].get("id") == held.id else 0


def ask_window(ca: Ca, state: State, held: Held) -> None:
    """Ask when to renew; the moment once chosen stays until the window moves."""
    known = state["renewal"] if state["renewal"].get("id") == held.id else {}
    renewal = {**known, "id": held.id, "ask": time.time() + HOUR * random.uniform(1, 2)}  # noqa: S311
    state["renewal"] = renewal
    try:
        url = state["issued"].get("renewal-info") or ca.directory().get("renewalInfo")
        if not isinstance(url, str):
            renewal["ask"] = held.end
            return
        answer = ca.get(f"{url.rstrip('/')}/{held.id}")
        window = parse_window(answer.json())
    except Fatal as failure:
        state["issued"].pop("renewal-info", None)
        renewal["ask"] = max(renewal["ask"], time.time() + min(failure.retry_after, DAY))
        say("warning", f"the CA does not say when to renew: {failure}")
        return
    renewal["ask"] = time.time() + min(max(answer.retry_after() or 6 * HOUR, MINUTE), DAY)
    if renewal.get("window") != window:
        renewal |= {"window": window, "moment": choose_moment(*window)}
        inform(
            ca.options, f"the CA suggests to renew between {utc(window[0])} and {utc(window[1])}"
        )


def parse_window(document: dict[str, Any]) -> list[float]:
    """Start and end of the suggested window (RFC 9773 section 4.2)."""
    suggested = field(document, "suggestedWindow", dict)
    try:
        moments = [field(suggested, name, str) for name in ("start", "end")]
        start, end = (datetime.datetime.fromisoformat(moment).timestamp() for moment in moments)
    except (ValueError, OverflowError) as error:
        raise Fatal(f"suggestedWindow: {error}") from error
    if not start < end:
        raise Fatal("suggestedWindow ends before it starts")
    return [start, end]


def choose_moment(start: float, end: float) -> float:
    """A random moment of the window, early enough that an hourly look comes before it ends."""
    return random.uniform(start, max(end - HOUR, (start + end) / 2))  # noqa: S311


def hold_until(options: argparse.Namespace, state: State, now: float) -> float:
    """The earliest next attempt after failures with the same options; 0 if none is set."""
    failure = state["failure"]
    if failure.get("of") != asked(options):
        return 0
    return float(failure["next"]) if now < failure["next"] <= now + WEEK else 0


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """The options that an order depends on."""
    passing = ("quiet", "timeout", "deadline", "command", "check", "force")
    return {name: value for name, value in vars(options).items() if value and name not in passing}


def remember_failure(options: argparse.Namespace, state: State, held: Held, why: Fatal) -> None:
    """Count it, and set the earliest next attempt, later each time."""
    again = state["failure"].get("of") == asked(options)
    count = 1 + (state["failure"]["count"] if again else 0)
    pause = max(pause_after(count, held.usable(time.time())), min(why.retry_after, WEEK))
    until = time.time() + pause
    state["failure"] = {"count": count, "next": until, "what": str(why), "of": asked(options)}
    state.save()


def pause_after(failures: int, usable: bool) -> float:
    """Seconds to wait after so many failures, with and without a usable certificate."""
    if not usable:
        return (MINUTE, 10 * MINUTE, 100 * MINUTE, DAY)[min(failures, 4) - 1]
    return min(DAY, HOUR * 2.0 ** min(failures - 1, 5)) * random.uniform(0.9, 1.1)  # noqa: S311


def report(options: argparse.Namespace) -> int:
    """--check: what would be done, why and when; exit code 0 nothing due, 1 due."""
    state, held, now = State(options), look(options), time.time()
    check_clock(held, now)
    when, why = decide(options, state, held, now)
    until = hold_until(options, state, now)
    if now < when:
        return emit(f"{options.out}: nothing due before {utc(when)}: {why}\n")
    emit(f"{options.out}: due{f', next attempt {utc(until)}' if until else ' now'}: {why}\n")
    return NO


class Held:
    """What FILE holds, and what is wrong with it for these options, "" if nothing is."""

    names: tuple[str, ...] = ()
    start = end = 0.0
    id = issuer = serial = ""
    fault = "is missing"

    def usable(self, now: float) -> bool:
        """Whether a server can work with it."""
        return not self.fault and self.start - SKEW <= now < self.end


def look(options: argparse.Namespace) -> Held:
    """Read FILE, and compare it with the names and the key that it has to be for."""
    held = Held()
    try:
        chain = parse_chain(read(options.out))
        held = describe(chain[0])
        if options.domain and options.domain_key:
            key = load_key(options.domain_key)
            held.fault = misfit(chain, wanted_names(options), key.public_key())
        else:
            request = load_csr(options.csr)
            held.fault = misfit(chain, names_of(request), request.public_key())
    except FileNotFoundError as missing:
        if missing.filename != options.out:
            held.fault = f"is for a key or CSR that is missing, {missing.filename}"
    except (OSError, Fatal) as error:
        held.fault = f"is not usable: {error}"
    return held


class State:
    """What is remembered between runs, in FILE.state: nothing of it is secret.

    The first line is for `glance`, the second a checksum, the rest JSON.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.path = f"{options.out}.state" if options.out else ""
        self.sections: dict[str, dict[str, Any]] = {}
        if self.path:
            with contextlib.suppress(FileNotFoundError):
                self.load(read(self.path))

    def load(self, stored: bytes) -> None:
        """Take over what save wrote, and nothing else."""
        _, _, rest = stored.partition(b"\n")
        checksum, _, content = rest.partition(b"\n")
        if checksum != b"%08x" % zlib.crc32(content):
            say("warning", f"{self.path}: damaged, starting it anew")
            return
        self.sections = json.loads(content)

    def __getitem__(self, section: str) -> dict[str, Any]:
        return self.sections.setdefault(section, {})

    def __setitem__(self, section: str, value: dict[str, Any]) -> None:
        self.sections[section] = value

    def save(self, since: float = 0, until: float = 0) -> None:
        """Replace the file; from since until then nothing is due."""
        if self.path:
            content = json.dumps(self.sections, indent=1).encode() + b"\n"
            head = f"{int(since)} {until:.0f} {sight(sys.argv[1:])}\n{zlib.crc32(content):08x}\n"
            replace(self.path, head.encode() + content, 0o600)


# One issuance


def write_to_stdout(options: argparse.Namespace) -> int:
    """Without --out: order now, the chain goes to stdout (as acme-tiny does)."""
    state = State(options)
    return emit(obtain(options, state, Ca(options, state), ""))


def renew(options: argparse.Namespace, state: State, held: Held, ca: Ca) -> None:
    """Order a new chain and put it in FILE's place; a failure is remembered."""
    known = state["renewal"].get("id") == held.id and "window" in state["renewal"]
    try:
        state.save()
        pem = obtain(options, state, ca, held.id if known else "")
        replace(options.out, pem.encode(), 0o640)
        if options.new_key:
            os.rename(f"{options.domain_key}.next", options.domain_key)
    except Fatal as failure:
        if ca.used:
            remember_failure(options, state, held, failure)
        raise
    finally:
        if options.new_key:
            remove(f"{options.domain_key}.next")
    state["issued"] = {"terms": terms(options), "renewal-info": ca.directory().get("renewalInfo")}
    state["failure"], state["renewal"] = {}, {}
    new = look(options)
    state.save()
    until = f"valid until {utc(new.end)}, to be renewed from {utc(renewal_moment(state, new)[0])}"
    inform(options, f"{options.out}: new certificate for {' '.join(new.names)}, {until}")


def obtain(options: argparse.Namespace, state: State, ca: Ca, replaces: str) -> str:
    """A verified chain in PEM, ordered with the CA."""
    account_key = load_or_make_key(options, options.account_key, "ec256")
    request = certificate_request(options)
    names = names_of(request)
    answers = Answers(options, state)
    if any(name.startswith("*.") for name in names) and answers.kind != "dns-01":
        raise Fatal("a wildcard needs DNS-01: give --dns-hook", USAGE)
    with answers:
        ca.sign_in(account_key)
        url, order = place_order(ca, names, replaces)
        certificate = complete(ca, url, order, request, answers)
        chain = choose_chain(ca, certificate)
    if fault := misfit(chain, names, request.public_key()):
        raise Fatal(f"the CA sent a chain that {fault}: it is not used")
    verify(chain)
    return "".join(pem(certificate) for certificate in chain)


def place_order(ca: Ca, names: set[str], replaces: str) -> tuple[str, dict[str, Any]]:
    """The order's URL and the order (RFC 8555 section 7.4, RFC 9773 section 5)."""
    wish: dict[str, Any] = {"identifiers": [identifier(name) for name in sorted(names)]}
    if profile := ca.options.profile:
        offered = ca.directory().get("meta", {}).get("profiles", {})
        if profile not in offered:
            on_offer = ", ".join(sorted(offered)) or "none"
            raise Fatal(f"--profile {profile}: unknown, on offer: {on_offer}", USAGE)
        wish["profile"] = profile
    try:
        known = {"replaces": replaces} if replaces else {}
        return ca.post(ca.resource("newOrder"), wish | known, again=False).located()
    except Problem as refusal:
        if not replaces or refusal.status == 429 or refusal.status >= 500:
            raise
        inform(ca.options, f"ordering without `replaces`: {refusal}")
    return ca.post(ca.resource("newOrder"), wish, again=False).located()


def complete(
    ca: Ca,
    url: str,
    order: dict[str, Any],
    request: x509.CertificateSigningRequest,
    answers: Answers,
) -> str:
    """Lead the order to its end; the certificate's URL (RFC 8555 section 7.1.6).

    After a step the order is looked at once, then as often as the CA says, else ever more seldom.
    """
    todo = {"pending", "ready"}
    wait, pause = 0.0, 0.1
    while (status := field(order, "status", str)) != "valid":
        if status not in ("pending", "ready", "processing"):
            raise Fatal(explain(ca, order))
        if status in todo:
            todo.discard("pending")
            if status == "pending":
                answer_challenges(ca, order, answers)
            else:
                todo.discard("ready")
                csr = base64url(request.public_bytes(serialization.Encoding.DER))
                order = ca.post(field(order, "finalize", str), {"csr": csr}, again=False).json()
                continue
        else:
            ca.sleep(wait or pause * random.uniform(0.8, 1.2))  # noqa: S311
            pause = min(pause * 1.5, 5)
        answer = ca.post(url, None)
        order, wait = answer.json(), answer.retry_after()
    return field(order, "certificate", str)


def answer_challenges(ca: Ca, order: dict[str, Any], answers: Answers) -> None:
    """Put all answers in place, then tell the CA of each."""
    urls = []
    for url in field(order, "authorizations", list):
        authorization = ca.post(url, None).json()
        if field(authorization, "status", str) == "valid":
            continue
        name = field(field(authorization, "identifier", dict), "value", str)
        offered = field(authorization, "challenges", list)
        chosen = [one for one in offered if field(one, "type", str) == answers.kind]
        if not chosen:
            raise Fatal(f"{name}: the CA offers no {answers.kind} challenge", USAGE)
        answers.plan(name, field(chosen[0], "token", str), ca.thumbprint)
        urls.append(field(chosen[0], "url", str))
    answers.put()
    for url in urls:
        ca.post(url, {})


def explain(ca: Ca, order: dict[str, Any]) -> str:
    """Why an order failed, name by name."""
    reasons = [in_words(order["error"])] if "error" in order else []
    for url in field(order, "authorizations", list):
        authorization = ca.post(url, None).json()
        for challenge in field(authorization, "challenges", list):
            if isinstance(challenge, dict) and "error" in challenge:
                name = field(field(authorization, "identifier", dict), "value", str)
                reasons.append(f"{name}: {in_words(challenge['error'])}")
    more = [f"and {len(reasons) - 5} more"] if len(reasons) > 5 else []
    return "the order failed: " + ("; ".join(reasons[:5] + more) or "the CA gives no reason")


def choose_chain(ca: Ca, url: str) -> list[x509.Certificate]:
    """The CA's own choice, or an alternate that leads to --preferred-chain (section 7.4.2)."""
    answer = ca.post(url, None)
    first = chain = parse_chain(answer.body)
    preferred = ca.options.preferred_chain
    links = ", ".join(answer.headers.get_all("Link") or [])
    alternates = re.findall(r'<([^<>]*)>\s*;\s*rel="?alternate\b', links) if preferred else []
    while preferred and preferred not in {common_name(one.issuer) for one in chain}:
        if not alternates:
            say("warning", f"--preferred-chain {preferred}: not on offer, using the default chain")
            return first
        chain = parse_chain(ca.post(urllib.parse.urljoin(url, alternates.pop(0)), None).body)
    return chain


# The challenges


class Answers:
    """The answers in place: files (RFC 8555 section 8.3) or DNS records (section 8.4).

    They are noted in the state before they are made, so that the next run removes what a killed
    one left.
    """

    def __init__(self, options: argparse.Namespace, state: State) -> None:
        if not (options.acme_dir or options.dns_hook):
            raise Fatal("--acme-dir or --dns-hook is needed", USAGE)
        self.options = options
        self.state = state
        self.kind = "dns-01" if options.dns_hook else "http-01"
        self.planned: list[list[str]] = []

    def __enter__(self) -> Answers:
        if self.kind == "http-01" and not os.access(self.options.acme_dir, os.W_OK | os.X_OK):
            found = os.path.isdir(self.options.acme_dir)
            why = "not writable" if found else "no such directory"
            raise Fatal(f"{self.options.acme_dir}: {why}")
        return self

    def plan(self, name: str, token: str, thumbprint: str) -> None:
        """Add the answer for one name; the token becomes a file's name, so it must be one."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,200}", token):
            raise Fatal(f"{name}: the CA sent a token outside of its alphabet: {token[:80]}")
        text = f"{token}.{thumbprint}"
        if self.kind == "dns-01":
            digest = base64url(hashlib.sha256(text.encode()).digest())
            self.planned.append([f"_acme-challenge.{name}", digest, name])
        else:
            self.planned.append([token, text, name])

    def put(self) -> None:
        """Make what is planned."""
        place = self.options.dns_hook or self.options.acme_dir
        self.state["answers"] = {"kind": self.kind, "place": place, "made": self.planned}
        self.state.save()
        for key, text, name in self.planned:
            if self.kind == "dns-01":
                call_hook(place, "add", key, text)
            else:
                write_answer(place, key, text)
                if self.options.self_check:
                    fetch_answer(self.options, name, key, text)

    def __exit__(self, *_: object) -> None:
        remove_answers(self.state)


def remove_answers(state: State) -> None:
    """Remove what is noted as made, by this run or a killed one."""
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
    with contextlib.suppress(OSError, Fatal):
        state.save()


def write_answer(directory: str, token: str, text: str) -> None:
    """A new file, readable by the web server whatever the umask; a link there is not followed."""
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(token, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(token, flags, 0o644, dir_fd=folder), "wb") as stream:
            os.fchmod(stream.fileno(), 0o644)
            stream.write(text.encode())
    except OSError as error:
        raise Fatal(f"{directory}: unable to write an answer: {error.strerror}") from error
    finally:
        os.close(folder)


def fetch_answer(options: argparse.Namespace, name: str, token: str, text: str) -> None:
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
        raise Fatal(f"{url}: the answer cannot be fetched: {error} (--disable-check)") from error
    if seen != text.encode():
        raise Fatal(f"{url}: serves something else than {options.acme_dir} (--disable-check)")


def call_hook(program: str, verb: str, record: str, value: str) -> None:
    """Let the user's program add or remove a TXT record: `PROGRAM add|remove RECORD VALUE`."""
    try:
        command = [program, verb, record, value]
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode
    except OSError as error:
        raise Fatal(f"{program}: {error.strerror}") from error
    if code:
        raise Fatal(f"{program} {verb} {record} failed with exit code {code}")


# Explicit commands


def status(options: argparse.Namespace) -> int:
    """--status: a table or JSON of chains; exit code 1 if one of them is not usable."""
    now = time.time()
    rows = [status_of(options, path, now) for path in options.status or [options.out]]
    if options.json:
        emit(json.dumps(rows, indent=1) + "\n")
    else:
        table = [["file", "names", "issuer", "serial", "not after", "days", "due"]]
        for row in rows:
            due = f"{row['due'] or 'now'}: {row['why']}"
            table.append([str(row[name]) for name in table[0][:1]] + [" ".join(row["names"])])
            table[-1] += [row["issuer"], row["serial"], row["not_after"], str(row["days"]), due]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        for line in table:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            emit("  ".join(cells).rstrip() + "\n")
    return OK if all(row["usable"] for row in rows) else NO


def status_of(options: argparse.Namespace, path: str, now: float) -> dict[str, Any]:
    """What is known of one chain, with or without the options that keep it."""
    held = Held()
    try:
        held = describe(parse_chain(read(path))[0])
    except FileNotFoundError:
        pass
    except (OSError, Fatal) as error:
        held.fault = f"is not usable: {error}"
    options = argparse.Namespace(**vars(options) | {"out": path})
    state = State(options)
    options.directory_url, options.profile = state["issued"].get("terms", terms(options))
    when, why = decide(options, state, held, now)
    return {
        "file": path,
        "names": held.names,
        "issuer": held.issuer,
        "serial": held.serial,
        "not_after": utc(held.end) if held.end else "",
        "days": int((held.end - now) // DAY) if held.end else 0,
        "due": utc(when) if when > now else "",
        "why": why,
        "usable": held.usable(now),
    }


def revoke(options: argparse.Namespace) -> int:
    """--revoke FILE, signed by the account or, without one, by the domain key (section 7.6)."""
    ca = Ca(options, State(options))
    der = parse_chain(read(options.revoke))[0].public_bytes(serialization.Encoding.DER)
    if options.account_key:
        ca.sign_in(load_key(options.account_key), create=False)
    else:
        ca.key = load_key(options.domain_key)
    wish = {"certificate": base64url(der), "reason": options.reason}
    ca.post(ca.resource("revokeCert"), wish)
    inform(options, f"{options.revoke}: revoked")
    return OK


def deactivate(options: argparse.Namespace) -> int:
    """--deactivate the account, for ever (section 7.3.6)."""
    ca = Ca(options, State(options))
    ca.sign_in(load_key(options.account_key), create=False)
    ca.post(ca.kid, {"status": "deactivated"})
    inform(options, f"{options.account_key}: account {ca.kid} is deactivated")
    return OK


def roll_over(options: argparse.Namespace) -> int:
    """--roll-over to a new account key (section 7.3.5); a killed one is finished by the next."""
    ca = Ca(options, State(options))
    path, beside = options.account_key, f"{options.account_key}.next"
    if not os.path.exists(beside):
        replace(beside, pem_of_key(make_key(options.key_type)), 0o600)
    old, new = load_key(path), load_key(beside)
    url = ca.resource("keyChange")
    try:
        ca.sign_in(old, create=False)
        change = {"account": ca.kid, "oldKey": jwk_of(old)[0].public_key().to_partial_json()}
        ca.post(url, json.loads(sign(new, url, change)))
    except Problem as refusal:
        if refusal.kind != "accountDoesNotExist":
            raise
        ca.sign_in(new, create=False)
    os.rename(beside, path)
    inform(options, f"{path}: account {ca.kid} has a new key")
    return OK


# The CA


class Ca:
    """A CA's ACME server: verified HTTPS, one kept-alive connection a host, signed requests."""

    def __init__(self, options: argparse.Namespace, state: State) -> None:
        self.options = options
        self.state = state
        self.used = False
        self.key: Key
        self.kid = self.nonce = self.thumbprint = ""
        self.resources: dict[str, Any] = {}
        self.connections: dict[str, http.client.HTTPSConnection] = {}

    def directory(self) -> dict[str, Any]:
        """The directory, asked for once a run: Let's Encrypt's may not be kept longer."""
        if not self.resources:
            self.resources = self.get(self.options.directory_url).json()
        return self.resources

    def resource(self, name: str) -> str:
        """The URL of a resource (RFC 8555 section 7.1.1)."""
        return field(self.directory(), name, str)

    def sign_in(self, key: Key, create: bool = True) -> None:
        """Act for the account of this key; it is created, or found, unless it is known."""
        self.key = key
        self.thumbprint = base64url(jwk_of(key)[0].thumbprint())
        self.place = f"{self.options.directory_url} {self.thumbprint}"
        known = self.state["accounts"].get(self.place, {})
        contact = self.options.contact
        self.kid = known.get("url", "")
        if not self.kid:
            known = self.register(create)
        if create and contact and known.get("contact", contact) != contact:
            self.post(self.kid, {"contact": contact})
        self.state["accounts"][self.place] = {"url": self.kid, "contact": contact}

    def register(self, create: bool = True) -> dict[str, Any]:
        """Create the account, or find it by its key (section 7.3)."""
        self.kid = ""
        url = self.resource("newAccount")
        wish: dict[str, Any] = {"termsOfServiceAgreed": True, "contact": self.options.contact}
        if not self.options.contact:
            del wish["contact"]
        if not create:
            wish = {"onlyReturnExisting": True}
        elif self.options.eab_kid:
            wish["externalAccountBinding"] = bind(self.options, self.key, url)
        self.kid, account = self.post(url, wish).located()
        return account

    def post(self, url: str, payload: dict[str, Any] | None, again: bool = True) -> Answer:
        """Send a signed request, without payload a POST-as-GET; again: it does no harm twice."""

        def attempt() -> Answer:
            for _ in range(NONCES):
                body = sign(self.key, url, payload, self.take_nonce(), self.kid)
                answer = self.request("POST", url, body)
                if answer.status < 400 or answer.problem().kind != "badNonce":
                    break
            return answer

        try:
            return self.patiently(attempt, again)
        except Problem as problem:
            stale = problem.kind == "accountDoesNotExist" and self.kid
            if not stale or self.state["accounts"].pop(self.place, None) is None:
                raise
        self.register()
        return self.patiently(attempt, again)

    def get(self, url: str) -> Answer:
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

    def patiently(self, attempt: Callable[[], Answer], again: bool) -> Answer:
        """Try again what may succeed then, as the CA says or ever more seldom."""
        for count in itertools.count(1):
            failure: Fatal
            try:
                answer = attempt()
                if answer.status < 300:
                    return answer
                failure = answer.problem()
                worth = answer.status == 503 or (again and answer.status >= 500)
                worth = worth or (answer.status == 429 and failure.retry_after > 0)
            except ConnectionFailed as failed:
                failure, worth = failed, again
            pause = failure.retry_after or 2**count * random.uniform(0.2, 0.4)  # noqa: S311
            if not worth or count == TRIES or time.monotonic() + pause >= self.options.deadline:
                raise failure
            time.sleep(pause)
        raise AssertionError

    def sleep(self, seconds: float) -> None:
        """Wait, but not in vain."""
        if time.monotonic() + seconds >= self.options.deadline:
            raise Fatal(f"{self.options.directory_url}: the CA is not done within --timeout")
        time.sleep(seconds)

    def request(self, method: str, url: str, body: bytes | None = None) -> Answer:
        """One request and its answer; a redirect is not followed."""
        self.used = True
        host, target = split_url(url)
        headers = {"User-Agent": f"s6gen-acme/{VERSION}"}
        if body is not None:
            headers["Content-Type"] = "application/jose+json"
        try:
            connection = self.connection(host)
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read(LIMIT + 1)
            if response.length:
                raise http.client.IncompleteRead(content, response.length)
        except ssl.SSLCertVerificationError as error:
            why = f"its TLS certificate is not trusted: {error.verify_message}"
            raise Fatal(f"{host}: {why} (for a private CA: --ca-bundle)") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connections.pop(host).close()
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ConnectionFailed(f"{host}: {why}") from error
        if len(content) > LIMIT:
            raise Fatal(f"{url}: the answer is larger than {LIMIT} bytes")
        self.nonce = nonce_of(response.headers) or self.nonce
        return Answer(url, response.status, response.headers, content)

    def connection(self, host: str) -> http.client.HTTPSConnection:
        """The connection to a host, made anew if the host hung up meanwhile."""
        if host not in self.connections:
            trusted = ssl.create_default_context(cafile=self.options.ca_bundle or None)
            self.connections[host] = http.client.HTTPSConnection(host, timeout=30, context=trusted)
        connection = self.connections[host]
        if connection.sock and select.select([connection.sock], [], [], 0)[0]:
            connection.close()
        return connection


class Answer:
    """What came back, of bounded size."""

    def __init__(
        self, url: str, status: int, headers: http.client.HTTPMessage, body: bytes
    ) -> None:
        self.url = url
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            raise Fatal(f"{self.url}: the answer is not a JSON object")
        return content

    def located(self) -> tuple[str, dict[str, Any]]:
        """The URL of what was created, and itself."""
        return field({"Location": self.headers.get("Location")}, "Location", str), self.json()

    def retry_after(self) -> float:
        """Seconds to wait, 0 if the CA does not say."""
        return seconds_until(self.headers.get("Retry-After") or "", time.time())

    def problem(self) -> Problem:
        """Why the CA refuses (RFC 7807)."""
        try:
            document = self.json()
        except Fatal:
            document = {}
        kind = str(document.get("type", "")).rpartition(":")[2]
        message = f"{self.url}: HTTP status {self.status}: {in_words(document)}"
        return Problem(message, kind, self.status, self.retry_after())


def sign(
    key: Key, url: str, payload: dict[str, Any] | None, nonce: str = "", kid: str = ""
) -> bytes:
    """A request's body (RFC 8555 section 6.2), or an inner one, which has no nonce."""
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


def bind(options: argparse.Namespace, key: Key, url: str) -> dict[str, Any]:
    """The external account binding of a new account (section 7.3.4)."""
    try:
        secret = b64.b64decode(read(options.eab_key_file).strip())
    except (ValueError, TypeError) as error:
        raise Fatal(f"{options.eab_key_file}: not base64url", USAGE) from error
    public = json.dumps(jwk_of(key)[0].public_key().to_partial_json()).encode()
    bound = jws.JWS.sign(
        public, key=jwk.JWKOct(key=secret), alg=jwa.HS256, nonce=None, url=url, kid=options.eab_kid
    )
    return dict(json.loads(bound.json_dumps()))


# What the CA sends, taken apart with suspicion


def field(document: Any, name: str, kind: type[T]) -> T:
    """A field that must be there and of this kind."""
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, kind):
        raise Fatal(f"the CA's answer has no usable {name}")
    return value


def split_url(url: Any) -> tuple[str, str]:
    """Host (with its port) and target of an https URL."""
    try:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.port == 0:
            raise ValueError
    except (ValueError, AttributeError):
        raise Fatal(f"not an https URL: {str(url)[:200]}") from None
    return parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def nonce_of(headers: http.client.HTTPMessage) -> str:
    """The nonce that came along, "" if there is none (section 6.5.1)."""
    nonce = headers.get("Replay-Nonce", "")
    return nonce if re.fullmatch(r"[A-Za-z0-9_-]{1,1000}", nonce) else ""


def seconds_until(retry_after: str, now: float) -> float:
    """Retry-After in seconds: a number or a date (RFC 9110 section 10.2.3); 0 if neither."""
    if re.fullmatch(r"[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0


def in_words(problem: Any) -> str:
    """A problem document as one sentence: type, detail, subproblems (section 6.7.1)."""
    if not isinstance(problem, dict) or not problem:
        return "no reason given"
    kind = str(problem.get("type", "problem")).rpartition(":")[2]
    words = [f"{kind}: {str(problem.get('detail', 'no detail')).strip().removesuffix('.')}"]
    several = problem.get("subproblems")
    for one in several[:5] if isinstance(several, list) else []:
        about = one.get("identifier") if isinstance(one, dict) else None
        name = about.get("value") if isinstance(about, dict) else "in detail"
        words.append(f"{name}: {in_words(one)}")
    return "; ".join(words)[:1000]


# Names, keys, requests, certificates


def address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that a name is, if it is one."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def normal(name: str) -> str:
    """A name as it is compared: an address, or lower case ASCII."""
    if found := address(name):
        return str(found)
    if name.isascii():
        return name.lower().removesuffix(".")
    import idna

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise Fatal(f"--domain {name}: {error}", USAGE) from error


def identifier(name: str) -> dict[str, str]:
    """A name as ACME spells it (RFC 8555 section 9.7.7, RFC 8738)."""
    return {"type": "ip" if address(name) else "dns", "value": name}


def wanted_names(options: argparse.Namespace) -> set[str]:
    """The names that --domain asks for."""
    return {normal(name) for name in options.domain}


def names_of(signed: x509.CertificateSigningRequest | x509.Certificate) -> set[str]:
    """The names of a request or a certificate: subjectAltName and common name."""
    names = [common_name(signed.subject)]
    with contextlib.suppress(x509.ExtensionNotFound):
        alternative = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += alternative.get_values_for_type(x509.DNSName)
        names += map(str, alternative.get_values_for_type(x509.IPAddress))
    return {normal(name) for name in names if name}


def common_name(name: x509.Name) -> str:
    """The common name, "" if there is none."""
    found = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def load_or_make_key(options: argparse.Namespace, path: str, kind: str) -> Key:
    """The private key in a file, which is made if it is missing."""
    if not os.path.exists(path):
        with lock(os.path.dirname(path) or "."):
            if not os.path.exists(path):
                replace(path, pem_of_key(make_key(kind)), 0o600)
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
    return ec.generate_private_key(ec.SECP256R1() if kind == "ec256" else ec.SECP384R1())


def pem_of_key(key: Key) -> bytes:
    """A private key in PEM, PKCS#8."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def jwk_of(key: Key) -> tuple[jwk.JWK, jwa.JWASignature]:
    """A key as JOSE spells it, and the algorithm that signs with it."""
    if isinstance(key, rsa.RSAPrivateKey):
        return jwk.JWKRSA(key=key), jwa.RS256
    algorithms = {"secp256r1": jwa.ES256, "secp384r1": jwa.ES384, "secp521r1": jwa.ES512}
    if key.curve.name not in algorithms:
        raise Fatal(f"a key on the curve {key.curve.name} cannot sign for ACME", USAGE)
    return jwk.JWKEC(key=key), algorithms[key.curve.name]


def certificate_request(options: argparse.Namespace) -> x509.CertificateSigningRequest:
    """The CSR in --csr, made anew where it is missing or not for these names and this key."""
    if not (options.domain and options.domain_key):
        return load_csr(options.csr)
    names = wanted_names(options)
    if options.new_key:
        key = make_key(options.key_type)
        replace(f"{options.domain_key}.next", pem_of_key(key), 0o600)
        return make_csr(key, names)
    key = load_or_make_key(options, options.domain_key, options.key_type)
    if options.csr and os.path.exists(options.csr):
        request = load_csr(options.csr)
        if names_of(request) == names and der(request.public_key()) == der(key.public_key()):
            return request
    request = make_csr(key, names)
    if options.csr:
        replace(options.csr, request.public_bytes(serialization.Encoding.PEM), 0o644)
        inform(options, f"{options.csr}: new request for {' '.join(sorted(names))}")
    return request


def load_csr(path: str) -> x509.CertificateSigningRequest:
    """The certificate signing request in a PEM file."""
    try:
        return x509.load_pem_x509_csr(read(path))
    except ValueError as error:
        raise Fatal(f"{path}: not a certificate signing request in PEM", USAGE) from error


def make_csr(key: Key, names: set[str]) -> x509.CertificateSigningRequest:
    """A request for these names."""
    alternative: list[x509.GeneralName] = []
    for name in sorted(names):
        found = address(name)
        alternative.append(x509.IPAddress(found) if found else x509.DNSName(name))
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
    return builder.sign(key, SHA256())


def parse_chain(pem: bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text, the end-entity's first."""
    pattern = rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----"
    try:
        chain = [x509.load_pem_x509_certificate(one) for one in re.findall(pattern, pem, re.S)]
    except ValueError as error:
        raise Fatal(f"not a certificate: {error}") from error
    if not chain:
        raise Fatal("no certificate in it")
    return chain


def pem(certificate: x509.Certificate) -> str:
    """A certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def describe(certificate: x509.Certificate) -> Held:
    """What the decisions need to know of a certificate."""
    held = Held()
    held.fault = ""
    held.names = tuple(sorted(names_of(certificate)))
    held.start, held.end = validity(certificate)
    held.issuer = common_name(certificate.issuer)
    held.serial = f"{certificate.serial_number:x}"
    with contextlib.suppress(x509.ExtensionNotFound):
        known = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
        number = certificate.serial_number
        serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
        held.id = f"{base64url(known.value.key_identifier or b'')}.{base64url(serial)}"
    return held


def misfit(chain: list[x509.Certificate], names: set[str], key: Any) -> str:
    """What is wrong with a chain for these names and this key, "" if nothing is."""
    if der(chain[0].public_key()) != der(key):
        return "is for another key"
    if names != names_of(chain[0]):
        return f"is for other names, {' '.join(sorted(names_of(chain[0])))}"
    return ""


def verify(chain: list[x509.Certificate]) -> None:
    """A new chain must be valid now, and each certificate issued by the next."""
    start, end = validity(chain[0])
    if not start - SKEW <= time.time() < end:
        raise Fatal(f"the CA sent a certificate valid {utc(start)} to {utc(end)}: not now")
    if any(one.issuer != next_one.subject for one, next_one in itertools.pairwise(chain)):
        raise Fatal("the CA sent certificates that form no chain: they are not used")


def validity(certificate: x509.Certificate) -> tuple[float, float]:
    """From when to when (cryptography before 42 knows no aware datetimes)."""
    if hasattr(certificate, "not_valid_after_utc"):
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    else:
        start = certificate.not_valid_before.replace(tzinfo=datetime.UTC)
        end = certificate.not_valid_after.replace(tzinfo=datetime.UTC)
    return start.timestamp(), end.timestamp()


def der(key: Any) -> bytes:
    """A public key in DER."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(serialization.Encoding.DER, form))


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 8555 section 6.1)."""
    return str(b64.b64encode(data).decode())


# Files


def read(path: str) -> bytes:
    """The content of a file."""
    with open(path, "rb") as stream:
        return stream.read(LIMIT)


def remove(path: str) -> None:
    """Remove a file if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def replace(path: str, content: bytes, mode: int) -> None:
    """Write beside path, then rename: a reader sees the old or the new, also after a power cut.

    Mode and group of an existing file are kept; a link is not followed but replaced.
    """
    beside, group = f"{path}.tmp", -1
    with contextlib.suppress(FileNotFoundError):
        old = os.lstat(path)
        if stat.S_ISREG(old.st_mode):
            mode, group = stat.S_IMODE(old.st_mode), old.st_gid
        elif stat.S_ISLNK(old.st_mode):
            say("warning", f"{path}: was a symbolic link, is replaced by a file")
    remove(beside)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with open(os.open(beside, flags, 0o600), "wb") as stream:
            with contextlib.suppress(PermissionError):
                os.fchown(stream.fileno(), -1, group)
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(beside, path)
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise Fatal(f"{path}: unable to write: {error.strerror}") from error
    finally:
        remove(beside)


def lock(path: str) -> contextlib.ExitStack:
    """Wait until no other run holds this directory, or this file, which stays."""
    flags = os.O_RDONLY if os.path.isdir(path) else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    file = os.open(path, flags, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    held = contextlib.ExitStack()
    held.callback(os.close, file)
    return held


def finish_what_was_killed(options: argparse.Namespace) -> None:
    """Clean up after a run that could not: its answers, and a new key not yet in place."""
    state = State(options)
    if state["answers"]:
        remove_answers(state)
    beside = f"{options.domain_key}.next"
    if options.domain_key and os.path.exists(beside):
        try:
            deployed = der(parse_chain(read(options.out))[0].public_key())
        except (OSError, Fatal):
            deployed = b""
        if deployed == der(load_key(beside).public_key()):
            os.rename(beside, options.domain_key)
        remove(beside)


# The options


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options, checked, and the command they ask for."""

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise Fatal(f"{message} (see --help)", USAGE)

    parser = Parser(prog="s6gen-acme", description="Keep a TLS certificate current by ACME.")
    add = parser.add_argument
    add("--out", default="", metavar="FILE", help="keep this chain current (else: to stdout)")
    add("--account-key", default="", metavar="FILE", help="made if missing")
    add("--domain-key", default="", metavar="FILE", help="made if missing")
    add("--csr", default="", metavar="FILE", help="made if missing, from the two options below")
    add("--domain", action="append", default=[], metavar="NAME", help="name or IP address")
    add("--key-type", default="ec256", choices=KEY_TYPES, help="for keys to be made")
    add("--new-key", action="store_true", help="a new domain key with every certificate")
    add("--acme-dir", default="", metavar="DIR", help="served as /.well-known/acme-challenge/")
    add("--dns-hook", default="", metavar="PROGRAM", help="DNS-01: add or remove a TXT record")
    add("--directory-url", default="letsencrypt", metavar="CA", help="URL or letsencrypt[-staging]")
    add("--ca", default="", metavar="URL", help="CA's URL without /directory (deprecated)")
    add("--ca-bundle", default="", metavar="FILE", help="roots that verify the CA's own TLS")
    add("--contact", action="extend", nargs="*", default=[], metavar="URL", help="mailto:a@b.c")
    add("--eab-kid", default="", metavar="ID", help="external account binding: key's name")
    add("--eab-key-file", default="", metavar="FILE", help="and the file of its base64url key")
    add("--profile", default="", metavar="NAME", help="kind of certificate that the CA offers")
    add("--preferred-chain", default="", metavar="CN", help="issuer that the chain shall lead to")
    add("--timeout", type=float, default=600, metavar="SECONDS", help="for the whole run")
    add("--disable-check", action="store_true", help="do not fetch an answer before the CA does")
    add("--check-port", default="", metavar="PORT", help="where to fetch it, also with --out")
    add("--quiet", action="store_true", help="only warnings and errors")
    add("--force", action="store_true", help="order now")
    add("--check", action="store_true", help="say what is due, and do nothing")
    add("--status", nargs="*", metavar="FILE", help="show chains")
    add("--json", action="store_true", help="show them in JSON")
    add("--revoke", default="", metavar="FILE", help="revoke a certificate")
    add("--reason", type=int, default=0, metavar="CODE", help="why (RFC 5280 section 5.3.1)")
    add("--deactivate", action="store_true", help="deactivate the account, for ever")
    add("--roll-over", action="store_true", help="give the account a new key")
    add("--version", action="version", version=f"s6gen-acme {VERSION}")
    options = parser.parse_args(arguments)
    options.directory_url = AUTHORITIES.get(options.directory_url, options.directory_url)
    if options.ca:
        options.directory_url = f"{options.ca}/directory"
    options.self_check = bool(options.check_port or not (options.out or options.disable_check))
    options.command = command_of(options)
    return options


def command_of(options: argparse.Namespace) -> Callable[[argparse.Namespace], int]:
    """What is to be done; what it needs must be given."""
    if options.status is not None and (options.status or options.out):
        return status
    if not options.account_key and not (options.revoke and options.domain_key):
        raise Fatal("--account-key is needed", USAGE)
    if options.revoke:
        return revoke
    if options.deactivate:
        return deactivate
    if options.roll_over:
        return roll_over
    if not options.csr and not (options.domain and options.domain_key):
        raise Fatal("--csr is needed, or --domain and --domain-key", USAGE)
    if options.new_key and not (options.out and options.domain and options.domain_key):
        raise Fatal("--new-key needs --out, --domain and --domain-key", USAGE)
    if options.check:
        return report
    return keep_current if options.out else write_to_stdout


if __name__ == "__main__":
    main()
