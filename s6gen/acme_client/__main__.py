#!/usr/bin/env python3
"""The entry: the hourly run, which mostly finds nothing due, and the way to the rest.

Python compiles this file each time that it is started by its path, so that what the
hourly run does without is imported later, in `main`. It is written so that Python 2.7
can read it: an interpreter that is too old is told so, where a syntax error would name
a line of ours. Hence types stand in comments.
"""

# pathlib is slow to load:
# ruff: noqa: PTH113, PTH116, PTH118, PTH120

try:
    import _signal  # type: ignore[import-not-found]  # `signal` takes four times as long
except ImportError:  # Python 2
    import signal as _signal

if __name__ == "__main__":  # `s6-svc -a` must not end a run that has just begun
    _signal.signal(_signal.SIGALRM, _signal.SIG_IGN)

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (who has 3.11 does not come by here)
    needed = "Python 3.11 or newer is needed, this is " + sys.version.split()[0]
    sys.stderr.write("s6gen-acme: fatal: " + needed + "\n")
    sys.exit(100)

import os
import time

VERSION = "0.1.0"
OK, TEMPORARY = 0, 111
LONGEST_LINE = 1 << 16


def main():
    # type: () -> None
    """Run the command `s6gen-acme`; the process ends with its exit code."""
    # Once more, for the installed command, whose first line is not in this file.
    _signal.signal(_signal.SIGALRM, _signal.SIG_IGN)
    arguments = sys.argv[1:]
    code = OK
    try:
        if not last_run_holds(arguments, time.time()):
            # Not at the top: the hourly run that finds nothing due does without.
            import importlib

            command = importlib.import_module(register_package() + ".command")
            code = command.run(arguments, VERSION, fingerprint)
    except KeyboardInterrupt:  # before `command` listens for signals
        code = TEMPORARY
    # All is written. Python would take a tenth of an hourly run to tidy up.
    os._exit(code)


def last_run_holds(arguments, now):
    # type: (list[str], float) -> bool
    """Tell whether nothing is due, by the first line of FILE.state alone.

    It holds from when on and until when nothing is due, and a fingerprint: if the
    arguments or a file that they name have changed, the line says nothing.
    """
    try:
        # What lies in its place must not hold the run up: a pipe, or a huge file.
        state = os.open(file_of(arguments) + ".state", os.O_RDONLY | os.O_NONBLOCK)
        try:
            line = os.read(state, LONGEST_LINE).partition(b"\n")[0]
        finally:
            os.close(state)
        start, end, known = line.decode("ascii").split(" ", 2)
        if not float(start) <= now < float(end):
            return False
        return known == fingerprint(arguments)
    except (ValueError, OSError):
        return False


def file_of(arguments):
    # type: (list[str]) -> str
    """The path that --out names, "" without --out: the last one counts."""
    path = ""
    for number, argument in enumerate(arguments):
        if argument.startswith("--out="):
            path = argument[len("--out=") :]
        elif argument == "--out" and number + 1 < len(arguments):
            path = arguments[number + 1]
    return path


def fingerprint(arguments):
    # type: (list[str]) -> str
    """The version, the arguments, and what changes with each file that they name."""
    parts = [VERSION]  # type: list[object]
    parts.extend(arguments)
    for argument in arguments:
        for path in (argument, argument.partition("=")[2]):
            if os.path.isfile(path):
                status = os.stat(path)
                parts.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return ascii(parts)


def register_package():
    # type: () -> str
    """Make this package known to Python, if it is not yet; return its name.

    A file that was started by its path belongs to no package. Its directory is taken
    as one, whatever it is called, and sys.path stays as it is: nothing that lies
    beside it is ever imported by mistake.
    """
    if __spec__ and __spec__.parent:  # installed, or started with -m
        return __spec__.parent
    sys.dont_write_bytecode = True  # a service directory stays as it was compiled
    import importlib.util

    name = "s6gen_acme_client"
    directory = os.path.dirname(os.path.realpath(__file__))
    spec = importlib.util.spec_from_file_location(
        name,
        os.path.join(directory, "__init__.py"),
        submodule_search_locations=[directory],
    )
    assert spec
    sys.modules[name] = importlib.util.module_from_spec(spec)
    return name


if __name__ == "__main__":
    main()
