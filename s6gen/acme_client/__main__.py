#!/usr/bin/env python3
"""The entry: the hourly run, which mostly finds nothing due, and the way to the rest.

Python compiles this file each time that it is started by its path, so that what the
hourly run does without is imported later, in `main`.
"""

# pathlib is slow to load:
# ruff: noqa: PTH113, PTH116, PTH118, PTH120, PTH123

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` takes four times as long

if __name__ == "__main__":  # `s6-svc -a` must not end a run that has just begun
    _signal.signal(_signal.SIGALRM, _signal.SIG_IGN)

import os
import sys
import time

VERSION = "0.1.0"
OK, TEMPORARY = 0, 111


def main() -> None:
    """Run the command `s6gen-acme`; the process ends with its exit code."""
    # Once more, for the installed command, whose first line is not in this file.
    _signal.signal(_signal.SIGALRM, _signal.SIG_IGN)
    arguments = sys.argv[1:]
    code = OK
    try:
        if not last_run_holds(arguments, time.time()):
            # Not at the top: the hourly run that finds nothing due does without.
            import importlib

            command = importlib.import_module(f"{register_package()}.command")
            code = command.run(arguments, VERSION, fingerprint)
    except KeyboardInterrupt:  # before `command` listens for signals
        code = TEMPORARY
    # All is written. Python would take a tenth of an hourly run to tidy up.
    os._exit(code)


def last_run_holds(arguments: list[str], now: float) -> bool:
    """Tell whether nothing is due, by the first line of FILE.state alone.

    It holds from when on and until when nothing is due, and a fingerprint: if the
    arguments or a file that they name have changed, the line says nothing.
    """
    try:
        with open(f"{file_of(arguments)}.state", encoding="ascii") as state:
            start, end, known = state.readline().rstrip("\n").split(" ", 2)
        if not float(start) <= now < float(end):
            return False
        return known == fingerprint(arguments)
    except (ValueError, OSError):
        return False


def file_of(arguments: list[str]) -> str:
    """The path that --out names, "" without --out: the last one counts."""
    path = ""
    for number, argument in enumerate(arguments):
        if argument.startswith("--out="):
            path = argument[len("--out=") :]
        elif argument == "--out" and number + 1 < len(arguments):
            path = arguments[number + 1]
    return path


def fingerprint(arguments: list[str]) -> str:
    """The version, the arguments, and what changes with each file that they name."""
    parts: list[object] = [VERSION, *arguments]
    for argument in arguments:
        for path in (argument, argument.partition("=")[2]):
            if os.path.isfile(path):
                status = os.stat(path)
                parts.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return ascii(parts)


def register_package() -> str:
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
