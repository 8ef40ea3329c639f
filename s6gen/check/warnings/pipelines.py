"""Warnings of pipelines that carry nothing."""

import re
from collections.abc import Iterator

from s6gen.check.errors.definitions import at
from s6gen.check.finding import Finding
from s6gen.check.warnings.run_scripts import script_in
from s6gen.sources.script import RunScript, depth
from s6gen.sources.service import Service, exists, read
from s6gen.sources.service_set import ServiceSet


def stdout_redirected(
    _services: ServiceSet, service: Service, _file: str
) -> Iterator[Finding]:
    """A producer's stdout is left to the pipe (s6-rc-compile: Longrun pipelining)."""
    script = script_in(service, "run")
    line = where_stdout_goes(script) if script and service.consumers else 0
    if line:
        yield at(
            service,
            "run",
            f"stdout goes elsewhere, and {service.consumers[0].name} gets nothing; leave "
            "stdout alone, or remove producer-for",
            line,
        )


def where_stdout_goes(script: RunScript) -> int:
    """The line that sends stdout away for good, or 0."""
    if script.is_execline:
        top = [word for word in script.words if depth(word) == 0]
        for place, word in enumerate(top):
            rest = [one.value for one in top[place + 1 : place + 4]]
            if redirects(word.value, rest):
                return word.line
        return 0
    for number, line in script.lines() if script.is_shell else ():
        if re.match(r"\s*exec\s", line) and SENT_AWAY.search(line) and "|" not in line:
            return number
    return 0


def redirects(program: str, arguments: list[str]) -> bool:
    """Whether an execline program with these arguments sends stdout away from the pipe."""
    match (program, *arguments):
        case ["redirfd", option, "1", file]:
            return option.startswith("-") and not file.startswith("/dev/std")
        case ["fdmove", "-c", "1", "2"] | ["fdclose", "1", *_]:
            return True
    return False


SENT_AWAY = re.compile(
    r"(?:^|\s)(?:1?>>?|&>>?)\s*(?!&|/dev/std|/proc/1/|/proc/self/|\()\S"
)


def stderr_not_logged(
    _services: ServiceSet, service: Service, _file: str
) -> Iterator[Finding]:
    """A producer sends its stderr to its stdout, or errors go to the catch-all log."""
    script = script_in(service, "run")
    if script and service.consumers and not script.error and not handles_stderr(script):
        yield at(
            service,
            "run",
            f"stderr does not reach {service.consumers[0].name}; begin with fdmove -c 2 1, or "
            "exec 2>&1 in a shell",
        )


def handles_stderr(script: RunScript) -> bool:
    """Whether the script does anything about stderr."""
    if script.is_execline:
        return any(word.value.strip(" ") == "2" for word in script.words)
    code = "\n".join(line for _, line in script.lines())
    return bool(re.search(r"2>|&>|>&|stderr", code)) or not script.is_shell


def roles_swapped(
    services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """The logger is the consumer (s6-rc-compile: Longrun pipelining)."""
    for reference in service.consumers:
        if (
            service.name == f"{reference.name}-log"
            and reference.name in services.services
        ):
            yield at(
                service,
                file,
                f"the logger writes to {reference.name}; let {reference.name} be the producer, "
                "and this the consumer",
                reference.line,
            )


def logger_without_readiness(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A logger says when it is ready: notification-fd, and s6-log -d (s6-log: Options)."""
    if exists(service.definition, "notification-fd"):
        return
    script = script_in(service, file)
    log = s6_log_line(script) if script else ""
    told = re.search(r"s6-log\s+(?:-\S+\s+)*-[a-z]*d\s*(\d+)", log)
    if told:
        yield at(
            service,
            "notification-fd",
            f"missing, and s6-log -d {told[1]} dies of it; write {told[1]} into it",
        )
    elif log and service.producers:
        yield at(
            service,
            "notification-fd",
            "missing: producers start before the logger is ready; write 3 into it, and give "
            "s6-log -d3",
        )


def s6_log_line(script: RunScript) -> str:
    """The command line of s6-log, if the script calls it."""
    if "s6-log" not in script.text:
        return ""
    code = "\n".join(line for _, line in script.lines())
    found = re.search(r"\bs6-log\b.*", code, re.DOTALL)
    return found[0] if found else ""


def consumer_of_nothing(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """A consumer-for file names a producer (s6-rc-compile: Longrun pipelining)."""
    if not service.producers and isinstance(read(service.definition, file), bytes):
        yield at(service, file, "names no producer; name one, or remove the file")


def pipeline_name_ignored(
    _services: ServiceSet, service: Service, file: str
) -> Iterator[Finding]:
    """Only a last consumer names its pipeline (s6-rc-compile warns of it)."""
    if not service.is_last_consumer and exists(service.definition, file):
        yield at(
            service,
            file,
            "is ignored: this is not the last consumer of a pipeline; move it there",
        )
