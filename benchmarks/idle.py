"""What is held between two looks: PSS of the service beside an ACME daemon in Python, and cron.

PSS counts a page that n processes share as 1/n page (proc(5): smaps_rollup). All run side by side.
Needs root, s6, snooze; rows of programs that are not installed are left out.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support.supervision import argv, under_s6

from s6gen.renew_lets_encrypt import RenewLetsEncrypt

DAEMON = "import acme.client, acme.messages, cryptography.x509, time; time.sleep(600)"


def main() -> None:
    """Print one row for each process, and the sums."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="s6gen-")))
        scratch.chmod(0o755)
        machine = stack.enter_context(under_s6(parameters(scratch), scratch))
        machine.until(machine.is_waiting, "snooze")
        python = stack.enter_context(running("/usr/bin/python3", "-I", "-c", DAEMON))
        cron = stack.enter_context(running("cron", "-f")) if shutil.which("cron") else None
        time.sleep(3)
        rows = [(name, pss(process)) for name, process in ours(scratch)]
        for name, kib in rows:
            print(f"  {name:<40} {kib:6} KiB")
        total = sum(kib for _, kib in rows)
        print(f"{'s6gen, between two looks':<42} {total:6} KiB    1.0")
        compare("python3 with acme, waiting", python, total)
        if cron:
            compare("cron alone, its certbot not running", cron, total)


def parameters(scratch: Path) -> RenewLetsEncrypt:
    """A service that waits for the first of the month."""
    return RenewLetsEncrypt(
        page="www",
        domains=["example.org"],
        web_root=str(scratch / "www"),
        certificate_dir=str(scratch / "keys"),
        log_dir=str(scratch / "log"),
        user="daemon",
        log_user="bin",
        client="true",
        raw_snooze=f"-d 1 -t {scratch}/keys/none",
        execlineb=str(shutil.which("execlineb")),
    )


def ours(scratch: Path) -> Iterator[tuple[str, Path]]:
    """The processes of the service and its logger; s6-svscan is there anyway."""
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError):
            inside = str((process / "cwd").readlink()).startswith(f"{scratch}/scan/")
            if inside:
                yield " ".join(argv(process))[:40].strip(), process


def pss(process: Path) -> int:
    """Proportional set size in KiB."""
    for line in (process / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise ValueError(process)


@contextlib.contextmanager
def running(*command: str) -> Iterator[Path]:
    """A process, by its directory in /proc."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield Path(f"/proc/{process.pid}")
    finally:
        process.terminate()
        process.wait()


def compare(name: str, process: Path, total: int) -> None:
    """One row, with its ratio to ours."""
    kib = pss(process)
    print(f"{name:<42} {kib:6} KiB  {kib / total:5.1f}")


if __name__ == "__main__":
    main()
