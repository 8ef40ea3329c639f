"""The cost of an hourly run that finds nothing due, beside `python3 -I -c pass`.

    python3 benchmarks/hourly_run.py [PYTHON]

Both are run in turn, so that whatever else the machine does slows both. What counts is
CPU time, of user and system together: at most 1.1 of the bare interpreter is wanted.
The client is copied first, as it lies in a rendered service.
"""

import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).parents[1]
sys.path.insert(0, str(TOP))

from s6gen.acme_client.__main__ import fingerprint  # noqa: E402 (found by the line above)
from s6gen.acme_client.state.state_file import StateFile  # noqa: E402

ROUNDS = 100


def main() -> None:
    """Print both costs and their ratio."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        commands = {
            "hourly run, nothing due": hourly_run(python, directory),
            "python3 -I -c pass": [python, "-I", "-c", "pass"],
        }
        costs: dict[str, list[float]] = {title: [] for title in commands}
        for _ in range(ROUNDS):
            for title, command in commands.items():
                costs[title].append(cpu_of(command, directory))
        if left := [path.name for path in directory.rglob("__pycache__")]:
            raise SystemExit(f"left behind: {left}")
    medians = {title: statistics.median(values) for title, values in costs.items()}
    for title, seconds in medians.items():
        print(f"{title:<26}{seconds * 1000:7.2f} ms of CPU")
    ours, bare = medians.values()
    print(f"{'ratio':<26}{ours / bare:7.2f}    (wanted: at most 1.1)")


def hourly_run(python: str, directory: Path) -> list[str]:
    """The command of a rendered service, where nothing is due for an hour."""
    package = TOP / "s6gen/acme_client"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, directory / "data/acme_client", ignore=ignore)
    files = {
        "out": "signed_chain.crt",
        "account-key": "account.key",
        "domain-key": "domain.key",
    }
    for name in files.values():
        (directory / name).write_text("x" * 4000)
    arguments = [f"--{option}={directory / name}" for option, name in files.items()]
    arguments += ["--domain=example.org", "--domain=www.example.org"]
    arguments += [f"--acme-dir={directory}"]
    now = time.time()
    state = StateFile(str(directory / files["out"]), lambda: fingerprint(arguments))
    state.save(now, now + 3600)
    return [python, "-I", "./data/acme_client/__main__.py", *arguments]


def cpu_of(command: list[str], directory: Path) -> float:
    """Seconds of CPU time, of user and system."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, cwd=directory)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user = after.ru_utime - before.ru_utime
    return user + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
