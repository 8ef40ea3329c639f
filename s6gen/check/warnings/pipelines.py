"""Warnings of pipelines that carry nothing."""

import re
from collections.abc import Iterator, Sequence

from s6gen.check.finding import Finding, file_finding
from s6gen.check.warnings.run_scripts import script_in
from s6gen.execline import Word
from s6gen.sources.script import RunScript, depth
from s6gen.sources.service import Service, content_of, exists
from s6gen.sources.service_set import ServiceSet


def stdout_redirected(
    _services: ServiceSet, service: Service, _file: str
) -> Iterator[Finding]:
    """A producer's stdout is left to the pipe (s6-rc-compile: Longrun pipelining)."""
    script = script_in(service, "run")
    if script is None or not service.consumers:
        return
    line = line_that_redirects(script)
    if line:
        consumer = service.consumers[0].name
        yield file_finding(
            service,
            "run",
            f"stdout goes elsewhere, and {consumer} gets nothing; "
            "leave stdout alone, or remove producer-for",
            line,
        )


def line_that_redirects(script: RunScript) -> int:
    """The line that sends stdout away for good, or 0."""
    if script.is_execline:
        return execline_line_that_redirects(script.words)
    if script.is_shell:
        return shell_line_that_redirects(script)
    return 0


def execline_line_that_redirects(words: Sequence[Word]) -> int:
    """The line of a program outside of blocks that sends stdout away, or 0."""
    outside = [word for word in words if depth(word) == 0]
    for index, word in enumerate(outside):
        arguments = [argument.value for argument in outside[index + 1 : index + 4]]
        if redirects_stdout(word.value, arguments):
            return word.line
    return 0


def shell_line_that_redirects(script: RunScript) -> int:
    """The line with an exec that sends stdout away, or 0."""
    for number, line in script.lines():
        has_exec = re.match(r"\s*exec\s", line)
        if has_exec and SENT_AWAY.search(line) and "|" not in line:
            return number
    return 0


def redirects_stdout(program: str, arguments: list[str]) -> bool:
    """Tell whether an execline program with these arguments sends stdout elsewhere."""
    match (program, *arguments):
        case ["redirfd", option, "1", file]:
            return option.startswith("-") and not file.startswith("/dev/std")
        case ["fdmove", "-c", "1", "2"] | ["fdclose", "1", *_]:
            return True
    return False


SENT_AWAY = re.compile(
    r"(?:^|\s)(?:1?>>?|&>>?)\s*(?!&|/dev/std|/proc/1/|/proc/self/|\()\S"
)
"""A redirection of stdout in a shell, to a file that is not another descriptor."""


def stderr_not_logged(
    _services: ServiceSet, service: Service, _file: str
) -> Iterator[Finding]:
    """A producer sends its stderr to its stdout, or errors go to the catch-all log."""
    script = script_in(service, "run")
    # A script that does not lex says nothing about stderr.
    if script is None or script.error or not service.consumers:
        return
    if not handles_stderr(script):
        consumer = service.consumers[0].name
        yield file_finding(
            service,
            "run",
            f"stderr does not reach {consumer}; begin with fdmove -c 2 1, or "
            "exec 2>&1 in a shell",
        )


def handles_stderr(script: RunScript) -> bool:
    """Tell whether the script does anything about stderr."""
    if script.is_execline:
        return any(word.value.strip(" ") == "2" for word in script.words)
    if not script.is_shell:
        return True
    return re.search(r"2>|&>|>&|stderr", script.code()) is not None


def roles_swapped(
    services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """The logger is the consumer (s6-rc-compile: Longrun pipelining)."""
    for reference in service.consumers:
        name = reference.name
        if service.name == f"{name}-log" and name in services.services:
            yield file_finding(
                service,
                file,
                f"the logger writes to {name}; let {name} be the producer, "
                "and this the consumer",
                reference.line,
            )


def logger_without_readiness(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A logger says when it is ready (s6-log: Options, -d)."""
    if exists(service.definition, "notification-fd"):
        return
    script = script_in(service, file)
    command = s6_log_command(script) if script else ""
    option = re.search(r"s6-log\s+(?:-\S+\s+)*-[a-z]*d\s*(\d+)", command)
    if option:
        descriptor = option[1]
        if service.definition.is_outside(file):
            descriptor = "N"  # what lies outside of the source is not shown
        yield file_finding(
            service,
            "notification-fd",
            f"missing, and s6-log -d {descriptor} dies of it; "
            f"write {descriptor} into it",
        )
    elif command and service.producers:
        yield file_finding(
            service,
            "notification-fd",
            "missing: producers start before the logger is ready; "
            "write 3 into it, and give s6-log -d3",
        )


LONGEST = 1000
"""Characters of a command line that are looked at: options come first."""


def s6_log_command(script: RunScript) -> str:
    """The command line of s6-log, and all after it; empty if there is none."""
    # Most scripts end here, without the slower search.
    if "s6-log" not in script.text:
        return ""
    command = re.search(r"\bs6-log\b.*", script.code(), re.DOTALL)
    if command is None:
        return ""
    return command[0][:LONGEST]


def consumer_of_nothing(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A consumer-for file names a producer (s6-rc-compile: Longrun pipelining)."""
    is_readable = isinstance(content_of(service.definition, file), bytes)
    if is_readable and not service.producers:
        message = "names no producer; name one, or remove the file"
        yield file_finding(service, file, message)


def pipeline_name_ignored(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """Only a last consumer names its pipeline (s6-rc-compile warns of it)."""
    if exists(service.definition, file) and not service.is_last_consumer:
        yield file_finding(
            service,
            file,
            "is ignored: this is not the last consumer of a pipeline; move it there",
        )
