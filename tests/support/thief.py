"""A process that takes what other processes of its user hold, as long as it lives.

It is started as that user, by any Python: it imports nothing of the tests. A user may do
that with its own processes (pidfd_getfd(2), ptrace(2)). It takes each descriptor that it
sees, keeps it, and writes through it where that is a file. Only processes that work
below the directory of its argument are robbed: that user may run other tests. Its input
tells it to end; it prints what it has had, a line each: how it was opened, what it is.
"""

import ctypes
import fcntl
import os
import select
import stat
import sys

PIDFD_OPEN, PIDFD_GETFD = 434, 438
"""The numbers of the system calls, the same on all architectures but alpha."""
MOST = 12
"""Descriptors of a process that are looked at."""

libc = ctypes.CDLL(None, use_errno=True)


def processes(directory: str) -> list[int]:
    """The other processes of this user that work below a directory."""
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208 (as fast as it can be)
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            if os.stat(f"/proc/{name}").st_uid == os.getuid():  # noqa: PTH116
                work = os.readlink(f"/proc/{name}/cwd")  # noqa: PTH115
                if f"{work}/".startswith(f"{directory}/"):
                    found.append(int(name))
        except OSError:
            continue
    return found


def taken(process: int, seen: set[tuple[int, int, int]]) -> list[int]:
    """Copies of the descriptors of a process that were not seen yet."""
    handle = libc.syscall(PIDFD_OPEN, process, 0)
    if handle < 0:
        return []
    copies = []
    for number in range(MOST):
        copy = libc.syscall(PIDFD_GETFD, handle, number, 0)
        if copy < 0:
            continue
        status = os.fstat(copy)
        identity = (status.st_dev, status.st_ino, fcntl.fcntl(copy, fcntl.F_GETFL))
        if identity in seen:
            os.close(copy)
            continue
        seen.add(identity)
        copies.append(copy)
    os.close(handle)
    return copies


def spoiled(descriptor: int) -> str:
    """Write through a descriptor if it is a file's, lock it, and say what it is."""
    mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if mode != os.O_RDONLY:
            os.pwrite(descriptor, b"EVIL\n", 0)
    path = os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
    return f"{('read', 'write', 'both')[mode]} {path}"


def main(directory: str) -> None:
    """Steal from who works below a directory, until there is something to read, or its other end is closed."""
    seen: set[tuple[int, int, int]] = set()
    loot: list[str] = []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0)[0]:
        for process in processes(directory):
            for descriptor in taken(process, seen):
                try:
                    loot.append(spoiled(descriptor))
                except OSError as error:
                    loot.append(f"error {error}")
    print("\n".join(loot))


if __name__ == "__main__":
    main(sys.argv[1])
