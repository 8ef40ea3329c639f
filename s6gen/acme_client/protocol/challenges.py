"""Challenge files (section 8.3) and TXT records (section 8.4): planned, and made.

They are noted in FILE.state before they are made: `removal` removes what is noted, also
what a killed run has left.
"""

# ruff: noqa: PTH123 (pathlib is slow to load)

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

from josepy import b64

from ..files import LIMIT
from ..messages import ENDING, USAGE, Fatal, Judged, TimeIsOver
from ..names import normal_name
from ..options import Options
from ..state.records import Challenge, Provisioned
from ..state.state_file import StateFile
from ..threads import in_thread
from .challenge_files import open_directory, refuse_taken, write_answer

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""base64url (section 8.1): a plain file name."""
RECORD = "_acme-challenge."
"""What the name of a TXT record begins with (section 8.4)."""
REMOVAL = 60.0
"""Seconds that a hook gets to remove a record; one that it adds may have to spread."""


class Challenges:
    """The challenges of one order, all of one kind: HTTP-01, or DNS-01 with a hook."""

    def __init__(self, options: Options, memory: StateFile, names: set[str]) -> None:
        """Nothing is made yet. Raises Fatal where it could not be."""
        self.options = options
        self.memory = memory
        self.count = len(names)
        self.names = {name.removeprefix("*.") for name in names}
        self.planned: list[Challenge] = []
        self.kind = "dns-01" if options.dns_hook else "http-01"
        self.location = options.dns_hook or options.acme_dir
        self.directory: int | None = None
        """The open --acme-dir."""
        if not self.location:
            raise Fatal("--acme-dir or --dns-hook is needed", USAGE)
        if self.kind == "http-01":
            if any(name.startswith("*.") for name in names):
                raise Fatal("a wildcard needs DNS-01: give --dns-hook", USAGE)
            self.directory = open_directory(self.location)

    def plan(self, url: str, name: str, token: str, thumbprint: str) -> None:
        """Add the challenge of one name.

        Name and token come from the CA, from an authorization at a URL: both are
        checked. Raises Fatal.
        """
        with contextlib.suppress(Fatal):  # what is no name was not asked for either
            name = normal_name(name)
        if name not in self.names:
            raise Fatal(f"{url}: is for a name that was not asked for: {name[:80]}")
        if not TOKEN.fullmatch(token):
            raise Fatal(f"{url}: a token outside of its alphabet: {token[:80]}")
        text = f"{token}.{thumbprint}"
        if self.kind == "dns-01":
            digest = hashlib.sha256(text.encode()).digest()
            record = f"{RECORD}{name}"
            challenge = Challenge(record, b64.b64encode(digest).decode(), name)
        else:
            challenge = Challenge(token, text, name)
        self.planned.append(challenge)

    def provision(self) -> None:
        """Make all that is planned. Raises Fatal.

        Only what was not there before is noted, to be removed.
        """
        if not self.planned:
            return
        note = Provisioned(self.kind, self.location, tuple(self.planned))
        kept = self.memory.state.provisioned
        in_place = kept.made if kept and kept.is_kept else ()
        missing = [made for made in self.planned if made not in in_place]
        if self.directory is not None:
            for made in missing:
                refuse_taken(self.directory, self.location, made.label, made.text)
        self.memory.state = replace(self.memory.state, provisioned=note)
        self.memory.save()
        for challenge in missing:
            if self.directory is None:
                call_hook(self.location, "add", challenge.label, challenge.text)
            else:
                self.provision_file(self.directory, challenge)

    def provision_file(self, directory: int, challenge: Challenge) -> None:
        """Write a challenge file, and see whether it is served if that is asked for."""
        try:
            write_answer(directory, challenge.label, challenge.text)
        except OSError as error:
            why = f"unable to write an answer: {error.strerror}"
            raise Fatal(f"{self.location}: {why}") from error
        if self.options.fetches_challenge:
            fetch_challenge(self.options, challenge)


def try_hook(program: str) -> None:
    """Raise Fatal for a program that could not be started."""
    path = shutil.which(program)
    if path is None:
        raise Fatal(f"{program}: no program that can be executed")
    with open(path, "rb") as stream:
        first = stream.readline(1000)
    if not first.startswith(b"#!"):
        return
    words = first[2:].split()
    interpreter = os.fsdecode(words[0]) if words else ""
    if not os.access(interpreter, os.X_OK):
        missing = f"its interpreter {interpreter}: No such file or directory"
        raise Fatal(f"{program}: {missing}")


def fetch_challenge(options: Options, challenge: Challenge) -> None:
    """Fetch a challenge file as the CA will (acme-tiny's self-check). Raises Fatal.

    After a redirect to https Let's Encrypt does not verify the certificate, nor is it
    verified here.
    """
    host = challenge.name
    if ":" in host:
        host = f"[{host}]"
    if options.check_port:
        host += f":{options.check_port}"
    url = f"http://{host}/.well-known/acme-challenge/{challenge.label}"
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def fetch() -> bytes:
        with urllib.request.urlopen(url, timeout=10, context=context) as response:
            return bytes(response.read(LIMIT).strip())

    try:
        content = in_thread(fetch)
    except (OSError, http.client.HTTPException, ValueError) as error:
        message = f"{url}: unable to fetch the answer: {error} (--disable-check)"
        raise Judged(message) from error
    if content != challenge.text.encode():
        directory = options.acme_dir
        what = f"serves something else than {directory} (--disable-check)"
        raise Judged(f"{url}: {what}")


def call_hook(program: str, verb: str, record: str, value: str) -> None:
    """Let the user's program add or remove a TXT record: PROGRAM VERB RECORD VALUE.

    Its output goes to stderr. Raises Judged if it fails, TimeIsOver if it hangs.
    """
    limit = REMOVAL if verb == "remove" else None
    try:
        code = run_program([program, verb, record, value], limit)
    except subprocess.TimeoutExpired as error:
        raise TimeIsOver(f"{program} hangs") from error
    except OSError as error:
        raise Judged(f"{program}: {error.strerror}") from error
    if code:
        raise Judged(f"{program} {verb} {record}: failed with exit code {code}")


def run_program(command: list[str], limit: float | None = None) -> int:
    """Run a program, and return its exit code; kill it if this run ends before.

    Also after a limit of seconds: then it raises subprocess.TimeoutExpired.
    """
    process = None
    try:
        with signals_held_back():
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=sys.stderr
            )
        return process.wait(limit)
    except BaseException:
        if process:
            process.kill()
            process.wait()
        raise


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Hold back the signals that end this run; afterwards they are handled.

    Until Popen returns, the program that it started is not known and cannot be killed.
    The signals are not blocked, because a program inherits blocked signals.
    """
    handlers = {
        number: signal.getsignal(number) for number in (signal.SIGALRM, *ENDING)
    }
    held: list[int] = []

    def hold(number: int, _: object) -> None:
        held.append(number)

    # SIGALRM first here and last below: one that comes in between leaves nothing held
    # back. The handler of the others sets all handlers itself.
    for number in handlers:
        signal.signal(number, hold)
    try:
        yield
    finally:
        for number, handler in reversed(handlers.items()):
            signal.signal(number, handler)
        for held_back in held:
            signal.raise_signal(held_back)
