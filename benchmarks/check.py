"""The time of a whole `s6gen check`, beside that of s6-rc-compile if it is on PATH.

All sizes are measured in turn, in one run; medians, ratios and the memory used are printed.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROUNDS = 7
TOP = Path(__file__).parents[1]
CHECK = [sys.executable, "-c", "from s6gen.__main__ import main; main()", "check"]
"""As the command `s6gen` that an installer makes."""
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT["PYTHONPATH"] = str(TOP)


class Tree(NamedTuple):
    """A source to measure with."""

    label: str
    path: Path
    enough: bool
    """Whether the real one has stack for it."""


def pipelines(root: Path, count: int) -> Path:
    """Longruns with loggers, each depending on the one before: count services."""
    for number in range(count // 2):
        name = f"svc-{number}"
        write(
            root / name,
            type="longrun\n",
            run="#!/bin/execlineb -P\nfdmove -c 2 1\ns6-setuidgid www\nserver -f\n",
            producer_for=f"{name}-log\n",
            dependencies=f"svc-{number - 1}\n" if number else "",
        )
        write(
            root / f"{name}-log",
            type="longrun\n",
            run=f"#!/bin/execlineb -P\ns6-setuidgid log\ns6-log -d3 t /var/log/{name}\n",
            consumer_for=f"{name}\n",
            notification_fd="3\n",
            pipeline_name=f"{name}-pipeline\n",
        )
    return root


def chain(root: Path, count: int) -> Path:
    """Oneshots that do nothing, each depending on the one before: the least work per service."""
    for number in range(count):
        below = f"s{number - 1}\n" if number else ""
        write(root / f"s{number}", type="oneshot\n", up="", dependencies=below)
    return root


def bundle(root: Path, count: int) -> Path:
    """The same without dependencies, and a bundle of them all."""
    for number in range(count):
        write(root / f"s{number}", type="oneshot\n", up="")
    names = "".join(f"s{number}\n" for number in range(count))
    write(root / "all", type="bundle\n", contents=names)
    return root


def write(path: Path, **files: str) -> None:
    """A service definition directory; underscores in names stand for dashes."""
    path.mkdir(parents=True)
    for name, content in files.items():
        (path / name.replace("_", "-")).write_text(content)


def trees(top: Path) -> Iterator[Tree]:
    """What is measured."""
    for count in (1000, 5000):
        yield Tree(f"{count} in pipelines", pipelines(top / f"p{count}", count), True)
        yield Tree(f"{count} in a chain", chain(top / f"c{count}", count), True)
    yield Tree("10000 in a chain", chain(top / "c10000", 10000), False)
    yield Tree("10000 in a bundle", bundle(top / "b10000", 10000), False)


def seconds(command: list[str]) -> tuple[float, int]:
    """Wall time of one process, and the most memory it had, in KiB."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} exited {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss


def main() -> None:
    """Measure and print."""
    real = shutil.which("s6-rc-compile")
    print(
        f"{'services':22}{'s6gen check':>14}{'memory':>10}{'s6-rc-compile':>16}{'ratio':>8}"
    )
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        for tree in trees(top):
            seconds([*CHECK, str(tree.path)])
            ours, theirs, memory = [], [], 0
            for _ in range(ROUNDS):
                spent, memory = seconds([*CHECK, str(tree.path)])
                ours.append(spent)
                if real and tree.enough:
                    theirs.append(seconds([real, str(top / "out"), str(tree.path)])[0])
                    shutil.rmtree(top / "out")
            median = statistics.median(ours)
            line = f"{tree.label:22}{median * 1000:11.0f} ms{memory / 1024:6.0f} MiB"
            if theirs:
                base = statistics.median(theirs)
                line += f"{base * 1000:13.0f} ms{median / base:8.2f}"
            print(line)
    if not real:
        print("s6-rc-compile is not on PATH: nothing to compare with")


if __name__ == "__main__":
    main()
