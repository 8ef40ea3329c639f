"""--serves: look at what a server serves, until it is the new certificate.

A server may need some seconds until it serves what it was told, and meanwhile old
processes may answer beside new ones. So it is asked until all of its addresses have
shown the new certificate three times in a row, or until --timeout is over. Where the
address is a --guess, nobody there, or somebody else, is soon believed.
"""

from __future__ import annotations

import socket
import ssl
import sys
import time
from dataclasses import dataclass

from ..messages import NO, OK, USAGE, Fatal, inform, reason
from ..names import address_of
from ..options import Options
from .address import Address, Place, parse_address, places_of, server_name
from .connection import Connection, Unanswered
from .handshake import Shown, shake_hands
from .starttls import PROTOCOLS
from .verdict import Answer, Round, verdict

TIMES = 3
PAUSE = 0.2
"""Seconds between two rounds: a server that restarts is not to be kept busy."""
TO_APPEAR = 3.0
"""Seconds in which somebody has to show a certificate of ours at a guessed address."""
ENOUGH = 1.0
"""Seconds that a server has to have for its answer to be called late."""
LONGEST_CHAIN = 1_000_000
PEM_BEGIN, PEM_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Question:
    """Whom to ask, and how: the protocol ("": TLS from the start), and the name."""

    address: Address
    starttls: str
    name: str
    """The name or IP address that the certificate is to be for."""
    is_guess: bool = False
    """Whether nobody knows that a server of the certificate is there."""

    @property
    def indication(self) -> str:
        """The name for SNI, which takes no addresses (RFC 6066 section 3), or ""."""
        return "" if address_of(self.name) else self.name


def print_served(options: Options) -> int:
    """Return OK if the certificate of standard input is served. Raises Fatal."""
    deadline = time.monotonic() + options.timeout
    address = parse_address(options.serves)
    name = address.host
    if options.server_name:
        name = server_name(options.server_name, "--server-name")
    new = new_leaf(read_input())
    question = Question(address, options.starttls, name, options.guess)
    rounds = watch(question, new, deadline)
    if is_served(rounds, new):
        inform(options.quiet, f"{address}: serves the new certificate")
        return OK
    code, text = verdict(rounds, new, name)
    raise Fatal(f"{address}: {text}", code)


def read_input() -> bytes:
    """Standard input, a million bytes at most."""
    if not sys.stdin:
        return b""
    try:
        with open(sys.stdin.fileno(), "rb", closefd=False) as stream:
            return stream.read(LONGEST_CHAIN)
    except OSError as error:
        raise Fatal(f"standard input: {reason(error)}", USAGE) from error


def new_leaf(pem: bytes) -> bytes:
    """The first certificate of a PEM text, in DER. Raises Fatal."""
    text = pem.decode("latin-1")
    begin = text.find(PEM_BEGIN)
    end = text.find(PEM_END, begin)
    if begin < 0 or end < 0:
        raise Fatal("standard input: no certificate in it: give the chain", USAGE)
    try:
        leaf = ssl.PEM_cert_to_DER_cert(text[begin : end + len(PEM_END)])
    except ValueError as error:
        raise Fatal(f"standard input: not a certificate: {error}", USAGE) from error
    return leaf


def watch(question: Question, new: bytes, deadline: float) -> list[Round]:
    """Ask until the new certificate is served, or the deadline. At least one round."""
    rounds: list[Round] = []
    to_appear = time.monotonic() + TO_APPEAR
    while True:
        begin = time.monotonic()
        answers = ask_all(question, deadline)
        if rounds and deadline - begin < ENOUGH and any(a.is_late for a in answers):
            return rounds  # it had no time to answer
        rounds.append(answers)
        if is_served(rounds, new) or time.monotonic() + PAUSE >= deadline:
            return rounds
        if question.is_guess and time.monotonic() > to_appear:
            if verdict(rounds, new, question.name)[0] != NO:
                return rounds
        time.sleep(PAUSE)


def is_served(rounds: list[Round], new: bytes) -> bool:
    """Tell whether all have shown the new certificate in each of the last rounds."""
    last = rounds[-TIMES:]
    answers = [answer for one in last for answer in one]
    return len(last) == TIMES and all(answer.is_good(new) for answer in answers)


def ask_all(question: Question, deadline: float) -> Round:
    """What each of the host's addresses answers.

    One that takes no connection does not count where another one does. Each has its
    share of the time that is left: one that hangs leaves some to the others.
    """
    try:
        places = places_of(question.address, deadline - time.monotonic())
    except Unanswered as error:
        return (Answer(fault=str(error), is_late=error.is_late),)
    answers = []
    for number, place in enumerate(places):
        now = time.monotonic()
        share = (deadline - now) / (len(places) - number)
        answers.append(ask(question, place, now + share))
    connected = [answer for answer in answers if answer.is_connected]
    return tuple(connected or answers)


def ask(question: Question, place: Place, deadline: float) -> Answer:
    """What one address answers."""
    family, address = place
    where = str(address[0])
    if where == question.address.host:
        where = ""
    with socket.socket(family, socket.SOCK_STREAM) as connected:
        server = Connection(connected, deadline)
        try:
            server.set_time_left()
            connected.connect(address)
        except TimeoutError:
            return Answer(where, fault="accepts no connection in time", is_late=True)
        except OSError as error:
            return Answer(where, fault=reason(error).lower())
        try:
            shown = converse(question, server)
        except Unanswered as error:
            return Answer(where, True, None, str(error), error.is_late)
        return Answer(where, True, shown, shown.fault)


def converse(question: Question, server: Connection) -> Shown:
    """Say what comes before TLS, then make a handshake. Raises Unanswered."""
    if question.starttls:
        try:
            PROTOCOLS[question.starttls](server, question.name)
        except Unanswered as error:
            words = f"{question.starttls}: {error}"
            raise Unanswered(words, error.is_late) from error
        server.rest = b""
    return shake_hands(server, question.indication)
