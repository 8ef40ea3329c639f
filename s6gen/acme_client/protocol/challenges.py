"""Challenge files (section 8.3) and TXT records (section 8.4): made, and removed.

They are noted in FILE.state before they are made: the next run removes what a killed
one has left.
"""

# A challenge file is made in an open directory:
# ruff: noqa: PTH118, PTH123

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

from ..certificates import normal_name
from ..files import LIMIT, remove_file
from ..messages import ENDING, USAGE, Fatal, Judged, TimeIsOver, reason, say
from ..options import Options
from ..state.records import Challenge, Provisioned
from ..state.state_file import StateFile

TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""base64url (section 8.1): a plain file name."""
RECORD = re.compile(r"_acme-challenge\.[A-Za-z0-9._-]{1,300}")
"""The name of a TXT record (section 8.4)."""
MOST_TRIES = 1
"""The number of further runs that try to remove what could not be removed."""
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
        if not self.location:
            raise Fatal("--acme-dir or --dns-hook is needed", USAGE)
        if self.kind == "http-01":
            if any(name.startswith("*.") for name in names):
                raise Fatal("a wildcard needs DNS-01: give --dns-hook", USAGE)
            self.directory = open_writable(self.location)

    def plan(self, url: str, name: str, token: str, thumbprint: str) -> None:
        """Add the challenge of one name.

        Name and token come from the CA, from an authorization at a URL: both are
        checked. Raises Fatal.
        """
        name = normal_name(name)
        if name not in self.names:
            raise Fatal(f"{url}: is for a name that was not asked for: {name[:80]}")
        if not TOKEN.fullmatch(token):
            raise Fatal(f"{url}: a token outside of its alphabet: {token[:80]}")
        text = f"{token}.{thumbprint}"
        if self.kind == "dns-01":
            digest = hashlib.sha256(text.encode()).digest()
            record = f"_acme-challenge.{name}"
            challenge = Challenge(record, b64.b64encode(digest).decode(), name)
        else:
            challenge = Challenge(token, text, name)
        self.planned.append(challenge)

    def provision(self) -> None:
        """Make all that is planned."""
        if not self.planned:
            return
        note = Provisioned(self.kind, self.location, tuple(self.planned))
        kept = self.memory.state.provisioned
        in_place = kept.made if kept and kept.is_kept else ()
        self.memory.state = replace(self.memory.state, provisioned=note)
        self.memory.save()
        for challenge in self.planned:
            if challenge in in_place:
                continue
            if self.kind == "dns-01":
                call_hook(self.location, "add", challenge.label, challenge.text)
            else:
                self.provision_file(challenge)

    def provision_file(self, challenge: Challenge) -> None:
        """Write a challenge file, and see whether it is served if that is asked for."""
        try:
            write_challenge(self.directory, challenge.label, challenge.text)
        except OSError as error:
            why = f"unable to write an answer: {error.strerror}"
            raise Fatal(f"{self.location}: {why}") from error
        if self.options.fetches_challenge:
            fetch_challenge(self.options, challenge)


def open_writable(path: str) -> int:
    """An open directory in which files can be made. Raises Fatal or OSError."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=directory):
        raise Fatal(f"{path}: not writable")
    return directory


def remove_challenges(options: Options, memory: StateFile) -> None:
    """Remove what is noted as made, by this run or a killed one.

    What cannot be removed is a warning, and stays noted for the next runs. The rest of
    the note goes at the next save. FILE.state may belong to somebody else than who runs
    this: no other program is started than that of --dns-hook, and no other file is
    removed than an answer in --acme-dir.
    """
    note = memory.state.provisioned
    if note is None:
        return
    if not is_ours(note, options):
        say("warning", f"answers may be left: {note.location} is not in the options")
        memory.state = replace(memory.state, provisioned=None)
        return
    left = []
    is_hanging = False
    for challenge in note.made:
        if is_hanging:
            left.append(challenge)
            continue
        try:
            remove_challenge(note, challenge)
        except (OSError, Fatal, TimeIsOver) as error:
            why = reason(error)
            say("warning", f"unable to remove the answer {challenge.label}: {why}")
            left.append(challenge)
            is_hanging = isinstance(error, TimeIsOver)
    rest = None
    if left and note.tries < MOST_TRIES:
        rest = Provisioned(note.kind, note.location, tuple(left), note.tries + 1)
    memory.state = replace(memory.state, provisioned=rest)


def keep_challenges(memory: StateFile) -> None:
    """Leave all in place, because the CA is still validating; the next run knows."""
    note = memory.state.provisioned
    if note:
        kept = replace(note, is_kept=True)
        memory.state = replace(memory.state, provisioned=kept)


def is_ours(note: Provisioned, options: Options) -> bool:
    """Tell whether a note is about what a run with these options may have made."""
    if note.kind == "dns-01":
        given, label = options.dns_hook, RECORD
    else:
        given, label = options.acme_dir, TOKEN
    for made in note.made:
        if not label.fullmatch(made.label) or not made.text.isprintable():
            return False
    return note.location == given


def remove_challenge(note: Provisioned, challenge: Challenge) -> None:
    """Remove a challenge file, or let the hook remove a record; raises an error."""
    if note.kind == "dns-01":
        call_hook(note.location, "remove", challenge.label, challenge.text)
    else:
        remove_file(os.path.join(note.location, challenge.label))


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


def write_challenge(directory: int, token: str, text: str) -> None:
    """Write a file that the web server can read, whatever the umask.

    An old one goes first; a link in its place is not followed.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(token, dir_fd=directory)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(token, flags, 0o644, dir_fd=directory), "wb") as stream:
        os.fchmod(stream.fileno(), 0o644)
        stream.write(text.encode())


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
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as response:
            content = response.read(LIMIT).strip()
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
