"""Weeks of the client's life in seconds: each look is a fork of one process, on a virtual clock.

    python -m support.simulation TITLE DIRECTORY TROUBLE EVERY

prints what the CA has counted in one of `support.scenarios`, as JSON. Trouble lasts for so many seconds,
and so many are between two looks. The process that forks has one thread only; the CA is a fork of its own.
"""

import contextlib
import gc
import importlib
import json
import multiprocessing
import os
import pkgutil
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import s6gen.acme_client
from s6gen.acme_client import command
from s6gen.acme_client.__main__ import (
    TEMPORARY,
    VERSION,
    fingerprint,
    last_run_holds,
)
from s6gen.acme_client.certificates import validity
from support.acme_wire import listen, serve
from support.authority import server_files
from support.client import spki
from support.command import PACKAGE
from support.counting_ca import CountingCA
from support.scenarios import SCENARIOS, Machine, Scenario
from support.tally import Count, Seen, count
from support.virtual_clock import BEGIN, NEVER, MachineTime, SharedClock

TESTS = Path(__file__).parents[1]


def simulated(title: str, directory: Path, trouble: float, every: float) -> Count:
    """Run a scenario in a process of its own; mounts in it end with it."""
    command = [sys.executable, "-m", "support.simulation", title, str(directory)]
    command += [str(trouble), str(every)]
    if SCENARIOS[title].mounts:
        command = ["unshare", "--mount", *command]
    path = os.pathsep.join((str(PACKAGE.parent), str(TESTS)))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command,
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return Count(**json.loads(done.stdout))


def main() -> None:
    """Run one scenario, and print what was counted."""
    title, directory, trouble, every = sys.argv[1:]
    import_all()
    scenario, machine = SCENARIOS[title], Machine(Path(directory).resolve())
    machine.home.mkdir()
    machine.challenges.mkdir()
    scenario.begin(machine)
    looks = scenario.looks or scenario.looks_in_trouble(float(trouble), float(every))
    clock, notes = SharedClock(float(trouble)), machine.directory / "notes"
    with counting_ca(scenario, machine, clock, notes) as ca_options:
        life = Life(
            scenario=scenario, machine=machine, clock=clock, ca_options=ca_options
        )
        life.live(looks)
    noted = [json.loads(line) for line in notes.read_text().splitlines()]
    print(json.dumps(attrs.asdict(count(noted, life.seen))))


def import_all() -> None:
    """Import the client whole: no run has to."""
    package = s6gen.acme_client
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # what a fork does not touch is not copied


@contextlib.contextmanager
def counting_ca(
    scenario: Scenario, machine: Machine, clock: SharedClock, notes: Path
) -> Iterator[list[str]]:
    """The CA, in a process of its own; yields the client's options for it."""
    files = server_files(machine.directory / "ca")
    server = listen(files)
    url = f"https://localhost:{server.server_address[1]}"

    def be_ca() -> None:
        ca = CountingCA(clock, scenario.ca, machine.challenges, notes, url)
        serve(server, clock, ca.answer)

    process = multiprocessing.get_context("fork").Process(target=be_ca, daemon=True)
    process.start()
    server.socket.close()
    try:
        yield ["--directory-url", f"{url}/directory", "--ca-bundle", str(files.root)]
    finally:
        process.kill()
        process.join()


@attrs.frozen(kw_only=True)
class Life:
    """A machine's life with a client and a CA."""

    scenario: Scenario
    machine: Machine
    clock: SharedClock
    ca_options: list[str]
    seen: Seen = attrs.field(factory=Seen)
    dice: random.Random = attrs.field(factory=lambda: random.Random(0))

    def live(self, looks: tuple[float, ...]) -> None:
        """Look at each of the moments: in trouble, and then without."""
        scenario = self.scenario
        for number, moment in enumerate(looks):
            # No machine looks at the very second; and a run may take longer than an hour.
            at = BEGIN + moment + self.dice.random()
            self.clock.advance(max(0.0, at - self.clock.now))
            if scenario is self.scenario and self.clock.now >= self.clock.trouble_ends:
                scenario.end(self.machine)
                scenario = scenario.calmed()
            self.see(number)
            scenario.before(self.machine, number)
            self.look(scenario, number)

    def see(self, number: int) -> None:
        """Note what is there before a look."""
        self.seen.looks += 1
        self.seen.last = self.clock.now
        if number and not has_good_chain(self.machine, self.clock.now):
            self.seen.without.append(self.clock.now)

    def look(self, scenario: Scenario, number: int) -> None:
        """Start the client: the line that it reads first is read here."""
        names = scenario.names[number % len(scenario.names)]
        arguments = self.machine.options(names)
        arguments += [*self.ca_options, *scenario.options]
        if last_run_holds(arguments, self.clock.now + scenario.ahead):
            return
        self.seen.runs += 1
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            self.clock.end_run()
        else:
            self.run(scenario, number, arguments)

    def run(self, scenario: Scenario, number: int, arguments: list[str]) -> None:
        """Be a run of the client, until it ends or gets its signal."""
        code = TEMPORARY
        try:
            with (self.machine.directory / "log").open("a") as log:
                os.dup2(log.fileno(), 2)
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            MachineTime(self.clock, scenario.ahead).install(number)
            if scenario.signal:
                left = random.random() * scenario.longest
                self.clock.begin_run(self.clock.now + left, scenario.signal)
            else:
                self.clock.begin_run(NEVER, 0)
            scenario.fault(self.machine)
            code = command.run(arguments, VERSION, fingerprint)
        finally:
            os._exit(code)


def has_good_chain(machine: Machine, now: float) -> bool:
    """Tell whether a server could work with the chain and the key."""
    try:
        chain = x509.load_pem_x509_certificate(machine.chain.read_bytes())
        key = load_pem_private_key(machine.key.read_bytes(), None)
    except (OSError, ValueError):
        return False
    _, end = validity(chain)
    return now < end and spki(chain.public_key()) == spki(key.public_key())


if __name__ == "__main__":
    main()
