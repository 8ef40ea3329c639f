#!/usr/bin/env python3
"""Keeps one TLS certificate current by ACME (RFC 8555).

Needs Python 3.11 and the `acme` package, nothing else: it may be copied and run alone. The look
that finds nothing due uses neither the network nor that package, and imports little (no pathlib).
Read from the top: `main`, what is due, one issuance, then the parts these stand on.
"""

# ruff: noqa: D105, D107, N818, PTH104, PTH108, PTH110, PTH112, PTH116, PTH120, PTH123, T201

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import stat
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, NoReturn

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from josepy.jwa import JWASignature
    from josepy.jwk import JWK

VERSION = "0.1.0"
RELEASED = 1795478400
"""2026-11-24: a clock before this day is wrong."""
AUTHORITIES = {
    "letsencrypt": "https://acme-v02.api.letsencrypt.org/directory",
    "letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
MINUTE, HOUR, DAY, WEEK = 60, 3600, 86400, 604800
ANSWER_LIMIT = 1 << 20
"""Bytes: nothing an ACME server sends is longer."""
NONCE_TRIES, TRIES = 50, 4
OK, NO, USAGE, BUG, TEMPORARY = 0, 1, 100, 101, 111


class Fatal(Exception):
    """Ends the run: one line that names what is at fault; retry_after: seconds the CA asks for."""

    def __init__(self, message: str, code: int = TEMPORARY, retry_after: float = 0) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after


class Problem(Fatal):
    """The CA refused (RFC 7807, RFC 8555 section 6.7): kind is the type without its namespace."""

    def __init__(self, message: str, kind: str, status: int, retry_after: float = 0) -> None:
        super().__init__(message, USAGE if kind in OUR_FAULT else TEMPORARY, retry_after)
        self.kind = kind
        self.status = status


OUR_FAULT = (
    *("badCSR", "badPublicKey", "badSignatureAlgorithm", "externalAccountRequired"),
    *("invalidContact", "invalidProfile", "rejectedIdentifier", "unsupportedContact"),
    *("unsupportedIdentifier", "userActionRequired"),
)
"""Problem types that only another configuration cures."""


class Stopped(BaseException):
    """A signal asks to end: clean up and go."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> None:
    """The command `s6gen-acme`."""
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except Stopped as stopped:
        signal.signal(stopped.number, signal.SIG_DFL)
        os.kill(os.getpid(), stopped.number)
        code = TEMPORARY
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Do what the arguments ask; the exit code."""
    options = parse(arguments)
    deadline = time.monotonic() + options.timeout
    listen_for_signals(deadline)
    signal.setitimer(signal.ITIMER_REAL, options.timeout)
    try:
        if options.check:
            return report(options)
        if not options.out:
            return write_to_stdout(options, deadline)
        return keep_current(options, deadline)
    except Fatal as fatal:
        return say("fatal", str(fatal), fatal.code)
    except ModuleNotFoundError as missing:
        hint = "install python3-acme (Debian) or py3-acme (Alpine)"
        return say("fatal", f"Python module {missing.name} is missing: {hint}", USAGE)
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return say("fatal", f"{where}{error.strerror or error}", TEMPORARY)
    except Exception as bug:
        trace = bug.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        line = trace.tb_lineno if trace else 0
        return say("fatal", f"bug, please report: {type(bug).__name__}: {bug} (line {line})", BUG)


def listen_for_signals(deadline: float) -> None:
    """SIGTERM and SIGINT end the run cleanly; SIGALRM is harmless before the deadline is over."""

    def stop(number: int, _: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise Stopped(number)

    def alarm(_: int, __: FrameType | None) -> None:
        if time.monotonic() >= deadline:
            raise Fatal("not done within --timeout")

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGALRM, alarm)


def say(kind: str, message: str, code: int = OK) -> int:
    """One line on stderr, whatever the message holds; returns code."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in message)
    print(f"s6gen-acme: {kind}: {line}", file=sys.stderr, flush=True)
    return code


# What is due


class Decision:
    """Whether to order now, why, and else when; moments in seconds since 1970."""

    def __init__(self, due: bool, why: str, when: float = 0, usable: bool = True) -> None:
        self.due = due
        self.why = why
        self.when = when
        self.usable = usable


def decide(state: State, now: float, force: bool = False) -> Decision:
    """Whether FILE must be ordered anew, from what is known of it alone."""
    held = state["file"]
    start, end = held["not_before"], held["not_after"]
    if force:
        return Decision(True, "--force was given", usable=not held["fault"] and now < end)
    if held["fault"]:
        return Decision(True, held["fault"], usable=False)
    if now >= end:
        return Decision(True, f"expired on {day(end)}", usable=False)
    if held["for"] != state["issued"].get("for", held["for"]):
        return Decision(True, "was ordered with another CA or profile")
    when, why = renewal_moment(state, start, end)
    return Decision(now >= when, why, when)


def renewal_moment(state: State, start: float, end: float) -> tuple[float, str]:
    """When to renew a certificate valid from start to end, and by which rule."""
    lifetime = end - start
    last = end - lifetime * 0.05
    renewal = state["renewal"]
    if renewal.get("id") == state["file"]["id"] and "moment" in renewal:
        if renewal["moment"] <= last:
            return renewal["moment"], "the CA suggests it (ARI)"
        return last, "5 % of its lifetime is left"
    if lifetime < 10 * DAY:
        return start + lifetime / 2, "half of its lifetime is over"
    return start + lifetime * 2 / 3, "two thirds of its lifetime are over"


def check_clock(state: State, now: float) -> None:
    """Refuse to decide anything by a clock that cannot be right."""
    start = state["file"]["not_before"]
    if now < RELEASED:
        raise Fatal(f"the clock says {moment(now)}, which cannot be: set it")
    if not state["file"]["fault"] and now < start:
        raise Fatal(f"the clock says {moment(now)}, before FILE's certificate begins: set it")


def hold_until(state: State, now: float) -> float:
    """The earliest next attempt after failures; 0 if there is no need to wait."""
    failure = state["failure"]
    if failure.get("of") != state["file"]["of"][1]:
        return 0
    until = failure.get("next", 0)
    return until if now < until <= now + WEEK else 0


def pause_after(failures: int, usable: bool) -> float:
    """Seconds to wait after so many failures in a row, with and without a usable certificate."""
    if usable:
        return min(DAY, HOUR * 2.0 ** min(failures - 1, 10)) * random.uniform(0.9, 1.1)  # noqa: S311
    return (MINUTE, 10 * MINUTE, 100 * MINUTE, DAY)[min(failures, 4) - 1]


def report(options: argparse.Namespace) -> int:
    """--check: what would be done, why and when; exit code 0 nothing due, 1 due."""
    state = look(options)
    now = time.time()
    check_clock(state, now)
    decision = decide(state, now, options.force)
    until = hold_until(state, now)
    if decision.due and until and not options.force:
        print(f"{options.out}: due ({decision.why}), next attempt {moment(until)}")
    elif decision.due:
        print(f"{options.out}: due ({decision.why})")
    else:
        print(f"{options.out}: nothing due before {moment(decision.when)} ({decision.why})")
    return NO if decision.due else OK


def keep_current(options: argparse.Namespace, deadline: float) -> int:
    """Look at FILE, and order it anew if that is due."""
    state = look(options)
    check_clock(state, time.time())
    if not decide(state, time.time(), options.force).due:
        state.save()
        return OK
    with locked(options.out + ".lock"):
        state = look(options)
        decision = decide(state, time.time(), options.force)
        until = hold_until(state, time.time())
        if not decision.due:
            return OK
        if until and not options.force:
            if decision.usable:
                return OK
            last = state["failure"].get("what")
            raise Fatal(f"{options.out}: next attempt {moment(until)}, the last failed: {last}")
        inform(options, f"{options.out}: {decision.why}, ordering")
        renew(options, state, deadline, decision)
    return OK


def look(options: argparse.Namespace) -> State:
    """What is known of FILE, read again only if a file or an option changed."""
    state = State(options.out + ".state")
    paths = (options.out, options.domain_key, options.csr)
    of = [[signature(path) for path in paths], asked(options)]
    if state["file"].get("of") != of:
        state["file"] = inspect(options) | {"of": of}
        state["file"]["for"] = [options.directory_url, options.profile]
        state.changed = True
    return state


def asked(options: argparse.Namespace) -> list[Any]:
    """The options that an order depends on: another set of them makes old failures void."""
    return [
        *(options.domain, options.directory_url, options.profile, options.contact),
        *(options.acme_dir, options.ca_bundle, options.account_key),
    ]


def signature(path: str) -> list[int]:
    """Changes whenever the file does."""
    try:
        status = os.stat(path)
    except OSError:
        return []
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def inspect(options: argparse.Namespace) -> dict[str, Any]:
    """FILE's certificate in a few words, and what is wrong with it for these options."""
    facts: dict[str, Any] = {"fault": "", "names": [], "not_before": 0, "not_after": 0, "id": ""}
    try:
        chain = parse_chain(read(options.out))
        facts |= describe(chain[0])
        facts["fault"] = misfit(chain, *wanted(options))
    except FileNotFoundError as missing:
        gone = missing.filename
        facts["fault"] = "is missing" if gone == options.out else f"goes with {gone}, missing"
    except (OSError, Fatal) as error:
        facts["fault"] = f"is not usable: {error}"
    return facts


def wanted(options: argparse.Namespace) -> tuple[set[str], PublicKeyTypes]:
    """The names and the public key that FILE has to be for."""
    if options.domain and options.domain_key:
        return {normal(name) for name in options.domain}, load_key(options.domain_key).public_key()
    request = load_csr(options.csr)
    return set(names_of(request)), request.public_key()


class State:
    """What is remembered between runs, beside FILE; nothing in it is secret."""

    SECTIONS = ("file", "issued", "renewal", "failure", "accounts")

    def __init__(self, path: str) -> None:
        self.path = path
        self.changed = False
        self.sections: dict[str, dict[str, Any]] = {}
        with contextlib.suppress(FileNotFoundError):
            try:
                stored = json.loads(read(path))
                self.sections = {name: dict(stored.get(name, {})) for name in self.SECTIONS}
            except (ValueError, TypeError, AttributeError):
                say("warning", f"{path}: not readable as state, starting it anew")

    def __getitem__(self, section: str) -> dict[str, Any]:
        return self.sections.setdefault(section, {})

    def __setitem__(self, section: str, value: dict[str, Any]) -> None:
        self.sections[section] = value

    def save(self) -> None:
        """Write it, if it differs from what was read."""
        if self.changed and self.path:
            replace(self.path, json.dumps(self.sections, indent=1).encode() + b"\n", 0o600)
            self.changed = False


# One issuance


def write_to_stdout(options: argparse.Namespace, deadline: float) -> int:
    """Without --out: order now, the chain goes to stdout (as acme-tiny does)."""
    print(obtain(options, State(""), Network(options, deadline)), end="")
    return OK


def renew(options: argparse.Namespace, state: State, deadline: float, decision: Decision) -> None:
    """Order a new chain and put it in FILE's place; a failure is remembered."""
    network = Network(options, deadline)
    require_writable(os.path.dirname(options.out) or ".")
    try:
        pem = obtain(options, state, network)
    except Fatal as failure:
        if network.used:
            remember_failure(state, failure, decision.usable)
        raise
    replace(options.out, pem.encode(), 0o640)
    state["failure"] = {}
    state["issued"] = {"for": [options.directory_url, options.profile]}
    fresh = look(options)
    state["file"] = fresh["file"]
    state.changed = True
    state.save()
    held = state["file"]
    inform(
        options,
        f"{options.out}: new certificate for {' '.join(held['names'])}, valid until"
        f" {moment(held['not_after'])}, to be renewed from"
        f" {moment(decide(state, time.time()).when)}",
    )


def remember_failure(state: State, failure: Fatal, usable: bool) -> None:
    """Count it, and set the earliest next attempt."""
    known = state["failure"].get("of") == state["file"]["of"][1]
    count = 1 + (state["failure"].get("count", 0) if known else 0)
    pause = max(pause_after(count, usable), min(failure.retry_after, WEEK))
    state["failure"] = {
        "count": count,
        "next": time.time() + pause,
        "what": str(failure),
        "of": state["file"]["of"][1],
    }
    state.changed = True
    state.save()


def obtain(options: argparse.Namespace, state: State, network: Network) -> str:
    """A chain in PEM, ordered, validated, downloaded and verified."""
    account_key = load_or_make_key(options, options.account_key, "ec256")
    request = certificate_request(options)
    names = names_of(request)
    with contextlib.ExitStack() as stack:
        challenge = stack.enter_context(HttpChallenge(options))
        account = Account(network, account_key, options, state)
        order_url, order = account.post(
            network.directory("newOrder"), {"identifiers": [identifier(name) for name in names]}
        ).located()
        if order.get("status") == "pending":
            answer_challenges(account, order, challenge)
            order = await_order(account, order_url, {"pending"})
        if order.get("status") == "ready":
            csr = request.public_bytes(encoding().DER)
            finalize = text_of(order, "finalize")
            order = account.post(finalize, {"csr": b64(csr)}).json()
        if order.get("status") != "valid":
            order = await_order(account, order_url, {"pending", "ready", "processing"})
        pem = account.post(text_of(order, "certificate"), None).body.decode("ascii", "replace")
    chain = parse_chain(pem)
    if fault := misfit(chain, set(names), request.public_key()):
        raise Fatal(f"the CA sent a chain that {fault}, it is not used")
    verify_validity(chain)
    return pem_of(chain)


def answer_challenges(account: Account, order: dict[str, Any], challenge: HttpChallenge) -> None:
    """Set up and answer the challenges of all names before any is polled."""
    for url in strings_of(order, "authorizations"):
        authorization = account.post(url, None).json()
        if authorization.get("status") == "valid":
            continue
        name = text_of(authorization.get("identifier"), "value")
        offered = {c.get("type"): c for c in dicts_of(authorization, "challenges")}
        chosen = offered.get(challenge.kind)
        if not chosen:
            raise Fatal(f"{name}: the CA offers no {challenge.kind} challenge", USAGE)
        token = text_of(chosen, "token")
        challenge.set_up(name, token, f"{token}.{account.thumbprint}")
        account.post(text_of(chosen, "url"), {})


def await_order(account: Account, url: str, unfinished: set[str]) -> dict[str, Any]:
    """Poll until the order's status is none of these: at once, then as told, else ever slower."""
    pause = 0.05
    while True:
        answer = account.post(url, None)
        order: dict[str, Any] = answer.json()
        if order.get("status") == "invalid":
            raise Fatal(explain_invalid(account, order))
        if order.get("status") not in unfinished:
            return order
        account.network.sleep(answer.retry_after() or pause * random.uniform(0.8, 1.2))  # noqa: S311
        pause = min(pause * 1.6, 5)


def explain_invalid(account: Account, order: dict[str, Any]) -> str:
    """Why an order failed, name by name."""
    reasons = []
    for url in strings_of(order, "authorizations"):
        authorization = account.post(url, None).json()
        name = text_of(authorization.get("identifier"), "value")
        for challenge in dicts_of(authorization, "challenges"):
            if "error" in challenge:
                reasons.append(f"{name}: {in_words(challenge['error'])}")
    if not reasons and "error" in order:
        reasons.append(in_words(order["error"]))
    return "the order failed: " + ("; ".join(reasons) or "the CA gives no reason")


class HttpChallenge:
    """HTTP-01 answers as files in one directory (RFC 8555 section 8.3)."""

    kind = "http-01"

    def __init__(self, options: argparse.Namespace) -> None:
        if not options.acme_dir:
            raise Fatal("option --acme-dir is needed", USAGE)
        self.path = options.acme_dir
        self.made: list[str] = []

    def __enter__(self) -> HttpChallenge:
        require_writable(self.path)
        self.directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self

    def set_up(self, name: str, token: str, answer: str) -> None:
        """Write the answer under its token, which is checked first: it comes from outside."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        if not 20 <= len(token) <= 200 or set(token) - set(alphabet):
            raise Fatal(f"{name}: the CA sent a token that is not one: {token[:80]!r}")
        self.made.append(token)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(token, dir_fd=self.directory)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            file = os.open(token, flags, 0o644, dir_fd=self.directory)
        except OSError as error:
            raise Fatal(f"{self.path}: unable to write an answer: {error.strerror}") from error
        with open(file, "wb") as stream:
            os.fchmod(file, 0o644)
            stream.write(answer.encode())

    def __exit__(self, *_: object) -> None:
        for token in self.made:
            with contextlib.suppress(OSError):
                os.unlink(token, dir_fd=self.directory)
        os.close(self.directory)


# The CA


class Account:
    """The CA's account of one key: signs and sends."""

    def __init__(
        self, network: Network, key: PrivateKeyTypes, options: argparse.Namespace, state: State
    ) -> None:
        self.network = network
        self.key, self.algorithm = jwk_of(key)
        self.thumbprint = b64(self.key.thumbprint())
        self.options = options
        self.state = state
        self.place = f"{options.directory_url} {self.thumbprint}"
        known = state["accounts"].get(self.place, {})
        self.url: str | None = known.get("url")
        if not self.url:
            self.register()
        elif options.contact and options.contact != known.get("contact"):
            self.post(self.url, {"contact": options.contact})
            self.remember()

    def register(self) -> None:
        """Create the account, or find it."""
        wish: dict[str, Any] = {"termsOfServiceAgreed": True}
        if self.options.contact:
            wish["contact"] = self.options.contact
        answer = self.post(self.network.directory("newAccount"), wish)
        self.url, body = answer.located()
        if (
            self.options.contact
            and body.get("contact", self.options.contact) != self.options.contact
        ):
            self.post(self.url, {"contact": self.options.contact})
        self.remember()

    def remember(self) -> None:
        """Store the account's URL, so that it need not be asked for again."""
        self.state["accounts"][self.place] = {"url": self.url, "contact": self.options.contact}
        self.state.changed = True
        self.state.save()

    def post(self, url: str, payload: dict[str, Any] | None) -> Answer:
        """Send payload, or none for POST-as-GET; a stale account is registered anew once."""
        try:
            return self.network.post(self, url, payload)
        except Problem as problem:
            if problem.kind != "accountDoesNotExist" or self.url is None:
                raise
        self.url = None
        self.register()
        return self.network.post(self, url, payload)

    def sign(self, url: str, payload: dict[str, Any] | None, nonce: str) -> bytes:
        """The request's body (RFC 8555 section 6.2)."""
        from acme import jws
        from josepy.b64 import b64decode

        content = b"" if payload is None else json.dumps(payload).encode()
        signed = jws.JWS.sign(
            content,
            key=self.key,
            alg=self.algorithm,
            nonce=b64decode(nonce),
            url=url,
            kid=self.url,
        )
        return str(signed.json_dumps()).encode()


class Answer:
    """What came back: status, headers and a body of bounded size."""

    def __init__(self, url: str, status: int, headers: Any, body: bytes) -> None:
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
        location = self.headers.get("Location")
        if not location:
            raise Fatal(f"{self.url}: the answer has no Location")
        return location, self.json()

    def retry_after(self) -> float:
        """Seconds to wait, 0 if the CA does not say (RFC 9110 section 10.2.3)."""
        return seconds_until(self.headers.get("Retry-After") or "", time.time())

    def problem(self) -> Problem:
        """The refusal in words (RFC 7807)."""
        try:
            document = self.json()
        except Fatal:
            document = {}
        kind = str(document.get("type", "")).rpartition(":")[2]
        words = in_words(document) if document else "no reason given"
        message = f"{self.url}: HTTP status {self.status}: {words}"
        return Problem(message, kind, self.status, self.retry_after())


class Network:
    """HTTPS to the CA: verified, one kept-alive connection for each host, bounded."""

    def __init__(self, options: argparse.Namespace, deadline: float) -> None:
        self.options = options
        self.deadline = deadline
        self.used = False
        self.nonce = ""
        self.connections: dict[str, Any] = {}
        self.resources: dict[str, Any] = {}

    def directory(self, resource: str) -> str:
        """The URL of a resource (RFC 8555 section 7.1.1)."""
        if not self.resources:
            self.resources = self.get(self.options.directory_url).json()
        return text_of(self.resources, resource)

    def get(self, url: str) -> Answer:
        """Fetch what needs no signature."""
        return self.patiently(lambda: self.request("GET", url), again=True)

    def post(self, account: Account, url: str, payload: dict[str, Any] | None) -> Answer:
        """Send a signed request, with another nonce if one is refused (RFC 8555 section 6.5)."""

        def attempt() -> Answer:
            for _ in range(NONCE_TRIES):
                body = account.sign(url, payload, self.take_nonce())
                answer = self.request("POST", url, body)
                if answer.status < 400 or answer.problem().kind != "badNonce":
                    break
            return answer

        return self.patiently(attempt, again=payload is None)

    def take_nonce(self) -> str:
        """The nonce of the last answer, or a fresh one."""
        if not self.nonce:
            self.patiently(lambda: self.request("HEAD", self.directory("newNonce")), again=True)
        nonce, self.nonce = self.nonce, ""
        if not nonce:
            raise Fatal(f"{self.directory('newNonce')}: the answer has no usable nonce")
        return nonce

    def patiently(self, attempt: Callable[[], Answer], again: bool) -> Answer:
        """Try again: always when told to wait, else if again says that it is harmless."""
        for count in range(1, TRIES + 1):
            failure: Fatal
            try:
                answer = attempt()
                if answer.status < 400:
                    return answer
                failure = answer.problem()
                worth = answer.status in (429, 503) or (again and answer.status >= 500)
            except ConnectionFailed as failed:
                failure, worth = failed, again
            pause = failure.retry_after or 2**count * random.uniform(0.3, 0.6)  # noqa: S311
            if not worth or count == TRIES or time.monotonic() + pause >= self.deadline:
                raise failure
            self.sleep(pause)
        raise AssertionError

    def sleep(self, seconds: float) -> None:
        """Wait, but not beyond the deadline."""
        if time.monotonic() + seconds >= self.deadline:
            raise Fatal(f"{self.options.directory_url}: the CA is not done within --timeout")
        time.sleep(seconds)

    def request(self, method: str, url: str, body: bytes | None = None) -> Answer:
        """One request and its answer."""
        import http.client
        import ssl

        self.used = True
        headers = {"User-Agent": f"s6gen-acme/{VERSION}", "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = "application/jose+json"
        host, target = split_url(url)
        try:
            connection = self.connection(host)
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            content = response.read(ANSWER_LIMIT + 1)
        except ssl.SSLCertVerificationError as error:
            why = f"its TLS certificate is not trusted: {error.verify_message}"
            raise Fatal(f"{host}: {why} (private CA: --ca-bundle)") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connections.pop(host).close()
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise ConnectionFailed(f"{host}: {why}") from error
        if len(content) > ANSWER_LIMIT:
            raise Fatal(f"{url}: the answer is larger than {ANSWER_LIMIT} bytes")
        if response.status in range(300, 400):
            raise Fatal(f"{url}: the answer is a redirect, it is not followed")
        self.nonce = usable_nonce(response.headers.get("Replay-Nonce")) or self.nonce
        return Answer(url, response.status, response.headers, content)

    def connection(self, host: str) -> Any:
        """The connection to a host, made anew if the host hung up meanwhile."""
        import http.client
        import select
        import ssl

        if host not in self.connections:
            trusted = ssl.create_default_context(cafile=self.options.ca_bundle or None)
            self.connections[host] = http.client.HTTPSConnection(host, timeout=30, context=trusted)
        connection = self.connections[host]
        if connection.sock and select.select([connection.sock], [], [], 0)[0]:
            connection.close()
        return connection


class ConnectionFailed(Fatal):
    """The request may or may not have arrived."""


# What the CA sends, taken apart with suspicion


def split_url(url: str) -> tuple[str, str]:
    """Host (with its port) and target of an https URL."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host = parts.netloc
        if parts.scheme != "https" or not parts.hostname or "@" in host or parts.port == 0:
            raise ValueError
    except ValueError:
        raise Fatal(f"{url[:200]!r} is not an https URL") from None
    return host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def usable_nonce(nonce: str | None) -> str:
    """The nonce if it is one (RFC 8555 section 6.5.1), else nothing."""
    import re

    return nonce if nonce and re.fullmatch(r"[A-Za-z0-9_-]{1,1000}", nonce) else ""


def seconds_until(retry_after: str, now: float) -> float:
    """Retry-After in seconds from now: a number or an HTTP date; 0 if it is neither."""
    from email.utils import parsedate_to_datetime

    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0


def in_words(document: Any) -> str:
    """A problem document as one sentence: type, detail, subproblems."""
    if not isinstance(document, dict):
        return "no reason given"
    kind = str(document.get("type", "unknown problem")).rpartition(":")[2]
    words = [f"{kind}: {str(document.get('detail', 'no detail')).strip().removesuffix('.')}"]
    for sub in dicts_of(document, "subproblems"):
        name = sub.get("identifier")
        name = name.get("value") if isinstance(name, dict) else None
        words.append(f"{name}: {in_words(sub)}" if name else in_words(sub))
    return "; ".join(words)[:1000]


def text_of(document: Any, field: str) -> str:
    """A field that must be a text."""
    value = document.get(field) if isinstance(document, dict) else None
    if not isinstance(value, str) or not value:
        raise Fatal(f"the CA's answer has no {field}")
    return value


def strings_of(document: dict[str, Any], field: str) -> list[str]:
    """A field that must be a list of texts."""
    value = document.get(field)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Fatal(f"the CA's answer has no list of {field}")
    return value


def dicts_of(document: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """The objects of a list, if there are any."""
    value = document.get(field)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


# Names, keys, requests, certificates


def normal(name: str) -> str:
    """A name as certificates spell it: an address, or lower case ASCII."""
    import ipaddress

    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(name))
    if name.isascii():
        return name.lower().removesuffix(".")
    import idna

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise Fatal(f"--domain {name}: {error}", USAGE) from error


def identifier(name: str) -> dict[str, str]:
    """A name as ACME spells it (RFC 8555 section 9.7.7, RFC 8738)."""
    import ipaddress

    with contextlib.suppress(ValueError):
        return {"type": "ip", "value": str(ipaddress.ip_address(name))}
    return {"type": "dns", "value": name}


def names_of(signed: x509.CertificateSigningRequest | x509.Certificate) -> list[str]:
    """The names of a request or certificate: subjectAltName, and the common name."""
    from cryptography import x509

    names = []
    with contextlib.suppress(x509.ExtensionNotFound):
        alternatives = signed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names += alternatives.get_values_for_type(x509.DNSName)
        names += [str(ip) for ip in alternatives.get_values_for_type(x509.IPAddress)]
    common = signed.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    if common and (not names or isinstance(signed, x509.CertificateSigningRequest)):
        names.append(str(common[0].value))
    return list(dict.fromkeys(normal(name) for name in names))


def load_or_make_key(options: argparse.Namespace, path: str, kind: str) -> PrivateKeyTypes:
    """The private key in a file, which is made if it is missing."""
    try:
        return load_key(path)
    except FileNotFoundError:
        with locked(os.path.dirname(path) or "."):
            if not os.path.exists(path):
                replace(path, pem_of_key(make_key(kind)), 0o600)
                inform(options, f"{path}: new {kind} key")
    return load_key(path)


def load_key(path: str) -> PrivateKeyTypes:
    """The private key in a PEM file."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return load_pem_private_key(read(path), None)
    except (ValueError, TypeError) as error:
        raise Fatal(f"{path}: not an unencrypted private key in PEM", USAGE) from error


def make_key(kind: str) -> PrivateKeyTypes:
    """A new private key."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key(ec.SECP256R1() if kind == "ec256" else ec.SECP384R1())


def pem_of_key(key: PrivateKeyTypes) -> bytes:
    """A private key in PKCS#8."""
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        encoding().PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def jwk_of(key: PrivateKeyTypes) -> tuple[JWK, JWASignature]:
    """A key as JOSE spells it, and the algorithm that signs with it."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from josepy.jwa import ES256, ES384, RS256
    from josepy.jwk import JWKEC, JWKRSA

    if isinstance(key, rsa.RSAPrivateKey):
        return JWKRSA(key=key), RS256
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in ("secp256r1", "secp384r1"):
        return JWKEC(key=key), ES256 if key.key_size == 256 else ES384
    raise Fatal("an account key must be RSA, P-256 or P-384", USAGE)


def certificate_request(options: argparse.Namespace) -> x509.CertificateSigningRequest:
    """The CSR in --csr, made anew where it is missing or not for these names and this key."""
    if not (options.domain and options.domain_key):
        return load_csr(options.csr)
    key = load_or_make_key(options, options.domain_key, options.key_type)
    names = list(dict.fromkeys(normal(name) for name in options.domain))
    if options.csr:
        with contextlib.suppress(FileNotFoundError):
            request = load_csr(options.csr)
            if set(names_of(request)) == set(names) and same(
                request.public_key(), key.public_key()
            ):
                return request
            inform(options, f"{options.csr}: not for these names and this key, replaced")
    request = make_csr(key, names)
    if options.csr:
        replace(options.csr, request.public_bytes(encoding().PEM), 0o644)
    return request


def load_csr(path: str) -> x509.CertificateSigningRequest:
    """The certificate signing request in a PEM file."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_csr(read(path))
    except ValueError as error:
        raise Fatal(f"{path}: not a certificate signing request in PEM", USAGE) from error


def make_csr(key: Any, names: list[str]) -> x509.CertificateSigningRequest:
    """A request for these names (RFC 8555 section 7.4)."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    alternatives: list[x509.GeneralName] = []
    for name in names:
        known = identifier(name)
        if known["type"] == "ip":
            alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
        else:
            alternatives.append(x509.DNSName(name))
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key, SHA256())


def parse_chain(pem: str | bytes) -> list[x509.Certificate]:
    """The certificates of a PEM text, the end-entity's first."""
    import re

    from cryptography import x509

    text = pem if isinstance(pem, bytes) else pem.encode()
    pattern = rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----"
    try:
        chain = [x509.load_pem_x509_certificate(one) for one in re.findall(pattern, text, re.S)]
    except ValueError as error:
        raise Fatal(f"not a certificate: {error}") from error
    if not chain:
        raise Fatal("holds no certificate")
    return chain


def pem_of(chain: list[x509.Certificate]) -> str:
    """A chain in PEM."""
    return "".join(one.public_bytes(encoding().PEM).decode() for one in chain)


def describe(certificate: x509.Certificate) -> dict[str, Any]:
    """What the decisions need to know of a certificate."""
    return {
        "names": names_of(certificate),
        "not_before": validity(certificate)[0],
        "not_after": validity(certificate)[1],
        "id": "",
    }


def misfit(chain: list[x509.Certificate], names: set[str], key: PublicKeyTypes) -> str:
    """What is wrong with a chain for these names and this key, "" if nothing is."""
    if not same(chain[0].public_key(), key):
        return "is for another key"
    if missing := names - set(names_of(chain[0])):
        return f"is not for {' '.join(sorted(missing))}"
    return ""


def verify_validity(chain: list[x509.Certificate]) -> None:
    """A new chain must be valid now, and each certificate issued by the next."""
    import itertools

    start, end = validity(chain[0])
    if not start <= time.time() < end:
        raise Fatal(f"the CA sent a certificate valid {moment(start)} to {moment(end)}, not now")
    for one, issuer in itertools.pairwise(chain):
        if one.issuer != issuer.subject:
            raise Fatal("the CA sent certificates that form no chain, they are not used")


def validity(certificate: x509.Certificate) -> tuple[float, float]:
    """From when to when, in seconds since 1970 (cryptography before 42 has no aware datetimes)."""
    from datetime import UTC

    if hasattr(certificate, "not_valid_after_utc"):
        start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    else:
        start = certificate.not_valid_before.replace(tzinfo=UTC)
        end = certificate.not_valid_after.replace(tzinfo=UTC)
    return start.timestamp(), end.timestamp()


def same(one: Any, other: Any) -> bool:
    """Whether two public keys are one."""
    from cryptography.hazmat.primitives.serialization import PublicFormat

    form = (encoding().DER, PublicFormat.SubjectPublicKeyInfo)
    return bool(one.public_bytes(*form) == other.public_bytes(*form))


def encoding() -> Any:
    """PEM and DER."""
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding


def b64(data: bytes) -> str:
    """Base64url without padding (RFC 8555 section 6.1)."""
    import base64

    return base64.urlsafe_b64encode(data).decode().rstrip("=")


# Files


def read(path: str) -> bytes:
    """The content of a file."""
    with open(path, "rb") as stream:
        return stream.read(ANSWER_LIMIT)


def replace(path: str, content: bytes, mode: int) -> None:
    """Write beside path, then rename: a reader sees the old or the new, also after a power cut."""
    beside = f"{path}.tmp"
    directory = os.path.dirname(path) or "."
    with contextlib.suppress(FileNotFoundError):
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            say("warning", f"{path}: is a symbolic link, replaced by a file")
        else:
            mode = stat.S_IMODE(status.st_mode)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(beside)
    try:
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(file, "wb") as stream:
            os.fchmod(file, mode)
            stream.write(content)
            stream.flush()
            os.fsync(file)
        os.rename(beside, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def require_writable(directory: str) -> None:
    """Find out before the CA is asked."""
    if not os.access(directory, os.W_OK | os.X_OK):
        why = "not writable" if os.path.isdir(directory) else "no such directory"
        raise Fatal(f"{directory}: {why}")


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """One at a time: hold the lock on a directory, or on a file that stays."""
    import fcntl

    flags = os.O_RDONLY if os.path.isdir(path) else os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    file = os.open(path, flags, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


# Words and options


def inform(options: argparse.Namespace, message: str) -> None:
    """Say it unless --quiet."""
    if not options.quiet:
        say("info", message)


def moment(when: float) -> str:
    """A moment as people write it, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(when))


def day(when: float) -> str:
    """A day, in UTC."""
    return moment(when)[:10]


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line and exit code 100."""

    def error(self, message: str) -> NoReturn:
        """Say it and end."""
        raise SystemExit(say("fatal", f"{message} (see --help)", USAGE))


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options, checked."""
    parser = Parser(prog="s6gen-acme", description="Keep a TLS certificate current by ACME.")
    add = parser.add_argument
    add("--out", default="", metavar="FILE", help="keep FILE current (else: chain to stdout)")
    add("--account-key", required=True, metavar="FILE", help="made if missing")
    add("--domain-key", default="", metavar="FILE", help="made if missing")
    add("--key-type", default="ec256", choices=("ec256", "ec384", "rsa2048", "rsa3072", "rsa4096"))
    add("--csr", default="", metavar="FILE", help="made if missing, with --domain and --domain-key")
    add("--domain", action="append", default=[], metavar="NAME", help="repeatable")
    add("--acme-dir", default="", metavar="DIR", help="served as /.well-known/acme-challenge/")
    add("--directory-url", default="letsencrypt", metavar="URL", help="or a CA's name")
    add("--ca", default="", metavar="URL", help="the same without /directory (deprecated)")
    add("--ca-bundle", default="", metavar="FILE", help="roots of the CA's own TLS certificate")
    add("--contact", action="extend", nargs="*", default=[], metavar="URL", help="mailto:…")
    add("--profile", default="", help="a kind of certificate that the CA offers")
    add("--timeout", type=float, default=600, metavar="SECONDS", help="for the whole run")
    add("--disable-check", action="store_true", help="do not fetch the answer before the CA does")
    add("--check-port", default="", metavar="PORT", help="where to fetch it")
    add("--quiet", action="store_true", help="only warnings and errors")
    add("--force", action="store_true", help="order now")
    add("--check", action="store_true", help="say what is due, and do nothing")
    add("--version", action="version", version=VERSION)
    options = parser.parse_args(arguments)
    options.directory_url = AUTHORITIES.get(options.directory_url, options.directory_url)
    if options.ca:
        options.directory_url = options.ca + "/directory"
    if not options.csr and not (options.domain and options.domain_key):
        parser.error("--csr is needed, or --domain and --domain-key")
    if options.check and not options.out:
        parser.error("--check needs --out")
    return options


if __name__ == "__main__":
    main()
