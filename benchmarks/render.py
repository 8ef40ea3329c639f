"""The time of a whole `s6gen render`, beside that of Python importing what it stands on.

Both are measured in turn, in one run; the medians and their ratio are printed.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 30
TOP = Path(__file__).parents[1]
BASE = [sys.executable, "-c", "import click, jinja2, attrs"]
RENDER = [sys.executable, "-c", "from s6gen.__main__ import main; main()", "render"]
SITE = ["--page", "example", "--domain", "example.org", "--output"]
"""As the command `s6gen` that an installer makes."""
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
"""An installed package is compiled; a checkout is by the first call."""


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, cwd=TOP, env=ENVIRONMENT
    )
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    times: dict[str, list[float]] = {"imports": [], "first": [], "again": []}
    with tempfile.TemporaryDirectory() as name:
        output = Path(name) / "sv"
        command = [*RENDER, *SITE, str(output)]
        seconds(command)
        for _ in range(ROUNDS):
            times["imports"].append(seconds(BASE))
            shutil.rmtree(output)
            times["first"].append(seconds(command))
            times["again"].append(seconds(command))
    base = statistics.median(times["imports"])
    print(f"{'':26}{'median':>9}{'ratio':>8}  ({ROUNDS} rounds)")
    for what, label in (
        ("imports", "import click, jinja2, attrs"),
        ("first", "s6gen render, all new"),
        ("again", "s6gen render, no change"),
    ):
        median = statistics.median(times[what])
        print(f"{label:27}{median * 1000:5.0f} ms{median / base:8.2f}")


if __name__ == "__main__":
    main()
