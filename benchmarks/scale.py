"""What many certificates cost: CPU time for each, beyond what a single one costs.

    python benchmarks/scale.py [COUNT...]        (default: 1 100 1000 10000)

Every figure is that of a whole process, children included: `s6gen render` of a new tree, again
without a change, and `s6gen render --check`. The last column is the growth from the row above,
against the growth of the count: 1 is linear.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

TOP = Path(__file__).parent.parent
COMMAND = [sys.executable, "-c", "from s6gen.__main__ import main; main()", "render"]
COUNTS = (1, 100, 1000, 10000)
CERTIFICATE = """
[[certificate]]
page = "site{0}"
domain = ["site{0}.example.org", "www.site{0}.example.org"]
contact = "hostmaster@example.org"
"""
ROUNDS = 3


def cpu(directory: Path, *arguments: str) -> float:
    """User and system time of one run, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(TOP)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measured(count: int, scratch: Path) -> dict[str, float]:
    """The least time of several rounds for each kind of run.

    What was rendered stays until the end: ext4 avoids the inodes of files that have just been
    deleted, and looking for others costs more than all the rest.
    """
    found: dict[str, float] = {}
    for turn in range(ROUNDS if count <= 1000 else 1):
        top = scratch / f"{count}-{turn}"
        top.mkdir(exist_ok=True)
        text = "".join(CERTIFICATE.format(number) for number in range(count))
        (top / "s6gen.toml").write_text(text)
        for what, arguments in (("new", []), ("again", []), ("check", ["--check"])):
            found[what] = min(cpu(top, *arguments), found.get(what, 1e9))
    return found


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        show([int(one) for one in sys.argv[1:]] or COUNTS, Path(name))


def show(counts: Sequence[int], scratch: Path) -> None:
    """Measure and print."""
    single = measured(1, scratch)
    print(f"{'':8}{'count':>7}{'CPU':>9}{'each, beyond one':>20}{'growth':>9}")
    before: dict[str, tuple[int, float]] = {}
    for count in counts:
        for what, seconds in measured(count, scratch).items():
            extra = seconds - single[what]
            each = f"{1000 * extra / (count - 1):.2f} ms" if count > 1 else ""
            growth = ""
            if what in before and before[what][0] > 1:
                last, least = before[what]
                growth = f"{(extra / least) / ((count - 1) / (last - 1)):.2f}"
            before[what] = (count, extra)
            print(f"{what:8}{count:7}{seconds:7.2f} s{each:>20}{growth:>9}")


if __name__ == "__main__":
    main()
