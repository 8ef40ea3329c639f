"""Warnings of scripts that cannot be executed, or are not what they seem."""

import re
from collections.abc import Iterator

from s6gen.check.errors.definitions import REMEDIES
from s6gen.check.finding import Finding, file_finding
from s6gen.sources.entries import RegularFile
from s6gen.sources.script import RunScript, run_script
from s6gen.sources.service import LONGRUN, Service, number, readable_content
from s6gen.sources.service_set import ServiceSet

ELF = b"\x7fELF"


def script_in(service: Service, file: str) -> RunScript | None:
    """The run or finish script of a longrun; no program, and nothing absurdly long."""
    entry = service.definition.entries.get(file)
    if service.type != LONGRUN or not isinstance(entry, RegularFile):
        return None
    if entry.truncated or entry.content.startswith(ELF):
        return None
    return run_script(entry.content)


def no_shebang(file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """A script begins with #!, or it cannot be executed (execve: ENOEXEC)."""
    if script.shebang.strip():
        return
    message = (
        f"does not begin with #!, so {file} cannot be executed; name its interpreter"
    )
    yield message, 1


def interpreter_not_absolute(
    _file: str, script: RunScript
) -> Iterator[tuple[str, int]]:
    """The interpreter is an absolute path: it is not looked for in PATH (execve)."""
    command = script.shebang.split()
    if command and not command[0].startswith(("/", *PLACEHOLDERS)):
        message = (
            f"{command[0]} is not looked for in PATH; write its absolute path after #!"
        )
        yield message, 1


PLACEHOLDERS = ("@", "{", "%", "$", "<")
"""The beginnings of words that a template's own build replaces."""


def carriage_return(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """The first line has no carriage return: it would be part of the name (execve)."""
    if not script.shebang.endswith("\r"):
        return
    message = (
        "the first line ends in a carriage return; save the file with Unix line ends"
    )
    yield message, 1


def env_with_arguments(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """Only one name is given to env.

    Linux passes the rest of the line as one argument (execve).
    """
    command = script.shebang.split()
    if len(command) < 3 or not command[0].endswith("/env"):
        return
    arguments = command[1:]
    # An option may be -S, which takes the rest apart.
    if not arguments[0].startswith("-"):
        name = " ".join(arguments)
        message = (
            f"env looks for a program called {name!r}; "
            "write env -S, or an absolute path"
        )
        yield message, 1


def script_not_lexed(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """An execline script is one that execlineb takes (execlineb: Syntax of scripts)."""
    error = script.error
    if error:
        yield f"{error.message}; {REMEDIES[error.character]}", error.line


def shell_stays(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """A run script becomes its daemon: signals are sent to it, not to its children."""
    if not script.is_shell:
        return
    code = script.code()
    if code and not STAYS_ON_PURPOSE.search(code):
        message = (
            "never calls exec, so signals go to the shell; start the daemon with exec"
        )
        yield message, 0


STAYS_ON_PURPOSE = re.compile(
    r"\b(exec|trap|wait|while|until|source|sleep infinity|tail -f)\b|^\s*\. ",
    re.MULTILINE,
)


def run_in_background(_file: str, script: RunScript) -> Iterator[tuple[str, int]]:
    """A run script ends with its daemon, or another is started each second."""
    if not script.is_shell:
        return
    # If there is nothing but comments, the last line is empty.
    lines = [(0, ""), *script.lines()]
    number, last_line = lines[-1]
    if re.search(r"[^&>|;]&\s*$", last_line):
        message = "puts its daemon into the background and ends; use exec without &"
        yield message, number


def notification_never_written(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A service with notification-fd writes to it, or its dependents never start."""
    descriptor = number(readable_content(service.definition, file))
    # descriptor-too-low reports the first three.
    if descriptor is None or descriptor < 3:
        return
    script = script_in(service, "run")
    if script and not may_write(script, descriptor):
        yield file_finding(
            service,
            file,
            f"nothing in run writes to {descriptor}, so this is never ready; "
            "let the daemon write a newline to it, or remove the file",
        )


def may_write(script: RunScript, descriptor: int) -> bool:
    """Tell whether a script may write to a descriptor, as far as its text shows."""
    pattern = rf"(?<![0-9]){descriptor}(?![0-9])|notif|\$"
    return re.search(pattern, script.code()) is not None


def script_missing(
    services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A script that up or down names exists, and is executable (execve)."""
    words = service.scripts.get(file)
    # A command with arguments is a program of the system.
    if not isinstance(words, list) or len(words) != 1:
        return
    path = words[0].value
    line = words[0].line
    # Of scripts elsewhere on that machine we know nothing.
    owner = owner_of(services, path)
    if owner is None:
        return
    name = path.rpartition("/")[2]
    entry = owner.definition.entries.get(name)
    if entry is None:
        yield file_finding(service, file, f"{path} is not there; create it", line)
    elif isinstance(entry, RegularFile) and not entry.executable:
        message = f"{path} is not executable; chmod +x {name}"
        yield file_finding(service, file, message, line)


def owner_of(services: ServiceSet, path: str) -> Service | None:
    """The service in whose definition directory a file is, if any.

    The path is absolute, on the machine that the sources are for. We know only the last
    two directories of it: the source and the service.
    """
    is_absolute = path.startswith("/")
    directories = path.split("/")[:-1]
    if not is_absolute or len(directories) < 3:
        return None
    owner = services.services.get(directories[-1])
    if owner is None:
        return None
    if owner.definition.path.split("/")[-2:] != directories[-2:]:
        return None
    return owner
