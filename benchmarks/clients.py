"""s6gen-acme beside its peers, in one run: wall time, CPU time, memory, requests, connections.

    python3 benchmarks/clients.py [--runs N] [--only CLIENT ...] [--python PROGRAM]

The CA is Pebble without artificial pauses and without reuse of authorisations, on bare loopback and
over a link with a round trip of 50 ms. Everything is a median; the runs of the clients alternate,
so that whatever else the machine does slows all of them. CPU is that of the process tree, memory
that of its largest process (not below the 8 MiB of the process that measures). Requests and
connections are counted by a proxy, in runs of their own.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from contestants import CONTESTANTS, Job, Task, bare, present, s6gen_acme
from support.authority import server_files
from support.pebble import Pebble, Settings, WebServer, challtestsrv, pebble, web_server
from support.proxy import Proxy, proxy

ROUND_TRIP = 50
LINK = Path(__file__).with_name("link.py")
METER = """
import json, os, resource, subprocess, sys, time
begin = time.perf_counter()
for command in json.loads(sys.argv[1]):
    with open(sys.argv[2], "ab") as log:
        subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=True)
wall, used = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""Runs the commands; a process of its own, for a child's peak memory counts from its parent's."""


@attrs.frozen
class Cost:
    """What a run took: seconds, seconds, MiB."""

    wall: float
    cpu: float
    memory: float


@attrs.frozen
class Place:
    """Where clients work: the CA as they see it, a web server, room for files."""

    directory: Path
    web: WebServer
    ca_file: Path
    url: str
    python: str

    def task(self, names: tuple[str, ...]) -> Task:
        """A task in a new directory."""
        return Task(
            directory=Path(tempfile.mkdtemp(dir=self.directory)),
            web_root=self.web.root,
            url=self.url,
            ca_file=self.ca_file,
            names=names,
            python=self.python,
        )


class Failed(Exception):  # noqa: N818
    """A client did not do its task; the message ends in its last line."""


def measure(job: Job, commands: tuple[tuple[str, ...], ...], directory: Path) -> Cost:
    """Run the commands one after the other."""
    log = directory / "benchmark.log"
    meter = [sys.executable, "-I", "-S", "-c", METER, json.dumps(commands), str(log)]
    env = {**os.environ, **job.env}
    ended = subprocess.run(
        meter, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    )
    if ended.returncode:
        raise Failed(log.read_text(errors="replace").strip().rpartition("\n")[2])
    return Cost(*json.loads(ended.stdout))


def both(place: Place, make: Callable[[Task], Job], name: str) -> tuple[Cost, Cost]:
    """A first issuance, then a forced renewal."""
    task = place.task((name,))
    job = make(task)
    try:
        first = measure(job, job.first, task.directory)
        return first, measure(job, (job.again,), task.directory)
    finally:
        shutil.rmtree(task.directory)


def count(
    place: Place, between: Proxy, make: Callable[[Task], Job], name: str
) -> list[tuple[int, int]]:
    """Requests and connections of a first issuance, and of a forced renewal."""
    task = attrs.evolve(place, url=between.directory_url, ca_file=between.ca_file).task(
        (name,)
    )
    job, found = make(task), []
    for commands in (job.first, (job.again,)):
        between.reset()
        measure(job, commands, task.directory)
        found.append((len(between.requests), between.connections))
    return found


def median(costs: list[Cost]) -> Cost:
    """Field by field."""
    return Cost(
        *(
            statistics.median(values)
            for values in zip(*map(attrs.astuple, costs), strict=True)
        )
    )


def compare(place: Place, between: Proxy, runs: int, names: list[str]) -> None:
    """Print a table for first issuances and one for renewals."""
    costs: dict[str, list[tuple[Cost, Cost]]] = {name: [] for name in names}
    for number in range(runs):
        for name in names:
            costs[name].append(
                both(place, CONTESTANTS[name], f"n{number}.{name}.example.org")
            )
    counts = {
        name: count(place, between, CONTESTANTS[name], f"{name}.example.org")
        for name in names
    }
    for which, title in enumerate(("first issuance", "forced renewal")):
        print(
            f"  {title:<16}{'wall':>9}{'CPU':>10}{'memory':>11}{'requests':>10}{'connections':>13}"
        )
        base = median([pair[which] for pair in costs[names[0]]])
        for name in names:
            cost = median([pair[which] for pair in costs[name]])
            requests, connections = counts[name][which]
            ratios = (
                f"wall x{cost.wall / base.wall:.2f}, CPU x{cost.cpu / base.cpu:.2f}"
            )
            print(
                f"  {name:<14}{cost.wall:>9.3f} s{cost.cpu:>8.3f} s{cost.memory:>7.1f} MiB"
                f"{requests:>10}{connections:>13}   {ratios}"
            )


def beside_bare(place: Place, runs: int) -> None:
    """Print the CPU ratio to the bare script."""
    used: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(runs):
        for name, make in (("ours", s6gen_acme), ("bare", bare)):
            task = place.task((f"b{number}.{name}.example.org",))
            job = make(task)
            used[name].append(measure(job, job.first, task.directory).cpu)
    ours, theirs = (statistics.median(used[name]) for name in ("ours", "bare"))
    print(
        f"  s6gen-acme {ours:.3f} s, the bare script {theirs:.3f} s of CPU: x{ours / theirs:.2f}"
    )


def hundred(place: Place, runs: int) -> None:
    """Print the time for a hundred names."""
    walls = []
    for number in range(runs):
        task = place.task(tuple(f"n{i}.r{number}.example.org" for i in range(100)))
        job = s6gen_acme(task)
        walls.append(measure(job, job.first, task.directory).wall)
    print(
        f"  s6gen-acme {statistics.median(walls):.2f} s of wall time (wanted: at most 3.1 s)"
    )


@contextlib.contextmanager
def slow_link(ca: Pebble) -> Iterator[str]:
    """The CA's directory, behind the link."""
    command = [sys.executable, str(LINK), str(ca.port), str(ROUND_TRIP)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as link:
        assert link.stdout
        try:
            yield f"https://localhost:{int(link.stdout.readline())}/dir"
        finally:
            link.kill()


def working(place: Place, wanted: list[str]) -> list[str]:
    """The clients that are here and do their task; of the others it is said why not."""
    names = []
    for name in wanted:
        make = CONTESTANTS[name]
        if not present(name):
            print(f"  {name}: not installed")
            continue
        try:
            both(place, make, "try.example.org")
        except Failed as failure:
            print(f"  {name}: does not work here: {failure}")
        else:
            names.append(name)
    return names


def main() -> None:
    """Start the CA and what it needs, and print all the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--python", default=sys.executable, help="runs s6gen-acme")
    parser.add_argument(
        "--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS)
    )
    told = parser.parse_args()
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dns = stack.enter_context(challtestsrv(directory / "dns"))
        web = stack.enter_context(web_server(directory / "web"))
        ca = stack.enter_context(pebble(directory / "ca", web.port, dns, Settings()))
        between = stack.enter_context(proxy(ca, server_files(directory / "proxy")))
        link = stack.enter_context(slow_link(ca))
        place = Place(directory, web, ca.ca_file, ca.directory_url, told.python)
        names = working(place, told.only)
        print(f"loopback, median of {told.runs}; ratios to {names[0]}")
        compare(place, between, told.runs, names)
        print(
            f"a round trip of {ROUND_TRIP} ms, median of {told.runs}; ratios to {names[0]}"
        )
        compare(attrs.evolve(place, url=link), between, told.runs, names)
        print("beside a bare script with the acme package, loopback, first issuance")
        beside_bare(place, told.runs)
        print("a hundred names, loopback, first issuance")
        hundred(place, told.runs)


if __name__ == "__main__":
    main()
