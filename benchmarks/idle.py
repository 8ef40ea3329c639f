"""What is held between two runs, and what one costs that finds nothing due.

PSS of the service beside an ACME daemon in Python, and cron; PSS counts a page that n processes
share as 1/n page (proc(5): smaps_rollup). Then the hourly run beside `certbot renew`, in turn, medians.
Needs root, s6, snooze; rows of programs that are not installed are left out.
"""

import contextlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from hourly_run import hourly_run
from support.supervision import argv, under_s6

from s6gen.services.renew_lets_encrypt import RenewLetsEncrypt

ROUNDS = 15
METER = """
import os, sys, time
begin = time.perf_counter()
out = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_WRONLY, 0) for fd in (1, 2)]
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=out)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - begin
print(status, wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
"""
"""Runs a command; a small process of its own, for peak memory counts from the parent's."""
DAEMON = "import acme.client, acme.messages, cryptography.x509, time; time.sleep(600)"


def main() -> None:
    """Print one row for each process, and the sums."""
    with contextlib.ExitStack() as stack:
        scratch = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="s6gen-"))
        )
        scratch.chmod(0o755)
        machine = stack.enter_context(under_s6(parameters(scratch), scratch))
        machine.until(machine.is_waiting, "snooze")
        python = stack.enter_context(running("/usr/bin/python3", "-I", "-c", DAEMON))
        cron = (
            stack.enter_context(running("cron", "-f")) if shutil.which("cron") else None
        )
        time.sleep(3)
        rows = [(name, pss(process)) for name, process in ours(scratch)]
        for name, kib in rows:
            print(f"  {name:<40} {kib:6} KiB")
        total = sum(kib for _, kib in rows)
        print(f"{'s6gen, between two runs':<42} {total:6} KiB    1.0")
        compare("python3 with acme, waiting", python, total)
        if cron:
            compare("cron alone, its certbot not running", cron, total)
    with tempfile.TemporaryDirectory(prefix="s6gen-") as directory:
        command = hourly_run("/usr/bin/python3", Path(directory))
        command[2] = str(Path(directory) / command[2])
        commands = {"an hourly run": command}
        if shutil.which("certbot"):
            commands["certbot renew"] = certbot(Path(directory) / "certbot")
        compare_runs(commands)


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
    for process in sorted(
        Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)
    ):
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


def certbot(directory: Path) -> list[str]:
    """The command that cron calls twice a day, with one certificate that is not due."""
    live, archive = directory / "live/example.org", directory / "archive/example.org"
    for one in (live, archive, directory / "renewal"):
        one.mkdir(parents=True)
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 80"
    make += f" -subj /CN=example.org -keyout {archive}/privkey1.pem -out {archive}/cert1.pem"
    subprocess.run(make.split(), check=True, capture_output=True)
    for name in ("chain1.pem", "fullchain1.pem"):
        shutil.copy(archive / "cert1.pem", archive / name)
    conf = [f"archive_dir = {archive}"]
    for name in ("cert", "privkey", "chain", "fullchain"):
        (live / f"{name}.pem").symlink_to(archive / f"{name}1.pem")
        conf.append(f"{name} = {live}/{name}.pem")
    conf += ["[renewalparams]", "authenticator = standalone", "account = 0"]
    (directory / "renewal/example.org.conf").write_text("\n".join(conf) + "\n")
    where = [f"--{kind}-dir={directory}" for kind in ("config", "work", "logs")]
    return ["certbot", "renew", "--no-random-sleep-on-renew", *where]


def compare_runs(commands: dict[str, list[str]]) -> None:
    """One row for each command: wall and CPU time, peak memory, and the ratios to the first."""
    rows: dict[str, list[list[float]]] = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            rows[name].append(used(command))
    ours: list[float] = []
    for name, runs in rows.items():
        medians = [statistics.median(column) for column in zip(*runs, strict=True)]
        ours = ours or medians
        wall, cpu, mib = medians
        ratios = "  ".join(
            f"{it / one:5.1f}" for it, one in zip(medians, ours, strict=True)
        )
        print(f"{name:<42} {wall:6.3f} s  {cpu:6.3f} s CPU  {mib:5.1f} MiB  {ratios}")


def used(command: list[str]) -> list[float]:
    """Seconds, CPU seconds, peak resident MiB of one run."""
    meter = ["/usr/bin/python3", "-I", "-S", "-c", METER]
    done = subprocess.run([*meter, *command], capture_output=True, check=True)
    status, *found = map(float, done.stdout.split())
    if status:
        raise SystemExit(f"{' '.join(command)}: failed")
    return found


if __name__ == "__main__":
    main()
