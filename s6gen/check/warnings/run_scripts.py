"""Warnings of run and finish scripts that cannot be executed, or are not what they seem."""

import re
from collections.abc import Iterator

from s6gen.check.errors.definitions import REMEDIES, at
from s6gen.check.finding import Finding
from s6gen.sources.entries import File
from s6gen.sources.script import RunScript, run_script
from s6gen.sources.service import LONGRUN, Service, number, read
from s6gen.sources.service_set import ServiceSet

ELF = b"\x7fELF"


def script_in(service: Service, file: str) -> RunScript | None:
    """The run or finish script of a longrun; not if that is a program, or absurdly long."""
    entry = service.definition.entries.get(file)
    if service.type != LONGRUN or not isinstance(entry, File):
        return None
    return (
        None
        if entry.cut or entry.content.startswith(ELF)
        else run_script(entry.content)
    )


def no_shebang(file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """A script begins with #!, or it cannot be executed (execve: ENOEXEC)."""
    if not script.shebang.strip():
        yield (
            f"does not begin with #!, so {file} cannot be executed; name its interpreter",
            1,
        )


def interpreter_not_absolute(
    _file: str, script: RunScript
) -> Iterator[tuple[str, int]]:
    """The interpreter is an absolute path: it is not looked for in PATH (execve)."""
    command = script.shebang.split()
    if command and not command[0].startswith(("/", *PLACEHOLDERS)):
        yield (
            f"{command[0]} is not looked for in PATH; write its absolute path after #!",
            1,
        )


PLACEHOLDERS = ("@", "{", "%", "$", "<")
"""What a template's own build replaces."""


def carriage_return(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    r"""The first line has no carriage return, which would belong to the name (execve)."""
    if script.shebang.endswith("\r"):
        yield (
            "the first line ends in a carriage return; save the file with Unix line ends",
            1,
        )


def env_with_arguments(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """Only one name is given to env: Linux passes the rest of the line as one argument (execve)."""
    command = script.shebang.split()
    if (
        len(command) > 2
        and command[0].endswith("/env")
        and not command[1].startswith("-")
    ):
        name = " ".join(command[1:])
        yield (
            f"env looks for a program called {name!r}; write env -S, or an absolute path",
            1,
        )


def script_not_lexed(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """The script is one that execlineb takes (execlineb: Syntax of scripts)."""
    if script.error:
        yield (
            f"{script.error.message}; {REMEDIES[script.error.character]}",
            script.error.line,
        )


def shell_stays(file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """A run script becomes its daemon: signals are sent to it, not to its children."""
    if file != "run" or not script.is_shell:
        return
    code = [line for _, line in script.lines()]
    if code and not any(STAYS_ON_PURPOSE.search(line) for line in code):
        yield (
            "never calls exec, so signals go to the shell; start the daemon with exec",
            0,
        )


STAYS_ON_PURPOSE = re.compile(
    r"\b(exec|trap|wait|while|until|source|sleep infinity|tail -f)\b|^\s*\. "
)


def run_in_background(file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """A run script does not end while its daemon lives, or another is started each second."""
    if file != "run" or not script.is_shell:
        return
    lines = list(script.lines())
    if lines and re.search(r"[^&>|;]&\s*$", lines[-1][1]):
        yield (
            "puts its daemon into the background and ends; use exec without &",
            lines[-1][0],
        )


SCRIPT_WARNINGS = (
    no_shebang,
    interpreter_not_absolute,
    carriage_return,
    env_with_arguments,
    script_not_lexed,
    shell_stays,
    run_in_background,
)


def notification_never_written(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """With notification-fd, something writes to it, or nothing that depends on it ever starts."""
    descriptor = number(read(service.definition, file))
    script = script_in(service, "run")
    if (
        script
        and descriptor is not None
        and descriptor >= 3
        and not may_write(script, descriptor)
    ):
        yield at(
            service,
            file,
            f"nothing in run writes to {descriptor}, so this is never ready; let the daemon "
            "write a newline to it, or remove the file",
        )


def may_write(script: RunScript, descriptor: int) -> bool:
    """Whether the script mentions the descriptor, or a means to notify without it."""
    code = "\n".join(line for _, line in script.lines())
    return bool(re.search(rf"(?<![0-9]){descriptor}(?![0-9])|notif|\$", code))


def script_missing(
    services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A script that up or down names is there, and executable (execve)."""
    words = service.scripts.get(file)
    if not isinstance(words, list) or len(words) != 1:
        return
    path = words[0].value
    owner, name = in_these_sources(services, path)
    if owner is None:
        return
    entry = owner.definition.entries.get(name)
    if entry is None:
        yield at(service, file, f"{path} is not there; create it", words[0].line)
    elif isinstance(entry, File) and not entry.executable:
        yield at(
            service, file, f"{path} is not executable; chmod +x {name}", words[0].line
        )


def in_these_sources(services: ServiceSet, path: str) -> tuple[Service | None, str]:
    """The service whose definition directory an absolute path leads to, and the name in it."""
    parts = path.split("/")
    if len(parts) < 4 or parts[0]:
        return None, ""
    source, directory, name = parts[-3:]
    owner = services.services.get(directory)
    if owner is None or owner.definition.path.split("/")[-2:] != [source, directory]:
        return None, ""
    return owner, name
