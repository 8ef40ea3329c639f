"""What the hourly look costs that finds nothing due: its ratio to `python3 -I -c pass`.

Both are run in turn, so that whatever else the machine does slows both. At most 3 is wanted.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from s6gen import acme_client

ROUNDS = 60


def main() -> None:
    """Print both times and their ratio."""
    with tempfile.TemporaryDirectory() as directory:
        look = settled(Path(directory))
        bare = [sys.executable, "-I", "-c", "pass"]
        seconds: dict[str, list[float]] = {"look": [], "bare": []}
        for _ in range(ROUNDS):
            seconds["look"].append(timed(look))
            seconds["bare"].append(timed(bare))
    look_ms, bare_ms = (
        statistics.median(seconds[name]) * 1000 for name in ("look", "bare")
    )
    print(f"a look that finds nothing due  {look_ms:6.1f} ms")
    print(f"python3 -I -c pass             {bare_ms:6.1f} ms")
    print(
        f"ratio                          {look_ms / bare_ms:6.2f}    (wanted: at most 3)"
    )


def settled(directory: Path) -> list[str]:
    """The command of a rendered service, where nothing is due for an hour."""
    files = {
        "out": "signed_chain.crt",
        "account-key": "account.key",
        "domain-key": "domain.key",
    }
    for name in files.values():
        (directory / name).write_text("x" * 4000)
    arguments = [f"--{option}={directory / name}" for option, name in files.items()]
    arguments += [
        "--domain=example.org",
        "--domain=www.example.org",
        f"--acme-dir={directory}",
    ]
    sys.argv[1:] = arguments
    acme_client.import_standard()
    now = time.time()
    state = acme_client.State(str(directory / files["out"]))
    state.save(now, now + 3600)
    return [sys.executable, "-I", acme_client.__file__, *arguments]


def timed(command: list[str]) -> float:
    """Seconds of wall time."""
    begin = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
